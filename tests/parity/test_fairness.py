"""Rates by group beside torchmetrics."""

from typing import Any

import numpy as np
import pytest

from lossapi import like
from tests.parity.peers import agree, expected, live

Arguments = dict[str, Any]


def given(seed: int) -> Arguments:
    """Scores, truths and three groups."""
    rng = np.random.default_rng(seed)
    return {
        "preds": rng.integers(0, 11, 60) / 10,
        "target": rng.integers(0, 2, 60),
        "groups": rng.permutation(np.arange(60) % 3),
    }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("threshold", [0.5, 0.9, 1.0])
def test_rates_by_group_are_torchmetrics(seed: int, threshold: float) -> None:
    told = {**given(seed), "threshold": threshold}
    agree("torchmetrics", "binary_groups_stat_rates", {**told, "num_groups": 3}, rtol=1e-6)
    agree("torchmetrics", "binary_groups_stat_rates", {**told, "num_groups": 2})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("threshold", [0.5, 0.9, 1.0])
@pytest.mark.parametrize("function", ["demographic_parity", "equal_opportunity", "binary_fairness"])
def test_ratios_between_groups_are_torchmetrics(function: str, threshold: float, seed: int) -> None:
    """Its groups stand in the name of the ratio, ours beside it."""
    told = {**given(seed), "threshold": threshold}
    if function == "demographic_parity":
        del told["target"]
    theirs = expected("torchmetrics", function, told)
    ours = like.compute("torchmetrics", function, told).value
    found = [ours] if "ratio" in ours else [ours["parity"], ours["opportunity"]]
    ratios = [each["ratio"] for each in found]
    np.testing.assert_allclose(ratios, [*theirs.values()] if live("torchmetrics") else theirs, rtol=1e-6)
    if live("torchmetrics"):
        named = [
            f"{name.split('_')[0]}_{each['lowest']}_{each['highest']}" for name, each in zip(theirs, found, strict=True)
        ]
        assert named == [*theirs]
