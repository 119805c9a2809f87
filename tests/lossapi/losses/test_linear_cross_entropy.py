"""linear_cross_entropy, sampled_softmax and nce, as no other library has them."""

from typing import Any

import numpy as np
import pytest

from lossapi import LossError, chunks, compute, registry
from lossapi.binding import bind
from lossapi.definition import Primitive

RNG = np.random.default_rng(0)
X, W, B = RNG.normal(size=(5, 3)), RNG.normal(size=(4, 3)), RNG.normal(size=4)
Y = np.array([0, 3, 1, 1, 2])


def rows(name: str, tensors: dict[str, Any], **parameters: Any) -> Any:
    """One value per row."""
    return compute(name, tensors, parameters, reduction="none").value


def test_a_layer_and_its_logits_cost_the_same() -> None:
    layer = {"prediction": X, "linear_weight": W, "linear_bias": B, "target": Y, "class_weight": np.abs(B)}
    logits = {"prediction": X @ W.T + B, "target": Y, "class_weight": np.abs(B)}
    for reduction in ("none", "sum", "mean", "weighted_mean"):
        given = {"label_smoothing": 0.2, "ignore_index": 3}
        value = compute("linear_cross_entropy", layer, given, reduction=reduction).value
        other = compute("cross_entropy", logits, {**given, "from_logits": True}, reduction=reduction).value
        np.testing.assert_allclose(value, other, rtol=1e-12)


def test_many_classes_are_cut_into_chunks_of_few_rows() -> None:
    classes = 1 << 17
    tensors = {"prediction": np.ones((64, 1)), "linear_weight": np.zeros((classes, 1)), "target": np.zeros(64, int)}
    assert compute("linear_cross_entropy", tensors).value == pytest.approx(np.log(classes))
    definition = registry.get("loss", "linear_cross_entropy")
    assert isinstance(definition, Primitive)
    plan = bind(definition, tensors, {})
    assert [cut.stop - cut.start for cut in chunks.cuts(plan)] == [16] * 4


def test_sampling_all_other_classes_is_the_whole_softmax() -> None:
    tensors = {"prediction": X[:1], "target": Y[1:2], "class_embedding": W, "bias": B}
    sampled = {"sampled": np.array([0, 1, 2]), "true_expected_count": np.ones(1), "sampled_expected_count": np.ones(3)}
    whole = rows("linear_cross_entropy", {"prediction": X[:1], "linear_weight": W, "linear_bias": B, "target": Y[1:2]})
    np.testing.assert_allclose(rows("sampled_softmax", {**tensors, **sampled}), whole, rtol=1e-12)
    with_hit = {**sampled, "sampled": np.arange(4), "sampled_expected_count": np.ones(4)}
    np.testing.assert_allclose(rows("sampled_softmax", {**tensors, **with_hit}), whole, rtol=1e-12)


def test_noise_is_told_from_data() -> None:
    tensors = {"prediction": X[:1], "target": Y[:1], "class_embedding": W, "bias": B}
    sampled = {
        "sampled": np.array([2]),
        "true_expected_count": np.array([0.5]),
        "sampled_expected_count": np.array([2.0]),
    }
    true, noise = X[0] @ W[0] + B[0] - np.log(0.5), X[0] @ W[2] + B[2] - np.log(2.0)
    value = rows("nce", {**tensors, **sampled})
    np.testing.assert_allclose(value, [np.log1p(np.exp(-true)) + np.log1p(np.exp(noise))], rtol=1e-12)


@pytest.mark.parametrize("name", ["sampled_softmax", "nce"])
def test_a_seed_gives_the_same_numbers_for_any_cut(name: str) -> None:
    tensors = {"prediction": X, "target": Y, "class_embedding": W, "bias": B}
    whole = rows(name, tensors, num_sampled=2, seed=7)
    for i in range(5):
        one = rows(name, {**tensors, "prediction": X[i : i + 1], "target": Y[i : i + 1]}, num_sampled=2, seed=7)
        np.testing.assert_allclose(one, whole[i : i + 1], rtol=1e-12)
    assert not np.allclose(whole, rows(name, tensors, num_sampled=2, seed=8))
    several = rows(name, {**tensors, "target": Y[:, None]}, num_sampled=2, seed=7)
    np.testing.assert_allclose(several, whole)


@pytest.mark.parametrize("name", ["sampled_softmax", "nce"])
@pytest.mark.parametrize(
    ("more", "parameters", "message"),
    [
        ({}, {}, "num_sampled and a seed"),
        ({}, {"num_sampled": 2}, "num_sampled and a seed"),
        ({}, {"num_sampled": 5, "seed": 1}, "num_sampled of at most 4"),
        ({}, {"num_sampled": 0, "seed": 1}, "num_sampled >= 1"),
        ({"sampled": np.array([1])}, {}, "true_expected_count with the other two"),
        ({"target": np.array([0, 4, 1, 1, 2])}, {"num_sampled": 2, "seed": 1}, r"< 4 \(axis classes\), got 4"),
        ({"target": np.full((5, 2), 4)}, {"num_sampled": 2, "seed": 1}, r"< 4 \(axis classes\), got 4"),
    ],
)
def test_what_cannot_be_drawn_is_refused(name: str, more: Any, parameters: Any, message: str) -> None:
    tensors = {"prediction": X, "target": Y, "class_embedding": W, **more}
    with pytest.raises(LossError, match=message):
        compute(name, tensors, parameters)
