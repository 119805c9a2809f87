"""Weighted sums of losses: those that a request makes, and those that are losses of their own."""

from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from lossapi import LossError, compute, find
from lossapi.combination import Combination
from lossapi.errors import DtypeError, ParameterError, ShapeError, UnknownKey

RNG = np.random.default_rng(11)
PAIR = {"prediction": RNG.normal(size=(4, 3)), "target": RNG.normal(size=(4, 3))}
LOGITS = {"prediction": RNG.normal(size=(4, 3, 5)), "target": RNG.integers(0, 3, (4, 5))}
MASKS = {"prediction": RNG.random((4, 5)), "target": RNG.integers(0, 2, (4, 5))}
TERMS: list[dict[str, Any]] = [
    {"name": "huber", "coefficient": 2.0, "delta": 0.5},
    {"name": "mean_absolute_error", "coefficient": -0.25},
]


def test_a_sum_is_that_of_its_terms() -> None:
    result = compute("weighted_sum", PAIR, {"terms": TERMS})
    huber = compute("huber", PAIR, {"delta": 0.5}).value
    absolute = compute("mean_absolute_error", PAIR).value
    assert result.value == pytest.approx(2.0 * huber - 0.25 * absolute)
    assert list(result.terms) == [
        {"name": "huber", "coefficient": 2.0, "value": huber},
        {"name": "mean_absolute_error", "coefficient": -0.25, "value": absolute},
    ]
    assert (result.name, result.reduction, result.count) == ("weighted_sum", "mean", 12)
    assert result.reply()["terms"] == list(result.terms)


def test_a_coefficient_is_one_unless_given() -> None:
    assert compute("weighted_sum", PAIR, {"terms": [{"name": "huber"}]}).value == compute("huber", PAIR).value


@pytest.mark.parametrize("reduction", ["mean", "sum", "weighted_mean", "nonzero_mean", "batch_mean", "none"])
def test_weight_and_reduction_are_the_same_for_all(reduction: str) -> None:
    weight = np.array([1.0, 0.0, 2.0, 0.5])
    options: dict[str, Any] = {"weight": weight, "reduction": reduction}
    whole = compute("weighted_sum", PAIR, {"terms": TERMS}, **options).value
    huber = compute("huber", PAIR, {"delta": 0.5}, **options).value
    np.testing.assert_allclose(whole, 2.0 * huber - 0.25 * compute("mean_absolute_error", PAIR, **options).value)


def test_rows_are_added_only_where_all_terms_have_the_same() -> None:
    terms = [{"name": "mean_squared_error"}, {"name": "l2_norm"}]
    with pytest.raises(ParameterError) as caught:
        compute("weighted_sum", PAIR, {"terms": terms}, reduction="none")
    assert caught.value.faults[0].pointer == "/reduction"
    assert compute("weighted_sum", PAIR, {"terms": terms}).value > 0.0


def test_the_gradient_is_the_sum_of_the_gradients() -> None:
    returns = ("value", "gradient")
    whole = compute("weighted_sum", PAIR, {"terms": TERMS}, returns=returns).gradient
    huber = compute("huber", PAIR, {"delta": 0.5}, returns=returns).gradient
    absolute = compute("mean_absolute_error", PAIR, returns=returns).gradient
    assert whole is not None
    assert huber is not None
    assert absolute is not None
    for name in ("prediction", "target"):
        np.testing.assert_allclose(whole[name], 2.0 * huber[name] - 0.25 * absolute[name])


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16, np.float32])
@pytest.mark.parametrize("terms", [TERMS, TERMS[::-1], [TERMS[1], *TERMS, {"name": "huber"}]])
def test_gradients_are_added_in_the_dtype_of_the_tensors(terms: list[dict[str, Any]], dtype: Any) -> None:
    pair = {name: array.astype(dtype) for name, array in PAIR.items()}
    given = {name: array.copy() for name, array in pair.items()}
    whole = compute("weighted_sum", pair, {"terms": terms}, returns=("gradient",)).gradient
    exact = {name: array.astype(np.float64) for name, array in pair.items()}
    expected = compute("weighted_sum", exact, {"terms": terms}, returns=("gradient",)).gradient
    assert whole is not None
    assert expected is not None
    for name, array in pair.items():
        assert whole[name].dtype == dtype
        np.testing.assert_allclose(whole[name].astype(np.float64), expected[name], rtol=0.05, atol=1e-3)
        np.testing.assert_array_equal(array, given[name])


