"""Values and gradients: a function run forwards on traced arrays, and its tape backwards.

values, pullback = vjp(kernel, {"prediction": p, "target": t}, {"delta": 1.0}, wrt=("prediction",))
pullback(np.ones_like(values))  →  {"prediction": …}
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.pulls import SMALL, Into, Pull, known
from lossapi.scans import Arrays, flattened, rebuilt, sweep
from lossapi.states import Weighted
from lossapi.tape import NAMESPACE, Traced, lift, lower

Pullback = Callable[[Any], dict[str, Array]]


def vjp(
    function: Callable[..., Any],
    arrays: Mapping[str, Array | None],
    parameters: Mapping[str, Any],
    wrt: Collection[str],
) -> tuple[Any, Pullback]:
    """What the function gives, and the pullback from its cotangent to those of the inputs named in `wrt`.

    The function may give an array, a `Weighted` or named arrays; its cotangent has the same form, with None for
    what has none. An input that nothing flows back to is left out, as is a name in `wrt` that no array has.
    """
    traced = {name: None if a is None else Traced(a, tracked=name in wrt) for name, a in arrays.items()}
    with np.errstate(all="ignore"):
        out = function(*traced.values(), **parameters)
    leaves = {name: leaf for name, leaf in traced.items() if name in wrt}

    def pullback(cotangent: Any) -> dict[str, Array]:
        seeds = [
            (each, filled(each.value, given))
            for each, given in zip(parts(out), parts(cotangent), strict=True)
            if given is not None and type(each) is Traced and each.tracked
        ]
        with np.errstate(all="ignore"):
            if not all(known(each.value) for each, _ in seeds):
                return walk(seeds, leaves, careful=True)
            found = walk(seeds, leaves)
            poisoned = any(map(has_nan, found.values()))
            return walk(seeds, leaves, careful=True) if poisoned else found

    return plain(out), pullback


def filled(x: Array, given: Any) -> Array:
    """A cotangent in the shape and dtype of x; one number is not written out for many entries."""
    if getattr(given, "shape", None) == x.shape and given.dtype == x.dtype:
        return given
    if not known(x) or (x.size <= SMALL and np.ndim(given) == 0):
        return np.full_like(x, given)
    return np.broadcast_to(np.asarray(given, x.dtype), x.shape)


def parts(value: Any) -> list[Any]:
    """The arrays of a function's result, in order."""
    if isinstance(value, Weighted):
        return list(value)
    return list(value.values()) if isinstance(value, Mapping) else [value]


def plain(value: Any) -> Any:
    """A function's result without its past."""
    if isinstance(value, Weighted):
        return Weighted(lower(value.value), lower(value.weight))
    return {name: lower(each) for name, each in value.items()} if isinstance(value, Mapping) else lower(value)


def walk(
    seeds: Iterable[tuple[Traced, Array]], leaves: Mapping[str, Traced | None], careful: bool = False
) -> dict[str, Array]:
    """From the results back to the leaves, the latest first; `careful` lets an infinite slope times 0 be 0."""
    seeds = list(seeds)
    for node, cotangent in seeds:
        node.receive(cotangent)
    for node in _latest_first(node for node, _ in seeds):
        g = node.cotangent
        if g is None or not node.sources:
            continue
        node.cotangent, node.owned = None, False
        for parent, pull in node.sources:
            if isinstance(pull, Into):
                pull.add(parent.buffer(), g, node.value, *node.arguments, **node.options)
                continue
            c = pull(g, node.value, *node.arguments, **node.options)
            if careful and node.aligned:
                c = np.where(g == 0.0, 0.0, c)
            parent.receive(fit(c, parent.value))
    found = {name: leaf.cotangent for name, leaf in leaves.items() if leaf is not None and leaf.cotangent is not None}
    for leaf in leaves.values():
        if leaf is not None:
            leaf.cotangent, leaf.owned = None, False
    return found


def _latest_first(nodes: Iterable[Traced]) -> list[Traced]:
    """Everything the nodes were made from, each after all that was made of it."""
    waiting = list(nodes)
    reached: dict[int, Traced] = {}
    while waiting:
        node = waiting.pop()
        if node.number not in reached:
            reached[node.number] = node
            waiting.extend(parent for parent, _ in node.sources)
    return [reached[number] for number in sorted(reached, reverse=True)]


