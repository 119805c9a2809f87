"""Where streams live, by the address of the setting `store`."""

from service.stores.memory import Memory
from service.stores.sqlite import Sqlite
from service.stores.store import Store, Unavailable

MEMORY, SQLITE, REDIS = "memory://", "sqlite:///", "redis://"
KINDS = (f"{SQLITE}path/to/file.db", f"{REDIS}host:port/db", MEMORY)


def require_address(address: str) -> None:
    """Refuse what is no address of a store."""
    file = address.startswith(SQLITE) and len(address) > len(SQLITE)
    if not file and address != MEMORY and not address.startswith((REDIS, "rediss://")):
        raise Unavailable(f"expected {', '.join(KINDS)}, got {address!r}")


def open_store(address: str) -> Store:
    """The store at an address: `sqlite:///path/to/file.db`, `redis://host:port/db` or `memory://`."""
    require_address(address)
    if address == MEMORY:
        return Memory()
    return Sqlite(address.removeprefix(SQLITE)) if address.startswith(SQLITE) else _redis(address)


def _redis(address: str) -> Store:
    try:
        from service.stores.redis import Redis
    except ModuleNotFoundError as error:
        raise Unavailable(f"{error.name} is not installed: pip install 'lossapi[redis]'") from None
    return Redis(address)