def test_a_term_may_hold_tensors_of_its_own() -> None:
    alpha = np.array([0.2, 0.3, 0.5])
    terms = [
        {"name": "focal", "alpha": alpha.tolist(), "from_logits": True},
        {"name": "cross_entropy", "from_logits": True},
    ]
    focal = compute("focal", {**LOGITS, "alpha": alpha}, {"from_logits": True}).value
    whole = compute("weighted_sum", LOGITS, {"terms": terms}, returns=("value", "gradient"))
    assert whole.terms[0]["value"] == pytest.approx(focal)
    assert whole.gradient is not None
    assert list(whole.gradient) == ["prediction"]


def test_a_sum_may_hold_a_declared_one() -> None:
    parameters = {"from_logits": True, "lambda_ce": 0.5}
    terms = [{"name": "dice_cross_entropy", **parameters}, {"name": "jaccard", "from_logits": True}]
    whole = compute("weighted_sum", LOGITS, {"terms": terms})
    assert whole.terms[0]["value"] == compute("dice_cross_entropy", LOGITS, parameters).value


@pytest.mark.parametrize(
    ("tensors", "terms", "error", "pointer"),
    [
        (PAIR, [{"name": "hubber"}], ParameterError, "/terms/0/name"),
        (PAIR, [{"name": "r2"}], ParameterError, "/terms/0/name"),
        (PAIR, [{"name": "weighted_sum", "terms": [{"name": "huber"}]}], ParameterError, "/terms/0/name"),
        (PAIR, [{"name": "huber"}, {"name": "huber", "delta": -1.0}], ParameterError, "/terms/1/delta"),
        (PAIR, [{"name": "huber", "delt": 1.0}], UnknownKey, "/terms/0/delt"),
        (PAIR, [{"name": "huber", "coefficient": "2"}], ParameterError, "/terms/0/coefficient"),
        (PAIR, [{"name": "huber", "coefficient": float("inf")}], ParameterError, "/terms/0/coefficient"),
        (PAIR, [{"coefficient": 2.0}], ParameterError, "/terms/0/name"),
        (PAIR, [], ParameterError, "/terms"),
        (PAIR, None, ParameterError, "/terms"),
        (PAIR, [{"name": "huber"}] * 65, ParameterError, "/terms"),
        ({**PAIR, "anchor": np.ones(3)}, [{"name": "huber"}], UnknownKey, "/anchor"),
        ({**PAIR, "nonsense": np.ones(3)}, [{"name": "huber"}], UnknownKey, "/nonsense"),
        ({"prediction": np.ones(3)}, [{"name": "huber"}], ParameterError, "/target"),
        ({**PAIR, "target": np.ones(5)}, [{"name": "huber"}], ShapeError, "/target"),
        (LOGITS, [{"name": "focal", "alpha": "many", "from_logits": True}], DtypeError, "/terms/0/alpha"),
        (LOGITS, [{"name": "focal", "alpha": [0.1, 0.9], "from_logits": True}], ShapeError, "/terms/0/alpha"),
    ],
)
def test_faults_of_a_sum_are_pointed_at(
    tensors: Mapping[str, Any], terms: Any, error: type[LossError], pointer: str
) -> None:
    with pytest.raises(error) as caught:
        compute("weighted_sum", tensors, {} if terms is None else {"terms": terms})
    assert caught.value.faults[0].pointer == pointer


