"""Overlap losses, Lovász, GIoU and the sums with dice beside Keras, optax, MONAI, smp, kornia and torchvision."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from lossapi import compute
from lossapi.domains import Array
from tests.parity.peers import agree, equal

RNG = np.random.default_rng(7)
MASK = RNG.random((3, 4, 5))
SCORE = RNG.normal(size=(3, 4, 5)) * 3
SET = RNG.integers(0, 2, (3, 4, 5))
LOGITS = RNG.normal(size=(3, 4, 2, 10)) * 2
LABELS = RNG.permuted(np.tile(np.arange(4), (3, 5)), axis=1).reshape(3, 2, 10)
ONE_HOT = np.moveaxis(np.eye(4)[LABELS], -1, 1)
BOXES = np.concatenate([RNG.random((2, 9, 2)), 1.0 + RNG.random((2, 9, 2))], axis=-1)
MONAI = {"smooth_numerator": 1e-5, "smooth_denominator": 1e-5, "per_sample": True}
NONE = {"smooth_numerator": 0.0, "smooth_denominator": 0.0}
SIGMOID = {"prediction": SCORE, "target": SET}
CLASSES = {"prediction": LOGITS, "target": LABELS}

AXES = (None, 0, -1, (1, 2), (0, 2), (0, 1, 2), 5)
KERAS_REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axis", AXES)
def test_keras_sums_its_sets_along_axis(axis: Any, dtype: str) -> None:
    given = {"y_true": SET.astype(dtype), "y_pred": MASK.astype(dtype), "axis": axis}
    agree("keras", "dice", given)
    agree("keras", "tversky", {**given, "alpha": 0.2, "beta": 0.9})
    for reduction in KERAS_REDUCTIONS:  # on torch Keras divides in single precision
        agree("keras", "Dice", {**given, "reduction": reduction}, rtol=1e-6)
        agree("keras", "Tversky", {**given, "alpha": 1.3, "reduction": reduction}, rtol=1e-6)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (5,), (4, 1), (3, 1), (4, 5), (2,)])
@pytest.mark.parametrize("axis", AXES[:-1])
def test_keras_weighs_its_sets_after_they_are_summed(axis: Any, shape: tuple[int, ...]) -> None:
    given = {"y_true": SET.astype("float32"), "y_pred": MASK.astype("float32"), "axis": axis}
    weight = np.random.default_rng(1).random(shape).astype("float32")
    for reduction in KERAS_REDUCTIONS[:-1]:
        agree("keras", "Dice", {**given, "sample_weight": weight, "reduction": reduction})


@pytest.mark.parametrize(
    ("target", "prediction"),
    [
        (np.zeros((0, 4)), np.zeros((0, 4))),
        (np.zeros((3, 4)), np.zeros((3, 4))),
        (np.zeros((3, 4)), np.ones((3, 4))),
        (SET - 1.5, SCORE * 200.0),
        (np.array(1.0), np.array(0.25)),
        (SET[:1], MASK[:1]),
        (SET.astype(bool), MASK),
    ],
)
def test_keras_takes_sets_of_any_values(target: Array, prediction: Array) -> None:
    for function in ("dice", "tversky", "Dice", "Tversky"):
        agree("keras", function, {"y_true": target, "y_pred": prediction})


def test_keras_squeezes_a_last_axis_of_one_in_classes() -> None:
    agree("keras", "Dice", {"y_true": SET[..., None], "y_pred": MASK})
    agree("keras", "Tversky", {"y_true": SET, "y_pred": MASK[..., None], "axis": 1}, rtol=1e-6)


OPTAX = ("dice_loss", "binary_dice_loss", "multiclass_generalized_dice_loss")
SHAPES = [(3, 4, 5), (2, 3, 4, 3), (4, 3), (3,), (1,), (2, 5, 1), (0, 4, 3), (2, 0, 3)]


def scores(shape: tuple[int, ...], dtype: str) -> dict[str, Array]:
    """Raw scores and a target of the same shape."""
    rng = np.random.default_rng(3)
    return {
        "predictions": (rng.normal(size=shape) * 3).astype(dtype),
        "targets": rng.integers(0, 2, shape).astype(dtype),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_optax_has_its_classes_last(shape: tuple[int, ...], dtype: str) -> None:
    given = scores(shape, dtype)
    for function in OPTAX:
        agree("optax", function, given)
        agree("optax", function, {**given, "smooth": 0.1})
    agree("optax", OPTAX[2], {**given, "ignore_background": True})
    weight = np.random.default_rng(5).random(shape[-1]).astype(dtype)
    for reduction in ("mean", "sum", "none", "median"):
        for background in (False, True):
            options = {**given, "reduction": reduction, "ignore_background": background}
            agree("optax", "dice_loss", {**options, "alpha": 0.2, "beta": 0.9})
            agree("optax", "dice_loss", {**options, "class_weights": weight})


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 1), (1, 2), (0, 1, 2), 7])
def test_optax_sums_along_axis(axis: Any) -> None:
    for shape in ((3, 4, 5), (4, 3), (3,)):
        for reduction in ("mean", "sum", "none"):
            agree("optax", "dice_loss", {**scores(shape, "float64"), "axis": axis, "reduction": reduction})


def test_optax_takes_probabilities_that_sum_to_one() -> None:
    given = scores((3, 4, 5), "float64")
    share = np.exp(given["predictions"])
    share /= share.sum(axis=-1, keepdims=True)
    for scale in (1.0, 0.9):
        agree("optax", "dice_loss", {**given, "predictions": share * scale, "apply_softmax": False})
        agree("optax", OPTAX[2], {**given, "predictions": share * scale, "apply_softmax": False})
    agree("optax", "binary_dice_loss", {**given, "predictions": share, "apply_sigmoid": False})
    agree("optax", "binary_dice_loss", {**given, "predictions": np.ones((3, 4, 5)), "apply_sigmoid": False})


def test_optax_adds_an_axis_of_one_class() -> None:
    given = scores((3, 4, 1), "float64")
    for function in OPTAX[:2]:
        agree("optax", function, {**given, "predictions": given["predictions"][..., 0]})
        agree("optax", function, {**given, "targets": given["targets"][..., 0]})
        agree("optax", function, {"predictions": given["predictions"], "targets": np.zeros((3, 4, 2))})
        agree("optax", function, {name: 200.0 * tensor for name, tensor in given.items()})


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_dice_of_one_set_is_that_of_monai(reduction: str) -> None:
    ours = {"prediction": MASK, "target": SET}
    monai = {"input": MASK[:, None], "target": SET[:, None].astype(float), "reduction": reduction}
    value = np.asarray(compute("dice", ours, MONAI, reduction=reduction).value)
    shape = (3, 1, 1, 1) if reduction == "none" else ()
    equal(value.reshape(shape), "monai", "DiceLoss", monai)
    squared = np.asarray(compute("dice", ours, {**MONAI, "squared": True}, reduction=reduction).value)
    equal(squared.reshape(shape), "monai", "DiceLoss", {**monai, "squared_pred": True})


@pytest.mark.parametrize(
    ("name", "parameters", "function", "monai"),
    [
        ("multiclass_dice", {}, "DiceLoss", {}),
        ("multiclass_dice", {"per_sample": False}, "DiceLoss", {"batch": True}),
        ("multiclass_dice", {"include_background": False}, "DiceLoss", {"include_background": False}),
        ("jaccard", {"smooth_numerator": 5e-6, "smooth_denominator": 5e-6}, "DiceLoss", {"jaccard": True}),
        ("tversky", {"fp_weight": 0.3, "fn_weight": 0.8}, "TverskyLoss", {"alpha": 0.3, "beta": 0.8}),
        ("tversky", {"include_background": False}, "TverskyLoss", {"include_background": False}),
        ("generalized_dice", {}, "GeneralizedDiceLoss", {}),
        ("generalized_dice", {"weighting": "simple"}, "GeneralizedDiceLoss", {"w_type": "simple"}),
        ("generalized_dice", {"weighting": "uniform"}, "GeneralizedDiceLoss", {"w_type": "uniform"}),
        ("generalized_dice", {"per_sample": False}, "GeneralizedDiceLoss", {"batch": True}),
        ("mcc", {"smooth_numerator": 0.0}, "MCCLoss", {}),
        ("mcc", {"smooth_numerator": 0.0, "per_sample": False}, "MCCLoss", {"batch": True}),
        ("dice_cross_entropy", {}, "DiceCELoss", {}),
        (
            "dice_cross_entropy",
            {"lambda_dice": 0.5, "lambda_ce": 2.0},
            "DiceCELoss",
            {"lambda_dice": 0.5, "lambda_ce": 2.0},
        ),
        ("dice_cross_entropy", {"label_smoothing": 0.2}, "DiceCELoss", {"label_smoothing": 0.2}),
        ("dice_cross_entropy", {"include_background": False}, "DiceCELoss", {"include_background": False}),
    ],
)
def test_losses_over_classes_are_those_of_monai(
    name: str, parameters: Mapping[str, Any], function: str, monai: Mapping[str, Any]
) -> None:
    ours = compute(name, CLASSES, {**MONAI, "from_logits": True, **parameters}).value
    given = {"input": LOGITS, "target": LABELS[:, None], "to_onehot_y": True, "softmax": True}
    equal(ours, "monai", function, {**given, **monai})


def test_class_weights_are_those_of_monai_but_for_their_sum() -> None:
    weight = np.array([0.1, 0.5, 2.0, 1.0])
    ours = compute("multiclass_dice", {**CLASSES, "class_weight": weight}, {**MONAI, "from_logits": True}).value
    given = {"input": LOGITS, "target": LABELS[:, None], "to_onehot_y": True, "softmax": True}
    equal(ours * weight.mean(), "monai", "DiceLoss", {**given, "weight": weight})


def test_one_class_is_one_set_as_in_monai() -> None:
    ours = {"prediction": SCORE[:, None], "target": SET[:, None]}
    given = {"input": SCORE[:, None], "target": SET[:, None].astype(float), "sigmoid": True}
    logits = {**MONAI, "from_logits": True}
    equal(compute("mcc", SIGMOID, {**logits, "smooth_numerator": 0.0}).value, "monai", "MCCLoss", given)
    equal(compute("tversky", SIGMOID, logits).value, "monai", "TverskyLoss", given)
    equal(compute("dice_cross_entropy", ours, logits).value, "monai", "DiceCELoss", given)
    weighted = compute("dice_cross_entropy", {**ours, "pos_weight": np.array(3.0)}, logits).value
    equal(weighted, "monai", "DiceCELoss", {**given, "weight": np.array([3.0])})
    focal = compute("dice_focal", ours, {**logits, "balanced": False, "gamma": 1.5}).value
    equal(focal, "monai", "DiceFocalLoss", {**given, "gamma": 1.5}, rtol=1e-6)
    balanced = compute("dice_focal", {**ours, "alpha": 0.4}, logits).value
    equal(balanced, "monai", "DiceFocalLoss", {**given, "alpha": 0.4}, rtol=1e-6)


def test_monais_dice_focal_is_a_weighted_sum_with_the_sigmoids_focal_loss() -> None:
    terms = [
        {"name": "multiclass_dice", "coefficient": 0.5, "from_logits": True, **MONAI},
        {"name": "binary_focal", "coefficient": 2.0, "from_logits": True, "balanced": False, "gamma": 3.0},
    ]
    ours = compute("weighted_sum", {"prediction": LOGITS, "target": ONE_HOT}, {"terms": terms}).value
    given = {"input": LOGITS, "target": LABELS[:, None], "to_onehot_y": True, "softmax": True}
    options = {"lambda_dice": 0.5, "lambda_focal": 2.0, "gamma": 3.0}
    equal(ours, "monai", "DiceFocalLoss", {**given, **options}, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "parameters", "function", "smp"),
    [
        ("multiclass_dice", {}, "DiceLoss", {}),
        ("jaccard", {}, "JaccardLoss", {}),
        ("tversky", {"fp_weight": 0.2, "fn_weight": 1.5}, "TverskyLoss", {"alpha": 0.2, "beta": 1.5}),
        ("multiclass_dice", {"smooth_numerator": 0.6, "smooth_denominator": 0.6}, "DiceLoss", {"smooth": 0.3}),
        ("multiclass_dice", {"ignore_index": 2}, "DiceLoss", {"ignore_index": 2, "classes": [0, 1, 3]}),
        ("lovasz_softmax", {}, "LovaszLoss", {}),
        ("lovasz_softmax", {"per_image": True}, "LovaszLoss", {"per_image": True}),
        ("lovasz_softmax", {"ignore_index": 1}, "LovaszLoss", {"ignore_index": 1}),
        (
            "lovasz_softmax",
            {"ignore_index": 1, "per_image": True},
            "LovaszLoss",
            {"ignore_index": 1, "per_image": True},
        ),
    ],
)
def test_losses_over_classes_are_those_of_smp(
    name: str, parameters: Mapping[str, Any], function: str, smp: Mapping[str, Any]
) -> None:
    smoothing = {} if name.startswith("lovasz") else NONE
    ours = compute(name, CLASSES, {**smoothing, "from_logits": True, **parameters}).value
    if "classes" in smp:  # smp keeps a class that is ignored; here it is absent from both, and costs 0 / 0
        given = {"from_logits": True, "ignore_index": 2, "average": "none", "smooth_denominator": 1e-30}
        ours = compute(name, CLASSES, {**NONE, **given}).value[[0, 1, 3]].mean()
    single = name.startswith("lovasz")  # smp's takes no double precision
    scores = LOGITS.astype("float32") if single else LOGITS
    theirs = {"mode": "multiclass", "y_pred": scores, "y_true": LABELS, **smp}
    equal(ours, "smp", function, theirs, rtol=1e-6 if single else 1e-10)


def test_losses_of_one_set_are_those_of_smp() -> None:
    given = {"mode": "binary", "y_pred": SCORE[:, None], "y_true": SET[:, None]}
    logits = {**NONE, "from_logits": True}
    equal(compute("dice", SIGMOID, logits).value, "smp", "DiceLoss", given)
    equal(compute("jaccard", SIGMOID, logits).value, "smp", "JaccardLoss", given)
    focal = compute("focal_tversky", SIGMOID, {**logits, "gamma": 1.7}).value
    equal(focal, "smp", "TverskyLoss", {**given, "alpha": 0.3, "beta": 0.7, "gamma": 1.7})
    single = {**given, "y_pred": SCORE[:, None].astype("float32")}
    for per_image in (False, True):
        hinge = compute("lovasz_hinge", SIGMOID, {"per_image": per_image}).value
        equal(hinge, "smp", "LovaszLoss", {**single, "per_image": per_image}, rtol=1e-6)
    ignoring = np.where(SET[:, :, ::2].repeat(2, axis=2)[:, :, :5] == 1, SET, 255)
    for per_image in (False, True):
        hinge = compute(
            "lovasz_hinge", {"prediction": SCORE, "target": ignoring}, {"per_image": per_image, "ignore_index": 255}
        ).value
        options = {"y_true": ignoring[:, None], "ignore_index": 255, "per_image": per_image}
        equal(hinge, "smp", "LovaszLoss", {**single, **options}, rtol=1e-6)


def test_smps_mcc_has_a_small_point_in_each_cell() -> None:
    prediction = np.concatenate([MASK.reshape(-1), [1.0, 1.0, 0.0, 0.0]])
    target = np.concatenate([SET.reshape(-1), [1, 0, 1, 0]])
    weight = np.concatenate([np.ones(MASK.size), np.full(4, 0.01)])
    ours = compute(
        "mcc", {"prediction": prediction, "target": target}, {"smooth_denominator": 0.0}, weight=weight
    ).value
    equal(ours, "smp", "MCCLoss", {"y_pred": MASK, "y_true": SET, "eps": 0.01})


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_dice_of_kornia_is_that_of_each_image(average: str) -> None:
    parameters = {"smooth_numerator": 0.0, "smooth_denominator": 1e-8, "per_sample": True, "average": average}
    ours = compute("multiclass_dice", CLASSES, {**parameters, "from_logits": True}).value
    equal(ours, "kornia", "dice_loss", {"pred": LOGITS, "target": LABELS, "average": average})


def test_tversky_and_lovasz_of_kornia_are_those_of_each_image() -> None:
    parameters = {"smooth_numerator": 0.0, "smooth_denominator": 1e-8, "per_sample": True, "from_logits": True}
    ours = compute("tversky", CLASSES, {**parameters, "fp_weight": 0.4, "fn_weight": 0.9}).value
    equal(ours, "kornia", "tversky_loss", {"pred": LOGITS, "target": LABELS, "alpha": 0.4, "beta": 0.9})
    hinge = compute("lovasz_hinge", SIGMOID, {"per_image": True}).value
    equal(hinge, "kornia", "lovasz_hinge_loss", {"pred": SCORE[:, None], "target": SET})
    few = {**CLASSES, "target": np.minimum(LABELS, 2)}
    lovasz = compute("lovasz_softmax", few, {"per_image": True, "classes": "all", "from_logits": True}).value
    equal(lovasz, "kornia", "lovasz_softmax_loss", {"pred": LOGITS, "target": few["target"]})


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_giou_is_that_of_torchvision_and_monai(reduction: str) -> None:
    one, two = BOXES[0], BOXES[1] + np.array([0.0, 0.5, 1.0, 2.0, 0.0, 0.3, 0.1, 0.0, 5.0])[:, None]
    two[3] = one[3]
    ours = compute("giou", {"prediction": one, "target": two}, reduction=reduction).value
    equal(ours, "torchvision", "generalized_box_iou_loss", {"boxes1": one, "boxes2": two, "reduction": reduction})
    equal(ours, "monai", "BoxGIoULoss", {"input": one, "target": two, "reduction": reduction}, rtol=2e-6, atol=1e-8)
