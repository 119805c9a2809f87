"""How well events are forecast that most of the time do not happen."""

from lossapi.conventions import Arguments
from lossapi.definition import metric
from lossapi.domains import Array, Real, Weight
from lossapi.errors import Unsupported
from lossapi.functions import namespace
from lossapi.maps.confusion import ZeroDivision, divided
from lossapi.maps.rankings import added
from lossapi.metric_layouts import pooled
from lossapi.presets import torchmetrics
from lossapi.states import Sums as Added


def _no_sequence(arguments: Arguments) -> Arguments:
    """torchmetrics may keep an axis: refused here."""
    if arguments.pop("keep_sequence_dim") is not None:
        raise Unsupported("keep_sequence_dim null", "an axis", ("keep_sequence_dim",))
    return pooled(arguments) | {"empty": 0.0}


def events(
    prediction: Real[Array, "batch *axes"],
    target: Real[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    threshold: float,
) -> Added:
    """Σw of the elements where both reach the threshold, and of those where one does."""
    xp = namespace(prediction)
    one, two = prediction >= threshold, target >= threshold
    flat = xp.ones(prediction.shape) if weight is None else xp.broadcast_to(weight, prediction.shape)
    each = xp.reshape(xp.astype(flat, xp.float64), (-1,))
    both, either = (xp.reshape(xp.astype(x, xp.float64), (-1,)) for x in (one & two, one | two))
    return added({"both": both, "either": either}, each)


@metric(
    family="classification",
    of=events,
    like=[
        torchmetrics(
            "critical_success_index(preds, target, threshold, keep_sequence_dim=None)",
            {"keep_sequence_dim": "keep_sequence_dim"},
            prepare=_no_sequence,
            differs="keep_sequence_dim is refused",
        )
    ],
)
def critical_success_index(sums: dict[str, Array], *, zero_division: ZeroDivision = 0) -> Array:
    """Of the events that were forecast or happened, the share that was forecast and happened; also the threat score.

    Formula:
        Σ w [p ≥ threshold and y ≥ threshold] / Σ w [p ≥ threshold or y ≥ threshold]
    Shapes:
        prediction, target: (batch, *axes); weight: one per row, or per element
    Convention:
        As torchmetrics; a value at the threshold is an event. Where there is none at all, `zero_division`.
    Raises:
        empty: no elements
    Source:
        G. K. Gilbert, Finley's Tornado Predictions, 1884
    Example:
        {"prediction": [0.7, 0.2, 0.9], "target": [0.8, 0.6, 0.1], "threshold": 0.5} → 0.3333333333333333
    """
    return divided(sums["both"], sums["either"], float(zero_division))
