"""How the order of the predictions and that of the targets go together."""

from typing import Literal

from lossapi import order
from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import ParameterError, ShapeError, Unsupported
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments, floating, steps
from lossapi.libraries.metric_layouts import columns
from lossapi.libraries.presets import torchmetrics
from lossapi.maps.kept import kept_rows, require_weight
from lossapi.maps.residuals import MultiOutput, halves, over_outputs
from lossapi.parameters import NonNegative
from lossapi.states import Comoments, Samples

Variant = Literal["a", "b", "c", "gamma"]


def _each_output(arguments: Arguments) -> Arguments:
    """torchmetrics has one coefficient for each output."""
    return columns(arguments) | {"multioutput": "raw_values"}


def _variant(arguments: Arguments) -> Arguments:
    """What torchmetrics calls variant a leaves ties out of the divisor too: Goodman and Kruskal's gamma."""
    if arguments.pop("t_test"):
        raise Unsupported("t_test false (the coefficient alone)", "true", ("t_test",))
    variant = str(arguments["variant"]).lower()
    if variant not in ("a", "b", "c"):
        raise ParameterError("variant a, b or c", repr(arguments["variant"]), ("variant",))
    rest = {name: value for name, value in arguments.items() if name != "alternative"}
    if arguments["prediction"].shape[1:] == (1,):
        raise ShapeError("preds of shape (rows) or of several outputs", "one output in two axes", ("prediction",))
    return _each_output(rest) | {"variant": "gamma" if variant == "a" else variant, "empty": None}


@metric(
    family="regression",
    of=kept_rows,
    like=[
        torchmetrics(
            "spearman_corrcoef(preds, target)",
            prepare=steps(floating("prediction", "target"), _each_output),
            fixed={"eps": 1e-6},
            differs="one coefficient per output; 1e-6 is added below the line, so that a constant is 0",
        )
    ],
)
def spearman_corrcoef(
    samples: Samples, *, eps: NonNegative = 0.0, multioutput: MultiOutput = "uniform_average"
) -> Array:
    """Spearman's correlation: Pearson's of the ranks, 1 wherever prediction and target rise together, however bent.

    Formula:
        s_rs / (s_r s_s + eps), r and s the ranks of prediction and target, equal values sharing their mean rank
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Convention:
        Of several outputs each has its coefficient. A constant has none: NaN, unless `eps` makes it 0, as torchmetrics
        has it. A whole weight is as good as that many rows.
    Raises:
        empty: no rows, or weights that are all 0; limit: more rows than are kept
    Source:
        C. Spearman, The Proof and Measurement of Association between Two Things, 1904, doi:10.2307/1412159
    Example:
        {"prediction": [1.0, 2.0, 3.0, 100.0], "target": [1.0, 3.0, 2.0, 4.0]} → 0.8
    """
    prediction, target = halves(samples.array())
    weight, xp = require_weight(samples), namespace(target)
    one, two = (xp.stack([order.ranks(x, weight) for x in each], axis=1) for each in (prediction, target))
    moments = Comoments.of(one, two, weight)
    spread = xp.sqrt(moments.squares / moments.weight)
    coefficient = moments.cross / moments.weight / (spread[0, :] * spread[1, :] + eps)
    return over_outputs(xp.clip(coefficient, -1.0, 1.0), multioutput)


@metric(
    family="regression",
    of=kept_rows,
    like=[
        torchmetrics(
            "kendall_rank_corrcoef(preds, target, variant='b', t_test=False, alternative='two-sided')",
            prepare=_variant,
            differs="the coefficient alone, one per output; there variant a divides by the pairs that are not tied",
        )
    ],
)
def kendall_rank_corrcoef(
    samples: Samples, *, variant: Variant = "b", multioutput: MultiOutput = "uniform_average"
) -> Array:
    """Kendall's tau: how many more pairs of rows are in the same order than in the opposite one.

    Formula:
        C - D over: all pairs (a); √((pairs not tied in p)(pairs not tied in y)) (b); ½ n² (m - 1) / m, m the lesser
        number of different values (c); C + D (gamma)
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Convention:
        As SciPy for b and c. A whole weight is as good as that many rows, a pair counts by the product. Sorted, not
        compared pair by pair: n log n.
    Raises:
        empty: no rows, or weights that are all 0; limit: more rows than are kept
    Source:
        M. Kendall, A New Measure of Rank Correlation, 1938, doi:10.2307/2332226
    Example:
        {"prediction": [1.0, 2.0, 3.0, 4.0], "target": [1.0, 3.0, 2.0, 4.0]} → 0.6666666666666666
    """
    prediction, target = halves(samples.array())
    weight = require_weight(samples)
    found = [_tau(order.pairs(p, y, weight), variant) for p, y in zip(prediction, target, strict=True)]
    return over_outputs(namespace(target).asarray(found), multioutput)


def _tau(pairs: dict[str, float], variant: Variant) -> float:
    """One coefficient; NaN where its divisor is 0."""
    divisor = {
        "a": pairs["all"],
        "b": (pairs["pairs_x"] * pairs["pairs_y"]) ** 0.5,
        "c": 0.5 * pairs["weight"] ** 2 * (pairs["least"] - 1.0) / max(pairs["least"], 1.0),
        "gamma": pairs["concordant"] + pairs["discordant"],
    }[variant]
    return (pairs["concordant"] - pairs["discordant"]) / divisor if divisor else float("nan")
