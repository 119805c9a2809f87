"""Every loss and interface that the two articles name: by our name, and by that of TensorFlow 1 or Keras.

The numbers are worked out beside each test. TensorFlow 1 cannot be installed any more; its definitions are in
tensorflow/python/ops/losses/losses_impl.py, nn_impl.py, ctc_ops.py and distributions/ of version 1.15.
"""

from math import cos, exp, log, pi, sqrt
from typing import Any

import numpy as np
import pytest

from lossapi import compute, like
from lossapi.domains import Array
from lossapi.errors import ShapeError

ARTICLE_1: dict[str, Any] = {"smooth_numerator": 1e-8, "smooth_denominator": 1e-8}
ARTICLE_2: dict[str, Any] = {"smooth_numerator": 0.0, "smooth_denominator": 1e-5}

PIXELS = np.array([0.45, 0.7])
"""The two pixels that the first article works out: a building seen as 0.45, background seen as 0.7."""
BUILDING = np.array([1, 0])
SURPRISE = (-log(0.45), -log(1.0 - 0.7))


def ours(name: str, prediction: Any, target: Any, more: dict[str, Any] | None = None, **parameters: Any) -> float:
    """A loss by our name."""
    tensors = {"prediction": np.asarray(prediction), "target": np.asarray(target), **(more or {})}
    reduction = parameters.pop("reduction", None)
    return float(compute(name, tensors, parameters, reduction=reduction).value)


def theirs(library: str, function: str, **arguments: Any) -> Array:
    """A loss by another library's name."""
    given = {name: np.asarray(each) if isinstance(each, list) else each for name, each in arguments.items()}
    return np.asarray(like.compute(library, function, given).value)


def near(value: Any, expected: Any, rel: float = 1e-9) -> bool:
    """Whether both are equal within a relative tolerance."""
    return bool(np.allclose(value, expected, rtol=rel, atol=1e-12))


def softplus(x: float) -> float:
    """log(1 + exp(x))."""
    return log(1.0 + exp(x))


def test_confusion_matrix_precision_recall_and_f1_of_article_1() -> None:
    # 100 people, 30 ill; 25 are said to be ill, 5 of them are not
    target = np.repeat([1, 1, 0, 0], [20, 10, 5, 65])
    prediction = np.repeat([1, 0, 1, 0], [20, 10, 5, 65])
    tensors = {"prediction": prediction, "target": target}
    np.testing.assert_array_equal(compute("confusion_matrix", tensors).value, [[65, 5], [10, 20]])
    for name, expected in (("precision", 20 / 25), ("recall", 20 / 30), ("f1", 40 / 55), ("accuracy", 0.85)):
        assert near(compute(name, tensors).value, expected), name
    assert near(compute("dice_coefficient", tensors).value, 40 / 55)
    for function, expected in (("precision_score", 0.8), ("recall_score", 2 / 3), ("f1_score", 40 / 55)):
        assert near(theirs("sklearn", function, y_true=target, y_pred=prediction), expected), function


def test_dice_loss_of_article_1() -> None:
    prediction, target = [0.9, 0.2, 0.6, 0.1], [1, 0, 1, 0]
    # 1 - (2 · 1.5 + ε) / (1.8 + 2 + ε)
    expected = 1.0 - (3.0 + 1e-8) / (3.8 + 1e-8)
    assert near(ours("dice", prediction, target, **ARTICLE_1), expected)
    assert ours("dice", [0.0, 0.0], [0, 0], **ARTICLE_1) == 0.0
    assert near(theirs("keras", "dice", y_true=target, y_pred=prediction), expected, 1e-6)
    assert near(theirs("keras", "Dice", y_true=target, y_pred=prediction), expected, 1e-6)


def test_binary_cross_entropy_of_article_1() -> None:
    rows = compute("binary_cross_entropy", {"prediction": PIXELS, "target": BUILDING}, reduction="none").value
    assert near(rows, SURPRISE)
    assert near(ours("binary_cross_entropy", PIXELS, BUILDING), sum(SURPRISE) / 2)
    assert near(theirs("keras", "binary_crossentropy", y_true=BUILDING, y_pred=PIXELS), sum(SURPRISE) / 2, 1e-6)