@pytest.mark.parametrize("name", ["dice_cross_entropy", "dice_focal"])
def test_the_sums_with_dice_are_weighted_sums(name: str) -> None:
    definition = find(name)
    assert isinstance(definition, Combination)
    second = "lambda_ce" if name == "dice_cross_entropy" else "lambda_focal"
    parameters = {"from_logits": True, "lambda_dice": 0.5, second: 3.0}
    for tensors in (LOGITS, {**LOGITS, "prediction": LOGITS["prediction"][:, 0], "target": MASKS["target"]}):
        average = {} if tensors is LOGITS else {"average": "binary"}
        ours = compute(name, tensors, {**parameters, **average})
        terms = [{"name": term["name"], "coefficient": term["coefficient"], "from_logits": True} for term in ours.terms]
        assert [term["coefficient"] for term in terms] == [0.5, 3.0]
        assert ours.value == pytest.approx(compute("weighted_sum", tensors, {"terms": terms}).value)


@pytest.mark.parametrize(
    ("shapes", "parameters", "dice"),
    [
        (((4, 3, 5), (4, 5)), {}, "multiclass_dice"),
        (((4, 3, 5), (4, 3, 5)), {}, "multiclass_dice"),
        (((4, 3), (4, 3)), {"average": "micro"}, "multiclass_dice"),
        (((4, 3), (4, 3)), {"average": "binary"}, "dice"),
        (((4, 1, 5), (4, 1, 5)), {}, "dice"),
        (((4, 5, 1), (4, 5, 1)), {"class_axis": -1}, "dice"),
        (((4, 1, 5), (4, 5)), {}, "multiclass_dice"),
        (((7,), (7,)), {}, "dice"),
        (((), ()), {}, "dice"),
    ],
)
def test_one_set_and_classes_are_told_apart(
    shapes: tuple[tuple[int, ...], ...], parameters: dict[str, Any], dice: str
) -> None:
    tensors = {"prediction": np.full(shapes[0], 0.5), "target": np.zeros(shapes[1], int)}
    for name in ("dice_cross_entropy", "dice_focal"):
        assert compute(name, tensors, parameters).terms[0]["name"] == dice


def test_what_the_terms_in_force_do_not_take_is_refused() -> None:
    with pytest.raises(UnknownKey) as caught:
        compute("dice_cross_entropy", MASKS, {"average": "binary", "include_background": False})
    assert caught.value.faults[0].pointer == "/include_background"
    with pytest.raises(UnknownKey) as caught:
        compute("dice_cross_entropy", {**LOGITS, "pos_weight": np.array(2.0)}, {"from_logits": True})
    assert caught.value.faults[0].pointer == "/pos_weight"
    with pytest.raises(UnknownKey):
        compute("dice_cross_entropy", MASKS, {"lambda_dise": 1.0})
    default = compute("dice_cross_entropy", MASKS, {"average": "binary", "include_background": True})
    assert default.value == compute("dice_cross_entropy", MASKS, {"average": "binary"}).value


def test_rows_of_dice_and_cross_entropy_are_added_sample_by_sample() -> None:
    tensors = {"prediction": LOGITS["prediction"][..., 0], "target": LOGITS["target"][:, 0]}
    rows = compute("dice_cross_entropy", tensors, {"from_logits": True, "per_sample": True}, reduction="none").value
    dice = compute("multiclass_dice", tensors, {"from_logits": True, "per_sample": True}, reduction="none").value
    entropy = compute("cross_entropy", tensors, {"from_logits": True}, reduction="none").value
    np.testing.assert_allclose(rows, dice + entropy)


def test_the_tensors_and_parameters_of_a_sum_are_those_of_its_terms() -> None:
    declared = find("dice_cross_entropy")
    assert {"prediction", "target", "class_weight", "pos_weight"} <= set(declared.input_names)
    assert [each.name for each in declared.inputs if not each.optional] == ["prediction", "target"]
    assert list(declared.fields)[:2] == ["lambda_dice", "lambda_ce"]
    assert {"from_logits", "smooth_numerator", "label_smoothing", "class_axis", "per_sample"} <= set(declared.fields)
    free = find("weighted_sum")
    assert list(free.fields) == ["terms"]
    assert all(each.optional for each in free.inputs)
    assert {"prediction", "target", "anchor", "alpha"} <= set(free.input_names)