def fit(cotangent: Array, x: Array) -> Array:
    """Added up over the axes along which x was broadcast, in x's dtype."""
    if cotangent.shape != x.shape:
        lead = cotangent.ndim - x.ndim
        axes = tuple(i for i, n in enumerate(cotangent.shape) if i < lead or (x.shape[i - lead] == 1 and n != 1))
        cotangent = np.add.reduce(cotangent, axis=axes, dtype=np.float64, keepdims=True).reshape(x.shape)
    return cotangent if cotangent.dtype == x.dtype else cotangent.astype(x.dtype)


def has_nan(array: Array) -> bool:
    """Whether a NaN is among the entries: the maximum shows it."""
    peak = np.maximum.reduce(array, axis=None, initial=-np.inf)
    return bool(peak != peak)


class Several(Traced):
    """Arrays that were made together, and have their cotangents together."""

    __slots__ = ()

    def buffer(self) -> Array:
        """The cotangents, by their places."""
        if self.cotangent is None:
            self.cotangent = {}
        return self.cotangent


def one_of_several(place: int) -> Into:
    """The pull of one of them."""

    def add(buffer: dict[int, Array], g: Array, *_: Array) -> None:
        buffer[place] = buffer[place] + g if place in buffer else g

    return Into(add)


class SeesMore(TypeError):
    """A step is made of something beside its entry and what is held that has a derivative too."""


@dataclass(frozen=True)
class Fold:
    """A step of a scan: by itself, and the way back through one."""

    step: Callable[..., Any]
    form: Any
    names: tuple[str, ...]

    def taken(self, entry: Traced, *held: Traced) -> dict[str, Traced]:
        """What is held after the step, by name."""
        after, _ = flattened(self.step(rebuilt(self.form, held), entry))
        return dict(zip(self.names, after, strict=True))

    def onward(self, held: Arrays, entries: Arrays) -> tuple[Arrays, Arrays]:
        """The step, which gives what was held before it."""
        after = self.taken(*map(lift, (*entries, *held))).values()
        if any(each.tracked for each in after):
            raise SeesMore("a loop whose steps see more than what they are given is written out step by step")
        return tuple([lower(each) for each in after]), held

    def backward(self, flows: Arrays, entries: Arrays) -> tuple[Arrays, Arrays]:
        """From the cotangents after the step to those before it, which gives that of its entry."""
        given = dict(zip(("entry", *self.names), entries, strict=True))
        found = vjp(self.taken, given, {}, tuple(given))[1](dict(zip(self.names, flows, strict=True)))
        entry, *held = (found[name] if name in found else np.zeros_like(each) for name, each in given.items())
        return tuple(held), (entry,)


def scan(first: Traced, step: Callable[..., Any], carry: Any) -> Any:
    """A fold whose states are kept on the way, so that a sweep goes back through them, one step's tape at a time."""
    found, form = flattened(carry)
    arrays = [each if type(each) is Traced else Traced(each) for each in found]
    if first.shape[0] == 0:
        return rebuilt(form, arrays)
    fold = Fold(step, form, tuple([f"held {i}" for i in range(len(arrays))]))
    try:
        last, history = sweep(first.value, (), fold.onward, tuple([each.value for each in arrays]))
    except SeesMore:
        if not known(first.value):
            raise
        for i in range(first.shape[0]):
            carry = step(carry, NAMESPACE.getitem(first, i))
        return carry
    kept: list[Any] = [None, None]

    def pulled(g: dict[int, Array], place: int) -> Array:
        if kept[0] is not g:
            flows = tuple([g[i] if i in g else np.zeros_like(each) for i, each in enumerate(last)])
            carried, given = sweep(first.value, history, fold.backward, flows, reverse=True)
            kept[:] = g, (*given, *carried)
        return kept[1][place]

    def pull(place: int) -> Pull:
        return lambda g, _: pulled(g, place)

    whole = Several(last, [(each, pull(i)) for i, each in enumerate((first, *arrays)) if each.tracked])
    sources = [[(whole, one_of_several(i))] if whole.tracked else [] for i in range(len(last))]
    return rebuilt(form, list(map(Traced, last, sources)))


NAMESPACE.special.scan = scan
