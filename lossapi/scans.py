"""Loops over a leading axis that carry a state from one entry to the next: dynamic programmes."""

from collections.abc import Callable, Sequence
from typing import Any

from lossapi.domains import Array
from lossapi.functions import delegated, namespace

Arrays = tuple[Array, ...]
Sweep = Callable[[Arrays, Arrays], tuple[Arrays, Arrays]]
"""One step: from the arrays carried and an entry of each array to what is carried on, and what is given here."""


@delegated
def scan(first: Array, step: Callable[..., Any], carry: Any) -> Any:
    """Fold `carry = step(carry, x)` over the leading axis of `first`; a carry is an array, or nested tuples of them.

    What a step sees beside what it is given had better be constant: a graph has no derivative by it.
    """
    arrays, form = flattened(carry)

    def onward(held: Arrays, entries: Arrays) -> tuple[Arrays, Arrays]:
        return flattened(step(rebuilt(form, held), entries[0]))[0], ()

    return rebuilt(form, sweep(first, (), onward, arrays)[0])


@delegated
def sweep(
    first: Array, others: Sequence[Array], step: Sweep, carry: Arrays, *, reverse: bool = False
) -> tuple[Arrays, Arrays]:
    """Go through arrays of the same leading axis, backwards if asked: what is carried out of it, and all that is given.

    What a step gives stands where the entries stood that it was made of.
    """
    xp, arrays, made = namespace(first), (first, *others), []
    places = range(first.shape[0])
    for i in reversed(places) if reverse else places:
        carry, given = step(carry, tuple([each[i, ...] for each in arrays]))
        made.append(given)
    return carry, tuple([xp.stack(each) for each in zip(*(reversed(made) if reverse else made), strict=True)])


def flattened(carry: Any) -> tuple[Arrays, Any]:
    """The arrays of nested tuples, and the form to put them back into."""
    if not isinstance(carry, tuple):
        return (carry,), None
    parts = [flattened(each) for each in carry]
    return tuple([array for arrays, _ in parts for array in arrays]), tuple([(len(a), form) for a, form in parts])


def rebuilt(form: Any, arrays: Sequence[Array]) -> Any:
    """Arrays in their form."""
    if form is None:
        return arrays[0]
    parts, place = [], 0
    for size, inner in form:
        parts.append(rebuilt(inner, arrays[place : place + size]))
        place += size
    return tuple(parts)
