"""How good predicted probabilities are: log loss and Brier score, and what they spare against class frequencies."""

from typing import Literal

from lossapi.definition import metric
from lossapi.domains import Array, Binary, Label, Probability, Sums
from lossapi.functions import namespace, one_hot, xlogy
from lossapi.libraries.conventions import steps
from lossapi.libraries.presets import sklearn
from lossapi.maps.residuals import mean_of, require_weight
from lossapi.maps.sklearn_classes import CLASSES_DIFFER, binary_or_classes, classes, dtype_floor, nan_below_two
from lossapi.maps.surprise import of_probabilities, yes_no_surprisal
from lossapi.parameters import LogFloor
from lossapi.states import WEIGHT


def yes_no_surprise(
    prediction: Probability[Array, "batch"], target: Binary[Array, "batch"], *, log_floor: LogFloor | None = None
) -> Sums[dict[str, Array], "batch"]:
    """Σ-log p of what happened, and how often it was yes."""
    return {"score": yes_no_surprisal(prediction, target, log_floor), "yes": target}


def class_surprise(
    prediction: Probability[Array, "batch classes"], target: Label[Array, "batch"], *, log_floor: LogFloor | None = None
) -> Sums[dict[str, Array], "batch"]:
    """Σ-log p of the class that came."""
    return {"score": of_probabilities(prediction, target, None, floor=log_floor)}


def class_surprise_and_share(
    prediction: Probability[Array, "batch classes"], target: Label[Array, "batch"], *, log_floor: LogFloor | None = None
) -> Sums[dict[str, Array], "batch"]:
    """The same, and how often each class came: that takes five times as long."""
    sums = class_surprise(prediction, target, log_floor=log_floor)
    return {**sums, "classes": one_hot(target, prediction, axis=1)}


def yes_no_squares(
    prediction: Probability[Array, "batch"], target: Binary[Array, "batch"]
) -> Sums[dict[str, Array], "batch"]:
    """Σ of the squares of both outcomes, and how often it was yes."""
    error = prediction - target
    return {"score": 2.0 * error * error, "yes": target}


def class_squares(
    prediction: Probability[Array, "batch classes"], target: Label[Array, "batch"]
) -> Sums[dict[str, Array], "batch"]:
    """Σ of the squares of all classes, and how often each came."""
    came = one_hot(target, prediction, axis=1)
    error = prediction - came
    return {"score": namespace(prediction).sum(error * error, axis=1), "classes": came}


@metric(
    family="probabilistic",
    of=[yes_no_surprise, class_surprise],
    like=[
        sklearn(
            "log_loss(y_true, y_proba=None, normalize=True, sample_weight=None, labels=None, y_pred=None)",
            {"y_proba": "prediction", "y_pred": "older", "labels": "known"},
            tensors=("y_pred", "labels"),
            prepare=steps(classes, dtype_floor),
            differs=f"{CLASSES_DIFFER}; probabilities are held within the dtype's epsilon of 0 and 1",
        )
    ],
)
def log_loss(sums: dict[str, Array], *, normalize: bool = True) -> Array:
    """How surprised predicted probabilities were by what came: the mean of minus their logarithms.

    Formula:
        -Σ w log p(y) / Σ w; of yes/no outcomes p(1) = p, p(0) = 1 - p; with `normalize` false not divided by Σ w
    Shapes:
        prediction: (batch) for 0/1 targets, (batch, classes) for labels; target, weight: (batch)
    Units:
        nats
    Convention:
        Exact: a probability of 0 for what came costs infinity, and probabilities are not divided by their sum.
        scikit-learn holds them within the epsilon of their dtype (`log_floor` 2.2e-16 in float64), so that no row costs
        more than 36.04.
    Raises:
        domain: a probability outside [0, 1], a label without a column; empty: no rows, or weights that sum to 0
    Source:
        I. J. Good, Rational Decisions, 1952, https://www.jstor.org/stable/2984087
    Example:
        {"prediction": [0.9, 0.2, 0.3], "target": [1, 0, 1]} → 0.5108256237659907
    """
    return mean_of(sums, "score") if normalize else sums["score"]


