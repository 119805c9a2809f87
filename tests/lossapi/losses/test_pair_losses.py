"""The losses of pairs, triplets, faces and whole batches of embeddings, by their own names."""

from typing import Any

import numpy as np
import pytest

from lossapi import compute
from lossapi.errors import DomainError, EmptyError, LossError, ParameterError

A, B, C = np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]), np.array([[0.0, 5.5]])


def triplet(**options: Any) -> Any:
    return compute("triplet_margin", {"anchor": A, "positive": B, "negative": C}, {"eps": 0.0, **options}).value


class TestCosineEmbedding:
    def test_a_zero_vector_has_the_cosine_0(self) -> None:
        arrays = {"input1": np.zeros((2, 3)), "input2": np.ones((2, 3)), "target": np.array([1, -1])}
        np.testing.assert_allclose(compute("cosine_embedding", arrays, reduction="none").value, [1.0, 0.0])

    def test_long_vectors_lose_nothing(self) -> None:
        arrays = {"input1": np.full((1, 3), 1e15), "input2": np.full((1, 3), 1e15), "target": np.array([-1])}
        assert compute("cosine_embedding", arrays).value == pytest.approx(1.0)


class TestContrastive:
    def test_like_pairs_pay_for_distance_and_unlike_ones_for_nearness(self) -> None:
        arrays = {"input1": np.zeros((4, 2)), "input2": np.array([[3.0, 4.0], [3.0, 4.0], [0.0, 0.25], [0.0, 0.0]])}
        arrays["target"] = np.array([1, 0, 0, 0])
        np.testing.assert_allclose(compute("contrastive", arrays, reduction="none").value, [25.0, 0.0, 0.5625, 1.0])

    def test_it_is_finite_backwards_where_a_pair_coincides(self) -> None:
        arrays = {"input1": np.zeros((1, 2)), "input2": np.zeros((1, 2)), "target": np.array([0])}
        found = compute("contrastive", arrays, returns=("value", "gradient")).gradient
        assert found is not None
        np.testing.assert_array_equal(found["input1"], np.zeros((1, 2)))

    def test_signs_are_refused(self) -> None:
        with pytest.raises(DomainError, match="0 or 1"):
            compute("contrastive", {"input1": A, "input2": B, "target": np.array([-1])})


class TestTripletMargin:
    def test_every_distance_by_its_name(self) -> None:
        assert triplet() == triplet(distance="euclidean") == pytest.approx(5 - 5.5 + 1)
        assert triplet(distance="manhattan") == triplet(p=1.0) == pytest.approx(7 - 5.5 + 1)
        assert triplet(distance="chebyshev") == pytest.approx(max(0.0, 4 - 5.5 + 1))
        assert triplet(distance="squared_euclidean") == pytest.approx(max(0.0, 25 - 5.5**2 + 1))
        assert triplet(distance="cosine") == pytest.approx(1.0)  # the zero vector has the cosine 0 with all

    def test_an_unknown_distance_is_answered_with_the_known_ones(self) -> None:
        with pytest.raises(ParameterError, match="distance to be 'minkowski'"):
            triplet(distance="hamming")

    def test_swapping_takes_the_nearer_of_two_negatives(self) -> None:
        far = np.hypot(3.0, 1.5)
        assert triplet(swap=True) == pytest.approx(5 - far + 1)

    def test_identical_points_cost_the_margin(self) -> None:
        arrays = {"anchor": A, "positive": A, "negative": A}
        assert compute("triplet_margin", arrays, {"margin": 0.25}).value == pytest.approx(0.25)


class TestCenter:
    def test_it_is_half_the_squared_distance_to_ones_own_centre(self) -> None:
        arrays = {
            "embedding": np.array([[3.0, 4.0]]),
            "label": np.array([1]),
            "center": np.array([[9.0, 9.0], [0.0, 0.0]]),
        }
        assert compute("center", arrays).value == 12.5

    def test_its_gradients_draw_embedding_and_centre_together(self) -> None:
        arrays = {"embedding": np.array([[3.0, 4.0]]), "label": np.array([1]), "center": np.zeros((2, 2))}
        found = compute("center", arrays, reduction="sum", returns=("gradient",)).gradient
        assert found is not None
        np.testing.assert_allclose(found["embedding"], [[3.0, 4.0]])
        np.testing.assert_allclose(found["center"], [[0.0, 0.0], [-3.0, -4.0]])

    def test_a_label_without_a_centre_is_refused(self) -> None:
        arrays = {"embedding": np.zeros((1, 2)), "label": np.array([2]), "center": np.zeros((2, 2))}
        with pytest.raises(DomainError, match=r"label < 2 \(axis classes\), got 2 - at \$\.label\[0\]"):
            compute("center", arrays)


FACES = {
    "embedding": np.array([[3.0, 0.0], [0.0, -2.0], [1.0, 1.0]]),
    "label": np.array([0, 1, 1]),
    "class_embedding": np.array([[5.0, 0.0], [0.0, 0.1]]),
}


