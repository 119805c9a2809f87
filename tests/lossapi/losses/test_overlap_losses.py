"""Tversky, Jaccard and their kin, Lovász and GIoU: their own forms, by hand."""

from typing import Any

import numpy as np
import pytest

from lossapi import LossError, compute
from lossapi.domains import Array
from lossapi.errors import DomainError, DtypeError, ShapeError

EXACT = {"smooth_numerator": 0.0, "smooth_denominator": 0.0}
HARD = {"prediction": np.array([1.0, 1.0, 1.0, 0.0, 0.0]), "target": np.array([1, 0, 0, 1, 0])}
RNG = np.random.default_rng(4)
CLASSES = {"prediction": RNG.random((2, 3, 6)), "target": RNG.integers(0, 3, (2, 6))}
ONE_HOT = {**CLASSES, "target": np.moveaxis(np.eye(3)[CLASSES["target"]], -1, 1)}


def test_tversky_weighs_what_its_names_say() -> None:
    # one hit, two false positives, one false negative
    assert compute("tversky", HARD, {**EXACT, "fp_weight": 1.0, "fn_weight": 0.0}).value == pytest.approx(2 / 3)
    assert compute("tversky", HARD, {**EXACT, "fp_weight": 0.0, "fn_weight": 1.0}).value == pytest.approx(1 / 2)


def test_tversky_is_dice_at_halves_and_jaccard_at_ones() -> None:
    tensors = {"prediction": RNG.random((4, 5)), "target": RNG.random((4, 5))}
    dice, jaccard = compute("dice", tensors, EXACT).value, compute("jaccard", tensors, EXACT).value
    assert compute("tversky", tensors, EXACT).value == pytest.approx(dice)
    assert compute("tversky", tensors, {**EXACT, "fp_weight": 1.0, "fn_weight": 1.0}).value == pytest.approx(jaccard)
    assert jaccard == pytest.approx(2.0 * dice / (1.0 + dice))


def test_focal_tversky_is_a_power_of_it() -> None:
    weights = {"fp_weight": 0.2, "fn_weight": 0.9}
    plain = compute("tversky", CLASSES, {**weights, "average": "none"}).value
    focal = compute("focal_tversky", CLASSES, {**weights, "gamma": 0.6}).value
    assert focal == pytest.approx((plain**0.6).mean())


@pytest.mark.parametrize("name", ["tversky", "focal_tversky", "jaccard", "mcc"])
def test_one_set_and_classes_are_told_apart_by_shape_or_average(name: str) -> None:
    pooled = compute(name, ONE_HOT).value
    assert pooled == pytest.approx(compute(name, {k: v.reshape(-1) for k, v in ONE_HOT.items()}).value)
    assert pooled == pytest.approx(compute(name, CLASSES, {"average": "micro"}).value)
    macro = compute(name, CLASSES).value
    assert macro == pytest.approx(compute(name, ONE_HOT, {"average": "macro"}).value)
    each = [compute(name, {k: v[:, c] for k, v in ONE_HOT.items()}).value for c in range(3)]
    np.testing.assert_allclose(compute(name, CLASSES, {"average": "none"}).value, each, rtol=1e-7)
    assert macro == pytest.approx(np.mean(each))
    last = {**CLASSES, "prediction": np.moveaxis(CLASSES["prediction"], 1, -1)}
    assert macro == pytest.approx(compute(name, last, {"class_axis": -1}).value)


