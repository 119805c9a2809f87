"""Whole evaluations: values, slices, intervals, tables of classes and comparisons, held against scipy and scikit-learn.

The numbers of scipy 1.17.1 and scikit-learn 1.9.1 are those of 20,000 resamples (4,000 for swaps of AUC).
"""

from typing import Any

import numpy as np
import pytest

from lossapi import engine
from lossapi.errors import LossError
from lossapi.evaluation import of_tensors

ROWS = 120
RNG = np.random.default_rng(7)
SCORE = RNG.random(ROWS)
LABEL = (RNG.random(ROWS) < SCORE).astype(np.int64)
REAL = SCORE + 0.3 * RNG.standard_normal(ROWS)
OTHER = np.clip(SCORE + 0.25 * RNG.standard_normal(ROWS), 0, 1)
WEIGHT = RNG.random(ROWS)
COUNTRY = ["de" if each else "fr" for each in np.arange(ROWS) % 3]
DEVICE = (np.arange(ROWS) % 2).tolist()


def evaluated(target: Any = LABEL, **asked: Any) -> Any:
    """A reply whose errors are their codes."""
    return of_tensors.evaluate({"prediction": SCORE, "target": target, **asked}, lambda error: error.code)


def intervals(**asked: Any) -> dict[str, Any]:
    """The intervals by label."""
    return {each["as"]: each["interval"] for each in evaluated(**asked)["results"]}


def near(interval: Any, expected: tuple[float, float], share: float = 0.12) -> bool:
    """Whether both ends are as near as the ends of other draws would be: within a share of the width."""
    width = expected[1] - expected[0]
    return all(abs(a - b) < share * width for a, b in zip(interval, expected, strict=True))


@pytest.mark.parametrize(
    ("target", "asked", "expected"),
    [
        (REAL, "mean_absolute_error", (0.181422433440029, 0.24814952233362594)),
        (REAL, "r2", (0.41595298134147796, 0.6299710321843055)),
        (REAL, "median_absolute_error", (0.11682909146261541, 0.21940068405590257)),
        (LABEL, "accuracy", (0.625, 0.7916666666666666)),
        (LABEL, "f1", (0.6111111111111112, 0.7967511432926832)),
        (LABEL, "roc_auc", (0.7689088176658431, 0.9067112225006961)),
    ],
)
def test_percentiles_are_those_of_scipy(target: Any, asked: str, expected: tuple[float, float]) -> None:
    confidence = {"method": "bootstrap", "resamples": 2000, "seed": 3}
    assert near(intervals(target=target, metrics=[asked], confidence=confidence)[asked], expected)


def test_weights_are_drawn_with_their_rows() -> None:
    asked = {"target": REAL, "metrics": ["mean_absolute_error"], "confidence": {"resamples": 2000}, "weight": WEIGHT}
    assert near(intervals(**asked)["mean_absolute_error"], (0.18546863125256824, 0.2560115593109394))


def test_the_same_seed_gives_the_same_interval_whatever_else_is_asked_for() -> None:
    confidence = {"resamples": 50, "seed": 1}
    few = intervals(metrics=["accuracy", "mean_squared_error"], confidence=confidence)
    more = intervals(metrics=["roc_auc", "mean_squared_error", "r2", "accuracy"], confidence=confidence)
    assert few == {label: more[label] for label in few}
    assert few != intervals(metrics=["accuracy", "mean_squared_error"], confidence={"resamples": 50, "seed": 2})


def test_means_have_students_interval_and_proportions_wilsons() -> None:
    found = intervals(target=REAL, losses=["mean_absolute_error"], metrics=["r2"], confidence={"method": "analytic"})
    assert found["mean_absolute_error"] == pytest.approx([0.1800693912778154, 0.24767997608636644], rel=1e-9)
    assert found["r2"] is None
    found = intervals(metrics=["accuracy", "mean_squared_error", "f1"], confidence={"method": "analytic"})
    assert found["accuracy"] == pytest.approx([0.6215576502025921, 0.7821843637896146], rel=1e-9)  # 85 of 120
    assert found["f1"] is None
    squares = (SCORE - LABEL) ** 2
    half = 1.9800998764569446 * squares.std(ddof=1) / ROWS**0.5  # t of 119 degrees
    assert found["mean_squared_error"] == pytest.approx([squares.mean() - half, squares.mean() + half], rel=1e-9)


