"""Cards: what they say beyond what every definition says of itself."""

import pytest

from lossapi import describe, registry
from lossapi.states import Samples


@pytest.mark.parametrize("name", ["median_absolute_error", "kendall_rank_corrcoef", "d2_pinball_score"])
def test_a_metric_that_keeps_its_rows_says_how_many_numbers(name: str) -> None:
    assert describe.card(registry.get("metric", name))["keeps_at_most"] == Samples.MOST


def test_a_metric_of_sums_keeps_none() -> None:
    assert "keeps_at_most" not in describe.card(registry.get("metric", "mean_squared_error"))
