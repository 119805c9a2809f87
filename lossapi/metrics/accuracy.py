"""The share of right answers."""

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.functions import namespace
from lossapi.maps.confusion import confusion
from lossapi.maps.sklearn_labels import DIFFERS, occurring_labels
from lossapi.presets import sklearn
from lossapi.states import Counts


@metric(
    family="classification",
    of=confusion,
    like=[
        sklearn(
            "accuracy_score(y_true, y_pred, normalize=True, sample_weight=None)",
            prepare=occurring_labels,
            differs=DIFFERS,
        )
    ],
)
def accuracy(counts: Counts, *, normalize: bool = True) -> Array:
    """The share of elements whose label was predicted right; with `normalize` false, their number.

    Formula:
        #(prediction = target) / n
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        As scikit-learn: where a row holds several labels, it is right if all of them are.
    Source:
        sklearn.metrics.accuracy_score
    Example:
        {"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1]} → 0.75
    """
    xp = namespace(counts.table)
    if counts.table.ndim == 3:
        right, all_ = xp.asarray(counts.extra["exact"]), xp.asarray(counts.extra["rows"])
    else:
        right, all_ = xp.sum(xp.linalg.diagonal(counts.table)), xp.sum(counts.table)
    return right / all_ if normalize else right