def test_a_proportion_of_all_or_of_none_has_an_interval() -> None:
    asked: Any = {"metrics": ["accuracy"], "confidence": {"method": "analytic"}}
    for target, end in ((SCORE > 0.5, 1), (SCORE <= 0.5, 0)):
        interval = intervals(target=target.astype(np.int64), **asked)["accuracy"]
        assert interval[end] == end
        assert abs(interval[1 - end] - end) == pytest.approx(1.959963984540054**2 / (ROWS + 1.959963984540054**2))


def test_draws_without_a_value_are_left_out_and_counted() -> None:
    few = {"prediction": [0.1, 0.6, 0.7], "target": [0, 1, 1], "metrics": [{"name": "roc_auc", "undefined": "nan"}]}
    reply = of_tensors.evaluate({**few, "confidence": {"resamples": 500}}, str)
    found = reply["results"][0]
    one_class = (1 + 8) / 27  # all three negative, or all three positive
    assert found["undefined_resamples"] / 500 == pytest.approx(one_class, abs=0.08)
    assert found["interval"] == [1.0, 1.0]


def test_every_slice_is_what_its_rows_come_to() -> None:
    metrics = ["accuracy", "roc_auc", "mean_squared_error", {"name": "recall", "average": "none"}]
    reply = evaluated(
        losses=["huber"],
        metrics=metrics,
        slices={"country": COUNTRY, "device": DEVICE},
        crossings=[["country", "device"]],
    )
    found = {(c,): part for c, part in reply["slices"]["country"].items()}
    found |= {(int(d),): part for d, part in reply["slices"]["device"].items()}
    found |= {tuple(p["values"].values()): p for p in reply["crossings"][0]["slices"]}
    assert len(found) == 2 + 2 + 4
    for values, part in found.items():
        rows = [i for i in range(ROWS) if {COUNTRY[i], DEVICE[i]} >= set(values)]
        assert part["count"] == len(rows)
        for each in part["results"]:
            parameters = {"average": "none"} if each["as"] == "recall" else {}
            alone = engine.compute(each["name"], {"prediction": SCORE[rows], "target": LABEL[rows]}, parameters)
            assert np.array_equal(each["value"], alone.value), (values, each["as"])


def test_slices_have_intervals_too() -> None:
    reply = evaluated(metrics=["accuracy"], slices={"device": DEVICE}, confidence={"method": "analytic"})
    assert all(part["results"][0]["interval"] for part in reply["slices"]["device"].values())


def test_one_that_fails_carries_its_own_error_in_every_slice() -> None:
    reply = evaluated(losses=["triplet_margin"], metrics=["accuracy"], slices={"device": DEVICE})
    for part in (reply, *reply["slices"]["device"].values()):
        assert [each.get("error") for each in part["results"]] == ["parameter", None]


def test_classes_stand_side_by_side() -> None:
    each = {"average": "none"}
    metrics = [{"name": "precision", **each}, {"name": "recall", **each}, "accuracy"]
    given = {"prediction": [0, 1, 2, 2], "target": [0, 1, 1, 2], "metrics": metrics, "classes": ["a", "b", "c"]}
    assert of_tensors.evaluate(given, str)["classes"] == {
        "a": {"precision": 1.0, "recall": 1.0},
        "b": {"precision": 1.0, "recall": 0.5},
        "c": {"precision": 0.5, "recall": 1.0},
    }


def test_too_many_rows_are_not_drawn() -> None:
    many = np.zeros(50_000)
    given: Any = {"prediction": many, "target": many, "metrics": ["r2"], "confidence": {"resamples": 100_000}}
    with pytest.raises(LossError, match=r"rows drawn.*at \$.confidence.resamples"):
        of_tensors.evaluate(given, str)


