"""@loss and @metric: a function's signature and docstring, read once into a frozen record.

A definition made `of=` a map is a *reading*: its first argument is what the map's sums came to. One made of several
maps takes the first whose axes its tensors have: one set, say, or a class axis more.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel

from lossapi.document import Document, read_document
from lossapi.domains import CLASSES
from lossapi.libraries.presets import Preset
from lossapi.parameters import Field, Integer, Reduction, model, read_parameters
from lossapi.signature import Function, Input, Map, merged_inputs, read_map

Kind = Literal["loss", "metric"]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True)
class RowMode:
    """When a reading is taken row by row and averaged, rather than once over everything; perhaps of another map."""

    when: Callable[[Mapping[str, Any]], bool]
    map: Map | None


@dataclass(frozen=True, eq=False)
class Definition(ABC):
    """A loss or a metric: everything that can be served, exported or tested about it follows from this record."""

    name: str
    kind: Kind
    family: str
    document: Document
    like: tuple[Preset, ...]
    default_reduction: str

    @property
    @abstractmethod
    def inputs(self) -> tuple[Input, ...]:
        """Its tensors, in order."""

    @property
    @abstractmethod
    def fields(self) -> Mapping[str, Field]:
        """Its parameters."""

    @property
    @abstractmethod
    def differentiable(self) -> bool:
        """Whether its value has a derivative by real inputs."""

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """The names of its tensors, in order."""
        return tuple(each.name for each in self.inputs)

    @cached_property
    def grouped(self) -> bool:
        """Whether some of its tensors come as groups under one name."""
        return any(each.family is not None for each in self.inputs)

    @cached_property
    def parameters(self) -> type[BaseModel]:
        """The parameters as a pydantic model, their documentation included."""
        return model(f"{self.name}_parameters", self.fields)

    @property
    def reductions(self) -> tuple[str, ...]:
        """The reductions a request may ask for; a metric has its own way to come to one number."""
        return get_args(Reduction) if self.kind == "loss" else ()


@dataclass(frozen=True, eq=False)
class Primitive(Definition):
    """A definition by a map of its own, or by a reading of one or more."""

    map: Map
    reading: Function | None
    row_mode: RowMode | None
    extra: Mapping[str, Field]
    others: tuple[Map, ...] = ()

    @cached_property
    def maps(self) -> tuple[Map, ...]:
        """Its maps, in order of preference."""
        return (self.map, *self.others)

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """Its tensors, in order: those of its maps, then those of the reading alone."""
        return merged_inputs(each for mapping in self.maps for each in mapping.public) + self.reading_inputs

    @cached_property
    def reading_inputs(self) -> tuple[Input, ...]:
        """Tensors that only the reading takes, such as one weight per class."""
        return read_map(self.reading).inputs[1:] if self.reading else ()

    @cached_property
    def bound_names(self) -> frozenset[str]:
        """The names of all tensors that its maps and its reading take."""
        return frozenset(each.name for mapping in self.maps for each in mapping.inputs + self.reading_inputs)

    def bound_in_order(self, mapping: Map) -> tuple[Input, ...]:
        """A map's tensors and the reading's, those of fewest forms first: they say what the axes of the others are."""
        return self._orders.get(mapping.function) or self._ordered(mapping)

    @cached_property
    def _orders(self) -> dict[Function, tuple[Input, ...]]:
        return {}

    def _ordered(self, mapping: Map) -> tuple[Input, ...]:
        every = sorted(mapping.inputs + self.reading_inputs, key=lambda each: len(each.forms.specs))
        return self._orders.setdefault(mapping.function, tuple(every))

    @cached_property
    def reading_parameters(self) -> Mapping[str, Field]:
        """The parameters that the reading takes."""
        return read_parameters(self.reading) if self.reading else {}

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Every parameter: the map's, the reading's, and those that its axes and domains bring."""
        brought: dict[str, Field] = {}
        specs = [spec for each in self.inputs for spec in each.forms.specs]
        if any(spec.axes[1:2] == (CLASSES,) for spec in specs):
            brought["class_axis"] = (int, 1)
        if any(spec.domain.name == "label" for spec in specs):
            brought["ignore_index"] = (Integer | None, None)
        own = {name: field for mapping in self.maps for name, field in mapping.parameters.items()}
        return {**own, **brought, **self.extra, **self.reading_parameters}

    @property
    def differentiable(self) -> bool:
        """Whether its value has a derivative by real inputs; what is kept as a state of another kind has none."""
        every = (each for mapping in self.maps for each in mapping.inputs)
        real = any(spec.domain.kind == "real" for each in every for spec in each.forms.specs)
        return real and all(each.gives != "state" for each in self.maps)

    def for_rows(self, parameters: Mapping[str, Any]) -> bool:
        """Whether the value is a reduction of rows (else one reading of the whole)."""
        if self.row_mode is not None:
            return self.row_mode.when(parameters)
        return self.map.gives == "rows" and self.reading is None

    def merges(self, parameters: Mapping[str, Any]) -> bool:
        """Whether its rows are independent, so that the states of parts add up to the state of the whole."""
        every = (each for mapping in self.maps_for(parameters) for each in mapping.inputs)
        return any(spec.batched for each in every for spec in each.forms.specs)

    def maps_for(self, parameters: Mapping[str, Any]) -> tuple[Map, ...]:
        """The maps in force under these parameters; an average over classes needs one with a class axis."""
        if self.row_mode is not None and self.row_mode.map is not None and self.row_mode.when(parameters):
            return (self.row_mode.map,)
        average = parameters.get("average")
        if not self.others or average is None:
            return self.maps
        return tuple(each for each in self.maps if each.by_class == (average != "binary"))


