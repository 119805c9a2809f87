"""States that travel: a small JSON object that any language can store, send and bring together with others.

    {"version": 1, "kind": "metric", "name": "r2", "parameters": {…}, "form": "Moments", "content": {…}}

It says what it is a state of, so that two are only merged where that is lawful. Arrays are base64 with dtype and
shape, so that nothing is lost; where a reading takes tensors of its own, such as class weights, they come along.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, get_args, get_origin

import numpy as np
import pybase64

from lossapi import readings, registry
from lossapi.chunks import added
from lossapi.codecs.tensors import tensor, to_bytes
from lossapi.definition import Definition, Primitive
from lossapi.errors import Conflict, LossError, ParameterError, Unsupported
from lossapi.parameters import check
from lossapi.plan import Bound, Plan
from lossapi.states import State, Sums, Totals
from lossapi.taking import cast

VERSION = 1
KEYS = ("version", "kind", "name", "parameters", "reduction", "tensors", "form", "content")
NUMBERS = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


@dataclass(frozen=True)
class Portable:
    """A state and what it is a state of: enough to merge and to read it."""

    definition: Primitive
    parameters: Mapping[str, Any]
    reduction: str
    tensors: tuple[Bound, ...]
    state: Any
    shape: None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that the tensors of the reading are in."""
        return self.tensors[0].array.dtype if self.tensors else np.dtype(np.float64)

    @np.errstate(all="ignore")
    def read(self) -> tuple[Any, int]:
        """The value and how many rows or elements entered."""
        with _blamed(self.definition):
            return readings.read(self, self.state, self.reduction, None)

    def packed(self) -> dict[str, Any]:
        """The same as plain data."""
        return {**self.head(), **self.body()}

    def head(self) -> dict[str, Any]:
        """What it is a state of, as plain data."""
        own = {bound.name: bound.array for bound in self.tensors}
        return {
            "version": VERSION,
            "kind": self.definition.kind,
            "name": self.definition.name,
            "parameters": plain(self.parameters),
            **({"reduction": self.reduction} if self.definition.kind == "loss" else {}),
            **({"tensors": plain(own)} if own else {}),
        }

    def body(self) -> dict[str, Any]:
        """The state itself, as plain data."""
        content = {each.name: getattr(self.state, each.name) for each in fields(self.state)}
        return {"form": type(self.state).__name__, "content": plain(content)}


def require_mergeable(definition: Definition, reduction: str, *, cut: bool) -> None:
    """Raise where two states would not add up to the state of the whole."""
    if not cut:
        raise Unsupported("a loss or metric whose rows do not see each other", definition.name, ("return",))
    if reduction == "none":
        raise Unsupported("a state of one value", "reduction none, which keeps every row", ("return",))


def of(plan: Plan, reduction: str, state: State) -> Portable:
    """The state of a computation, that can be merged with others."""
    require_mergeable(plan.definition, reduction, cut=plan.batch is not None)
    return readable(plan, reduction, state)


def readable(plan: Plan, reduction: str, state: State) -> Portable:
    """The state of a computation, and what it is read by."""
    taken = {each.name for each in plan.definition.reading_inputs}
    own = tuple(b._replace(array=cast(plan, b, b.array)) for b in plan.tensors if b.name in taken)
    return Portable(plan.definition, plan.parameters, reduction, own, state)


def merge(parts: Sequence[Portable]) -> Portable:
    """Several states of one definition as one, in order."""
    first = parts[0]
    require_alike(parts)
    with _blamed(first.definition):
        state = added(each.state for each in parts)
    return Portable(first.definition, first.parameters, first.reduction, first.tensors, state)


def require_alike(parts: Sequence[Portable]) -> None:
    """Raise where some are not states of the same."""
    first = parts[0]
    for index, each in enumerate(parts[1:], 1):
        got = _unlike(first, each)
        if got is not None:
            raise Conflict(f"states of one {first.definition.kind} under the same parameters", got, (index,))


@contextmanager
def _blamed(definition: Definition) -> Iterator[None]:
    """What merging or reading finds impossible is the fault of a state that came from outside."""
    try:
        yield
    except LossError:
        raise
    except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError) as error:
        raise ParameterError(f"a state that {definition.name} gives", str(error), ("content",)) from None


def _unlike(one: Portable, two: Portable) -> str | None:
    """In what two states are unlike, if in anything."""
    for name in ("definition", "parameters", "reduction"):
        mine, theirs = plain(getattr(one, name)), plain(getattr(two, name))
        if mine != theirs:
            return f"{name} {theirs.name if name == 'definition' else theirs}"
    for mine, theirs in zip(one.tensors, two.tensors, strict=True):
        if not np.array_equal(mine.array, theirs.array):
            return f"another {theirs.name}"
    if not alike(one.state, two.state):
        return "a content of other shapes"
    return None


def alike(one: Any, two: Any) -> bool:
    """Whether two contents have the same names and shapes, so that adding them broadcasts nothing."""
    if is_dataclass(one):
        grows = getattr(type(one), "grows", False)
        pairs = [(getattr(one, each.name), getattr(two, each.name)) for each in fields(one)]
        return all(a.ndim == b.ndim if grows and isinstance(a, np.ndarray) else alike(a, b) for a, b in pairs)
    if isinstance(one, Mapping):
        return one.keys() == two.keys() and all(alike(one[key], two[key]) for key in one)
    return isinstance(one, tuple) or np.shape(one) == np.shape(two)


