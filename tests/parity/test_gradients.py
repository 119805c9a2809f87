"""Gradients under PyTorch's names beside its own autograd: random, weighted, ignored, smoothed, ±200 and ties."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest

from lossapi import like
from lossapi.domains import Array
from tests.parity.peers import expected as answer_of
from tests.parity.peers import live
from tests.parity.records import digest

Arguments = dict[str, Any]
Draw = Callable[..., Array]
Cases = Callable[[np.random.Generator, Draw], Iterator[Arguments]]
REDUCTIONS = ("none", "mean", "sum")
SHAPE = (4, 3)
WEIGHTED = ("mse_loss", "l1_loss", "huber_loss")
"""Functions whose `weight` weighs the rows: PyTorch has a derivative by it."""
ROUNDED = {"ctc_loss": 100.0}
"""Functions whose sums of logs, in the hundreds, round off more than one number does."""


def random(rng: np.random.Generator, *shape: int) -> Array:
    """Values far and wide."""
    return 2.0 * rng.normal(size=shape)


def extreme(rng: np.random.Generator, *shape: int) -> Array:
    """Values far out."""
    return rng.choice([-200.0, -0.3, 0.6, 200.0], shape)


def tied(rng: np.random.Generator, *shape: int) -> Array:
    """Values that meet each other, and every margin and threshold."""
    return rng.choice([-1.0, 0.0, 0.5, 1.0], shape)


def within(x: Array) -> Array:
    """Probabilities, the ends among them where values are far out."""
    return np.clip(np.round(1.0 / (1.0 + np.exp(-x)), 6), 0.0, 1.0)


def pair(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    yield {"input": draw(rng, *SHAPE), "target": draw(rng, *SHAPE)}


def weighted_pair(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    yield from pair(rng, draw)
    yield {**next(pair(rng, draw)), "weight": rng.choice([0.0, 0.5, 2.0], SHAPE)}
    yield {"input": draw(rng, *SHAPE), "target": draw(rng, 3)}


def probabilities(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    given = {"input": within(draw(rng, *SHAPE)), "target": rng.choice([0.0, 0.3, 1.0], SHAPE)}
    yield given
    yield {**given, "weight": rng.choice([0.0, 0.5, 2.0], (3,))}


def logits(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    given = {"input": draw(rng, *SHAPE), "target": rng.choice([0.0, 0.3, 1.0], SHAPE)}
    yield given
    yield {**given, "weight": rng.uniform(size=SHAPE), "pos_weight": np.array([0.5, 1.0, 3.0])}


def classes(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    label, weight = np.array([1, 2, -100, 0]), np.array([0.5, 2.0, 1.0])
    for smoothing in (0.0, 0.2):
        given = {"input": draw(rng, *SHAPE), "label_smoothing": smoothing}
        yield {**given, "target": label}
        yield {**given, "target": label, "weight": weight}
        yield {**given, "target": rng.dirichlet([1.0, 1.0, 1.0], 4), "weight": weight}
    yield {"input": draw(rng, 2, 3, 5), "target": rng.integers(0, 3, (2, 5)), "weight": weight, "ignore_index": 1}


def negative_logs(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    for given in classes(rng, draw):
        if given["target"].dtype.kind == "i" and not given.get("label_smoothing"):
            yield {name: value for name, value in given.items() if name != "label_smoothing"}


def layers(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    given = {"linear_weight": 0.1 * rng.normal(size=(3, 5)), "linear_bias": rng.normal(size=3)}
    for each in classes(rng, draw):
        if each["input"].ndim == 2:
            yield {**each, **given, "input": 0.2 * draw(rng, 4, 5)}


def sequences(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    scores = draw(rng, 7, 3, 4)
    top = scores.max(axis=2, keepdims=True)
    given = {
        "log_probs": scores - top - np.log(np.exp(scores - top).sum(axis=2, keepdims=True)),
        "targets": np.array([[1, 2, 2], [3, 1, 0], [2, 0, 0]]),
        "input_lengths": np.array([7, 5, 6]),
        "target_lengths": np.array([3, 2, 1]),
    }
    yield given
    yield {**given, "blank": 3, "targets": np.array([[1, 2, 2], [0, 1, 0], [2, 0, 0]]), "zero_infinity": True}


def variances(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    for full in (False, True):
        yield {**next(pair(rng, draw)), "var": rng.choice([0.0, 1e-6, 0.5, 2.0], SHAPE), "full": full}


def divergences(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    logs, target = np.log(rng.dirichlet([1.0, 1.0, 1.0], 4)), rng.dirichlet([1.0, 1.0, 1.0], 4)
    target[0, 0] = 0.0
    for reduction in ("batchmean", *REDUCTIONS):
        yield {"input": logs, "target": target, "reduction": reduction}
        yield {"input": draw(rng, *SHAPE) / 10, "target": logs, "log_target": True, "reduction": reduction}


def rates(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    count = rng.choice([0.0, 1.0, 2.0, 7.0], SHAPE)
    for full in (False, True):
        yield {"input": draw(rng, *SHAPE) / 10, "target": count, "full": full}
        yield {"input": np.abs(draw(rng, *SHAPE)), "target": count, "full": full, "log_input": False}


def signed(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    yield {"input": draw(rng, *SHAPE), "target": rng.choice([-1.0, 1.0], SHAPE)}


def vectors(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    for margin in (0.0, 0.3):
        given = {"input1": draw(rng, *SHAPE), "input2": draw(rng, *SHAPE), "margin": margin}
        yield {**given, "target": rng.choice([-1.0, 1.0], 4)}


def rankings(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    for margin in (0.0, 0.5):
        yield {"input1": draw(rng, 9), "input2": draw(rng, 9), "target": rng.choice([-1.0, 1.0], 9), "margin": margin}


def margins(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    for p in (1, 2):
        yield {"input": draw(rng, *SHAPE), "target": rng.integers(0, 3, 4), "p": p, "margin": 0.5}
    yield {"input": draw(rng, *SHAPE), "target": rng.integers(0, 3, 4), "weight": np.array([0.5, 2.0, 1.0])}


def label_sets(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    yield {"input": draw(rng, *SHAPE), "target": np.array([[1, 0, -1], [2, -1, 0], [-1, 1, 2], [0, 1, 2]])}


def many_labels(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    given = {"input": draw(rng, *SHAPE), "target": rng.choice([0.0, 0.3, 1.0], SHAPE)}
    yield from (given, {**given, "weight": np.array([0.5, 2.0, 1.0])})


def triplets(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    given = {name: draw(rng, *SHAPE) for name in ("anchor", "positive", "negative")}
    for options in ({}, {"p": 1}, {"p": 3, "margin": 0.2}, {"swap": True, "margin": 4.0}):
        yield {**given, **options}


def distances(rng: np.random.Generator, draw: Draw) -> Iterator[Arguments]:
    for given in triplets(rng, draw):
        yield {name: value for name, value in given.items() if name != "p"}


CASES: Mapping[str, Cases] = {
    "binary_cross_entropy": probabilities,
    "binary_cross_entropy_with_logits": logits,
    "cosine_embedding_loss": vectors,
    "cross_entropy": classes,
    "ctc_loss": sequences,
    "gaussian_nll_loss": variances,
    "hinge_embedding_loss": signed,
    "huber_loss": weighted_pair,
    "kl_div": divergences,
    "l1_loss": weighted_pair,
    "linear_cross_entropy": layers,
    "margin_ranking_loss": rankings,
    "mse_loss": weighted_pair,
    "multi_margin_loss": margins,
    "multilabel_margin_loss": label_sets,
    "multilabel_soft_margin_loss": many_labels,
    "nll_loss": negative_logs,
    "poisson_nll_loss": rates,
    "smooth_l1_loss": pair,
    "soft_margin_loss": signed,
    "triplet_margin_loss": triplets,
    "triplet_margin_with_distance_loss": distances,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("draw", [random, extreme, tied])
@pytest.mark.parametrize("function", CASES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_gradient_is_autograds(function: str, draw: Draw, dtype: str) -> None:
    for given in CASES[function](np.random.default_rng(5), draw):
        cast = {
            k: v.astype(dtype) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for k, v in given.items()
        }
        for reduction in (given["reduction"],) if "reduction" in given else REDUCTIONS:
            agree_on_gradients(function, {**cast, "reduction": reduction})


def agree_on_gradients(function: str, arguments: Arguments) -> None:
    """Every gradient that PyTorch has, within 1e-7 in double and 1e-4 in single precision; where it is NaN, any."""
    ours = like.compute("torch", function, arguments, returns=("value", "gradient"))
    assert ours.gradient is not None
    for name in floating(function, arguments):
        expected = answer_of("torch", f"{function} by {name}", arguments, partial(autograd, function, arguments, name))
        if isinstance(expected, str):  # it has no such derivative
            continue
        found = ours.gradient[name]
        assert (found.shape, found.dtype) == (arguments[name].shape, arguments[name].dtype)
        found, rtol = found if live("torch") else digest(found), 1e-4 if found.dtype == np.float32 else 1e-7
        atol = (
            1e-2
            * rtol
            * ROUNDED.get(function, 1.0)
            * max(1.0, np.abs(expected[np.isfinite(expected)]).max(initial=0.0))
        )
        told = ~np.isnan(expected)
        np.testing.assert_allclose(found[told], expected[told], rtol, atol, err_msg=f"{name} in {arguments}")


def floating(function: str, arguments: Arguments) -> list[str]:
    """The tensors that there may be a derivative by; weights of rows aside."""
    names = [n for n, value in arguments.items() if isinstance(value, np.ndarray) and value.dtype.kind == "f"]
    return [name for name in names if name != "weight" or function not in WEIGHTED]


def autograd(function: str, arguments: Arguments, by: str) -> Array:
    """PyTorch's gradient of the sum by one tensor; it raises where it has none."""
    import torch

    given = {n: torch.from_numpy(v.copy()) if isinstance(v, np.ndarray) else v for n, v in arguments.items()}
    value = getattr(torch.nn.functional, function)(**given | {by: given[by].requires_grad_()}).sum()
    return torch.autograd.grad(value, given[by])[0].numpy()


def test_every_function_of_pytorch_has_its_cases() -> None:
    assert set(CASES) == set(like.presets()["torch"])


def test_another_gradient_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(like, "walk", lambda seeds, leaves: {name: 0.0 * leaf.value for name, leaf in leaves.items()})
    with pytest.raises(AssertionError, match="input"):
        agree_on_gradients("mse_loss", {"input": np.array([1.0, 2.0]), "target": np.array([0.0, 0.0])})
