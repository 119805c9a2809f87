"""What can be wrong with a request to a stream alone."""

from lossapi.errors import Invalid, UnknownName


class KeyReused(Invalid):
    """An Idempotency-Key that was used before, with another payload."""

    code, title = "idempotency", "Idempotency-Key reused"


def gone(identity: str) -> UnknownName:
    """No such stream, or no more."""
    return UnknownName("the id of a stream (GET /v1/streams lists them)", repr(identity[:80]))


def reused(name: str) -> KeyReused:
    """A key that stands for something else."""
    return KeyReused("an Idempotency-Key for each payload", f"{name!r} with another payload")