def plain(value: Any) -> Any:
    """An array, number or collection of them as plain data."""
    if isinstance(value, np.ndarray):
        data = pybase64.b64encode_as_string(to_bytes(value))
        return {"dtype": value.dtype.name, "shape": list(value.shape), "data": data}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def unpack(value: Any, like: Portable | None = None) -> Portable:
    """The state that plain data stands for; every fault is placed within it.

    Where the same content was read before, `like` has it.
    """
    if not isinstance(value, Mapping):
        raise ParameterError("a state, as an object", type(value).__name__)
    unknown = next((key for key in value if key not in KEYS), None)
    missing = next((key for key in ("version", "kind", "name", "form", "content") if key not in value), None)
    if unknown is not None or missing is not None:
        got = f"unknown key {unknown!r}" if unknown is not None else f"no {missing}"
        raise ParameterError("a state with " + ", ".join(KEYS), got, () if unknown is None else (unknown,))
    if value["version"] != VERSION:
        raise ParameterError(f"version {VERSION}", repr(value["version"]), ("version",))
    definition = _definition(value["kind"], value["name"])
    parameters = _within(("parameters",), check, definition.parameters, _mapping(value, "parameters"))
    reduction = value.get("reduction") or definition.default_reduction
    if definition.kind == "loss" and reduction not in definition.reductions:
        raise ParameterError(f"a reduction of {definition.name}", repr(reduction), ("reduction",))
    require_mergeable(definition, reduction, cut=definition.merges(parameters))
    tensors = _reading_tensors(definition, _mapping(value, "tensors"))
    state = _content(definition, parameters, value, None if like is None else like.state)
    return Portable(definition, parameters, reduction, tensors, state)


def _definition(kind: Any, name: Any) -> Primitive:
    if kind not in registry.PLURAL:
        raise ParameterError(f"kind to be one of {', '.join(registry.PLURAL)}", repr(kind), ("kind",))
    if not isinstance(name, str):
        raise ParameterError("a name", repr(name), ("name",))
    definition = _within(("name",), registry.get, kind, name)
    if not isinstance(definition, Primitive):
        raise Unsupported("a loss or metric with a state of its own", definition.name, ("name",))
    return definition


def _mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key) or {}
    if not isinstance(found, Mapping):
        raise ParameterError(f"{key} as an object", type(found).__name__, (key,))
    return found


def _within(place: tuple[str | int, ...], function: Any, *arguments: Any) -> Any:
    """A call whose faults are placed there."""
    try:
        return function(*arguments)
    except LossError as error:
        raise error.within(*place) from None


def _reading_tensors(definition: Primitive, given: Mapping[str, Any]) -> tuple[Bound, ...]:
    found = []
    for each in definition.reading_inputs:
        if each.name in given:
            array = _within(("tensors", each.name), tensor, given[each.name])
            found.append(Bound(each.name, each.forms.specs[0], array, array))
    return tuple(found)


def _content(
    definition: Primitive, parameters: Mapping[str, Any], value: Mapping[str, Any], known: State | None
) -> State:
    """The state itself: of the kind that the definition has, with fields of the right types; perhaps known already."""
    expected = {kind.__name__: kind for kind in state_kinds(definition, parameters)}
    form, content = expected.get(str(value["form"])), _mapping(value, "content")
    if form is None:
        forms = " or ".join(expected)
        raise ParameterError(f"{definition.name} to have a state of the form {forms}", repr(value["form"]), ("form",))
    if known is not None:
        return known
    names = [each.name for each in fields(form)]
    if set(content) != set(names):
        raise ParameterError(f"content with {', '.join(names)}", ", ".join(content) or "nothing", ("content",))
    given = {f.name: _within(("content", f.name), _unpacked, content[f.name], f.type) for f in fields(form)}
    for each in fields(form):
        if not _has_type(given[each.name], each.type):
            got = type(given[each.name]).__name__
            raise ParameterError(f"{each.name} of its own type", got, ("content", each.name))
    found: State = form(**given)
    return found


def state_kinds(definition: Primitive, parameters: Mapping[str, Any]) -> set[Any]:
    """Which kinds of state a definition has under some parameters."""
    kinds: set[Any] = set()
    for mapping in definition.maps_for(parameters):
        if mapping.gives == "state":
            kinds.update(get_args(mapping.output) or (mapping.output,))
        else:
            kinds.add(Totals if mapping.gives == "rows" or definition.for_rows(parameters) else Sums)
    return kinds


def _unpacked(value: Any, annotation: Any) -> Any:
    """Plain data as what a field holds: numbers, arrays (annotated as `Any`), or several of them."""
    inner = get_args(annotation)[:2][-1:]
    if isinstance(value, Mapping) and "dtype" in value:
        return tensor(dict(value))
    if isinstance(value, Mapping):
        return {str(name): _within((name,), _unpacked, each, *inner or (None,)) for name, each in value.items()}
    if isinstance(value, list):
        return tuple(_within((index,), _unpacked, each, *inner or (None,)) for index, each in enumerate(value))
    number = NUMBERS.get(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ParameterError("a number, a tensor or an object of them", repr(value)[:60])
    return np.asarray(number, np.float64) if annotation is Any else number


def _has_type(value: Any, annotation: Any) -> bool:
    """Whether a value is of a field's annotated type."""
    kinds = {int: int | float, float: int | float, Any: np.ndarray}  # counts of rows that fade are fractions
    if get_origin(annotation) is tuple:
        return isinstance(value, tuple) and all(isinstance(each, np.ndarray) for each in value)
    if get_origin(annotation) is not None:
        return isinstance(value, Mapping) and all(_has_type(each, get_args(annotation)[1]) for each in value.values())
    return isinstance(value, kinds[annotation])
