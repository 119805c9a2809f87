"""Each rule of the tape beside central differences, and beside PyTorch's conventions at kinks and ties."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import pytest

from lossapi import derivatives, functions, special, tape
from lossapi.domains import Array
from lossapi.functions import namespace
from lossapi.gradients import vjp
from lossapi.tape import NAMESPACE, primitive
from tests.differences import differences, gradient

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 4))
B = RNG.normal(size=(3, 4))
ROW = RNG.normal(size=4)
POSITIVE = RNG.uniform(0.4, 2.0, size=(3, 4))
UNIT = RNG.uniform(-0.9, 0.9, size=(3, 4))
STACK = RNG.normal(size=(2, 3, 4))
INDEX = np.array([2, 0, 2, 1, 2])
LABEL = np.array([3, 0, 1])

ANYWHERE = "positive negative abs square exp expm1 sin cos tan atan sinh cosh tanh asinh"
ABOVE_ZERO = "sqrt reciprocal log log1p log2 log10"
REDUCTIONS = "sum mean max min var std"

Case = tuple[Callable[..., Any], tuple[Array, ...]]


def named(name: str, **options: Any) -> Callable[..., Any]:
    """A function of the namespace by its name."""

    def call(*arrays: Array) -> Any:
        found = namespace(*arrays)
        for step in name.split("."):
            found = getattr(found, step)
        return found(*arrays, **options)

    return call


def elementwise() -> Mapping[str, list[Case]]:
    one = dict.fromkeys(ANYWHERE.split(), A) | dict.fromkeys(ABOVE_ZERO.split(), POSITIVE)
    one |= {"asin": UNIT, "acos": UNIT, "atanh": UNIT, "acosh": POSITIVE + 1.0}
    two = ["add", "subtract", "multiply", "divide", "atan2", "hypot", "logaddexp", "maximum", "minimum"]
    cases: dict[str, list[Case]] = {name: [(named(name), (x,))] for name, x in one.items()}
    cases |= {name: [(named(name), (A, B)), (named(name), (A, ROW)), (named(name), (STACK, A))] for name in two}
    cases["remainder"] = [(named("remainder"), (A, POSITIVE)), (named("remainder"), (STACK, POSITIVE))]
    cases["pow"] = [(lambda x, a=a: x**a, (POSITIVE,)) for a in (0, 1, 2, 3.0, 0.5, -1.5)]
    cases["pow"] += [(lambda x, y: x**y, (POSITIVE, ROW)), (lambda y: 2.0**y, (A,))]
    cases["where"] = [(lambda x, y: namespace(x).where(x > 0.0, x * y, y), (A, ROW)), (_chosen, (A,))]
    cases["clip"] = [
        (lambda x: namespace(x).clip(x, -0.5, 0.5), (A,)),
        (lambda x: namespace(x).clip(x, None, 0.5), (A,)),
        (lambda x: namespace(x).clip(x, min=-0.5), (A,)),
        (lambda x, low, high: namespace(x).clip(x, low, high), (STACK, ROW - 1.0, ROW + 1.0)),
    ]
    return cases


def _chosen(x: Array) -> Array:
    xp = namespace(x)
    return xp.where(xp.asarray(True), x, xp.zeros_like(x)) + xp.where(x > 0.0, 1.0, 2.0 * x)


def reductions() -> Mapping[str, list[Case]]:
    axes: list[dict[str, Any]] = [{}, {"axis": 1}, {"axis": (0, -1), "keepdims": True}]
    cases: dict[str, list[Case]] = {
        name: [(named(name, **options), (STACK,)) for options in axes] for name in REDUCTIONS.split()
    }
    cases["sum"].append((named("sum", axis=0, dtype=np.float64), (A,)))
    cases["var"].append((named("var", correction=1), (A,)))
    zeros = np.where(np.abs(A) < 0.3, 0.0, A)
    cases["prod"] = [(named("prod", axis=1), (A,)), (named("prod"), (zeros,)), (named("prod", keepdims=True), (A,))]
    cases["linalg.vector_norm"] = [(named("linalg.vector_norm", **options), (STACK,)) for options in axes]
    cases["linalg.vector_norm"] += [
        (named("linalg.vector_norm", axis=1, ord=p), (A,)) for p in (1, 1.5, 3, np.inf, -np.inf)
    ]
    cases["cumulative_sum"] = [
        (named("cumulative_sum", axis=1), (A,)),
        (named("cumulative_sum"), (ROW,)),
        (named("cumulative_sum", axis=0, include_initial=True), (A,)),
    ]
    return cases


def products() -> Mapping[str, list[Case]]:
    shapes = [((3, 4), (4, 2)), ((2, 3, 4), (4, 5)), ((4,), (4, 2)), ((2, 3, 4), (4,)), ((4,), (4,)), ((4,), (2, 4, 3))]
    pairs = [(RNG.normal(size=one), RNG.normal(size=two)) for one, two in shapes]
    return {
        "matmul": [(lambda x, y: x @ y, pair) for pair in pairs],
        "vecdot": [(named("vecdot"), (A, B)), (named("vecdot"), (STACK, ROW)), (named("vecdot", axis=-2), (A, B))],
        "linalg.outer": [(named("linalg.outer"), (ROW, A[:, 0]))],
    }


def moved() -> Mapping[str, list[Case]]:
    return {
        "astype": [(lambda x: namespace(x).astype(x, np.float64) * x, (A,))],
        "asarray": [(lambda x: namespace(x).asarray(x, dtype=np.float64), (A,))],
        "full_like": [(lambda x, y: namespace(x).full_like(x, y) * x, (A, ROW[0]))],
        "reshape": [(lambda x: namespace(x).reshape(x, (2, -1)), (A,))],
        "expand_dims": [(named("expand_dims", axis=1), (A,))],
        "squeeze": [(named("squeeze", axis=(0, -1)), (A[None, :, :, None],))],
        "broadcast_to": [(lambda x: namespace(x).broadcast_to(x, (2, 3, 4)), (ROW,))],
        "permute_dims": [(lambda x: namespace(x).permute_dims(x, (2, 0, 1)), (STACK,))],
        "moveaxis": [(lambda x: namespace(x).moveaxis(x, 0, -1), (STACK,))],
        "matrix_transpose": [(lambda x: x.mT, (STACK,)), (lambda x: x.T, (A,))],
        "flip": [(named("flip", axis=1), (A,)), (named("flip"), (A,))],
        "roll": [
            (lambda x: namespace(x).roll(x, 1, axis=-1), (A,)),
            (lambda x: namespace(x).roll(x, (1, 2), axis=(0, 1)), (A,)),
            (lambda x: namespace(x).roll(x, 5), (A,)),
        ],
        "tril": [(named("tril"), (A,)), (named("tril", k=-1), (A,))],
        "triu": [(named("triu"), (A,)), (named("triu", k=1), (A,))],
    }


def picked() -> Mapping[str, list[Case]]:
    index = np.argsort(A, axis=1)
    return {
        "getitem": [
            (lambda x: x[1], (A,)),
            (lambda x: x[..., 1:3] * x[:, -1:], (A,)),
            (lambda x: x[None, ::2, 0], (A,)),
            (lambda x: x[namespace(x).asarray(INDEX), 1], (A,)),
            (lambda x: x[x > 0.0], (A,)),
        ],
        "take": [
            (lambda x: namespace(x).take(x, namespace(x).asarray(INDEX), axis=0), (A,)),
            (lambda x: namespace(x).take(x, namespace(x).asarray(INDEX), axis=-1), (STACK,)),
        ],
        "take_along_axis": [
            (lambda x: namespace(x).take_along_axis(x, namespace(x).asarray(index), axis=1), (A,)),
            (lambda x: namespace(x).take_along_axis(x, namespace(x).asarray(LABEL[:, None]), axis=1), (A,)),
            (lambda x: namespace(x).take_along_axis(x, namespace(x).asarray(index * 0), axis=1), (A,)),
        ],
        "sort": [(named("sort"), (A,)), (named("sort", axis=0), (A,))],
        "linalg.diagonal": [(named("linalg.diagonal"), (STACK,)), (named("linalg.diagonal", offset=1), (A,))],
        "repeat": [(lambda x: namespace(x).repeat(x, 2, axis=1), (A,))],
        "tile": [(lambda x: namespace(x).tile(x, (2, 1)), (A,))],
    }


def several() -> Mapping[str, list[Case]]:
    return {
        "concat": [
            (lambda x, y: namespace(x).concat([x, y, x], axis=-1), (A, B)),
            (lambda x, y: namespace(x).concat([x, y], axis=None), (A, ROW)),
        ],
        "stack": [(lambda x, y: namespace(x).stack([x, y], axis=1), (A, B))],
        "unstack": [(lambda x: namespace(x).unstack(x, axis=1)[2], (A,))],
        "broadcast_arrays": [(lambda x, y: namespace(x).broadcast_arrays(x, y)[1], (A, ROW))],
    }


def spellings() -> Mapping[str, list[Case]]:
    one = dict.fromkeys(["softplus", "sigmoid", "log_sigmoid", "relu"], 3.0 * A)
    one |= dict.fromkeys(["lgamma", "digamma"], 5.0 * POSITIVE) | {"log1p": POSITIVE, "log1m": UNIT}
    cases: dict[str, list[Case]] = {name: [(getattr(functions, name), (x,))] for name, x in one.items()}
    for name in ("log_softmax", "softmax", "logsumexp"):
        spelling = getattr(functions, name)
        cases[name] = [(spelling, (A,)), (lambda x, f=spelling: f(x, axis=1), (STACK,))]
    cases["logsumexp"].append((lambda x: functions.logsumexp(x, axis=0, keepdims=True), (A,)))
    cases["clip"] = [
        (lambda x: functions.clip(x, low=-0.4, high=0.6), (A,)),
        (lambda x: functions.clip(x, low=0.1), (A,)),
    ]
    cases["floored_surprise"] = [
        (lambda p, y: functions.floored_surprise(p, y, floor=-100.0), (POSITIVE / 2.1, np.abs(UNIT)))
    ]
    cases["logit_surprise"] = [(functions.logit_surprise, (3.0 * A, np.abs(UNIT)))]
    cases["surprisal"] = [(lambda x: functions.surprisal(x, namespace(x).asarray(LABEL), axis=1), (A,))]
    cases["logaddexp"] = [(functions.logaddexp, (3.0 * A, B)), (functions.logaddexp, (STACK, ROW))]
    cases["product"] = [(functions.product, (A, B)), (functions.product, (STACK, ROW))]
    cases["pick"] = [(lambda x: functions.pick(x, namespace(x).asarray(LABEL), axis=1), (A,))]
    return cases


CASES = dict(chain(*(table().items() for table in (elementwise, reductions, products, moved, picked, several))))
SPECIAL_CASES = spellings()


@pytest.mark.parametrize("name", CASES)
def test_each_rule_gives_what_central_differences_give(name: str) -> None:
    for function, arrays in CASES[name]:
        check(function, arrays)


@pytest.mark.parametrize("name", SPECIAL_CASES)
def test_each_spellings_own_rule_gives_what_central_differences_give(name: str) -> None:
    for function, arrays in SPECIAL_CASES[name]:
        check(function, arrays)


def check(function: Callable[..., Any], arrays: tuple[Array, ...]) -> None:
    """Hold value and gradients of one case against NumPy and central differences."""
    value = np.asarray(function(*arrays))
    cotangent = np.random.default_rng(1).normal(size=value.shape)
    out, _ = vjp(function, dict(zip("xyz", arrays, strict=False)), {}, "xyz"[: len(arrays)])
    np.testing.assert_array_equal(out, value)
    for which, found in enumerate(gradient(function, *arrays, cotangent=cotangent)):
        assert found.shape == arrays[which].shape
        expected = differences(function, arrays, cotangent, which)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=2e-8)


def test_every_rule_has_a_case_here() -> None:
    assert {*derivatives.ELEMENTWISE, *derivatives.SHAPED} <= set(CASES)
    assert {*special.ELEMENTWISE, *special.SHAPED} == set(SPECIAL_CASES)


@pytest.mark.parametrize("name", special.KEEPING)
def test_what_keeps_its_powers_gives_what_computes_them_anew(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for function, arrays in SPECIAL_CASES[name]:
        kept = gradient(function, *arrays)
        with monkeypatch.context() as patch:
            patch.setattr(tape, "known", lambda x: False)
            np.testing.assert_allclose(kept, gradient(function, *arrays), rtol=1e-12, atol=1e-15)


def test_a_wrong_rule_is_caught() -> None:
    NAMESPACE.lie = primitive(np.square, derivatives.ELEMENTWISE["exp"])
    try:
        with pytest.raises(AssertionError):
            check(lambda x: getattr(namespace(x), "lie", np.square)(x), (A,))
    finally:
        del NAMESPACE.lie


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (lambda x: namespace(x).abs(x), [-2.0, 0.0, 3.0], [-1.0, 0.0, 1.0]),
        (lambda x: namespace(x).maximum(x, 0.0 * x + 1.0), [0.0, 1.0, 2.0], [0.0, 0.5, 1.0]),
        (lambda x: namespace(x).minimum(x, 1.0), [0.0, 1.0, 2.0], [1.0, 0.5, 0.0]),
        (lambda x: namespace(x).max(x), [1.0, 3.0, 3.0], [0.0, 0.5, 0.5]),
        (lambda x: namespace(x).min(x), [1.0, 1.0, 1.0], [1 / 3, 1 / 3, 1 / 3]),
        (lambda x: namespace(x).clip(x, 0.0, 1.0), [-1.0, 0.0, 0.5, 1.0, 2.0], [0.0, 1.0, 1.0, 1.0, 0.0]),
        (lambda x: functions.clip(x, low=0.0), [-1.0, 0.0, 1.0], [0.0, 1.0, 1.0]),
        (functions.relu, [-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]),
        (lambda x: namespace(x).linalg.vector_norm(x), [0.0, 0.0], [0.0, 0.0]),
        (lambda x: namespace(x).sqrt(namespace(x).sum(x * x)), [0.0, 0.0], [0.0, 0.0]),
        (functions.stop_gradient, [1.0, 2.0], [0.0, 0.0]),
        (lambda x: namespace(x).sign(x) * x, [-2.0, 2.0], [-1.0, 1.0]),
    ],
)
def test_kinks_and_ties_do_as_pytorch_does(
    function: Callable[[Array], Array], x: list[float], expected: list[float], dtype: str
) -> None:
    (found,) = gradient(function, np.array(x, dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_float32_stays_float32_through_every_elementwise_rule() -> None:
    for name, cases in CASES.items():
        for function, arrays in cases:
            single = [a.astype(np.float32) for a in arrays]
            assert all(found.dtype == np.float32 for found in gradient(function, *single)), name
