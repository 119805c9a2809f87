"""@combination: a loss that is a weighted sum of other losses, declared by its terms.

    @combination(family="segmentation")
    def both(*, lambda_one: NonNegative = 1.0) -> Alternatives:
        return [[Term(name="one", coefficient=lambda_one), Term(name="other")]]

The function turns the sum's own parameters into terms: alternatives of them, of which the first counts whose losses
take the tensors that came. Losses are named, and found in the registry; their tensors and parameters become the sum's.
Terms that come with the request are a required parameter of the function.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

from lossapi.definition import Definition
from lossapi.document import read_document
from lossapi.domains import Array, Forms, Real
from lossapi.libraries.presets import Preset
from lossapi.parameters import Field, read_parameters
from lossapi.signature import Function, Input, merged_inputs

F = TypeVar("F", bound=Function)
Losses: TypeAlias = Callable[[], Mapping[str, Definition]]

ANYTHING: Any = Real[Array, "*any"]


class Term(BaseModel):
    """One loss of a sum, by name, with its coefficient; what else is given are parameters and tensors of its own."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow", allow_inf_nan=False)

    name: str
    coefficient: float = 1.0

    @property
    def own(self) -> Mapping[str, Any]:
        """Parameters and tensors for this term alone; null leaves the default."""
        return {name: value for name, value in (self.model_extra or {}).items() if value is not None}


Alternatives: TypeAlias = Sequence[Sequence[Term]]


@dataclass(frozen=True, eq=False)
class Combination(Definition):
    """A weighted sum of other losses; `losses` gives all that there are, by name."""

    function: Function
    own: Mapping[str, Field]
    losses: Losses

    @cached_property
    def open(self) -> bool:
        """Whether its terms come with the request."""
        return any(default is ... for _, default in self.own.values())

    @cached_property
    def parts(self) -> tuple[tuple[Definition, ...], ...]:
        """The losses of each alternative, as the defaults have it; none where they come with the request."""
        known: Alternatives = () if self.open else self.function()
        return tuple(tuple(self.losses()[each.name] for each in terms) for terms in known)

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The tensors of its terms; optional unless each alternative has a term that needs them."""
        if self.open:
            return tuple(Input(name, Forms((ANYTHING,), True)) for name in _names(self.losses().values()))
        every = merged_inputs(each for losses in self.parts for loss in losses for each in loss.inputs)
        return tuple(Input(i.name, Forms(i.forms.specs, not self._needs(i.name)), i.default) for i in every)

    def _needs(self, name: str) -> bool:
        needed = [{i.name for loss in losses for i in loss.inputs if not i.optional} for losses in self.parts]
        return all(name in names for names in needed)

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Its own parameters, then those of its terms; of one name, the first."""
        fields = dict(self.own)
        for loss in (loss for losses in self.parts for loss in losses):
            fields |= {name: field for name, field in loss.fields.items() if name not in fields}
        return fields

    @property
    def differentiable(self) -> bool:
        """Whether a term may have a derivative."""
        return self.open or any(loss.differentiable for losses in self.parts for loss in losses)

    def terms(self, given: Mapping[str, Any]) -> Alternatives:
        """Its terms under some parameters, in the order of preference."""
        found: Alternatives = self.function(**{name: given[name] for name in self.own})
        return found


def _names(losses: Iterable[Definition]) -> list[str]:
    """The names of all tensors that some losses take; sums take those of their terms."""
    primitive = (each for each in losses if not isinstance(each, Combination))
    return list(dict.fromkeys(name for each in primitive for name in each.input_names))


def combination(family: str, *, like: Sequence[Preset] = ()) -> Callable[[F], F]:
    """Declare a weighted sum of other losses."""

    def declare(function: F) -> F:
        function.__dict__["definition"] = Combination(
            name=function.__name__,
            kind="loss",
            family=family,
            document=read_document(function),
            like=tuple(like),
            default_reduction="mean",
            function=function,
            own=read_parameters(function),
            losses=dict,
        )
        return function

    return declare
