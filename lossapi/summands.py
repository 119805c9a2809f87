"""A weighted sum taken apart into its terms: which losses, with what tensors and parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossapi.combination import Combination, Term
from lossapi.definition import Definition, Primitive
from lossapi.domains import CLASSES, Array
from lossapi.errors import DtypeError, LossError, ParameterError, UnknownKey, nearest
from lossapi.forms import fits

CLASS_AXIS = "class_axis"
"""Taken by the choice of terms, even where the terms chosen have no classes."""


@dataclass(frozen=True)
class Summand:
    """One term, ready to be computed; `own` are the keys that stand in the term, which is the `index`-th."""

    definition: Definition
    coefficient: float
    tensors: Mapping[str, Array]
    parameters: Mapping[str, Any]
    own: frozenset[str]
    index: int

    def placed(self, error: LossError) -> LossError:
        """An error of the term, seen from the request: what stands in the term is found there."""
        error.faults = tuple(
            replace(fault, where=("terms", self.index, *fault.where)) if self.own & {*fault.where[:1]} else fault
            for fault in error.faults
        )
        return error


def summands(
    whole: Combination, tensors: Mapping[str, Array], given: Mapping[str, Any], said: Mapping[str, Any]
) -> list[Summand]:
    """The terms that count for these tensors; `given` are all parameters, `said` those that the request has."""
    alternatives = [_found(whole, terms) for terms in whole.terms(given)]
    chosen = _chosen(alternatives, tensors, given)
    said = {name: given[name] for name in said if given[name] is not None}
    shared = {} if whole.open else said
    parts = [_summand(*each, index, tensors, shared) for index, each in enumerate(chosen)]
    taken = {name for part in parts for name in part.definition.input_names}
    known = {name for part in parts for name in part.definition.fields} | {*whole.own, CLASS_AXIS}
    defaults = {name: default for name, (_, default) in whole.fields.items()}
    _require_taken([name for name in tensors if name not in taken], taken)
    _require_taken([n for n, value in said.items() if n not in known and value != defaults[n]], known)
    return parts


def _found(whole: Combination, terms: Sequence[Term]) -> list[tuple[Term, Definition]]:
    """The terms with their losses; a sum whose terms come with the request is no term of another."""
    losses = {name: loss for name, loss in whole.losses().items() if not (isinstance(loss, Combination) and loss.open)}
    for index, each in enumerate(terms):
        if each.name not in losses:
            place = ("terms", index, "name")
            raise ParameterError(f"a loss such as {nearest(each.name, losses)}", repr(each.name), place)
    return [(each, losses[each.name]) for each in terms]


def _chosen(
    alternatives: Sequence[list[tuple[Term, Definition]]], tensors: Mapping[str, Array], given: Mapping[str, Any]
) -> list[tuple[Term, Definition]]:
    """The first alternative whose losses take the tensors; one for classes, only where there is more than one."""
    if len(alternatives) == 1:
        return alternatives[0]
    fitting = [each for each in alternatives if all(_takes(loss, tensors, given) for _, loss in each)]
    several = (each for each in fitting if not any(_single(loss, tensors, given) for _, loss in each))
    return next(several, fitting[0] if fitting else alternatives[0])


def _takes(loss: Definition, tensors: Mapping[str, Array], given: Mapping[str, Any]) -> bool:
    return not isinstance(loss, Primitive) or any(fits(each, tensors) for each in loss.maps_for(given))


def _single(loss: Definition, tensors: Mapping[str, Array], given: Mapping[str, Any]) -> bool:
    """Whether a loss over classes would be given a single one."""
    axis = given.get(CLASS_AXIS, 1)
    for each in loss.inputs:
        axes = [spec.axes for spec in each.forms.specs]
        shape = np.shape(tensors.get(each.name, ()))
        if all(CLASSES in named[1:] for named in axes) and -len(shape) <= axis < len(shape):
            return bool(shape[axis] == 1)
    return False


def _summand(
    term: Term, loss: Definition, index: int, tensors: Mapping[str, Array], said: Mapping[str, Any]
) -> Summand:
    own = {name: _tensor(value, index, name) for name, value in term.own.items() if name in loss.input_names}
    mine = {name: value for name, value in term.own.items() if name not in own}
    shared = {name: value for name, value in said.items() if name in loss.fields}
    given = {name: array for name, array in tensors.items() if name in loss.input_names}
    return Summand(loss, term.coefficient, {**given, **own}, {**shared, **mine}, frozenset(term.own), index)


def _tensor(value: Any, index: int, name: str) -> Array:
    """A tensor that stands in a term: a number or a nested list."""
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biufV":
        raise DtypeError("a number or nested lists of numbers", repr(value)[:60], ("terms", index, name))
    return array


def _require_taken(names: Sequence[str], known: set[str]) -> None:
    if names:
        raise UnknownKey(f"{nearest(names[0], sorted(known))} (what the terms take)", f"key {names[0]!r}", (names[0],))