@pytest.mark.parametrize("name", ["tversky", "focal_tversky", "jaccard", "mcc", "generalized_dice"])
def test_samples_classes_and_weights_go_together(name: str) -> None:
    rows = compute(name, CLASSES, {"per_sample": True}, reduction="none").value
    each = [compute(name, {k: v[i : i + 1] for k, v in CLASSES.items()}).value for i in range(2)]
    np.testing.assert_allclose(rows, each, rtol=1e-9)
    weighted = compute(name, CLASSES, {"per_sample": True}, weight=np.array([3.0, 1.0]), reduction="sum").value
    assert weighted == pytest.approx(3.0 * each[0] + each[1])
    weight = np.ones((2, 6))
    weight[:, 4:] = 0.0
    cut = {"prediction": CLASSES["prediction"][..., :4], "target": CLASSES["target"][:, :4]}
    assert compute(name, CLASSES, weight=weight).value == pytest.approx(compute(name, cut).value)
    ignored = {**CLASSES, "target": np.where(weight == 0.0, -1, CLASSES["target"])}
    assert compute(name, ignored, {"ignore_index": -1}).value == pytest.approx(compute(name, cut).value)


def test_class_weights_of_one_set_are_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        compute("jaccard", {**HARD, "class_weight": np.ones(3)})
    assert caught.value.faults[0].pointer == "/class_weight"


def test_the_right_forms_are_said_when_none_fits() -> None:
    with pytest.raises(DtypeError, match="label as integers"):
        compute("tversky", {**CLASSES, "target": CLASSES["target"].astype(float)})
    with pytest.raises(ShapeError, match="target"):
        compute("tversky", {"prediction": np.zeros((2, 3)), "target": np.zeros((2, 3, 4, 5))})
    with pytest.raises(ShapeError, match="classes"):
        compute("tversky", HARD, {"average": "macro"})


def test_generalized_dice_weighs_rare_classes_most() -> None:
    prediction = np.array([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.3, 0.7, 0.0]])
    target = np.array([0, 0, 1])
    # volumes 2, 1, 0; class 2 gets the weight of class 1, the largest
    for weighting, given in (("square", [0.25, 1, 1]), ("simple", [0.5, 1, 1]), ("uniform", [1, 1, 1])):
        weights = np.array(given)
        shared, whole = np.array([1.5, 0.7, 0.0]), np.array([3.8, 2.2, 0.0])
        expected = 1.0 - 2.0 * (weights * shared).sum() / (weights * whole).sum()
        value = compute(
            "generalized_dice", {"prediction": prediction, "target": target}, {"weighting": weighting}
        ).value
        assert value == pytest.approx(expected)


def test_mcc_knows_perfect_and_perfectly_wrong() -> None:
    target = np.array([1, 0, 1, 0])
    assert compute("mcc", {"prediction": target * 1.0, "target": target}).value == 0.0
    assert compute("mcc", {"prediction": 1.0 - target, "target": target}).value == pytest.approx(2.0)
    assert compute("mcc", {"prediction": np.zeros(4), "target": np.zeros(4)}).value == 0.0
    assert compute("mcc", {"prediction": np.ones(4), "target": target}).value == pytest.approx(1.0)


def jaccard_of(wrong: Array, target: Array) -> float:
    """The Jaccard loss of a prediction that is wrong at some points."""
    predicted = np.where(wrong, ~target, target)
    union = (predicted | target).sum()
    return 1.0 - (predicted & target).sum() / union if union else 0.0


@pytest.mark.parametrize("seed", range(4))
def test_lovasz_is_the_jaccard_loss_where_errors_are_all_or_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target, wrong = rng.integers(0, 2, 12).astype(bool), rng.integers(0, 2, 12).astype(bool)
    # a wrong score of ±1 errs by 2, a right one by 0
    score = np.where(target ^ wrong, 1.0, -1.0)
    value = compute("lovasz_hinge", {"prediction": score, "target": target * 1.0}).value
    assert value == pytest.approx(2.0 * jaccard_of(wrong, target))
    certain = np.where(target ^ wrong, 1.0, 0.0)
    pair = {"prediction": np.stack([1.0 - certain, certain], axis=1), "target": target.astype(int)}
    both = [jaccard_of(wrong, ~target), jaccard_of(wrong, target)]
    assert compute("lovasz_softmax", pair, {"classes": "all"}).value == pytest.approx(np.mean(both))


