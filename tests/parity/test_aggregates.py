"""Means, sums and their kin beside Keras, NumPy and TensorFlow 1 by hand; divergences and CRPS beside torchmetrics."""

from typing import Any

import numpy as np
import pytest

from lossapi import LossError, compute, like
from tests.parity.peers import agree

WEIGHTS: list[Any] = [None, 2.0, 0.0, [[1.0], [0.0], [3.0]], [[1, 0], [0, 0], [2, 1]]]


def values(shape: tuple[int, ...], seed: int = 0) -> Any:
    """Some numbers."""
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("function", ["Mean", "Sum"])
@pytest.mark.parametrize("shape", [(5,), (5, 3), (4, 3, 2), ()])
def test_means_and_sums_are_keras(function: str, shape: tuple[int, ...]) -> None:
    v, rng = values(shape), np.random.default_rng(1)
    agree("keras", f"metrics.{function}", {"values": v}, rtol=1e-6)
    for size in range(1, len(shape) + 1):
        weight = rng.choice([0.0, 0.5, 3.0], shape[:size])
        for each in (weight, 0.0 * weight, weight[..., None]):
            agree("keras", f"metrics.{function}", {"values": v, "sample_weight": each}, rtol=1e-6)


def tf1(rows: Any, weights: Any, axis: Any = None) -> Any:
    """tf.metrics: Σwv / Σw, 0 where the weights sum to nothing."""
    full = np.broadcast_to(1.0 if weights is None else weights, rows.shape)
    total = full.sum(axis=axis)
    return np.where(total > 0, (rows * full).sum(axis=axis) / np.where(total > 0, total, 1.0), 0.0)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_tensorflow_1_averages_values(weights: Any) -> None:
    v, w = values((3, 2)), None if weights is None else np.asarray(weights)
    given = {"values": v, "weights": w}
    found = {name: like.compute("tf1", f"metrics.{name}", given).value for name in ("mean", "mean_tensor")}
    np.testing.assert_allclose(found["mean"], tf1(v, w), rtol=1e-12)
    np.testing.assert_allclose(found["mean_tensor"], tf1(v[None], None if w is None else w[None], axis=0), rtol=1e-12)
    share = like.compute("tf1", "metrics.percentage_below", {**given, "threshold": 0.1}).value
    np.testing.assert_allclose(share, tf1((v < 0.1).astype(float), w), rtol=1e-12)


def test_extremes_and_the_geometric_mean_are_numpys() -> None:
    v = np.abs(values((70_000, 2), 2))
    weight = np.random.default_rng(2).choice([0.0, 1.0, 2.5], 70_000)
    kept = v[weight > 0]
    for name, expected in (("max", kept.max()), ("min", kept.min())):
        assert compute(name, {"values": v}, weight=weight).value == expected
    expected = np.exp(np.average(np.log(v).mean(axis=1), weights=weight))
    assert compute("geometric_mean", {"values": v}, weight=weight).value == pytest.approx(expected, rel=1e-12)
    assert compute("geometric_mean", {"values": [0.0, 5.0]}).value == 0.0
    with pytest.raises(LossError, match="a number >= 0, got -1"):
        compute("geometric_mean", {"values": [1.0, -1.0]})
    with pytest.raises(LossError, match="at least one row"):
        compute("max", {"values": [1.0]}, weight=np.zeros(1))


@pytest.mark.parametrize("function", ["kl_divergence", "jensen_shannon_divergence"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_divergences_are_torchmetrics(function: str, reduction: str) -> None:
    rng = np.random.default_rng(3)
    p, q = rng.dirichlet(np.ones(4), (2, 10))
    for scale in (1.0, 3.0):
        agree("torchmetrics", function, {"p": p, "q": scale * q, "reduction": reduction}, rtol=1e-9)
    logs = {"p": np.log(p), "q": np.log(q), "log_prob": True, "reduction": reduction}
    agree("torchmetrics", function, logs, rtol=1e-9)
    p[0, 0], q[1, 1] = 0.0, 0.0
    agree("torchmetrics", function, {"p": p, "q": q, "reduction": reduction}, rtol=1e-9)
    agree("torchmetrics", function, {"p": p[0], "q": q[0], "reduction": reduction})


@pytest.mark.parametrize("shape", [(20, 2), (20, 7), (1, 30), (20, 1), (0, 3), (20,)])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_ensembles_are_torchmetrics(shape: tuple[int, ...], offset: float) -> None:
    p, y = values(shape, 4) + offset, values(shape[:1], 5) + offset
    agree("torchmetrics", "continuous_ranked_probability_score", {"preds": p, "target": y}, rtol=1e-9)
    agree("torchmetrics", "continuous_ranked_probability_score", {"preds": p, "target": y[1:]})


def test_a_fair_ensemble_divides_by_the_pairs_of_different_members() -> None:
    p, y = values((5, 4), 6), values((5,), 7)
    pairs = np.abs(p[:, :, None] - p[:, None, :]).sum(axis=(1, 2))
    expected = (np.abs(p - y[:, None]).mean(axis=1) - pairs / (2 * 4 * 3)).mean()
    found = compute("continuous_ranked_probability_score", {"prediction": p, "target": y}, {"fair": True}).value
    assert found == pytest.approx(expected, rel=1e-12)
    one = compute("continuous_ranked_probability_score", {"prediction": [[3.0]], "target": [1.0]})
    assert one.value == 2.0