def test_alpha_balanced_binary_cross_entropy_of_article_1() -> None:
    expected = (0.25 * SURPRISE[0] + 0.75 * SURPRISE[1]) / 2
    assert near(ours("binary_cross_entropy", PIXELS, BUILDING, {"alpha": np.asarray(0.25)}), expected)
    options: dict[str, Any] = {"apply_class_balancing": True, "alpha": 0.25, "gamma": 0.0}
    value = theirs("keras", "binary_focal_crossentropy", y_true=BUILDING, y_pred=PIXELS, **options)
    assert near(value, expected, 1e-6)


def test_binary_focal_loss_of_article_1() -> None:
    # α (1 - q)^γ and, where the article errs, (1 - α) q^γ
    expected = (0.25 * 0.55**2 * SURPRISE[0] + 0.75 * 0.7**2 * SURPRISE[1]) / 2
    assert near(ours("binary_focal", PIXELS, BUILDING, {"alpha": np.asarray(0.25)}, gamma=2.0), expected)
    value = theirs("keras", "binary_focal_crossentropy", y_true=BUILDING, y_pred=PIXELS, apply_class_balancing=True)
    assert near(value, expected, 1e-6)


def test_dice_and_cross_entropy_of_article_1() -> None:
    # dice: 1 - 0.9 / 2.15
    dice, entropy = 1.0 - 0.9 / 2.15, sum(SURPRISE) / 2
    assert near(ours("dice_cross_entropy", PIXELS, BUILDING), dice + entropy, 1e-7)
    pair = {"y_true": BUILDING, "y_pred": PIXELS}
    value = theirs("keras", "dice", **pair) + theirs("keras", "binary_crossentropy", **pair)
    assert near(value, dice + entropy, 1e-6)


def test_dice_and_focal_of_article_1() -> None:
    dice = 1.0 - 0.9 / 2.15
    focal = (0.25 * 0.55**2 * SURPRISE[0] + 0.75 * 0.7**2 * SURPRISE[1]) / 2
    assert near(ours("dice_focal", PIXELS, BUILDING), dice + focal, 1e-7)
    pair = {"y_true": BUILDING, "y_pred": PIXELS}
    value = theirs("keras", "dice", **pair) + theirs(
        "keras", "binary_focal_crossentropy", **pair, apply_class_balancing=True
    )
    assert near(value, dice + focal, 1e-6)


LOGITS = np.array([[2.0], [-1.0], [0.5]])
SIGMOID_LABELS = np.array([[1.0], [0.0], [1.0]])
SIGMOID_ROWS = np.array([[softplus(-2.0)], [softplus(-1.0)], [softplus(-0.5)]])


def test_sigmoid_cross_entropy_of_article_2() -> None:
    mean = SIGMOID_ROWS.mean()
    assert near(ours("binary_cross_entropy", LOGITS, SIGMOID_LABELS, from_logits=True), mean)
    given = {"multi_class_labels": SIGMOID_LABELS, "logits": LOGITS}
    assert near(theirs("tf1", "losses.sigmoid_cross_entropy", **given), mean)
    # weights 1, 0, 2: the sum over the two that are not zero
    weights = np.array([[1.0], [0.0], [2.0]])
    expected = (SIGMOID_ROWS[0, 0] + 2.0 * SIGMOID_ROWS[2, 0]) / 2.0
    assert near(theirs("tf1", "losses.sigmoid_cross_entropy", **given, weights=weights), expected)
    # smoothing by 0.2: y(1 - a) + a/2 = 0.9, 0.1, 0.9; each row gains 0.1 |x|
    smooth = SIGMOID_ROWS + 0.1 * np.abs(LOGITS)
    assert near(theirs("tf1", "losses.sigmoid_cross_entropy", **given, label_smoothing=0.2), smooth.mean())


def test_sigmoid_cross_entropy_with_logits_of_article_2() -> None:
    value = theirs("tf1", "nn.sigmoid_cross_entropy_with_logits", labels=SIGMOID_LABELS, logits=LOGITS)
    assert near(value, SIGMOID_ROWS)


def test_keras_binary_crossentropy_of_article_2() -> None:
    probability = 1.0 / (1.0 + np.exp(-LOGITS))
    value = theirs("keras", "binary_crossentropy", y_true=SIGMOID_LABELS, y_pred=probability)
    assert near(value, SIGMOID_ROWS[:, 0], 1e-5)
    assert near(ours("binary_cross_entropy", probability, SIGMOID_LABELS), SIGMOID_ROWS.mean())


