"""Agreement beyond chance between prediction and truth, or between two raters."""

from typing import Annotated, Literal

from annotated_types import Ge, Le

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import ParameterError, ShapeError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import sklearn
from lossapi.maps.averages import Labels, divided, table_of
from lossapi.maps.confusion import confusion
from lossapi.maps.sklearn_labels import DIFFERS, occurring_labels
from lossapi.maps.torchmetrics_tasks import by_task
from lossapi.states import Counts

Correlation = Annotated[float, Ge(-1), Le(1)]
CORRELATED = {
    "binary": "threshold=0.5, ignore_index=None",
    "multiclass": "num_classes, ignore_index=None",
    "multilabel": "num_labels, threshold=0.5, ignore_index=None",
    "": "task, threshold=0.5, num_classes=None, num_labels=None, ignore_index=None",
}
RATED = {
    "binary": "threshold=0.5, weights=None, ignore_index=None",
    "multiclass": "num_classes, weights=None, ignore_index=None",
    "": "task, threshold=0.5, num_classes=None, weights=None, ignore_index=None",
}


def pooled(counts: Counts) -> Array:
    """One table: that of all labels together where rows hold several."""
    xp = namespace(counts.table)
    table = xp.astype(counts.table, xp.float64)
    return xp.sum(table, axis=0) if table.ndim == 3 else table


def at_the_limit(right: Array, wrong: Array) -> Array:
    """The correlation of two classes of which one is never there or never called, every cell a little above 0."""
    xp, little = namespace(right), 2.0**-23
    between = (right - wrong) / xp.sqrt((right + wrong + little) * (right + little) * (wrong + little))
    return xp.where(wrong == 0, 1.0, xp.where(right == 0, -1.0, between))


def of_one_label(arguments: Arguments) -> Arguments:
    """scikit-learn takes one label a row here."""
    given = occurring_labels(arguments)
    if given["target"].ndim != 1:
        raise ShapeError("one label a row", f"shape {given['target'].shape}", ("target",))
    return given


def by_two(arguments: Arguments) -> Arguments:
    """scikit-learn's kappa, which is NaN where it is undefined, unless told otherwise."""
    replaced = arguments.pop("replace_undefined_by")
    if replaced is not None and replaced == replaced:
        arguments["undefined"] = replaced
    given = of_one_label(arguments)
    if given.get("labels") and not namespace(given["target"]).any(given["target"] < len(given["labels"])):
        raise ParameterError("labels of which one is there", repr(arguments["labels"]), ("labels",))
    return given


def none_is_none(arguments: Arguments) -> Arguments:
    """torchmetrics' "none" is None."""
    return {**arguments, "weights": None} if arguments["weights"] == "none" else arguments


@metric(
    family="classification",
    of=confusion,
    like=[
        sklearn("matthews_corrcoef(y_true, y_pred, sample_weight=None)", prepare=of_one_label, differs=DIFFERS),
        *by_task(
            "matthews_corrcoef",
            CORRELATED,
            averages=False,
            fixed={"constant": "limit"},
        ),
    ],
)
def matthews_corrcoef(counts: Counts, *, constant: Literal["zero", "limit"] = "zero") -> Array:
    """The correlation of prediction and truth: 1 is perfect, 0 no better than chance, -1 always wrong.

    Formula:
        (c s - Σ t_k p_k) / √((s² - Σ p_k²)(s² - Σ t_k²)); s rows, c right, t_k of class k, p_k called k
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        As scikit-learn 0 where either is constant; with `constant` limit, of two classes, as torchmetrics: 1 where
        all are right, -1 where all are wrong, else about (c - w) / √(c w s). Several labels a row are pooled.
    Source:
        J. Gorodkin, Comparing Two K-category Assignments, 2004, doi:10.1016/j.compbiolchem.2004.09.006
    Example:
        {"prediction": [1, 1, 0, 1, 0], "target": [1, 0, 0, 1, 1]} → 0.16666666666666666
    """
    table = pooled(counts)
    xp = namespace(table)
    true, called, all_ = xp.sum(table, axis=1), xp.sum(table, axis=0), xp.sum(table)
    right = xp.sum(xp.linalg.diagonal(table))
    shared = right * all_ - xp.sum(true * called)
    spread = (all_ * all_ - xp.sum(called * called)) * (all_ * all_ - xp.sum(true * true))
    limit = at_the_limit(right, all_ - right) if constant == "limit" and table.shape == (2, 2) else 0.0
    return xp.where(spread > 0, divided(shared, xp.sqrt(spread), 0.0), limit)


@metric(
    family="classification",
    of=confusion,
    like=[
        sklearn(
            "cohen_kappa_score(y1, y2, labels=None, weights=None, sample_weight=None, replace_undefined_by=None)",
            {"y1": "target", "y2": "prediction"},
            prepare=by_two,
            differs=DIFFERS,
        ),
        *by_task("cohen_kappa", RATED, prepare=none_is_none, averages=False),
    ],
)
def cohen_kappa(
    counts: Counts,
    *,
    weights: Literal["linear", "quadratic"] | None = None,
    labels: Labels = None,
    undefined: Correlation | None = None,
) -> Array:
    """How far two raters agree beyond chance: 1 always, 0 as often as chance would have it.

    Formula:
        1 - Σ w_ij O_ij / Σ w_ij E_ij; E from the margins of O, w_ij = [i ≠ j], |i - j| or (i - j)²
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        As scikit-learn: NaN (or `undefined`) where both raters know but one and the same class.
    Source:
        J. Cohen, A Coefficient of Agreement for Nominal Scales, 1960, doi:10.1177/001316446002000104
    Example:
        {"prediction": [1, 1, 0, 1, 0], "target": [1, 0, 0, 1, 1]} → 0.16666666666666674
    """
    table = table_of(pooled(counts), labels)
    xp = namespace(table)
    place = xp.arange(table.shape[0], dtype=xp.float64)
    apart = xp.abs(place[:, None] - place[None, :])
    cost = apart * apart if weights == "quadratic" else apart if weights else xp.astype(apart > 0, xp.float64)
    expected = xp.sum(table, axis=1)[:, None] * xp.sum(table, axis=0)[None, :]
    chance = divided(xp.sum(cost * expected), xp.sum(table), 0.0)
    apart_by_chance = divided(xp.sum(cost * table), chance, float("nan"))
    return xp.where(chance == 0, float("nan") if undefined is None else undefined, 1.0 - apart_by_chance)