def compared(asked: Any, target: Any = LABEL, **options: Any) -> Any:
    """The comparison of one item with another prediction."""
    return evaluated(target=target, metrics=[asked], compare={"prediction": OTHER, **options})["comparison"]["results"][
        0
    ]


def test_the_difference_has_the_interval_of_paired_draws() -> None:
    found = compared("mean_absolute_error", REAL, resamples=2000)
    assert found["difference"] == pytest.approx(found["value"] - found["other"], rel=1e-12)
    assert near(found["interval"], (-0.11016250949767735, -0.05030191032025565))
    assert found["p_value"] == pytest.approx(2 / 2001)
    found = compared("roc_auc", resamples=2000)
    assert found["difference"] == pytest.approx(0.04657953281423799)
    assert near(found["interval"], (-0.018415178571428385, 0.11165224096423235))


def test_swaps_give_the_p_value_of_scipys_permutation_test() -> None:
    assert compared("mean_absolute_error", REAL, method="permutation")["p_value"] == pytest.approx(1 / 1001)
    assert compared("roc_auc", method="permutation", resamples=2000)["p_value"] == pytest.approx(0.169, abs=0.035)


def test_means_are_compared_by_the_paired_t_test() -> None:
    found = compared("mean_absolute_error", REAL, method="analytic")
    assert found["p_value"] == pytest.approx(1.0669445295700904e-06, rel=1e-9)
    assert found["interval"] == pytest.approx([-0.11115024211928815, -0.04937223488513151], rel=1e-9)
    assert compared("roc_auc", method="analytic")["error"] == "unsupported"


@pytest.mark.parametrize("method", ["bootstrap", "permutation", "analytic"])
def test_a_prediction_is_no_better_than_itself(method: str) -> None:
    asked = {"target": REAL, "metrics": ["mean_squared_error"], "compare": {"prediction": SCORE, "method": method}}
    found = evaluated(**asked)["comparison"]["results"][0]
    assert (found["difference"], found["p_value"]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("asked", "code", "pointer"),
    [
        ({}, "parameter", ""),
        ({"metrics": ["r2"], "predicton": [1]}, "unknown_key", "/predicton"),
        ({"metrics": ["r2"], "weight": "heavy"}, "dtype", "/weight"),
        ({"metrics": ["r2"], "slices": {"a": [1, 2]}}, "shape", "/slices/a"),
        ({"metrics": ["r2"], "return": ["gradient"]}, "parameter", "/return/0"),
        ({"metrics": ["r2"], "return": "value"}, "parameter", "/return"),
        ({"metrics": ["r2"], "confidence": {"level": 1.0}}, "parameter", "/confidence/level"),
        ({"metrics": ["r2"], "confidence": {"levl": 0.9}}, "unknown_key", "/confidence/levl"),
        ({"metrics": ["r2"], "confidence": {"method": "magic"}}, "parameter", "/confidence/method"),
        ({"metrics": ["r2"], "compare": {}}, "parameter", "/compare"),
        ({"metrics": ["r2"], "compare": {"prediction": [1.0]}}, "shape", "/compare/prediction"),
        ({"metrics": ["r2"], "compare": {"predicton": [1.0]}}, "unknown_key", "/compare/predicton"),
        ({"metrics": ["r2"], "classes": [1]}, "parameter", "/classes"),
        ({"metrics": [{"name": "recall", "average": "none"}], "classes": ["a"]}, "shape", "/classes"),
        (
            {"metrics": ["r2"], "confidence": {"resamples": 100_000}, "slices": {"a": list(range(ROWS))}},
            "limit",
            "/confidence/resamples",
        ),
    ],
)
def test_a_fault_is_placed_in_the_request(asked: Any, code: str, pointer: str) -> None:
    with pytest.raises(LossError) as raised:
        evaluated(**asked)
    assert (raised.value.code, raised.value.faults[0].pointer) == (code, pointer)