def row_mode(parameter: str, value: Any = True, function: Function | None = None) -> tuple[str, Any, Function | None]:
    """Row by row when `parameter` is `value` (`...`: is anything but None), perhaps of another map."""
    return parameter, value, function


def define(
    kind: Kind,
    function: Function,
    family: str,
    *,
    of: Function | Sequence[Function] | None,
    rows: tuple[str, Any, Function | None] | None,
    like: Sequence[Preset],
    reduction: str,
) -> Primitive:
    """Read one function into a Definition."""
    first, *others = of if isinstance(of, Sequence) else (of or function,)
    mode, extra = None, {}
    if rows is not None:
        name, value, other = rows
        extra = {name: ROW_PARAMETERS[name]} if name in ROW_PARAMETERS else {}
        mode = RowMode(
            lambda p: p.get(name) is not None if value is ... else p.get(name) == value,
            read_map(other) if other else None,
        )
    return Primitive(
        name=function.__name__.rstrip("_"),
        kind=kind,
        family=family,
        map=read_map(first),
        others=tuple(map(read_map, others)),
        reading=function if of else None,
        row_mode=mode,
        document=read_document(function),
        like=tuple(like),
        default_reduction=reduction,
        extra=extra,
    )


ROW_PARAMETERS: Mapping[str, Field] = {"per_sample": (bool, False), "axis": (int | None, None)}
"""Parameters that a row mode brings along; no kernel sees them."""


def loss(
    family: str,
    *,
    of: Function | Sequence[Function] | None = None,
    rows: tuple[str, Any, Function | None] | None = None,
    like: Sequence[Preset] = (),
    reduction: str = "mean",
    as_metric: Sequence[Preset] | None = None,
) -> Callable[[F], F]:
    """Declare a loss. One `of` a map of sums is taken per sample too, under the parameter `per_sample`.

    With `as_metric` a metric of its name too, like these presets: the weighted mean of its rows.
    """
    mode = row_mode("per_sample") if of is not None and rows is None else rows

    def declare(function: F) -> F:
        made = define("loss", function, family, of=of, rows=mode, like=like, reduction=reduction)
        function.__dict__["definition"] = made
        if as_metric is not None:
            function.__dict__["as_metric"] = define(
                "metric", function, family, of=of, rows=rows, like=as_metric, reduction="weighted_mean"
            )
        return function

    return declare


def metric(
    family: str,
    *,
    of: Function | Sequence[Function] | None = None,
    rows: tuple[str, Any, Function | None] | None = None,
    like: Sequence[Preset] = (),
) -> Callable[[F], F]:
    """Declare a metric: a reading `of` a map, or rows whose weighted mean it is."""

    def declare(function: F) -> F:
        made = define("metric", function, family, of=of, rows=rows, like=like, reduction="weighted_mean")
        function.__dict__["definition"] = made
        return function

    return declare
