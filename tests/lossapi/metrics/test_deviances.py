"""Deviances merge exactly, since they are Bregman divergences: however the rows are cut, D² stays."""

import numpy as np
import pytest

from lossapi import LossError, compute
from lossapi.maps.deviances import Deviances, deviances
from lossapi.metrics.deviances import d2_tweedie_score


@pytest.mark.parametrize("power", [-1.5, 0.0, 1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_deviances_merge_to_those_of_the_whole(power: float, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    y, p = rng.gamma(2.0, 3.0, (2, 60, 2))
    w = rng.choice([0.0, 0.5, 2.0], 60) if weighted else None

    @np.errstate(all="ignore")
    def part(start: int, end: int) -> Deviances:
        return deviances(p[start:end], y[start:end], None if w is None else w[start:end], power=power)

    whole = part(0, 60)
    for merged in (part(0, 1) + (part(1, 20) + part(20, 60)), (part(0, 30) + part(30, 30)) + part(30, 60)):
        np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-13)
        np.testing.assert_allclose(merged.null, whole.null, rtol=1e-11)
        np.testing.assert_allclose(merged.left, whole.left, rtol=1e-13)
        np.testing.assert_allclose(d2_tweedie_score(merged), d2_tweedie_score(whole), rtol=1e-11)


def test_the_deviance_of_power_one_is_twice_the_poisson_log_likelihood_ratio() -> None:
    # y = 2, p = 1: 2 (2 log 2 - 2 + 1) = 0.772588722239781
    value = compute("tweedie_deviance", {"prediction": [1.0], "target": [2.0]}, {"power": 1.0}).value
    assert value == pytest.approx(0.772588722239781, rel=1e-14)


@pytest.mark.parametrize(
    ("power", "prediction", "target", "message"),
    [
        (0.5, 1.0, 1.0, "power up to 0, or 1 and above, got 0.5"),
        (1.0, 0.0, 1.0, r"a number > 0 under power 1, got 0 - at \$\.prediction"),
        (1.0, 1.0, -3.0, r"a number >= 0 under power 1, got -3 - at \$\.target"),
        (2.0, 1.0, 0.0, r"a number > 0 under power 2, got 0 - at \$\.target"),
    ],
)
def test_what_is_no_mean_or_target_of_a_power_is_refused(
    power: float, prediction: float, target: float, message: str
) -> None:
    for name in ("tweedie_deviance", "d2_tweedie_score"):
        with pytest.raises(LossError, match=message):
            compute(name, {"prediction": [1.0, prediction], "target": [1.0, target]}, {"power": power})
