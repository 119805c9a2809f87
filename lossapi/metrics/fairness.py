"""Whether groups of people are called positive, and rightly so, at the same rates."""

from typing import Any

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import EmptyError, ParameterError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import torchmetrics
from lossapi.maps.averages import divided, one_vs_rest
from lossapi.maps.groups import by_group, calls_by_group
from lossapi.maps.torchmetrics_tasks import DIFFERS, alike, probabilities
from lossapi.states import Counts

THRESHOLD = "threshold=0.5, ignore_index=None"
NAMED = f"{DIFFERS}; the groups stand beside the ratio, not in its name; labels that are ignored go with their groups"


def in_a_row(arguments: Arguments) -> Arguments:
    """Elements of one shape laid flat; scores within [0, 1]."""
    xp = namespace(arguments["prediction"])
    given = [name for name in ("prediction", "target", "group") if arguments.get(name) is not None]
    for name in given[1:]:
        alike(arguments["prediction"], arguments[name])
    probabilities(arguments["prediction"])
    flat = {name: xp.reshape(arguments[name], (-1,)) for name in given}
    return {**arguments, **flat, "group": occurring(flat["group"], arguments.get("num_groups")), "num_groups": None}


def occurring(group: Array, most: int | None) -> Array:
    """Groups numbered by their order among those that occur; torchmetrics lets one be as large as their number."""
    xp = namespace(group)
    if most is not None and group.size and xp.max(group) > most:
        raise ParameterError(f"groups up to {most}", str(int(xp.max(group))), ("group",))
    return xp.searchsorted(xp.sort(xp.unique_values(group)), group)


def both(arguments: Arguments) -> Arguments:
    """Both ratios, or one of them."""
    task = arguments.pop("task")
    if task != "all":
        raise ParameterError('task "all" (the others are metrics of their own)', repr(task), ("task",))
    return in_a_row(arguments)


def rate_ratio(rates: Array, there: Array) -> dict[str, Array]:
    """The least rate over the greatest, and the groups that have them."""
    xp = namespace(rates)
    if not xp.any(there):
        raise EmptyError("a group with elements in it", "none", ("group",))
    low = xp.argmin(xp.where(there, rates, xp.inf))
    high = xp.argmax(xp.where(there, rates, -xp.inf))
    return {"ratio": divided(rates[low], rates[high], 0.0), "lowest": low, "highest": high}


def parity(counts: Counts) -> dict[str, Array]:
    """By the share that is called positive."""
    tp, fp, fn, tn = one_vs_rest(counts)
    every = tp + fp + fn + tn
    return rate_ratio(divided(1.0 * (tp + fp), every, 0.0), every > 0)


def opportunity(counts: Counts) -> dict[str, Array]:
    """By the share of positives that is found."""
    tp, fp, fn, tn = one_vs_rest(counts)
    return rate_ratio(divided(1.0 * tp, tp + fn, 0.0), tp + fp + fn + tn > 0)


@metric(
    family="fairness",
    of=by_group,
    like=[
        torchmetrics(
            f"binary_groups_stat_rates(preds, target, groups, num_groups, {THRESHOLD})",
            {"groups": "group"},
            prepare=in_a_row,
            differs=DIFFERS,
        )
    ],
)
def groups_stat_rates(counts: Counts) -> dict[str, Array]:
    """The shares of true and false positives, true and false negatives in each group.

    Formula:
        [tp, fp, tn, fn] / n of group g
    Shapes:
        prediction: 0 or 1, or scores (batch, *axes); group, target: (batch, *axes); one value (4) for each group
    Convention:
        As torchmetrics; a group without elements has NaN.
    Source:
        torchmetrics.functional.classification.binary_groups_stat_rates
    Example:
        {"prediction": [1, 0, 1, 1], "target": [1, 0, 0, 1], "group": [0, 0, 1, 1]} →
        {"group_0": [0.5, 0.0, 0.5, 0.0], "group_1": [0.5, 0.5, 0.0, 0.0]}
    """
    tp, fp, fn, tn = one_vs_rest(counts)
    xp = namespace(tp)
    cells = xp.astype(xp.stack([tp, fp, tn, fn], axis=1), xp.float64)
    rates = divided(cells, 0.0 * cells + xp.sum(cells, axis=1, keepdims=True), xp.nan)
    return {f"group_{place}": rates[place, :] for place in range(rates.shape[0])}


@metric(
    family="fairness",
    of=calls_by_group,
    like=[
        torchmetrics(
            f"demographic_parity(preds, groups, {THRESHOLD})",
            {"groups": "group"},
            prepare=in_a_row,
            differs=NAMED,
        )
    ],
)
def demographic_parity(counts: Counts) -> dict[str, Array]:
    """The lowest rate at which a group is called positive over the highest: 1 is parity.

    Formula:
        min_g r_g / max_g r_g, r_g = (tp + fp) / n of group g
    Shapes:
        prediction: 0 or 1, or scores (batch, *axes); group: (batch, *axes)
    Convention:
        A ratio, as torchmetrics; with it the groups of the lowest and the highest rate, the first where several are.
    Source:
        M. Feldman et al., Certifying and Removing Disparate Impact, 2015, doi:10.1145/2783258.2783311
    Example:
        {"prediction": [1, 0, 1, 1], "group": [0, 0, 1, 1]} → {"ratio": 0.5, "lowest": 0, "highest": 1}
    """
    return parity(counts)


@metric(
    family="fairness",
    of=by_group,
    like=[
        torchmetrics(
            f"equal_opportunity(preds, target, groups, {THRESHOLD})",
            {"groups": "group"},
            prepare=in_a_row,
            differs=NAMED,
        )
    ],
)
def equal_opportunity(counts: Counts) -> dict[str, Array]:
    """The lowest share of positives found in a group over the highest: 1 is equal opportunity.

    Formula:
        min_g t_g / max_g t_g, t_g = tp / (tp + fn) of group g
    Shapes:
        prediction: 0 or 1, or scores (batch, *axes); group, target: (batch, *axes)
    Convention:
        A ratio, as torchmetrics: a group without positives has the rate 0.
    Source:
        M. Hardt, E. Price and N. Srebro, Equality of Opportunity in Supervised Learning, NeurIPS 2016
    Example:
        {"prediction": [1, 0, 1, 1], "target": [1, 1, 0, 1], "group": [0, 0, 1, 1]} → {"ratio": 0.5, "lowest": 0,
        "highest": 1}
    """
    return opportunity(counts)


@metric(
    family="fairness",
    of=by_group,
    like=[
        torchmetrics(
            f"binary_fairness(preds, target, groups, task='all', {THRESHOLD})",
            {"groups": "group"},
            prepare=both,
            differs=f"{NAMED}; task all",
        )
    ],
)
def binary_fairness(counts: Counts) -> dict[str, Any]:
    """Both ratios of rates between groups: of those called positive, and of positives found.

    Formula:
        min_g r_g / max_g r_g for r = (tp + fp) / n and for r = tp / (tp + fn)
    Shapes:
        prediction: 0 or 1, or scores (batch, *axes); group, target: (batch, *axes)
    Convention:
        As torchmetrics, the groups beside the ratios.
    Source:
        torchmetrics.functional.classification.binary_fairness
    Example:
        {"prediction": [1, 0, 1, 1], "target": [1, 1, 0, 1], "group": [0, 0, 1, 1]} →
        {"parity": {"ratio": 0.5, "lowest": 0, "highest": 1}, "opportunity": {"ratio": 0.5, "lowest": 0, "highest": 1}}
    """
    return {"parity": parity(counts), "opportunity": opportunity(counts)}