SCORES = np.array([[2.0, 1.0, 0.1], [0.5, 0.5, 0.5]])
CLASS = np.array([0, 2])
ONE_HOT = np.eye(3)[CLASS]
SOFTMAX_ROWS = np.array([log(exp(2.0) + exp(1.0) + exp(0.1)) - 2.0, log(3.0)])
SHARES = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)


def test_softmax_cross_entropy_of_article_2() -> None:
    mean = SOFTMAX_ROWS.mean()
    assert near(ours("cross_entropy", SCORES, ONE_HOT, from_logits=True), mean)
    given = {"onehot_labels": ONE_HOT, "logits": SCORES}
    assert near(theirs("tf1", "losses.softmax_cross_entropy", **given), mean)
    weighted = theirs("tf1", "losses.softmax_cross_entropy", **given, weights=np.array([3.0, 0.0]))
    assert near(weighted, 3.0 * SOFTMAX_ROWS[0])
    # smoothing by 0.3: 0.8 for the class, 0.1 for the two others
    logs = np.log(SHARES)
    smooth = -(0.7 * (ONE_HOT * logs).sum(axis=1) + 0.1 * logs.sum(axis=1)).mean()
    assert near(theirs("tf1", "losses.softmax_cross_entropy", **given, label_smoothing=0.3), smooth)


def test_softmax_cross_entropy_with_logits_of_article_2() -> None:
    value = theirs("tf1", "nn.softmax_cross_entropy_with_logits", labels=ONE_HOT, logits=SCORES)
    assert near(value, SOFTMAX_ROWS)


def test_sparse_softmax_cross_entropy_with_logits_of_article_2() -> None:
    assert near(ours("cross_entropy", SCORES, CLASS, from_logits=True), SOFTMAX_ROWS.mean())
    value = theirs("tf1", "nn.sparse_softmax_cross_entropy_with_logits", labels=CLASS, logits=SCORES)
    assert near(value, SOFTMAX_ROWS)


def test_keras_categorical_crossentropy_of_article_2() -> None:
    assert near(ours("cross_entropy", SHARES, ONE_HOT), SOFTMAX_ROWS.mean())
    value = theirs("keras", "categorical_crossentropy", y_true=ONE_HOT, y_pred=SHARES)
    assert near(value, SOFTMAX_ROWS, 1e-6)


def test_keras_sparse_categorical_crossentropy_of_article_2() -> None:
    assert near(ours("cross_entropy", SHARES, CLASS), SOFTMAX_ROWS.mean())
    value = theirs("keras", "sparse_categorical_crossentropy", y_true=CLASS, y_pred=SHARES)
    assert near(value, SOFTMAX_ROWS, 1e-6)


def test_focal_loss_over_classes_of_article_2() -> None:
    alpha = np.array([0.25, 0.5, 0.75])
    easy = 1.0 - np.exp(-SOFTMAX_ROWS)
    expected = (alpha[CLASS] * easy**2 * SOFTMAX_ROWS).mean()
    assert near(ours("focal", SCORES, CLASS, {"alpha": alpha}, gamma=2.0, from_logits=True), expected)
    value = theirs("keras", "categorical_focal_crossentropy", y_true=ONE_HOT, y_pred=SHARES, alpha=0.25, gamma=2.0)
    assert near(value, 0.25 * easy**2 * SOFTMAX_ROWS, 1e-6)


def test_dice_coefficient_of_article_2() -> None:
    prediction, target = [0.9, 0.2, 0.6, 0.1], [1, 0, 1, 0]
    # 1 - 2 · 1.5 / (1.8 + 2 + ε), and 1 where there is nothing
    expected = 1.0 - 3.0 / (3.8 + 1e-5)
    assert near(ours("dice", prediction, target, **ARTICLE_2), expected)
    assert ours("dice", [0.0, 0.0], [0, 0], **ARTICLE_2) == 1.0
    assert near(theirs("keras", "Dice", y_true=target, y_pred=prediction), expected, 1e-5)
    assert theirs("keras", "Dice", y_true=[0.0, 0.0], y_pred=[0.0, 0.0]) == 1.0


