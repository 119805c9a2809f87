"""Overlap of what was predicted with what is there, over their union: of classes, or of one class as an event."""

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import Unsupported
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import sklearn, torchmetrics
from lossapi.maps.averages import Labels, ZeroDivision, averaged, divided, one_vs_rest, positive
from lossapi.maps.confusion import SAMPLES, confusion
from lossapi.maps.sklearn_labels import DIFFERS, occurring_labels
from lossapi.maps.torchmetrics_tasks import DIFFERS as NO_LOGITS
from lossapi.maps.torchmetrics_tasks import alike, by_task
from lossapi.parameters import Average
from lossapi.states import Counts

TASKS = {
    "binary": "threshold=0.5, ignore_index=None",
    "multiclass": "num_classes, average='macro', ignore_index=None",
    "multilabel": "num_labels, threshold=0.5, average='macro', ignore_index=None",
    "": "task, threshold=0.5, num_classes=None, num_labels=None, average='macro', ignore_index=None",
}
UNWEIGHED = f"{NO_LOGITS}; the weighted mean over labels that are never true is 0, there NaN"


def without_ignored(arguments: Arguments) -> Arguments:
    """torchmetrics leaves an ignored class out of the mean too, whatever was predicted of it."""
    ignored, classes = arguments.get("ignore_index"), arguments.get("num_classes")
    if arguments["task"] != "multiclass" or ignored is None or not 0 <= ignored < classes:
        return arguments
    raise Unsupported("ignore_index that is no class", str(ignored), ("ignore_index",))


def events(arguments: Arguments) -> Arguments:
    """Both tensors made yes or no: at or above the threshold."""
    if arguments.pop("keep_sequence_dim") is not None:
        raise Unsupported("keep_sequence_dim None", "a dimension", ("keep_sequence_dim",))
    alike(arguments["prediction"], arguments["target"])
    xp, threshold = namespace(arguments["target"]), arguments.pop("threshold")
    reached = {n: xp.reshape(arguments[n] >= threshold, (-1,)) for n in ("prediction", "target")}
    return {**arguments, **{name: xp.astype(each, xp.int64) for name, each in reached.items()}}


@metric(
    family="classification",
    of=confusion,
    rows=SAMPLES,
    like=[
        sklearn(
            "jaccard_score(y_true, y_pred, labels=None, pos_label=1, average='binary', sample_weight=None, "
            "zero_division='warn')",
            prepare=occurring_labels,
            differs=DIFFERS,
        ),
        *by_task("jaccard_index", TASKS, last="zero_division=0.0", prepare=without_ignored, differs=UNWEIGHED),
    ],
)
def jaccard_index(
    counts: Counts,
    *,
    average: Average = "binary",
    pos_label: int = 1,
    zero_division: ZeroDivision = 0,
    labels: Labels = None,
) -> Array:
    """The intersection over the union of the elements called a class and those that are: tp / (tp + fp + fn).

    Formula:
        tp / (tp + fp + fn) = F1 / (2 - F1)
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        As scikit-learn: a macro average leaves out classes that are in neither tensor; 0/0 is `zero_division`.
    Source:
        P. Jaccard, The Distribution of the Flora in the Alpine Zone, 1912, doi:10.1111/j.1469-8137.1912.tb05611.x
    Example:
        {"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1]} → 0.6666666666666666
    """
    return averaged(lambda tp, fp, fn, tn: (tp, tp + fp + fn), counts, average, pos_label, zero_division, labels)


@metric(
    family="classification",
    of=confusion,
    like=[
        torchmetrics(
            "critical_success_index(preds, target, threshold, keep_sequence_dim=None)",
            prepare=events,
            fixed={"task": "binary"},
            differs="keep_sequence_dim is not done",
        )
    ],
)
def critical_success_index(counts: Counts, *, zero_division: ZeroDivision = 0) -> Array:
    """Hits over hits, misses and false alarms, the threat score of forecasts of an event.

    Formula:
        tp / (tp + fp + fn)
    Shapes:
        target: 0 or 1 (batch, *axes); prediction: 0 or 1, or scores of that shape
    Convention:
        Correct negatives do not count, for there is no end of them; 0/0 is `zero_division`.
    Source:
        J. T. Schaefer, The Critical Success Index as an Indicator of Warning Skill, 1990,
        doi:10.1175/1520-0434(1990)005<0570:TCSIAA>2.0.CO;2
    Example:
        {"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1]} → 0.6666666666666666
    """
    tp, fp, fn, _ = positive(counts, one_vs_rest(counts))
    return divided(tp, tp + fp + fn, float(zero_division))
