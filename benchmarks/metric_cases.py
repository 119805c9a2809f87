"""The metrics that are timed: our name and parameters, their inputs, and the same thing in the other libraries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sklearn import metrics as sk
from torchmetrics import functional as tm

from benchmarks import metric_inputs as inputs
from benchmarks.metric_inputs import CLASSES, Maker

Peer = Callable[..., Any]
"""Takes the target and then the prediction in scikit-learn, the prediction and then the target in torchmetrics."""
MACRO = {"average": "macro"}
SEVERAL = {**MACRO, "num_classes": CLASSES}


@dataclass(frozen=True)
class Case:
    """One row of the table; `form` tells rows of one metric apart, `read` makes our value look like theirs."""

    name: str
    make: Maker
    sklearn: Peer | None
    torchmetrics: Peer | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    form: str = ""

    @property
    def label(self) -> str:
        """The metric and its form."""
        return f"{self.name} ({self.form})" if self.form else self.name


def probabilities_of_classes(target: Any, prediction: Any) -> float:
    """scikit-learn's log loss, told the classes, which it would look for otherwise."""
    return float(sk.log_loss(target, prediction, labels=list(range(CLASSES))))


CASES = [
    Case("accuracy", inputs.labels, sk.accuracy_score, partial(tm.accuracy, task="multiclass", num_classes=CLASSES)),
    Case(
        "balanced_accuracy",
        inputs.labels,
        sk.balanced_accuracy_score,
        partial(tm.accuracy, task="multiclass", **SEVERAL),
    ),
    Case("precision", inputs.answers, sk.precision_score, tm.classification.binary_precision, form="binary"),
    Case(
        "precision",
        inputs.labels,
        partial(sk.precision_score, **MACRO),
        partial(tm.classification.multiclass_precision, **SEVERAL),
        MACRO,
        form="macro",
    ),
    Case("recall", inputs.answers, sk.recall_score, tm.classification.binary_recall, form="binary"),
    Case(
        "recall",
        inputs.labels,
        partial(sk.recall_score, **MACRO),
        partial(tm.classification.multiclass_recall, **SEVERAL),
        MACRO,
        form="macro",
    ),
    Case("f1", inputs.answers, sk.f1_score, tm.classification.binary_f1_score, form="binary"),
    Case(
        "f1",
        inputs.labels,
        partial(sk.f1_score, **MACRO),
        partial(tm.classification.multiclass_f1_score, **SEVERAL),
        MACRO,
        form="macro",
    ),
    Case(
        "confusion_matrix",
        inputs.labels,
        sk.confusion_matrix,
        partial(tm.classification.multiclass_confusion_matrix, num_classes=CLASSES),
    ),
    Case(
        "matthews_corrcoef",
        inputs.labels,
        sk.matthews_corrcoef,
        partial(tm.classification.multiclass_matthews_corrcoef, num_classes=CLASSES),
    ),
    Case(
        "cohen_kappa",
        inputs.labels,
        sk.cohen_kappa_score,
        partial(tm.classification.multiclass_cohen_kappa, num_classes=CLASSES),
    ),
    Case(
        "mean_iou",
        inputs.labels,
        partial(sk.jaccard_score, **MACRO),
        partial(tm.classification.multiclass_jaccard_index, **SEVERAL),
    ),
    Case("log_loss", inputs.chances, sk.log_loss, None, form="binary"),
    Case("log_loss", inputs.distributions, probabilities_of_classes, None, form="classes"),
    Case("brier_score", inputs.chances, sk.brier_score_loss, None),
    Case("roc_auc", inputs.chances, sk.roc_auc_score, tm.classification.binary_auroc),
    Case("average_precision", inputs.chances, sk.average_precision_score, tm.classification.binary_average_precision),
    Case(
        "roc_curve",
        inputs.chances,
        partial(sk.roc_curve, drop_intermediate=False),
        tm.classification.binary_roc,
        {"drop_intermediate": False},
    ),
    Case(
        "top_k_accuracy",
        inputs.distributions,
        partial(sk.top_k_accuracy_score, k=3),
        partial(tm.classification.multiclass_accuracy, num_classes=CLASSES, average="micro", top_k=3),
        {"k": 3},
    ),
    Case(
        "calibration_error",
        inputs.chances,
        None,
        partial(tm.classification.binary_calibration_error, n_bins=15),
    ),
    Case("mean_squared_error", inputs.numbers, sk.mean_squared_error, tm.mean_squared_error),
    Case(
        "root_mean_squared_error",
        inputs.numbers,
        sk.root_mean_squared_error,
        partial(tm.mean_squared_error, squared=False),
    ),
    Case("mean_absolute_error", inputs.numbers, sk.mean_absolute_error, tm.mean_absolute_error),
    Case("r2", inputs.numbers, sk.r2_score, tm.r2_score),
    Case(
        "mean_absolute_percentage_error",
        inputs.numbers,
        sk.mean_absolute_percentage_error,
        tm.mean_absolute_percentage_error,
    ),
    Case("median_absolute_error", inputs.numbers, sk.median_absolute_error, None),
    Case("pearson_corrcoef", inputs.numbers, None, tm.pearson_corrcoef),
    Case("spearman_corrcoef", inputs.numbers, None, tm.spearman_corrcoef),
]
