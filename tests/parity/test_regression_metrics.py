"""Metrics of regression beside scikit-learn, torchmetrics and Keras: outputs, weights, constant targets, one row."""

from typing import Any

import numpy as np
import pytest

from lossapi import like
from tests.parity.peers import agree

SHAPES = [(30,), (30, 1), (30, 3), (1,), (1, 2), (2,), (0,), (0, 2)]
OUTPUTS: list[Any] = ["raw_values", "uniform_average", [0.5, 0.2, 2.0], [1.0], "variance_weighted", "mean"]
RESIDUAL = [
    "mean_squared_error",
    "mean_absolute_error",
    "root_mean_squared_error",
    "mean_absolute_percentage_error",
    "mean_pinball_loss",
    "median_absolute_error",
    "d2_pinball_score",
    "d2_absolute_error_score",
]
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
        for weight in weights(shape[0]):
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


@pytest.mark.parametrize("function", ["mean_pinball_loss", "d2_pinball_score"])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.3, 0.5, 0.9, 1.0, 1.5])
def test_quantiles_are_sklearns(function: str, alpha: float) -> None:
    for seed, rows in enumerate((2, 3, 10, 11, 40)):
        y, p = (np.round(each) for each in drawn((rows, 2), seed))
        for weight in (*weights(rows, seed), np.random.default_rng(seed).random(rows)):
            given = {"y_true": y, "y_pred": p, "alpha": alpha, "sample_weight": weight}
            agree("sklearn", function, given, rtol=1e-9)


@pytest.mark.parametrize("function", ["median_absolute_error", "d2_absolute_error_score"])
def test_medians_are_sklearns(function: str) -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = int(rng.integers(1, 12))
        y, p = rng.integers(-3, 4, (2, rows, 2)).astype(float)
        for weight in (*weights(rows, seed), rng.random(rows), rng.integers(0, 3, rows)):
            agree("sklearn", function, {"y_true": y, "y_pred": p, "sample_weight": weight}, rtol=1e-9)


def test_the_largest_error_is_sklearns() -> None:
    for shape in SHAPES:
        y, p = drawn(shape)
        agree("sklearn", "max_error", {"y_true": y, "y_pred": p})
    agree("sklearn", "max_error", {"y_true": [1.0, np.nan], "y_pred": [1.0, 2.0]})


@pytest.mark.parametrize("function", ["mean_squared_log_error", "root_mean_squared_log_error"])
def test_logarithms_are_sklearns(function: str) -> None:
    for shape in SHAPES:
        y, p = map(np.abs, drawn(shape))
        for multioutput in OUTPUTS[:2]:
            for weight in weights(shape[0])[:3]:
                given = {"y_true": y, "y_pred": p - 0.9, "multioutput": multioutput, "sample_weight": weight}
                agree("sklearn", function, given, rtol=1e-9)
    said = {"multioutput": "uniform_average"}  # or else records would take it for the question with -1.0
    for low, more in ((-1.0, {}), (-2.0, {}), (-1.0 + 1e-12, said), (1e12, {})):
        far, near = np.array([1.0, low]), np.array([1.0, 2.0])
        agree("sklearn", function, {"y_true": far, "y_pred": near, **more}, rtol=1e-9)
        agree("sklearn", function, {"y_pred": far, "y_true": near, **more}, rtol=1e-9)


FLAT = [
    "mean_absolute_percentage_error",
    "symmetric_mean_absolute_percentage_error",
    "weighted_mean_absolute_percentage_error",
    "mean_squared_log_error",
]


@pytest.mark.parametrize("function", FLAT)
@pytest.mark.parametrize("shape", [(20,), (20, 3), (4, 5, 2), (1,), (0,)])
def test_percentages_and_logarithms_are_torchmetrics(function: str, shape: tuple[int, ...]) -> None:
    y, p = drawn(shape, 7)
    for target in (y, 0.0 * y, np.abs(y)):
        agree("torchmetrics", function, {"preds": p, "target": target})
    agree("torchmetrics", function, {"preds": np.array([-1.0, -2.0, 0.5]), "target": np.array([0.0, 0.0, 0.5])})


@pytest.mark.parametrize("shape", [(20,), (20, 3), (20, 1), (1,), (4, 5, 2)])
def test_errors_of_each_output_are_torchmetrics(shape: tuple[int, ...]) -> None:
    y, p = drawn(shape, 8)
    agree("torchmetrics", "log_cosh_error", {"preds": p, "target": y})
    for squared in (True, False):
        agree("torchmetrics", "relative_squared_error", {"preds": p, "target": y, "squared": squared}, rtol=1e-9)
        agree(
            "torchmetrics", "relative_squared_error", {"preds": p, "target": 0 * y + 1, "squared": squared}, rtol=1e-9
        )
    for normalization in ("mean", "range", "std", "l2"):
        for outputs in (1, 3)[: 3 - len(shape)]:
            given = {"preds": p, "target": y, "normalization": normalization, "num_outputs": outputs}
            agree("torchmetrics", "normalized_root_mean_squared_error", given, rtol=1e-9)


