"""Metrics of regression beside scikit-learn, torchmetrics and Keras: outputs, weights, constant targets, one row."""

from typing import Any

import numpy as np
import pytest

from tests.parity.peers import agree

SHAPES = [(30,), (30, 1), (30, 3), (1,), (1, 2), (2,), (0,), (0, 2)]
OUTPUTS: list[Any] = ["raw_values", "uniform_average", [0.5, 0.2, 2.0], [1.0], "variance_weighted", "mean"]
RESIDUAL = ["mean_squared_error", "mean_absolute_error", "root_mean_squared_error"]
VARIANCE = ["r2_score", "explained_variance_score"]
SKLEARN = [*RESIDUAL, *VARIANCE]
WHOLE = ["mean_squared_error", "mean_absolute_error"]


def drawn(shape: tuple[int, ...], seed: int = 0, offset: float = 0.0) -> tuple[Any, Any]:
    """Targets and predictions, some of them equal."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=shape) + offset
    return y, np.where(rng.random(shape) < 0.2, y, y + rng.normal(size=shape).round(1))


def weights(rows: int, seed: int = 0) -> list[Any]:
    """None, some that are zero, all alike, and none that count."""
    rng = np.random.default_rng(seed)
    return [None, rng.choice([0.0, 0.5, 3.0], rows), np.full(rows, 2.0), np.zeros(rows)]


@pytest.mark.parametrize("function", SKLEARN)
@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_and_weights_are_sklearns(function: str, shape: tuple[int, ...]) -> None:
    y, p = drawn(shape)
    for multioutput in OUTPUTS:
        for weight in weights(shape[0])[:3]:
            given = {"y_true": y, "y_pred": p, "multioutput": multioutput, "sample_weight": weight}
            agree("sklearn", function, given, rtol=1e-9)


@pytest.mark.parametrize("function", SKLEARN)
@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_far_from_zero_no_digits_are_lost(function: str, offset: float) -> None:
    y, p = drawn((500, 2), 1, offset)
    agree("sklearn", function, {"y_true": y, "y_pred": p}, rtol=1e-9)
    agree("sklearn", function, {"y_true": y, "y_pred": p, "sample_weight": weights(500)[1]}, rtol=1e-9)


@pytest.mark.parametrize("function", VARIANCE)
@pytest.mark.parametrize("multioutput", ["raw_values", "uniform_average", "variance_weighted"])
@pytest.mark.parametrize("force_finite", [True, False])
def test_constant_targets_are_sklearns(function: str, multioutput: str, force_finite: bool) -> None:
    y = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 2.0, 1.0], [1.0, 1.0, 4.0, 1.0]])
    p = y + np.array([0.0, 0.5, 0.1, 0.0]) + np.array([[0.0], [0.0], [1.0]]) * np.array([0.0, 0.0, 0.0, 2.0])
    for columns in (slice(0, 4), slice(0, 2), slice(0, 1), slice(1, 2), slice(3, 4)):
        given = {"y_true": y[:, columns], "y_pred": p[:, columns], "force_finite": force_finite}
        agree("sklearn", function, {**given, "multioutput": multioutput})


@pytest.mark.parametrize("function", SKLEARN)
def test_what_sklearn_refuses_is_refused(function: str) -> None:
    y, p = drawn((6, 2))
    for change in (
        {"y_pred": p[:, :1]},
        {"y_pred": p[:4]},
        {"y_true": np.full_like(y, np.nan)},
        {"y_pred": np.full_like(y, np.inf)},
        {"sample_weight": np.ones((6, 2))},
        {"sample_weight": np.ones(5)},
        {"sample_weight": np.ones(1)},
        {"sample_weight": np.full(6, np.nan)},
        {"y_true": y[:, 0], "y_pred": p[:, :1]},
        {"y_true": y[None], "y_pred": p[None]},
        {"multioutput": [1.0, 2.0, 3.0]},
    ):
        agree("sklearn", function, {"y_true": y, "y_pred": p, **change})


@pytest.mark.parametrize("function", SKLEARN)
def test_integers_and_single_precision_are_sklearns(function: str) -> None:
    rng = np.random.default_rng(2)
    y, p = rng.integers(-5, 5, (2, 40))
    agree("sklearn", function, {"y_true": y, "y_pred": p})
    agree("sklearn", function, {"y_true": y.astype(np.float32), "y_pred": p.astype(np.float32) + np.float32(0.25)})


@pytest.mark.parametrize("function", WHOLE)
@pytest.mark.parametrize("shape", [(20,), (20, 3), (4, 5, 2), (1,), (0,)])
@pytest.mark.parametrize("outputs", [1, 3])
def test_pools_and_outputs_are_torchmetrics(function: str, shape: tuple[int, ...], outputs: int) -> None:
    y, p = drawn(shape, 3)
    agree("torchmetrics", function, {"preds": p, "target": y, "num_outputs": outputs})
    if function == "mean_squared_error":
        agree("torchmetrics", function, {"preds": p, "target": y, "num_outputs": outputs, "squared": False})


def test_torchmetrics_holds_shapes_to_be_alike() -> None:
    for function in (*WHOLE, "r2_score", "explained_variance"):
        agree("torchmetrics", function, {"preds": np.ones((4, 1)), "target": np.ones(4)})


@pytest.mark.parametrize("multioutput", ["raw_values", "uniform_average", "variance_weighted"])
@pytest.mark.parametrize("shape", [(20,), (20, 3), (1,), (2, 2)])
def test_explained_variance_and_r2_are_torchmetrics(multioutput: str, shape: tuple[int, ...]) -> None:
    y, p = drawn(shape, 4)
    if shape == (1,) and multioutput == "variance_weighted":
        return  # there 0/0
    for scale in (1.0, 1e-3):
        given = {"preds": scale * p, "target": scale * y, "multioutput": multioutput}
        agree("torchmetrics", "explained_variance", given, rtol=1e-9)
        for adjusted in (0, 1, 18, 19, 40):
            agree("torchmetrics", "r2_score", {**given, "adjusted": adjusted}, rtol=1e-9)


@pytest.mark.parametrize("function", ["MeanSquaredError", "MeanAbsoluteError", "RootMeanSquaredError"])
@pytest.mark.parametrize("shape", [(20,), (20, 3), (4, 5, 2), (1,), (20, 1)])
def test_means_of_samples_are_keras(function: str, shape: tuple[int, ...]) -> None:
    y, p = drawn(shape, 5)
    rng = np.random.default_rng(5)
    agree("keras", f"metrics.{function}", {"y_true": y, "y_pred": p}, rtol=1e-6)
    for size in range(1, len(shape)):
        weight = rng.choice([0.0, 0.5, 3.0], shape[:size])
        for each in (weight, weight[..., None], 0.0 * weight):
            given = {"y_true": y, "y_pred": p, "sample_weight": each}
            agree("keras", f"metrics.{function}", given, rtol=1e-6)


@pytest.mark.parametrize("aggregation", [None, "uniform_average", "variance_weighted_average"])
def test_r2_is_keras(aggregation: str | None) -> None:
    y, p = drawn((30, 3), 6)
    for weight in (None, weights(30)[1], weights(30)[1][:, None]):
        given = {"y_true": y, "y_pred": p, "sample_weight": weight, "class_aggregation": aggregation}
        agree("keras", "metrics.R2Score", given, rtol=1e-5)
    for regressors in (0, 1, 5, 29, 40):
        given = {"y_true": y[:, :1], "y_pred": p[:, :1], "num_regressors": regressors}
        agree("keras", "metrics.R2Score", given, rtol=1e-5)
    agree("keras", "metrics.R2Score", {"y_true": np.ones((4, 1)), "y_pred": p[:4, :1]})
    agree("keras", "metrics.R2Score", {"y_true": y[:, 0], "y_pred": p[:, 0]})
