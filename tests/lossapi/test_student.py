"""Tails of Student's t and the normal distribution: numbers of scipy 1.17.1, and closed forms."""

from math import atan, inf, pi, sqrt

import pytest

from lossapi.evaluation.student import beyond, normal_beyond, two_sided


@pytest.mark.parametrize(
    ("share", "degrees", "value"),
    [
        (0.025, 1, 12.706204736174704),
        (0.025, 2, 4.302652729749462),
        (0.025, 10, 2.2281388519862744),
        (0.005, 5, 4.032142983555227),
        (0.05, 99, 1.6603911560169926),
        (0.025, 1e6, 1.9599663568141072),
    ],
)
def test_a_share_lies_beyond(share: float, degrees: float, value: float) -> None:
    assert beyond(share, degrees) == pytest.approx(value, rel=1e-9)
    assert two_sided(value, degrees) == pytest.approx(2 * share, rel=1e-9)


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0, 5.0, 1e3])
def test_one_and_two_degrees_have_closed_forms(t: float) -> None:
    assert two_sided(t, 1) == pytest.approx(1 - 2 * atan(t) / pi, rel=1e-9, abs=1e-13)
    assert two_sided(-t, 2) == pytest.approx(1 - t / sqrt(2 + t * t), rel=1e-7)


def test_the_ends() -> None:
    assert two_sided(inf, 3) == 0.0
    assert two_sided(float("nan"), 3) != two_sided(float("nan"), 3)
    assert normal_beyond(0.025) == pytest.approx(1.959963984540054, rel=1e-12)
