"""Seeded draws of what trips metrics up, in double precision, beside scikit-learn, torchmetrics and Keras.

Where a library refuses, so must we.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.parity.peers import agree
from tests.parity.situations import CLASS_SCORES, CLASSES, LABEL_SETS, LABELS, NUMBERS, SCORES, Arguments, Draw

SEEDS = range(4)
RTOL = 1e-9
SINGLE = {"MeanIoU": 2e-6, "binary_matthews_corrcoef": 1e-6, "multilabel_matthews_corrcoef": 1e-6}
"""What divides, or has an epsilon, in single precision whatever the dtype."""
DIFFERS = {
    ("explained_variance", "far from zero"),
    ("multilabel_jaccard_index", "none true"),
    ("multilabel_ranking_loss", "ties"),
}
"""Where the presets say that torchmetrics loses digits, has a NaN of its own, and puts equal scores into an order."""

AVERAGES: list[str | None] = ["micro", "macro", "weighted", None]
OF_LABELS: dict[str, list[Arguments]] = {
    "accuracy_score": [{}, {"normalize": False}],
    "balanced_accuracy_score": [{}, {"adjusted": True}],
    "confusion_matrix": [{}, {"normalize": "true"}],
    "hamming_loss": [{}],
    "matthews_corrcoef": [{}],
    "zero_one_loss": [{}],
    **{
        name: [{"average": each, "zero_division": 0} for each in AVERAGES]
        for name in ("precision_score", "recall_score", "f1_score", "jaccard_score")
    },
}
OF_SCORES: dict[str, list[Arguments]] = {
    "average_precision_score": [{}],
    "brier_score_loss": [{}],
    "det_curve": [{}, {"drop_intermediate": True}],
    "log_loss": [{"labels": [0, 1]}],
    "precision_recall_curve": [{}, {"drop_intermediate": True}],
    "roc_auc_score": [{}, {"max_fpr": 0.3}],
    "roc_curve": [{}, {"drop_intermediate": False}],
}
OF_CLASS_SCORES: dict[str, list[Arguments]] = {
    "log_loss": [{"labels": [0, 1, 2, 3]}],
    "roc_auc_score": [{"multi_class": "ovr"}, {"multi_class": "ovo"}],
    "top_k_accuracy_score": [{"k": k, "labels": [0, 1, 2, 3]} for k in (1, 2, 4)],
}
OF_LABEL_SETS: dict[str, list[Arguments]] = {
    "average_precision_score": [{"average": each} for each in AVERAGES],
    "coverage_error": [{}],
    "label_ranking_average_precision_score": [{}],
    "label_ranking_loss": [{}],
    "roc_auc_score": [{"average": each} for each in AVERAGES],
}
OF_NUMBERS: dict[str, list[Arguments]] = {
    "d2_absolute_error_score": [{}],
    "d2_pinball_score": [{"alpha": 0.8}],
    "explained_variance_score": [{}, {"force_finite": False}],
    "max_error": [{}],
    "mean_absolute_error": [{}, {"multioutput": "raw_values"}],
    "mean_absolute_percentage_error": [{}],
    "mean_gamma_deviance": [{}],
    "mean_pinball_loss": [{"alpha": 0.1}],
    "mean_poisson_deviance": [{}],
    "mean_squared_error": [{}, {"multioutput": "raw_values"}],
    "mean_squared_log_error": [{}],
    "mean_tweedie_deviance": [{"power": 1.5}],
    "median_absolute_error": [{}],
    "r2_score": [{}, {"multioutput": "raw_values"}, {"force_finite": False}],
    "root_mean_squared_error": [{}],
}
NAMES = {"log_loss": "y_proba", "brier_score_loss": "y_proba"}
SCORED = {**OF_SCORES, **OF_CLASS_SCORES, **OF_LABEL_SETS}
UNWEIGHTED = {"max_error"}


def told(function: str, drawn: Arguments, options: Arguments) -> Iterator[Arguments]:
    """The arguments as scikit-learn calls them, without weights and with them."""
    name = NAMES.get(function, "y_score" if function in SCORED else "y_pred")
    given = {"y_true": drawn["y"], name: drawn["p"], **options}
    yield given
    unheard = drawn["w"] is None or ("max_fpr" in options and len({*drawn["y"][drawn["w"] > 0]}) < 2)
    if function not in UNWEIGHTED and not unheard:  # scikit-learn trips over a part of a curve that is NaN
        yield {**given, "sample_weight": drawn["w"]}


SITUATIONS = [
    pytest.param(function, options, draw, id=f"{function}-{kind}-{situation}")
    for kind, functions, situations in (
        ("labels", OF_LABELS, LABELS),
        ("scores", OF_SCORES, SCORES),
        ("classes", OF_CLASS_SCORES, CLASS_SCORES),
        ("sets", OF_LABEL_SETS, LABEL_SETS),
        ("numbers", OF_NUMBERS, NUMBERS),
    )
    for function, options in functions.items()
    for situation, draw in situations.items()
]


@pytest.mark.parametrize(("function", "options", "draw"), SITUATIONS)
def test_draws_are_scikit_learns(function: str, options: list[Arguments], draw: Draw) -> None:
    for seed in SEEDS:
        drawn = draw(np.random.default_rng(seed))
        for each in options:
            for given in told(function, drawn, each):
                agree("sklearn", function, given, rtol=RTOL)


def yes_no(drawn: Arguments) -> Arguments:
    """Several labels a row as they are called at one half."""
    return {**drawn, "p": (drawn["p"] > 0.5).astype(np.int64)}


@pytest.mark.parametrize("situation", LABEL_SETS)
@pytest.mark.parametrize("function", ["precision_score", "recall_score", "f1_score", "jaccard_score"])
def test_sets_of_labels_are_scikit_learns(function: str, situation: str) -> None:
    for seed in SEEDS:
        drawn = yes_no(LABEL_SETS[situation](np.random.default_rng(seed)))
        for average in [*AVERAGES, "samples"]:
            for given in told(function, drawn, {"average": average, "zero_division": 0}):
                agree("sklearn", function, given, rtol=RTOL)
        for name in ("accuracy_score", "hamming_loss", "zero_one_loss", "multilabel_confusion_matrix"):
            for given in told(name, drawn, {}):
                agree("sklearn", name, given, rtol=RTOL)


NONE = ("micro", "macro", "weighted", None)
COUNTED = ("accuracy", "f1_score", "jaccard_index", "precision", "recall", "specificity")
KINDS: dict[str, tuple[dict[str, Draw], dict[str, list[Arguments]]]] = {
    "binary": (
        SCORES,
        {
            **{name: [{}, {"threshold": 0.25}] for name in COUNTED},
            **{name: [{}] for name in ("auroc", "average_precision", "confusion_matrix", "matthews_corrcoef", "roc")},
            "auroc": [{}, {"thresholds": 5}],
            "calibration_error": [{"n_bins": 5}, {"norm": "l2"}, {"norm": "max"}],
            "cohen_kappa": [{}],
            "precision_recall_curve": [{}, {"thresholds": [0.0, 0.5, 1.0]}],
        },
    ),
    "multiclass": (
        CLASS_SCORES,
        {
            **{name: [{"average": each, "num_classes": CLASSES} for each in NONE] for name in COUNTED},
            "auroc": [{"average": each, "num_classes": CLASSES} for each in NONE[1:]],
            "average_precision": [{"average": each, "num_classes": CLASSES} for each in NONE[1:]],
            "calibration_error": [{"num_classes": CLASSES}],
            "cohen_kappa": [{"num_classes": CLASSES}, {"num_classes": CLASSES, "weights": "quadratic"}],
            "confusion_matrix": [{"num_classes": CLASSES}],
            "matthews_corrcoef": [{"num_classes": CLASSES}],
        },
    ),
    "multilabel": (
        LABEL_SETS,
        {
            **{name: [{"average": each, "num_labels": CLASSES} for each in NONE] for name in COUNTED},
            "auroc": [{"average": each, "num_labels": CLASSES} for each in NONE],
            "average_precision": [{"average": each, "num_labels": CLASSES} for each in NONE],
            "confusion_matrix": [{"num_labels": CLASSES}],
            "matthews_corrcoef": [{"num_labels": CLASSES}],
            "ranking_loss": [{"num_labels": CLASSES}],
        },
    ),
    "": (
        NUMBERS,
        {
            name: [{}]
            for name in (
                "concordance_corrcoef",
                "explained_variance",
                "mean_absolute_error",
                "mean_absolute_percentage_error",
                "mean_squared_error",
                "pearson_corrcoef",
                "spearman_corrcoef",
            )
        },
    ),
}
TASKS = [
    pytest.param(f"{kind}_{name}".strip("_"), options, draw, id=f"{kind or 'numbers'}-{name}-{situation}")
    for kind, (situations, functions) in KINDS.items()
    for name, options in functions.items()
    for situation, draw in situations.items()
    if (f"{kind}_{name}".strip("_"), situation) not in DIFFERS
]


@pytest.mark.parametrize(("function", "options", "draw"), TASKS)
def test_draws_are_torchmetricss(function: str, options: list[Arguments], draw: Draw) -> None:
    for seed in SEEDS:
        drawn = draw(np.random.default_rng(seed))
        for each in options:
            agree(
                "torchmetrics",
                function,
                {"preds": drawn["p"], "target": drawn["y"], **each},
                rtol=SINGLE.get(function, RTOL),
            )


OF_KERAS: dict[str, tuple[dict[str, Draw], list[Arguments]]] = {
    "AUC": (SCORES, [{}, {"curve": "PR"}, {"num_thresholds": 11, "summation_method": "minoring"}]),
    "BinaryAccuracy": (SCORES, [{}, {"threshold": 0.25}]),
    "FalseNegatives": (SCORES, [{}]),
    "MeanAbsoluteError": (NUMBERS, [{}]),
    "MeanIoU": (LABELS, [{"num_classes": CLASSES}]),
    "MeanSquaredError": (NUMBERS, [{}]),
    "Precision": (SCORES, [{}, {"thresholds": 0.25}]),
    "Recall": (SCORES, [{}, {"thresholds": 0.25}]),
    "RootMeanSquaredError": (NUMBERS, [{}]),
    "SparseCategoricalAccuracy": (CLASS_SCORES, [{}]),
    "SparseTopKCategoricalAccuracy": (CLASS_SCORES, [{"k": 2}]),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "options", "draw"),
    [
        pytest.param(name, options, draw, id=f"{name}-{situation}")
        for name, (situations, options) in OF_KERAS.items()
        for situation, draw in situations.items()
    ],
)
def test_draws_are_kerass(name: str, options: list[Arguments], draw: Draw, weighted: bool) -> None:
    for seed in SEEDS:
        drawn = draw(np.random.default_rng(seed))
        weight = {} if not weighted or drawn["w"] is None else {"sample_weight": drawn["w"]}
        for each in options:
            pair = {"y_true": drawn["y"], "y_pred": drawn["p"]}
            if pair["y_true"].dtype.kind == "f":  # Keras takes the last axis for the outputs of one row
                pair = {key: value.reshape(len(value), -1) for key, value in pair.items()}
            agree("keras", f"metrics.{name}", {**pair, **weight, **each}, rtol=SINGLE.get(name, RTOL))