@pytest.mark.parametrize(
    "function", ["MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "LogCoshError", "Poisson"]
)
@pytest.mark.parametrize("shape", [(20,), (20, 3), (4, 5, 2)])
def test_means_of_other_errors_are_keras(function: str, shape: tuple[int, ...]) -> None:
    y, p = drawn(shape, 9)
    for prediction in (p, np.abs(p)):
        agree("keras", f"metrics.{function}", {"y_true": y, "y_pred": prediction}, rtol=1e-5)
        weight = np.random.default_rng(9).choice([0.0, 0.5, 3.0], shape[:1])
        if len(shape) > 1:
            given = {"y_true": y, "y_pred": prediction, "sample_weight": weight}
            agree("keras", f"metrics.{function}", given, rtol=1e-5)


def tf1(rows: Any, weights: Any) -> Any:
    """tf.metrics: Σwv / Σw, 0 where the weights sum to nothing."""
    full = np.broadcast_to(1.0 if weights is None else weights, rows.shape)
    return (rows * full).sum() / full.sum() if full.sum() > 0 else 0.0


@pytest.mark.parametrize("weights", [None, 2.0, 0.0, [[1.0], [0.0], [3.0]], [[1, 0], [0, 0], [2, 1]]])
def test_tensorflow_1_averages_over_elements(weights: Any) -> None:
    y, p = drawn((3, 2), 10)
    normalizer = np.array([[1.0, 2.0], [0.0, 4.0], [-1.0, 0.5]])
    w = None if weights is None else np.asarray(weights)
    given = {"labels": y, "predictions": p, "weights": w}
    root = like.compute("tf1", "metrics.root_mean_squared_error", given).value
    np.testing.assert_allclose(root, tf1((p - y) ** 2, w) ** 0.5, rtol=1e-12)
    relative = np.abs(p - y) / np.where(normalizer == 0, np.inf, normalizer)
    found = like.compute("tf1", "metrics.mean_relative_error", {**given, "normalizer": normalizer}).value
    np.testing.assert_allclose(found, tf1(relative, w), rtol=1e-12)


POWERS = [-1.5, -1, 0, 0.5, 1, 1.5, 2, 3, 3.5]


@pytest.mark.parametrize("function", ["mean_tweedie_deviance", "d2_tweedie_score"])
@pytest.mark.parametrize("power", POWERS)
def test_deviances_are_sklearns(function: str, power: float) -> None:
    for shape in [(30,), (30, 1), (1,), (2,), (0,), (30, 2)]:
        y, p = map(np.abs, drawn(shape, 11))
        for weight in weights(shape[0]):
            given = {"y_true": y + 0.1, "y_pred": p + 0.1, "power": power, "sample_weight": weight}
            agree("sklearn", function, given, rtol=1e-9)
    y, p = map(np.abs, drawn((30,), 11))
    targets = [y, p + 0.1, np.where(y > 0.5, y, 0.0), -y]
    for target in [*targets, 0.0 * y + 2.0] if power in (0, 1, 2) else targets:
        for prediction in (p + 0.1, p, -p):
            agree("sklearn", function, {"y_true": target, "y_pred": prediction, "power": power}, rtol=1e-9)


@pytest.mark.parametrize("function", ["mean_poisson_deviance", "mean_gamma_deviance"])
def test_deviances_by_name_are_sklearns(function: str) -> None:
    y, p = map(np.abs, drawn((30,), 12))
    for target in (y, y + 0.1, np.where(y > 0.5, y, 0.0), -y):
        for prediction in (p + 0.1, p):
            for weight in weights(30):
                agree("sklearn", function, {"y_true": target, "y_pred": prediction, "sample_weight": weight}, rtol=1e-9)


@pytest.mark.parametrize("power", POWERS)
def test_deviances_are_torchmetrics(power: float) -> None:
    for shape in [(30,), (10, 3), (0,)]:
        y, p = map(np.abs, drawn(shape, 13))
        for target in (y, y + 0.1, np.where(y > 0.5, y, 0.0), -y):
            for prediction in (p + 0.1, p):
                agree(
                    "torchmetrics", "tweedie_deviance_score", {"preds": prediction, "targets": target, "power": power}
                )


def test_distances_are_torchmetrics() -> None:
    for shape in [(30,), (10, 3), (4, 5, 2), (0,), (0, 3)]:
        y, p = drawn(shape, 14)
        for power in (1, 1.5, 2, 3.0):
            agree("torchmetrics", "minkowski_distance", {"preds": p, "targets": y, "p": power})
        for reduction in ("sum", "mean"):
            agree("torchmetrics", "cosine_similarity", {"preds": p, "target": y, "reduction": reduction})
            agree("torchmetrics", "cosine_similarity", {"preds": p, "target": 0 * y, "reduction": reduction})


@pytest.mark.parametrize("weights", [None, 2.0, 0.0, [[1.0], [0.0], [3.0]], [1.0, 0.0, 3.0]])
def test_tensorflow_1_takes_vectors_to_be_of_length_one(weights: Any) -> None:
    y, p = drawn((3, 2), 15)
    w = None if weights is None else np.asarray(weights)
    given = {"labels": y, "predictions": p, "dim": 1, "weights": w}
    rows = (p * y).sum(axis=1, keepdims=True)
    expected = 1 - tf1(rows, w[:, None] if w is not None and w.ndim == 1 else w)
    np.testing.assert_allclose(like.compute("tf1", "metrics.mean_cosine_distance", given).value, expected, rtol=1e-12)
