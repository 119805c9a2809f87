"""POST /v1/states/merge: states that were returned earlier, as one, and its value."""

from typing import Any

from lossapi import portable
from lossapi.errors import LossError, ParameterError, UnknownKey, nearest, placed_at
from lossapi.evaluation import panel, portable_panel
from service.errors import described

KEYS = ("states",)


def merge(given: dict[str, Any]) -> dict[str, Any]:
    """The merged state, its value and its count."""
    unknown = next((key for key in given if key not in KEYS), None)
    if unknown is not None:
        raise UnknownKey(nearest(unknown, KEYS), f"unknown key {unknown!r}", (unknown,))
    listed = given.get("states")
    if not isinstance(listed, list) or not listed:
        raise ParameterError("states, a list of at least one", repr(listed)[:60], ("states",))
    if any(map(portable_panel.is_panel, listed)):
        return _merged_panels(listed)
    try:
        whole = portable.merge([_at(index, each) for index, each in enumerate(listed)])
    except LossError as error:
        raise error.within("states") from None
    value, count = whole.read()
    return {"name": whole.definition.name, "value": value, "count": count, "state": whole.packed()}


def _merged_panels(listed: list[Any]) -> dict[str, Any]:
    """States of whole evaluations: what every item comes to."""
    panels = []
    for index, each in enumerate(listed):
        with placed_at("states", index):
            panels.append(portable_panel.unpack(each))
    with placed_at("states"):
        whole = panel.merge(panels)
        state = portable_panel.pack(whole)
    return {"results": [each.plain(described) for each in panel.read(whole)], "state": state}


def _at(index: int, value: Any) -> portable.Portable:
    try:
        return portable.unpack(value)
    except LossError as error:
        raise error.within(index) from None
