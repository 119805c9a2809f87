"""What the text says of a value's range: as much as the shorter functions rely on, and nothing that is not so."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lossapi.functions import namespace
from lossapi.graphs.graph import under_construction
from lossapi.graphs.symbol import Symbol
from lossapi.loops.ranges import not_negative, not_positive, not_subnormal
from lossapi.loops.script import Script

Text = Callable[[Any, Any], Any]


def known(rule: Callable[..., bool], text: Text) -> bool:
    """Whether a rule holds of what a text makes of an array."""
    script = Script()
    with under_construction(script):
        x = Symbol(script.input("x", np.float32, (4, 3)), np.dtype(np.float32), (4, 3))
        return rule(script.steps, text(namespace(x), x).full())


def softplus(xp: Any, x: Any) -> Any:
    """As losses spell it from logits."""
    return x + xp.maximum(-x, 0.0) + xp.exp(-xp.abs(x))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (not_negative, lambda xp, x: x * x + xp.exp(x)),
        (not_negative, softplus),
        (not_positive, lambda xp, x: -xp.abs(x)),
        (not_positive, lambda xp, x: x - xp.max(x, axis=1, keepdims=True)),
        (not_subnormal, lambda xp, x: 1.0 - x),
        (not_subnormal, lambda xp, x: 1.0 + x * x),
        (not_subnormal, lambda xp, x: xp.maximum(x, 1e-7)),
    ],
)
def test_what_is_known(rule: Callable[..., bool], text: Text) -> None:
    assert known(rule, text)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (not_negative, lambda xp, x: x + xp.exp(x)),
        (not_negative, lambda xp, x: x * xp.exp(x)),
        (not_negative, lambda xp, x: x + xp.maximum(x, 0.0)),
        (not_positive, lambda xp, x: -x),
        (not_positive, lambda xp, x: x - 1.0),
        (not_positive, lambda xp, x: x - xp.max(-x, axis=1, keepdims=True)),
        (not_subnormal, lambda xp, x: x),
        (not_subnormal, lambda xp, x: 1.0 + x),
        (not_subnormal, lambda xp, x: xp.maximum(x, 1e-42)),
        (not_subnormal, lambda xp, x: xp.minimum(x, 1.0)),
    ],
)
def test_what_is_not_known(rule: Callable[..., bool], text: Text) -> None:
    assert not known(rule, text)
