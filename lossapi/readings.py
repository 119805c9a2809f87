"""From a state to the value: a reduction of rows, the rows themselves, or the definition's own reading."""

from typing import Any

import numpy as np

from lossapi import chunks
from lossapi.errors import EmptyError
from lossapi.plan import Readable
from lossapi.states import State, Sums, Totals, Values, divisors


def read(plan: Readable, state: State, reduction: str, empty: float | None) -> tuple[Any, int]:
    """The value and how many rows or elements entered; `empty` stands for a mean of nothing, else it is an error."""
    if isinstance(state, Values):
        array = state.array()
        return array if plan.shape is None else array.reshape(plan.shape), state.count
    if isinstance(state, Totals):
        return reduce_rows(state, reduction, empty), state.count
    count = int(getattr(state, "count", 0))
    if count == 0:
        return (0.0 if reduction == "sum" else nothing(empty)), 0
    try:
        return plain(chunks.read_sums(plan, state.sums if isinstance(state, Sums) else state)), count
    except EmptyError:
        if empty is None:
            raise
        return empty, count


def reduce_rows(totals: Totals, reduction: str, empty: float | None) -> float:
    """The weighted sum over the divisor that the reduction names."""
    divisor = divisors(totals)[reduction]
    if divisor == 0:
        return nothing(empty)
    return totals.weighted / divisor


def nothing(empty: float | None) -> float:
    """A mean of nothing."""
    if empty is None:
        raise EmptyError("at least one row that enters", "none (a mean of nothing)")
    return empty


def plain(value: Any) -> Any:
    """A 0-d array as a number; other arrays as they are, by name or in a list too."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return (
        value.item() if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0) else value
    )


def finite(value: Any) -> bool:
    """Whether no NaN or infinity is in an array, a number, or several of them by name or in a list."""
    if isinstance(value, dict | list):
        return all(finite(each) for each in (value.values() if isinstance(value, dict) else value))
    return bool(np.isfinite(value).all())
