"""Valid inputs for any definition, drawn from its own record: domains, named axes, forms, parameters.

Each form of each tensor, each optional tensor and each parameter is varied once, the others left as they are. What
the definition refuses is dropped; where it refuses everything drawn, its own example is repeated along the batch.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import product
from types import EllipsisType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from lossapi import engine, parameters
from lossapi.binding import bind
from lossapi.codecs.tensors import tensor
from lossapi.definition import Definition, Primitive
from lossapi.domains import BATCH, CLASSES, Array, Spec
from lossapi.engine import Call, Result
from lossapi.plan import Plan
from lossapi.request import as_call
from lossapi.signature import Input

ROWS = 11
SIZES: Mapping[str, int] = {CLASSES: 4, "time": 9, "length": 3, "dim": 5}
OTHER_SIZE = 3

Specs = Mapping[str, Spec]


@dataclass(frozen=True)
class Sample:
    """Tensors and parameters that a definition takes; `title` says what is varied."""

    definition: Definition
    title: str
    tensors: Mapping[str, Array]
    parameters: Mapping[str, Any]

    def call(self, **options: Any) -> Call:
        """The call that computes it."""
        return Call(self.definition, self.tensors, self.parameters, **options)

    def run(self, **options: Any) -> Result:
        """The result of that call."""
        return engine.run(self.call(**options))

    def plan(self, weight: Array | None = None) -> Plan:
        """The call, checked and laid out."""
        assert isinstance(self.definition, Primitive)
        given = parameters.check(self.definition.parameters, self.parameters)
        return bind(self.definition, self.tensors, given, weight)

    @cached_property
    def batch(self) -> int | None:
        """How many independent rows there are."""
        if not isinstance(self.definition, Primitive):
            return min((len(self.tensors[name]) for name in self.cut()), default=None)
        plan = self.plan()
        return plan.shape[0] if plan.shape else plan.batch

    def cut(self) -> frozenset[str]:
        """The tensors whose first axis is the batch."""
        if not isinstance(self.definition, Primitive):
            inputs = [each for each in self.definition.inputs if all(s.batched for s in each.forms.specs)]
            return frozenset(each.name for each in inputs if each.name in self.tensors)
        return frozenset(t.name for t in self.plan().tensors if t.cut and t.name in self.tensors)

    def with_tensors(self, **tensors: Array) -> "Sample":
        """The same with some other tensors."""
        return replace(self, tensors={**self.tensors, **{n: frozen(t) for n, t in tensors.items()}})

    def rows(self, index: Any) -> "Sample":
        """Some rows of the batch alone."""
        return self.with_tensors(**{name: self.tensors[name][index] for name in self.cut()})

    def __str__(self) -> str:
        return f"{self.definition.kind} {self.definition.name}: {self.title}"


def frozen(array: Any) -> Array:
    """An array that cannot be written to."""
    array = np.array(array)
    array.flags.writeable = False
    return array


@cache
def samples(
    definition: Definition, *, rows: int = ROWS, dtype: str = "float64", extreme: bool = False
) -> tuple[Sample, ...]:
    """Every sample that the definition takes; at least one."""
    taken: dict[str, Sample] = {}
    for sample in _drawn(definition, rows, dtype, extreme):
        varied = str(sample.parameters) if sample.parameters else sample.title
        if varied not in taken and _error(sample) is None:  # a parameter is varied in one layout, forms in all
            taken[varied] = sample
    if not taken and "Example" not in definition.document.sections:
        raise next(error for _, error in refused(definition))
    return tuple(taken.values()) or (_example(definition, rows, dtype),)


def batched(definition: Definition, *, rows: int = ROWS, **options: Any) -> tuple[Sample, ...]:
    """The samples of that many independent rows."""
    return tuple(each for each in samples(definition, rows=rows, **options) if each.batch == rows)


def refused(definition: Definition) -> Iterator[tuple[Sample, Exception]]:
    """What is drawn and not taken, with the error."""
    for sample in _drawn(definition, ROWS, "float64", extreme=False):
        if (error := _error(sample)) is not None:
            yield sample, error


def _error(sample: Sample) -> Exception | None:
    try:
        sample.run()
    except Exception as error:
        return error
    return None


def _drawn(definition: Definition, rows: int, dtype: str, extreme: bool) -> Iterator[Sample]:
    seed = zlib.crc32(f"{definition.kind} {definition.name}".encode())
    for layout in _layouts(definition, rows, extreme):
        for title, specs, given in _variations(definition):
            rng = np.random.default_rng(seed)
            tensors = {name: layout.draw(spec, specs, given, rng) for name, spec in specs.items()}
            cast = {name: _cast(tensor, dtype) for name, tensor in tensors.items()}
            yield Sample(definition, f"{title}, {layout}", cast, given)


def _variations(definition: Definition) -> Iterator[tuple[str, Specs, Mapping[str, Any]]]:
    """Which form each tensor has and which parameters are given, with a title."""
    for kind, inputs in _taken_apart(definition):
        required = {each.name: each.forms.specs[0] for each in inputs if not each.optional}
        yield f"as it is{kind}", required, {}
        for specs in _forms(inputs, required):
            yield ", ".join(f"{name} {spec.domain.name} {spec}" for name, spec in specs.items()), specs, {}
        for name, (annotation, default) in definition.fields.items():
            values = [-1] if name in ("class_axis", "axis") else list(_alternatives(annotation, default))
            for value in values:
                if value != default:
                    yield f"{name}={value!r}{kind}", required, {name: value}


def _taken_apart(definition: Definition) -> Iterator[tuple[str, tuple[Input, ...]]]:
    """The inputs; where some are groups of tensors, once for each kind of group, its members by themselves."""
    kinds = next((each.family.kinds for each in definition.inputs if each.family), None)
    if kinds is None:
        yield "", definition.inputs
        return
    for kind, members in kinds:
        apart = [
            [Input(f"{each.name}.{kind}.{name}", forms) for name, forms in members.items()] if each.family else [each]
            for each in definition.inputs
        ]
        yield f", {kind} of {' and '.join(members)}", tuple(each for some in apart for each in some)


def _forms(inputs: tuple[Input, ...], required: Specs) -> Iterator[Specs]:
    """Each form of each tensor, alone and with tensors of like forms; optional ones singly and all together."""
    for each in inputs:
        for spec in each.forms.specs if each.optional else each.forms.specs[1:]:
            specs = {**required, each.name: spec}
            yield specs
            following = {other.name: _alike(other, spec) or specs.get(other.name) for other in inputs}
            alike = {name: following[name] or spec for name, spec in specs.items()}
            if alike != specs:
                yield alike
    everything = {each.name: each.forms.specs[0] for each in inputs}
    if everything != required:
        yield everything


def _alike(each: Input, spec: Spec) -> Spec | None:
    return next((form for form in each.forms.specs if form.axes == spec.axes), None)


@dataclass(frozen=True)
class Layout:
    """The sizes of the axes, the number of labels where no axis says it, and whether values lie at the ends."""

    rows: int
    trailing: tuple[int, ...]
    labels: int
    extreme: bool

    def __str__(self) -> str:
        return f"*axes {self.trailing}, {self.labels} labels" + (", extreme" if self.extreme else "")

    def shape(self, spec: Spec) -> tuple[int, ...]:
        """The shape that named axes have here."""
        sizes = {BATCH: self.rows, **SIZES}
        each = [self.trailing if a[0] == "*" else (sizes.get(a, OTHER_SIZE),) for a in spec.axes]
        return tuple(n for size in each for n in size)

    def draw(self, spec: Spec, specs: Specs, given: Mapping[str, Any], rng: np.random.Generator) -> Array:
        """Values of one tensor, its classes where `class_axis` says."""
        labels = SIZES[CLASSES] if any(CLASSES in each.axes for each in specs.values()) else self.labels
        values = self._values(spec, spec.domain.bounds(given, {CLASSES: labels}), labels, rng)
        if "class_axis" in given and {BATCH, CLASSES} <= set(spec.axes):
            return np.moveaxis(values, spec.axes.index(CLASSES), given["class_axis"])
        return values

    def _values(self, spec: Spec, bounds: Any, labels: int, rng: np.random.Generator) -> Array:
        """Values inside the domain; extreme ones at its ends, far out, and in ties."""
        domain, shape, (low, high) = spec.domain, self.shape(spec), bounds
        if domain.values:
            return rng.choice(np.array(domain.values), shape).astype("int64" if domain.kind == "label" else "float64")
        if domain.kind == "label":
            return rng.integers(0, labels, shape)
        if (low, high) == (0, 1):
            return self._probabilities(spec, rng)
        if domain.name == "log_probability":
            return np.log(replace(self, extreme=False)._probabilities(spec, rng))
        spread = rng.choice([-200.0, 0.0, 1.0, 200.0], shape) if self.extreme else 2.0 * rng.normal(size=shape)
        return spread if low is None and high is None else np.clip(np.abs(spread) + (low or 0.0), low, high)

    def _probabilities(self, spec: Spec, rng: np.random.Generator) -> Array:
        """Each by itself, or summing to 1 over the classes."""
        shape = self.shape(spec)
        values = rng.choice([0.0, 0.5, 1.0], shape) if self.extreme else rng.uniform(0.05, 0.95, shape)
        if CLASSES not in spec.axes:
            return values
        total = values.sum(axis=spec.axes.index(CLASSES), keepdims=True)
        return np.where(total == 0, 1.0 / SIZES[CLASSES], values / np.where(total == 0, 1.0, total))


def _layouts(definition: Definition, rows: int, extreme: bool) -> Iterator[Layout]:
    specs = [spec for each in definition.inputs if not each.optional for spec in each.forms.specs[:1]]
    unbound = not any(CLASSES in spec.axes for spec in specs) and any(s.domain.kind == "label" for s in specs)
    for trailing, labels in product(((3,), ()), (3, 2) if unbound else (3,)):
        yield Layout(rows, trailing, labels, extreme)


def _alternatives(annotation: Any, default: Any) -> Iterator[Any]:
    """A few values that an annotation allows."""
    kind = get_origin(annotation)
    if kind in (Union, UnionType):
        for each in get_args(annotation):
            yield from () if each is NoneType else _alternatives(each, None)
    elif kind is Literal:
        yield from get_args(annotation)
    elif kind is Annotated:
        yield from _within(*get_args(annotation), default=default)
    elif annotation is bool:
        yield not default
    elif annotation in (int, float):
        yield from _within(annotation, default=default)


def _within(kind: Any, *bounds: Any, default: Any) -> Iterator[Any]:
    """A few numbers inside inclusive or exclusive bounds."""
    low: Any = next((b.ge if isinstance(b, Ge) else b.gt for b in bounds if isinstance(b, Ge | Gt)), None)
    high: Any = next((b.le if isinstance(b, Le) else b.lt for b in bounds if isinstance(b, Le | Lt)), None)
    if kind is int:
        yield from (1, 2) if low is None or low < 1 else (low + 1, low + 2)
    elif low is not None and high is not None:
        yield low + 0.3 * (high - low)
    elif high is not None:
        yield from (high - 0.4, high - 3.0)
    else:
        yield 1.75 if isinstance(default, NoneType | EllipsisType) else default * 1.5 + 0.25


def _example(definition: Definition, rows: int, dtype: str) -> Sample:
    """The example of the docstring, its rows repeated where they are independent."""
    request, _ = definition.document.example
    call = as_call(definition, {k: tensor(v) if k in definition.input_names else v for k, v in request.items()})
    tensors = {name: _cast(tensor, dtype) for name, tensor in call.tensors.items()}
    sample = Sample(definition, "its example", tensors, call.parameters)
    return sample.rows(np.arange(rows) % sample.batch) if sample.batch else sample


def _cast(array: Array, dtype: str) -> Array:
    return frozen(array.astype(dtype) if array.dtype.kind == "f" else array)
