"""POST /v1/states/merge: states that were returned earlier, as one, and its value."""

from typing import Any

from lossapi import portable
from lossapi.errors import LossError, ParameterError, UnknownKey, nearest

KEYS = ("states",)


def merge(given: dict[str, Any]) -> dict[str, Any]:
    """The merged state, its value and its count."""
    unknown = next((key for key in given if key not in KEYS), None)
    if unknown is not None:
        raise UnknownKey(nearest(unknown, KEYS), f"unknown key {unknown!r}", (unknown,))
    listed = given.get("states")
    if not isinstance(listed, list) or not listed:
        raise ParameterError("states, a list of at least one", repr(listed)[:60], ("states",))
    try:
        whole = portable.merge([_at(index, each) for index, each in enumerate(listed)])
    except LossError as error:
        raise error.within("states") from None
    value, count = whole.read()
    return {"name": whole.definition.name, "value": value, "count": count, "state": whole.packed()}


def _at(index: int, value: Any) -> portable.Portable:
    try:
        return portable.unpack(value)
    except LossError as error:
        raise error.within(index) from None
