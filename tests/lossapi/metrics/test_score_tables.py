"""The exact state of curves: one sort, however the rows come."""

import numpy as np
import pytest

from lossapi.domains import Array
from lossapi.engine import compute
from lossapi.score_tables import Table


def by_hand(score: Array, positive: Array, weight: Array) -> tuple[list[float], list[float], list[float]]:
    """Distinct scores from the highest down, with the weights of positives and negatives."""
    distinct = sorted(set(score.tolist()), reverse=True)
    positives = [float(weight[(score == each) & positive].sum()) for each in distinct]
    negatives = [float(weight[(score == each) & ~positive].sum()) for each in distinct]
    return distinct, positives, negatives


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("low", [0, -4])
@pytest.mark.parametrize("weights", [[1.0], [0.0, 1.0], [0.0, 0.5, 2.0]])
def test_a_table_is_what_is_counted_by_hand(dtype: type, low: int, weights: list[float]) -> None:
    rng = np.random.default_rng(0)
    score = rng.integers(low, 5, 90).astype(dtype) / 4
    score[::7], score[::11] = -0.0, np.inf
    positive, weight = rng.random(90) < 0.4, rng.choice(weights, 90)
    cuts = [slice(0, 30), slice(30, 30), slice(30, 90)]
    parts = [Table.of_rows(score[c, None], positive[c, None], weight[c, None]) for c in cuts]
    kept = weight != 0
    right = by_hand(score[kept], positive[kept], weight[kept])
    for table in (Table.merged(parts), parts[0] + (parts[1] + parts[2]), (parts[2] + parts[0]) + parts[1]):
        assert [each.tolist() for each in table.column(0)] == [list(each) for each in right]
        assert table.count == 90


def test_columns_stay_apart_and_can_be_pooled() -> None:
    score = np.array([[0.5, 0.1], [0.5, 0.9]])
    table = Table.merged([Table.of_rows(score, np.array([[True, False], [False, True]]))])
    assert [each.tolist() for each in table.column(0)] == [[0.5], [1], [1]]
    assert [each.tolist() for each in table.column(1)] == [[0.9, 0.1], [1, 0], [0, 1]]
    assert [each.tolist() for each in table.pooled().column(0)] == [[0.9, 0.5, 0.1], [1, 1, 0], [0, 1, 1]]


def test_the_gain_area_is_that_of_the_hand_calculation() -> None:
    """P = 1, N = 2, π = 1/3: from tp = π P = 1/3 on; scores .8 (positive), .5, .2 (negative)."""
    # At tp 1/3 and 1, fp is 0: precision gains 1 and 1; recall gains 0 and 1. The area is 1.
    best = {"prediction": [0.8, 0.5, 0.2], "target": [1, 0, 0]}
    assert compute("precision_recall_gain_auc", best).value == pytest.approx(1.0)
    # The positive second: fp is 1 throughout, gains 1 - ½ / tp: -½ at 1/3 and ½ at 1; their mean is 0.
    second = {"prediction": [0.5, 0.8, 0.2], "target": [1, 0, 0]}
    assert compute("precision_recall_gain_auc", second).value == pytest.approx(0.0)


def test_nan_is_no_score() -> None:
    given = {"prediction": [0.5, np.nan, 0.2], "target": [1, 0, 0]}
    assert np.isnan(compute("roc_auc", given).value)
    with pytest.raises(ValueError, match="numbers"):
        compute("roc_auc", given, {"thresholds": 5})
