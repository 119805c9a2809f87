"""Accuracy in which every class counts alike."""

from typing import Literal

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import ShapeError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import sklearn, tf1
from lossapi.maps.averages import divided, one_vs_rest
from lossapi.maps.confusion import confusion
from lossapi.maps.keras_labels import elements
from lossapi.maps.sklearn_labels import DIFFERS, occurring_labels
from lossapi.states import Counts


def of_one_label(arguments: Arguments) -> Arguments:
    """scikit-learn takes one label a row here."""
    given = occurring_labels(arguments)
    if given["target"].ndim != 1:
        raise ShapeError("one label a row", f"shape {given['target'].shape}", ("target",))
    return given


@metric(
    family="classification",
    of=confusion,
    like=[
        sklearn(
            "balanced_accuracy_score(y_true, y_pred, sample_weight=None, adjusted=False)",
            prepare=of_one_label,
            differs=DIFFERS,
        ),
        tf1(
            "metrics.mean_per_class_accuracy(labels, predictions, num_classes, weights=None)",
            prepare=elements,
            fixed={"absent": "zero", "task": "multiclass"},
        ),
    ],
)
def balanced_accuracy(counts: Counts, *, adjusted: bool = False, absent: Literal["drop", "zero"] = "drop") -> Array:
    """The mean over the classes of the share of each that was found: accuracy as if all classes were as frequent.

    Formula:
        mean of tp_k / (tp_k + fn_k); adjusted (b - 1/K) / (1 - 1/K), so that 0 is chance
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        As scikit-learn: classes that no target has are left out (`absent` drop); TensorFlow 1 counts them as 0.
    Source:
        K. H. Brodersen et al., The Balanced Accuracy and Its Posterior Distribution, 2010, doi:10.1109/ICPR.2010.764
    Example:
        {"prediction": [1, 1, 0, 1, 0], "target": [1, 0, 0, 1, 1]} → 0.5833333333333333
    """
    tp, _, fn, _ = one_vs_rest(counts)
    xp = namespace(tp)
    counted = xp.astype((tp + fn > 0) | (absent == "zero"), xp.float64)
    classes = xp.sum(counted)
    mean = divided(xp.sum(divided(tp, tp + fn, 0.0)), classes, float("nan"))
    return (mean - 1.0 / classes) / (1.0 - 1.0 / classes) if adjusted else mean