class TestFaces:
    @pytest.mark.parametrize(("name", "options"), [("sphereface", {"margin": 1}), ("cosface", {"margin": 0.0})])
    def test_without_a_margin_they_are_softmax_over_cosines(self, name: str, options: dict[str, Any]) -> None:
        x, w = FACES["embedding"], FACES["class_embedding"]
        cosine = (x / np.linalg.norm(x, axis=1, keepdims=True)) @ (w / np.linalg.norm(w, axis=1, keepdims=True)).T
        logits = cosine * (np.linalg.norm(x, axis=1, keepdims=True) if name == "sphereface" else 64.0)
        theirs = compute("cross_entropy", {"prediction": logits, "target": FACES["label"]}, {"from_logits": True})
        assert compute(name, FACES, options).value == pytest.approx(theirs.value)

    @pytest.mark.parametrize("name", ["sphereface", "cosface", "arcface"])
    def test_a_margin_only_makes_it_harder(self, name: str) -> None:
        easy = compute(name, FACES, {"margin": 1 if name == "sphereface" else 0.0}, reduction="none").value
        hard = compute(name, FACES, {"margin": 4 if name == "sphereface" else 0.3}, reduction="none").value
        assert np.all(np.asarray(hard) >= np.asarray(easy))

    @pytest.mark.parametrize("name", ["sphereface", "cosface", "arcface"])
    def test_straight_on_and_straight_off_stay_finite_backwards(self, name: str) -> None:
        found = compute(name, FACES, returns=("value", "gradient"))
        assert np.isfinite(found.value)
        assert found.gradient is not None
        if name != "arcface":  # the arc's slope at 0 is infinite
            assert all(np.isfinite(each).all() for each in found.gradient.values())

    def test_beyond_half_a_turn_less_the_margin_the_arc_goes_on_in_a_line(self) -> None:
        # the second row points away from its class: cos θ = -1, so -1 - m sin m, scale 1, beside cos 90° = 0
        rows = compute("arcface", FACES, {"scale": 1.0, "margin": 0.5}, reduction="none").value
        own = -1.0 - 0.5 * np.sin(0.5)
        assert rows[1] == pytest.approx(np.log(1.0 + np.exp(own)) - own)

    def test_sphereface_takes_whole_margins_and_arcface_radians(self) -> None:
        with pytest.raises(ParameterError):
            compute("sphereface", FACES, {"margin": 1.5})
        with pytest.raises(ParameterError, match=r"margin <= 3\.14159"):
            compute("arcface", FACES, {"margin": 28.6})


BATCH = {"embedding": np.random.default_rng(0).normal(size=(6, 3)), "label": np.array([-1, 7, -1, 7, 7, 3])}


class TestWholeBatches:
    @pytest.mark.parametrize("name", ["circle", "ntxent", "npairs"])
    def test_any_integers_serve_as_labels(self, name: str) -> None:
        renamed = {**BATCH, "label": np.array([0, 1, 0, 1, 1, 2])}
        assert compute(name, BATCH).value == pytest.approx(compute(name, renamed).value)

    @pytest.mark.parametrize("name", ["circle", "ntxent", "npairs"])
    def test_a_batch_without_like_pairs_has_no_mean(self, name: str) -> None:
        with pytest.raises(EmptyError):
            compute(name, {**BATCH, "label": np.arange(6)})
        assert compute(name, {**BATCH, "label": np.arange(6)}, reduction="sum").value == 0.0

    @pytest.mark.parametrize("name", ["circle", "ntxent", "npairs"])
    def test_length_does_not_matter(self, name: str) -> None:
        longer = {**BATCH, "embedding": BATCH["embedding"] * np.arange(1.0, 7.0)[:, None]}
        assert compute(name, longer).value == pytest.approx(compute(name, BATCH).value)

    def test_rows_without_partners_cost_nothing(self) -> None:
        for name in ("circle", "ntxent", "npairs"):
            assert compute(name, BATCH, reduction="none").value[5] == 0.0

    def test_references_come_with_their_labels(self) -> None:
        with pytest.raises(LossError, match="reference_embedding and reference_label"):
            compute("circle", {**BATCH, "reference_label": np.array([7])})
        both = {**BATCH, "reference_embedding": BATCH["embedding"], "reference_label": BATCH["label"]}
        assert compute("circle", both).value == pytest.approx(compute("circle", BATCH).value)

    def test_weights_weigh_anchors(self) -> None:
        rows = np.asarray(compute("ntxent", BATCH, reduction="none").value)
        pairs = np.array([1, 2, 1, 2, 2, 0])
        w = np.array([1.0, 0.0, 2.0, 1.0, 0.5, 1.0])
        value = compute("ntxent", BATCH, weight=w).value
        assert value == pytest.approx(float((w * rows).sum() / (w * pairs).sum()))
