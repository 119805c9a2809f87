"""Who was taken for whom within groups: one table of two classes for each."""

from lossapi.domains import Array, Index, Label, Real, Weight
from lossapi.errors import DomainError, TooLarge
from lossapi.functions import namespace
from lossapi.maps.confusion import MOST_CLASSES, predicted_labels, require_yes_no
from lossapi.parameters import Count
from lossapi.states import Counts


def by_group(
    prediction: Label[Array, "batch *axes"] | Real[Array, "batch *axes"],
    group: Index[Array, "batch *axes"],
    target: Label[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    threshold: float = 0.5,
    num_groups: Count | None = None,
) -> Counts:
    """[[tn, fp], [fn, tp]] of each group; a score above the threshold is positive."""
    return table_of_groups(prediction, group, target, weight, threshold, num_groups)


def calls_by_group(
    prediction: Label[Array, "batch *axes"] | Real[Array, "batch *axes"],
    group: Index[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    threshold: float = 0.5,
    num_groups: Count | None = None,
) -> Counts:
    """The same where the truth is not asked for: all elements are negative."""
    return table_of_groups(prediction, group, namespace(group).zeros_like(group), weight, threshold, num_groups)


def table_of_groups(
    prediction: Array, group: Array, target: Array, weight: Array | None, threshold: float, num_groups: int | None
) -> Counts:
    """The table of each group up to the last that is met, or of so many."""
    xp = namespace(target)
    labels = predicted_labels(prediction, target, threshold)
    for name, each in (("prediction", labels), ("target", target)):
        require_yes_no(each, name, "rates of groups are of two classes")
    met = int(xp.max(group)) + 1 if group.size else 0
    if met > (num_groups or MOST_CLASSES):
        error = DomainError if num_groups else TooLarge
        raise error(f"group < {num_groups or MOST_CLASSES}", str(met - 1), ("group",))
    groups = num_groups or met
    counts = Counts.of_pairs(group, 2 * target + labels, (groups, 4), weight, {})
    return Counts(xp.reshape(counts.table, (groups, 2, 2)), {}, target.size)
