"""What a query of Grafana's JSON data source says, and which series it is about; keys that say more are passed over."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from lossapi.errors import ParameterError, Unsupported
from service.dashboards.series import called
from service.streams.endpoints import POINTS
from service.streams.requests import MOST_POINTS, read_time
from service.streams.stream import Head, Stream

OPERATORS = {"=": True, "!=": False}
OVER_TIME, TABLE = ("timeserie", "timeseries"), "table"


class Target(NamedTuple):
    """One line of a panel: which series, over time or as a table, and what ties the answer to the line."""

    pattern: str
    table: bool
    more: Mapping[str, Any]

    def means(self, head: Head, label: str) -> bool:
        """Whether a series is meant: by its stream's name or id."""
        names = (called(head), head.plain["id"])
        return any(fnmatchcase(f"{name}/{label}", self.pattern) for name in names)

    def means_any(self, head: Head) -> bool:
        """Whether some series of a stream is meant."""
        return any(self.means(head, item.label) for item in head.items)


class Query(NamedTuple):
    """Targets over a span of time, in so many points, of streams whose labels are (or are not) some value."""

    targets: Sequence[Target]
    start: float | None
    end: float | None
    points: int
    filters: Sequence[tuple[str, bool, str]]

    def passes(self, head: Head) -> bool:
        """Whether a stream's labels are as the filters want them."""
        labels = head.plain["labels"]
        return all((labels.get(key) == value) == wanted for key, wanted, value in self.filters)


def read_query(body: Mapping[str, Any]) -> Query:
    """The query of a body; faults are placed in it."""
    span = _object(body.get("range"), "range")
    start, end = (_moment(span.get(name), name) for name in ("from", "to"))
    points = body.get("maxDataPoints", POINTS)
    if isinstance(points, bool) or not isinstance(points, int | float) or points < 1:
        raise ParameterError("maxDataPoints, a number from 1", repr(points)[:60], ("maxDataPoints",))
    return Query(list(_targets(body)), start, end, int(min(points, MOST_POINTS)), list(_filters(body)))


def _moment(value: Any, name: str) -> float | None:
    try:
        return read_time(name, value)
    except ParameterError as error:
        raise error.within("range") from None


def _targets(body: Mapping[str, Any]) -> Iterator[Target]:
    for index, given in enumerate(_list(body, "targets")):
        each = _object(given, "targets", index)
        if each.get("hide") is True or not each.get("target"):
            continue
        pattern, kind = each["target"], each.get("type") or OVER_TIME[0]
        if not isinstance(pattern, str):
            raise ParameterError(
                "target, a text such as stream/series", repr(pattern)[:60], ("targets", index, "target")
            )
        if kind not in (*OVER_TIME, TABLE):
            raise ParameterError("type to be timeserie or table", repr(kind)[:60], ("targets", index, "type"))
        yield Target(pattern, kind == TABLE, {"refId": each["refId"]} if "refId" in each else {})


def _filters(body: Mapping[str, Any]) -> Iterator[tuple[str, bool, str]]:
    for index, given in enumerate(_list(body, "adhocFilters")):
        each = _object(given, "adhocFilters", index)
        operator = each.get("operator", "=")
        if operator not in OPERATORS:
            raise Unsupported("operator = or !=", repr(operator)[:60], ("adhocFilters", index, "operator"))
        yield str(each.get("key")), OPERATORS[operator], str(each.get("value"))


def _object(value: Any, *where: str | int) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise ParameterError("an object", repr(value)[:60], where)
    return value or {}


def _list(body: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise ParameterError(f"{name} as a list", repr(value)[:60], (name,))
    return value or []


def over_time(query: Query, target: Target, streams: Sequence[Stream]) -> Iterator[dict[str, Any]]:
    """The series that a target means, as pairs of value and time; those that share a name are told apart by id."""
    names = [called(stream.head) for stream in streams]
    for stream, name in zip(streams, names, strict=True):
        points = stream.history.between(query.start, query.end, query.points)
        apart = f" ({stream.head.plain['id']})" if names.count(name) > 1 else ""
        for index, item in enumerate(stream.head.items):
            if target.means(stream.head, item.label):
                pairs = [[values[index], time] for time, values in points]
                yield {"target": f"{name}/{item.label}{apart}", "datapoints": pairs, **target.more}


def text_of(value: Any, name: str) -> str:
    """A text in an object; nothing where there is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""


def unique(values: Iterable[str]) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(values))
