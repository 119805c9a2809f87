"""Kullback-Leibler divergences beside torch, keras and optax."""

from typing import Any

import numpy as np
import pytest

from tests.parity.peers import agree

SINGLE = 1e-6
"""Keras clips in single precision, on PyTorch at least."""
DTYPES = ("float32", "float64")
SHAPES: list[tuple[int, ...]] = [(4, 3), (5,), (2, 3, 4), (1, 1), (0, 3), ()]


def distribution(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Probabilities among which some are 0."""
    values = rng.uniform(size=shape) * rng.choice([0.0, 1.0, 1e-9], shape, p=[0.2, 0.7, 0.1])
    return values / np.maximum(values.sum(axis=-1, keepdims=True), 1e-30) if shape else values


def drawn(shape: tuple[int, ...], dtype: str, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    one, two = (np.asarray(distribution(rng, shape), dtype) for _ in range(2))
    return one, two


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum", "batchmean", "middle"])
def test_torch_divides_by_elements_or_by_rows(reduction: str, dtype: str) -> None:
    for shape in SHAPES:
        p, t = drawn(shape, dtype)
        with np.errstate(all="ignore"):
            logs = np.log(p)
        for given in ({"input": logs, "target": t}, {"input": np.maximum(logs, -200), "target": t}):
            agree("torch", "kl_div", {**given, "reduction": reduction})
            log_target = np.log(np.maximum(t, 1e-30)).astype(dtype)
            agree("torch", "kl_div", {**given, "target": log_target, "reduction": reduction, "log_target": True})
        agree("torch", "kl_div", {"input": logs, "target": logs, "reduction": reduction, "log_target": True})


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("reduction", ["none", "mean", "sum", "batchmean"])
def test_torch_broadcasts_and_checks_nothing(reduction: str) -> None:
    rng = np.random.default_rng(1)
    for shapes in (((4, 3), (3,)), ((3,), (4, 3)), ((4, 1), (1, 3)), ((1, 3), (4, 3)), ((), (3,)), ((4, 3), (2, 3))):
        one, two = (np.asarray(rng.normal(size=shape)) * 3 for shape in shapes)
        agree("torch", "kl_div", {"input": one, "target": two, "reduction": reduction})
        agree("torch", "kl_div", {"input": one, "target": abs(two), "reduction": reduction})
        agree("torch", "kl_div", {"input": one, "target": two, "reduction": reduction, "log_target": True})
    for kinds in ((int, float), (float, int)):
        one, two = np.ones((2, 3), kinds[0]), np.ones((2, 3), kinds[1])
        agree("torch", "kl_div", {"input": one, "target": two, "reduction": reduction})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", ["kl_divergence", "kullback_leibler_divergence", "kld", "KLD", "KLDivergence"])
def test_keras_holds_probabilities_in_a_range(function: str, dtype: str) -> None:
    for shape in SHAPES:
        p, t = drawn(shape, dtype)
        agree("keras", function, {"y_true": t, "y_pred": p}, rtol=SINGLE)
        agree("keras", function, {"y_true": 3 * t - 1, "y_pred": 2 * p}, rtol=SINGLE)
    p, t = drawn((4, 3), dtype)
    for shapes in ((p[..., None], t), (p[:, :1], t[:, 0]), (p, t[0]), (p[0], t)):
        agree("keras", function, {"y_true": shapes[1], "y_pred": shapes[0]}, rtol=SINGLE)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none", None])
def test_keras_reduces_and_weighs_rows(reduction: str | None) -> None:
    for shape in SHAPES:
        p, t = drawn(shape, "float64", 2)
        for weight in (None, np.array(2.0), np.arange(4.0), np.arange(4.0)[:, None], np.ones((2, 3)), np.zeros(4)):
            given = {"y_true": t, "y_pred": p, "sample_weight": weight, "reduction": reduction}
            agree("keras", "KLDivergence", given, rtol=SINGLE)


OPTAX = {
    "kl_divergence": "targets",
    "kl_divergence_with_log_targets": "log_targets",
    "generalized_kl_divergence": "targets",
    "convex_kl_divergence": "targets",
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", OPTAX)
def test_optax_takes_logarithms(function: str, dtype: str) -> None:
    for shape in SHAPES[:3]:
        p, t = drawn(shape, dtype, 3)
        with np.errstate(all="ignore"):
            logs, target = np.log(p), np.log(t) if "log" in OPTAX[function] else t
        agree("optax", function, {"log_predictions": logs, OPTAX[function]: target})
        agree("optax", function, {"log_predictions": np.maximum(logs, -200), OPTAX[function]: np.maximum(target, -200)})
        agree("optax", function, {"log_predictions": logs, OPTAX[function]: np.ones(shape, int)})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("axis", [None, 0, (0, 2), -2, 3])
@pytest.mark.parametrize("function", OPTAX)
def test_optax_sums_over_several_axes_and_only_where_it_is_told(function: str, axis: Any) -> None:
    rng = np.random.default_rng(4)
    logs, t = rng.normal(size=(2, 2, 3, 4))
    t = t if "log" in OPTAX[function] else abs(t)
    agree("optax", function, {"log_predictions": logs, OPTAX[function]: t, "axis": axis})
    for where in (rng.uniform(size=t.shape) < 0.7, np.array([True, False, True, True])):
        agree("optax", function, {"log_predictions": logs, OPTAX[function]: t, "axis": axis, "where": where})
    blank = np.where(where, t, -np.inf if "log" in OPTAX[function] else 0.0)
    logs = np.where(where, logs, -np.inf)
    agree("optax", function, {"log_predictions": logs, OPTAX[function]: blank, "axis": axis, "where": where})