def test_dice_over_classes_of_article_2() -> None:
    # class 0: 1 - 2 p / (p + 1/3 + 1), p = 0.659; class 1: 1; class 2: 1 - (2/3) / (0.0986 + 1/3 + 1)
    each = [1.0 - 2.0 * SHARES[0, 0] / (SHARES[0, 0] + 4 / 3), 1.0, 1.0 - (2 / 3) / (SHARES[0, 2] + 4 / 3)]
    assert near(ours("multiclass_dice", SCORES, CLASS, from_logits=True, **ARTICLE_2), np.mean(each), 1e-5)
    value = theirs("keras", "Dice", y_true=ONE_HOT, y_pred=SHARES, axis=0)
    assert near(value, np.mean(each), 1e-6)


def test_hinge_loss_of_article_2() -> None:
    scores, signs, bits = np.array([0.5, -0.3]), np.array([1, -1]), np.array([1.0, 0.0])
    # max(0, 1 - 0.5) and max(0, 1 - 0.3)
    assert near(ours("hinge", scores, signs), 0.6)
    assert near(theirs("tf1", "losses.hinge_loss", labels=bits, logits=scores), 0.6)
    for labels in (bits, signs):
        assert near(theirs("keras", "hinge", y_true=labels, y_pred=scores), 0.6)


def test_connectionist_temporal_classification_of_article_2() -> None:
    # two frames of three equally likely classes: of nine paths, three spell one label
    expected = log(3.0)
    lengths = {"input_length": np.array([2]), "target_length": np.array([1])}
    assert near(ours("ctc", np.zeros((1, 2, 3)), [[0]], lengths, blank=2, reduction="sum"), expected)
    sparse = {"indices": [[0, 0]], "values": [0], "dense_shape": [1, 1]}
    for labels in (sparse, np.array([[0]])):
        value = theirs("tf1", "nn.ctc_loss", labels=labels, inputs=np.zeros((2, 1, 3)), sequence_length=np.array([2]))
        assert near(value, [expected])
    assert near(theirs("keras", "ctc", y_true=[[1]], y_pred=np.zeros((1, 2, 3))), [expected], 1e-6)


def test_kullback_leibler_divergence_of_article_2() -> None:
    prediction, target = np.array([[0.9, 0.1]]), np.array([[0.5, 0.5]])
    expected = 0.5 * log(0.5 / 0.9) + 0.5 * log(0.5 / 0.1)
    assert near(ours("kl_divergence", prediction, target), expected)
    assert near(theirs("keras", "kl_divergence", y_true=target, y_pred=prediction), [expected], 1e-6)


def test_kl_divergence_of_distributions_of_article_2() -> None:
    one = {"distribution": "normal", "loc": np.array(0.0), "scale": np.array(1.0)}
    two = {"distribution": "normal", "loc": np.array(1.0), "scale": np.array(2.0)}
    # log(σ₂/σ₁) + (σ₁² + (μ₁ - μ₂)²) / 2σ₂² - ½
    expected = log(2.0) + 2.0 / 8.0 - 0.5
    assert near(compute_distributions(one, two), expected)
    assert near(theirs("tf1", "distributions.kl_divergence", distribution_a=one, distribution_b=two), expected)
    assert near(theirs("tf1", "contrib.distributions.kl", dist_a=one, dist_b=two), expected)


def compute_distributions(p: Any, q: Any) -> Any:
    """The divergence of two distributions by our name; they are no arrays."""
    from lossapi.engine import Call, run
    from lossapi.registry import find

    return run(Call(find("distribution_kl_divergence"), {"p": p, "q": q})).value


def test_center_loss_of_article_2() -> None:
    tensors = {"embedding": np.array([[1.0, 2.0], [0.0, 1.0]]), "label": np.array([1, 0])}
    center = np.array([[0.0, 0.0], [0.0, 4.0]])
    # ½ (1 + 4) and ½ 1
    assert near(compute("center", {**tensors, "center": center}, reduction="sum").value, 3.0)


FACE = {
    "embedding": np.array([[0.5, sqrt(0.75)]]),
    "label": np.array([0]),
    "class_embedding": np.array([[1.0, 0.0], [0.0, 1.0]]),
}
"""A face at 60° from its own class and at 30° from the other."""
OTHER = sqrt(0.75)


def test_three_losses_of_face_recognition_of_article_2() -> None:
    # a softmax over two classes: log(1 + exp(other - own))
    own: dict[str, tuple[float, dict[str, Any]]] = {
        "sphereface": (-cos(4.0 * pi / 3.0) - 2.0, {"margin": 4}),
        "cosface": (0.5 - 0.35, {"margin": 0.35, "scale": 1.0}),
        "arcface": (cos(pi / 3.0 + 0.5), {"margin": 0.5, "scale": 1.0}),
    }
    for name, (score, parameters) in own.items():
        assert near(compute(name, FACE, parameters).value, softplus(OTHER - score)), name