@metric(
    family="probabilistic",
    of=[yes_no_squares, class_squares],
    like=[
        sklearn(
            "brier_score_loss(y_true, y_proba, sample_weight=None, pos_label=None, labels=None, scale_by_half='auto')",
            {"y_proba": "prediction", "labels": "known"},
            tensors=("labels",),
            prepare=binary_or_classes,
            differs=CLASSES_DIFFER,
        )
    ],
)
def brier_score(sums: dict[str, Array], *, scale_by_half: bool | Literal["auto"] = "auto") -> Array:
    """The mean squared difference between predicted probabilities and what came: 0 is perfect.

    Formula:
        Σ w Σ_c (p_c - [y = c])² / Σ w, halved where there are two classes: then Σ w (p - y)² / Σ w
    Shapes:
        prediction: (batch) for 0/1 targets, (batch, classes) for labels; target, weight: (batch)
    Units:
        none: in [0, 1] where halved, else in [0, 2]
    Convention:
        As scikit-learn: halved where there are fewer than three classes, unless `scale_by_half` says otherwise.
    Raises:
        domain: a probability outside [0, 1], a label without a column; empty: no rows, or weights that sum to 0
    Source:
        G. W. Brier, Verification of Forecasts Expressed in Terms of Probability, 1950,
        doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    Example:
        {"prediction": [0.9, 0.2, 0.3], "target": [1, 0, 1]} → 0.18
    """
    few = "yes" in sums or sums["classes"].shape[-1] < 3
    halved = few if scale_by_half == "auto" else scale_by_half
    return (0.5 if halved else 1.0) * mean_of(sums, "score")


@metric(
    family="probabilistic",
    of=[yes_no_surprise, class_surprise_and_share],
    like=[
        sklearn(
            "d2_log_loss_score(y_true, y_proba=None, sample_weight=None, labels=None, y_pred=None)",
            {"y_proba": "prediction", "y_pred": "older", "labels": "known"},
            tensors=("y_pred", "labels"),
            prepare=nan_below_two(steps(classes, dtype_floor)),
            differs=f"{CLASSES_DIFFER}; one row is NaN; probabilities are held within the dtype's epsilon of 0 and 1",
        )
    ],
)
def d2_log_loss_score(sums: dict[str, Array]) -> Array:
    """The share of the log loss that a prediction spares, against always predicting how often each class comes.

    Formula:
        1 - Σ w log p(y) / Σ w log f(y), f(c) = Σ w [y = c] / Σ w
    Shapes:
        prediction: (batch) for 0/1 targets, (batch, classes) for labels; target, weight: (batch)
    Convention:
        As scikit-learn, but exact: see `log_loss`. Where one class alone comes there is nothing to spare: -Infinity.
    Raises:
        domain: a probability outside [0, 1], a label without a column; empty: no rows, or weights that sum to 0
    Source:
        sklearn.metrics.d2_log_loss_score
    Example:
        {"prediction": [0.9, 0.2, 0.3], "target": [1, 0, 1]} → 0.1974638598627504
    """
    frequency = frequencies(sums)
    null = -namespace(frequency).sum(xlogy(frequency, frequency))
    return 1.0 - mean_of(sums, "score") / null


@metric(
    family="probabilistic",
    of=[yes_no_squares, class_squares],
    like=[
        sklearn(
            "d2_brier_score(y_true, y_proba, sample_weight=None, pos_label=None, labels=None)",
            {"y_proba": "prediction", "labels": "known"},
            tensors=("labels",),
            prepare=nan_below_two(binary_or_classes),
            differs=f"{CLASSES_DIFFER}; one row is NaN",
        )
    ],
)
def d2_brier_score(sums: dict[str, Array]) -> Array:
    """The share of the Brier score that a prediction spares, against always predicting how often each class comes.

    Formula:
        1 - Σ w Σ_c (p_c - [y = c])² / Σ w Σ_c (f_c - [y = c])², f_c = Σ w [y = c] / Σ w
    Shapes:
        prediction: (batch) for 0/1 targets, (batch, classes) for labels; target, weight: (batch)
    Convention:
        As scikit-learn, also known as the Brier skill score. Where one class alone comes it is -Infinity.
    Raises:
        domain: a probability outside [0, 1], a label without a column; empty: no rows, or weights that sum to 0
    Source:
        sklearn.metrics.d2_brier_score
    Example:
        {"prediction": [0.9, 0.2, 0.3], "target": [1, 0, 1]} → 0.19
    """
    frequency = frequencies(sums)
    null = namespace(frequency).sum(frequency * (1.0 - frequency))
    return 1.0 - mean_of(sums, "score") / null


def frequencies(sums: dict[str, Array]) -> Array:
    """How often each class comes."""
    require_weight(sums[WEIGHT])
    if "yes" not in sums:
        return sums["classes"] / sums[WEIGHT]
    share = sums["yes"] / sums[WEIGHT]
    return namespace(share).stack([1.0 - share, share])