def test_lovasz_leaves_out_what_is_ignored_or_weighs_nothing() -> None:
    rng = np.random.default_rng(2)
    score, target = rng.normal(size=(2, 9)), rng.integers(0, 2, (2, 9))
    out = np.zeros((2, 9), bool)
    out[:, 6:] = True
    cut = {"prediction": score[:, :6], "target": target[:, :6]}
    whole = {"prediction": score, "target": np.where(out, 255, target)}
    for per_image in (False, True):
        options = {"per_image": per_image}
        expected = compute("lovasz_hinge", cut, options).value
        assert compute("lovasz_hinge", whole, {**options, "ignore_index": 255}).value == pytest.approx(expected)
        weighed = compute("lovasz_hinge", {**whole, "target": target}, options, weight=(~out).astype(float)).value
        assert weighed == pytest.approx(expected)


def test_lovasz_rows_are_reduced_only_image_by_image() -> None:
    tensors = {"prediction": RNG.normal(size=(3, 8)), "target": RNG.integers(0, 2, (3, 8))}
    rows = compute("lovasz_hinge", tensors, {"per_image": True}, reduction="none").value
    each = [compute("lovasz_hinge", {k: v[i] for k, v in tensors.items()}).value for i in range(3)]
    np.testing.assert_allclose(rows, each)
    weighted = compute("lovasz_hinge", tensors, {"per_image": True}, weight=np.array([1.0, 0.0, 3.0])).value
    assert weighted == pytest.approx((each[0] + 3.0 * each[2]) / 3.0)


def test_absent_classes_enter_only_when_asked() -> None:
    tensors = {"prediction": np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]]), "target": np.array([0, 1])}
    # class 0: errors 0.3 (member), 0.1: 0.3; class 1: 0.2 (0.2 tie): 0.2; class 2: the largest probability, 0.1
    assert compute("lovasz_softmax", tensors).value == pytest.approx(0.25)
    assert compute("lovasz_softmax", tensors, {"classes": "all"}).value == pytest.approx(0.2)


def test_giou_of_equal_touching_and_distant_boxes() -> None:
    unit = [0.0, 0.0, 1.0, 1.0]
    boxes = {
        "prediction": np.array([unit, unit, unit]),
        "target": np.array([unit, [1.0, 0.0, 2.0, 1.0], [3.0, 3.0, 4.0, 4.0]]),
    }
    # equal: 0; side by side: no overlap, no gap: 1; distant: 1 + (16 - 2) / 16
    values = compute("giou", boxes, {"epsilon": 0.0}, reduction="none").value
    np.testing.assert_allclose(values, [0.0, 1.0, 1.875])
    images = {name: box[None] for name, box in boxes.items()}
    assert compute("giou", images, {"epsilon": 0.0}, reduction="none").value.shape == (1, 3)


@pytest.mark.parametrize(
    ("name", "tensors", "error", "pointer"),
    [
        ("giou", {"prediction": [[0.0, 0.0, 1.0]], "target": [[0.0, 0.0, 1.0]]}, ShapeError, "/prediction"),
        ("giou", {"prediction": [0.0, 0.0, 1.0, 1.0], "target": [0.0, 0.0, 1.0, 1.0]}, ShapeError, "/prediction"),
        ("lovasz_hinge", {"prediction": [0.5, 0.1], "target": [1, 2]}, DomainError, "/target/1"),
        ("lovasz_hinge", {"prediction": [], "target": []}, ShapeError, ""),
        ("lovasz_softmax", {"prediction": [[0.5, 1.5]], "target": [1]}, DomainError, "/prediction/0/1"),
        ("lovasz_softmax", {"prediction": [[0.5, 0.5]], "target": [2]}, DomainError, "/target/0"),
        ("mcc", {"prediction": [0.5, -0.1], "target": [1, 0]}, DomainError, "/prediction/1"),
    ],
)
def test_faults_are_pointed_at(name: str, tensors: dict[str, Any], error: type[LossError], pointer: str) -> None:
    with pytest.raises(error) as caught:
        compute(name, tensors)
    assert caught.value.faults[0].pointer == pointer
