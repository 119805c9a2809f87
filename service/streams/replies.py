"""What streams answer, as plain data."""

from collections.abc import Sequence
from typing import Any

from lossapi.evaluation.panel import Outcome
from service.errors import described
from service.streams.stream import Stream


def shown(stream: Stream, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """A stream and its values."""
    head = stream.head.plain
    return {
        **{name: head[name] for name in ("id", "name", "labels", "created")},
        "updated": stream.updated,
        "ttl": head["ttl"],
        "window": head["window"],
        "count": stream.count,
        "batches": stream.batches,
        "results": [each.plain(described) for each in outcomes],
    }


def history(stream: Stream, start: float | None, end: float | None, points: int) -> dict[str, Any]:
    """The values over time of every item."""
    found = stream.history.between(start, end, points)
    series = [
        {**item.shown, "points": [[time, values[index]] for time, values in found]}
        for index, item in enumerate(stream.head.items)
    ]
    return {"id": stream.head.plain["id"], "series": series}
