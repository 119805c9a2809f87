"""Any losses, added up with coefficients."""

from typing import Annotated

from annotated_types import MaxLen, MinLen
from pydantic import WithJsonSchema

from lossapi.combination import Alternatives, Term, combination

SCHEMA = {
    "type": "array",
    "minItems": 1,
    "maxItems": 64,
    "items": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "coefficient": {"type": "number", "default": 1.0}},
        "required": ["name"],
        "additionalProperties": True,
    },
    "description": "losses by name, each with its coefficient and its own parameters",
}
Terms = Annotated[list[Term], MinLen(1), MaxLen(64), WithJsonSchema(SCHEMA)]


@combination(family="combination")
def weighted_sum(*, terms: Terms) -> Alternatives:
    """Several losses of the same tensors, each times its coefficient, added up.

    A term is a loss by name, its coefficient, and parameters of its own; a tensor that is a number or a list may stand
    in the term too. Each term takes those of the request's tensors that it knows, and its own value is in the reply.

    Formula:
        Σ_i coefficient_i · loss_i
    Shapes:
        those of the terms; the reduction and the weight are the same for all, and under reduction none all terms must
        give rows of one shape
    Units:
        those of the terms, which should agree once multiplied by the coefficients
    Convention:
        A coefficient is 1 unless given, and may be negative. The count is the largest of the terms' counts; without a
        reduction each term has its own default. The gradient is the weighted sum of the terms' gradients.
    Raises:
        unknown_key: a tensor that no term takes
    Source:
        A. Kendall, Y. Gal, R. Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses, 2018,
        https://arxiv.org/abs/1705.07115
    Example:
        {"terms": [{"name": "mean_squared_error", "coefficient": 0.5}, {"name": "huber", "delta": 0.5}],
        "prediction": [1.0, 2.0], "target": [0.0, 0.0]} → 1.875
    """
    return [terms]