ESTIMATE, TRUTH = np.array([1.0, -2.0, 3.0]), np.zeros(3)


def test_mean_squared_error_and_l2_norm_of_article_2() -> None:
    assert near(ours("mean_squared_error", ESTIMATE, TRUTH), 14 / 3)
    assert near(ours("l2_norm", ESTIMATE, TRUTH), sqrt(14.0))
    assert near(theirs("tf1", "losses.mean_squared_error", labels=TRUTH, predictions=ESTIMATE), 14 / 3)
    assert near(theirs("tf1", "metrics.mean_squared_error", labels=TRUTH, predictions=ESTIMATE), 14 / 3)
    assert near(theirs("keras", "mean_squared_error", y_true=TRUTH, y_pred=ESTIMATE), 14 / 3)
    weights = np.array([1.0, 0.0, 3.0])
    # 1 + 27 over the two that are not zero, and over their sum
    given = {"labels": TRUTH, "predictions": ESTIMATE, "weights": weights}
    assert near(theirs("tf1", "losses.mean_squared_error", **given), 14.0)
    assert near(theirs("tf1", "metrics.mean_squared_error", **given), 7.0)


def test_mean_absolute_error_and_l1_norm_of_article_2() -> None:
    assert near(ours("mean_absolute_error", ESTIMATE, TRUTH), 2.0)
    assert near(ours("l1_norm", ESTIMATE, TRUTH), 6.0)
    assert near(theirs("tf1", "losses.absolute_difference", labels=TRUTH, predictions=ESTIMATE), 2.0)
    assert near(theirs("tf1", "metrics.mean_absolute_error", labels=TRUTH, predictions=ESTIMATE), 2.0)
    assert near(theirs("keras", "mean_absolute_error", y_true=TRUTH, y_pred=ESTIMATE), 2.0)


def test_huber_and_smooth_l1_of_article_2() -> None:
    estimate, truth = np.array([0.5, 3.0]), np.zeros(2)
    # δ = 2: ½ 0.25 and 2 · 3 - 2; smooth L1 is that over δ
    assert near(ours("huber", estimate, truth, delta=2.0), (0.125 + 4.0) / 2)
    assert near(ours("smooth_l1", estimate, truth, beta=2.0), (0.125 + 4.0) / 4)
    assert near(theirs("tf1", "losses.huber_loss", labels=truth, predictions=estimate, delta=2.0), 2.0625)
    assert near(theirs("keras", "Huber", y_true=truth, y_pred=estimate, delta=2.0), 2.0625)


@pytest.mark.parametrize("delta", [1e-6, 1e6])
def test_huber_becomes_absolute_and_half_squared_error_of_article_2(delta: float) -> None:
    value = ours("huber", ESTIMATE, TRUTH, delta=delta)
    assert near(value, 2.0 * delta if delta < 1.0 else 7 / 3, 1e-5)


@pytest.mark.parametrize("function", ["metrics.mean_squared_error", "metrics.mean_absolute_error"])
def test_tf_metrics_of_article_2_weigh_element_by_element(function: str) -> None:
    error = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    value = error**2 if "squared" in function else error
    given = {"labels": np.zeros((2, 3)), "predictions": error}
    for weights in (np.array([[1.0], [3.0]]), np.array([1.0, 3.0]), np.arange(6.0).reshape(2, 3), np.array(2.0)):
        full = np.broadcast_to(weights[:, None] if weights.shape == (2,) else weights, (2, 3))
        expected = (full * value).sum() / full.sum()
        assert near(theirs("tf1", function, **given, weights=weights), expected)
    assert near(theirs("tf1", function, labels=np.zeros((2, 3, 1)), predictions=error), value.mean())
    # a division by nothing is 0
    assert theirs("tf1", function, **given, weights=np.zeros((2, 3))) == 0.0
    assert theirs("tf1", function, labels=np.zeros(0), predictions=np.zeros(0)) == 0.0
    for wrong in (np.ones(3), np.ones((2, 2)), np.ones((1, 1, 2, 3))):
        with pytest.raises(ShapeError):
            theirs("tf1", function, **given, weights=wrong)
    with pytest.raises(ShapeError):
        theirs("tf1", function, labels=np.zeros(2), predictions=error)
