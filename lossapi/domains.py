"""What a tensor means: its domain and its named axes, as a kernel's annotations spell them.

    prediction: Score[Array, "batch classes *axes"]

reads: scores, the first axis `batch`, the second `classes`, then any number of axes that every other
tensor with `*axes` shares. Type checkers see `Annotated[Array, "…"]`; at run time it is a `Spec`.
Equal axis names must agree, an axis named by a number has that size; `batch` promises that rows do not see each
other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lossapi.errors import DomainError, DtypeError, ShapeError

__all__ = [
    "BATCH",
    "CLASSES",
    "TAG",
    "Array",
    "Binary",
    "BinaryLabel",
    "Bindings",
    "Bounds",
    "Distribution",
    "Domain",
    "Family",
    "Forms",
    "Group",
    "Index",
    "Label",
    "Length",
    "LogProbability",
    "MaybeLogProbability",
    "Measure",
    "NonNegativeReal",
    "PaddedIndex",
    "Probability",
    "Rate",
    "Real",
    "Rows",
    "Score",
    "Sign",
    "Spec",
    "Sums",
    "Time",
    "Weight",
    "YesNo",
]

Array: TypeAlias = Any
"""An array of any Array-API namespace; what it must hold is said by its domain and axes."""

TAG = "distribution"
"""The key that says which kind of distribution the parameters beside it are those of."""
BATCH = "batch"
CLASSES = "classes"

Bindings = dict[str, int | tuple[int, ...]]


@dataclass(frozen=True)
class Spec:
    """One way to read a tensor: a domain and named axes; `a | b` offers two ways."""

    domain: "Domain"
    axes: tuple[str, ...]

    def __or__(self, other: "Spec | None") -> "Forms":
        return Forms((self,)) | other

    def __str__(self) -> str:
        return f"({', '.join(self.axes)})"

    @cached_property
    def variadic(self) -> int | None:
        """Where `*axes` stands, if anywhere."""
        return next((i for i, name in enumerate(self.axes) if name.startswith("*")), None)

    @cached_property
    def batched(self) -> bool:
        """Whether the first axis is the batch."""
        return self.axes[:1] == (BATCH,)

    def fits_rank(self, rank: int) -> bool:
        """Whether an array of this rank has all the named axes."""
        return rank == len(self.axes) if self.variadic is None else rank >= len(self.axes) - 1

    def bind(self, name: str, shape: tuple[int, ...], bindings: Bindings) -> None:
        """Hold `shape` against the sizes known so far, and add what is new."""
        extra = len(shape) - len(self.axes) + 1
        place = 0
        for axis in self.axes:
            if axis[0] == "*":
                got: int | tuple[int, ...] = shape[place : place + extra]
                place += extra
            else:
                got = shape[place]
                place += 1
            if bindings.setdefault(axis, int(axis) if axis.isdigit() else got) != got:
                raise ShapeError(f"{name} of shape {self.shape(bindings)} {self}", f"shape {tuple(shape)}", (name,))

    def shape(self, bindings: Mapping[str, int | tuple[int, ...]]) -> tuple[int | str, ...]:
        """The shape these axes have under `bindings`; unknown sizes by name."""
        shape: list[int | str] = []
        for axis in self.axes:
            size = bindings.get(axis, axis)
            shape.extend(size if isinstance(size, tuple) else (size,))
        return tuple(shape)


@dataclass(frozen=True)
class Forms:
    """The ways one tensor may come, in order of preference; `None` among them makes it optional."""

    specs: tuple[Spec, ...]
    optional: bool = False

    def __or__(self, other: "Spec | Forms | None") -> "Forms":
        if other is None:
            return Forms(self.specs, True)
        more = other.specs if isinstance(other, Forms) else (other,)
        return Forms(self.specs + more, self.optional)


@dataclass(frozen=True)
class Domain:
    """A set of values with a name: inclusive bounds, or a few `values`, or any; `kind` says which dtypes fit.

    `unless` names boolean parameters that lift the bounds (`from_logits` makes a probability a raw score).
    A label stays below the size of an `axis`, or, where it is `inclusive`, does not exceed it.
    """

    name: str
    meaning: str
    kind: str = "real"
    low: float | None = None
    high: float | None = None
    values: tuple[float, ...] = ()
    unless: tuple[str, ...] = ()
    axis: str = CLASSES
    inclusive: bool = False

    def __getitem__(self, annotation: tuple[Any, str]) -> Spec:
        return Spec(self, tuple(annotation[1].split()))

    def accepts(self, dtype: np.dtype[Any]) -> bool:
        """Whether an array of `dtype` can hold values of this domain."""
        return dtype.kind in "bui" or (self.kind == "real" and dtype.kind in "fV")

    def check_dtype(self, name: str, array: Array) -> None:
        """Raise unless the dtype fits."""
        if not self.accepts(array.dtype):
            raise DtypeError(f"{self.meaning} as integers", f"dtype {array.dtype}", (name,))

    def bounds(self, parameters: Mapping[str, Any], bindings: Bindings) -> "Bounds":
        """The inclusive bounds in force for one call."""
        if self.unless and any(parameters.get(name) for name in self.unless):
            return None, None
        if self.kind == "label":
            size = bindings.get(self.axis, parameters.get(self.axis))
            return self.low, size - (not self.inclusive) if isinstance(size, int) else self.high
        return self.low, self.high

    def holds(self, array: Array, bounds: "Bounds") -> bool:
        """Whether no value is seen to be outside; with NaN among them the answer may be a false alarm."""
        low, high = bounds
        if (low is None and high is None) or array.size == 0:
            return True
        within = (low is None or array.min() >= low) and (high is None or array.max() <= high)
        return bool(within) and not (self.values and self._strays(array).any())

    def check(self, name: str, array: Array, bounds: "Bounds") -> None:
        """Raise at the first value outside; NaN is inside every real domain, since it propagates."""
        low, high = bounds
        outside = self._strays(array)
        outside = outside if low is None else outside | (array < low)
        outside = outside if high is None else outside | (array > high)
        if outside.any():
            index = tuple(int(i) for i in np.argwhere(outside)[0])
            raise DomainError(self.expectation(bounds), str(array[index]).removesuffix(".0"), (name, *index))

    def _strays(self, array: Array) -> Array:
        """Where a value is not among the few allowed; NaN is let through."""
        if not self.values:
            return np.zeros(array.shape, bool)
        near = array != array
        for value in self.values:
            near = near | (array == value)
        return ~near

    def expectation(self, bounds: "Bounds") -> str:
        """What the message says was expected."""
        low, high = bounds
        if self.values:
            return self.meaning
        if self.kind == "label":
            least = "" if low == 0 and high is not None else f" >= {low:g}"
            most = "" if high is None else f" <= {high:g}" if self.inclusive else f" < {high + 1:g}"
            return f"{self.meaning}{least}{most}" + (f" (axis {self.axis})" if most else "")
        lifted = "logarithms" if self.unless and self.unless[0].startswith("log_") else "raw scores"
        hint = f" ({lifted} need {self.unless[0]}: true)" if self.unless else ""
        if low is not None and high is not None:
            return f"{self.meaning} in [{low:g}, {high:g}]{hint}"
        return f"{self.meaning} >= {low:g}{hint}"


Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class Family(Domain):
    """Not one tensor but several by name: of one of some kinds, each with its members, told apart by `tag`.

    One kind may stand several times, where it can be said by one set of members or by another.
    """

    tag: str = ""
    kinds: tuple[tuple[str, Mapping[str, Forms]], ...] = field(default=(), compare=False)

    @property
    def members(self) -> dict[str, Forms]:
        """Every member of every kind, as `kind.member`."""
        return {f"{kind}.{name}": forms for kind, members in self.kinds for name, forms in members.items()}


if TYPE_CHECKING:
    from typing import Annotated as Binary
    from typing import Annotated as BinaryLabel
    from typing import Annotated as Distribution
    from typing import Annotated as Group
    from typing import Annotated as Index
    from typing import Annotated as Label
    from typing import Annotated as Length
    from typing import Annotated as LogProbability
    from typing import Annotated as MaybeLogProbability
    from typing import Annotated as Measure
    from typing import Annotated as NonNegativeReal
    from typing import Annotated as PaddedIndex
    from typing import Annotated as Probability
    from typing import Annotated as Rate
    from typing import Annotated as Real
    from typing import Annotated as Rows
    from typing import Annotated as Score
    from typing import Annotated as Sign
    from typing import Annotated as Sums
    from typing import Annotated as Time
    from typing import Annotated as Weight
    from typing import Annotated as YesNo
else:
    Real = Domain("real", "any real number")
    NonNegativeReal = Domain("non_negative", "a number", low=0)
    Rate = Domain("rate", "a rate", low=0, unless=("log_input",))
    Measure = Domain("measure", "an amount", low=0, unless=("log_prediction",))
    Probability = Domain("probability", "probability", low=0, high=1)
    MaybeLogProbability = Domain("probability", "probability", low=0, high=1, unless=("log_target",))
    Score = Domain("score", "probability", low=0, high=1, unless=("from_logits", "log_prediction"))
    LogProbability = Domain("log_probability", "log-probability")
    Weight = Domain("weight", "weight")
    Sign = Domain("sign", "-1 or 1", low=-1, high=1, values=(-1.0, 1.0))
    Binary = Domain("binary", "0 or 1", low=0, high=1, values=(0.0, 1.0))
    BinaryLabel = Domain("label", "0 or 1", low=0, high=1, values=(0.0, 1.0))
    Label = Domain("label", "label", "label", low=0)
    YesNo = Domain("label", "0 or 1", "label", low=0, high=1, values=(0.0, 1.0), axis="")
    Index = Domain("index", "index", "label", low=0)
    Group = Domain("group", "group", "label", axis="")
    Length = Domain("length", "length", "label", low=0, axis="length", inclusive=True)
    Time = Domain("time", "length", "label", low=0, axis="time", inclusive=True)
    PaddedIndex = Domain("padded_index", "index (-1 is padding)", "label", low=-1)
    Rows = Domain("rows", "one value per row")
    Sums = Domain("sums", "sums per row, added over rows")

    def _each(domain: Domain, *event: str) -> Forms:
        """One for each row, or one for all."""
        return Spec(domain, (BATCH, "*axes", *event)) | Spec(domain, event)

    Distribution = Family(
        "distribution",
        "a distribution and its parameters",
        "group",
        tag=TAG,
        kinds=(
            ("normal", {"loc": _each(Real), "scale": _each(NonNegativeReal)}),
            ("bernoulli", {"probs": _each(Probability)}),
            ("bernoulli", {"logits": _each(Real)}),
            ("categorical", {"probs": _each(NonNegativeReal, "dim")}),
            ("categorical", {"logits": _each(Real, "dim")}),
            ("beta", {"concentration1": _each(NonNegativeReal), "concentration0": _each(NonNegativeReal)}),
            ("gamma", {"concentration": _each(NonNegativeReal), "rate": _each(NonNegativeReal)}),
            ("dirichlet", {"concentration": _each(NonNegativeReal, "dim")}),
        ),
    )
