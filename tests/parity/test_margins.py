"""Margin losses of scores against signs, classes and sets of classes, beside torch, keras and optax."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lossapi import LossError, like
from tests.parity.peers import agree, equal

Array = npt.NDArray[Any]
Arguments = dict[str, Any]

KERAS = 1e-6
"""Keras averages over the last axis in single precision, whatever the dtype."""
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
reductions = pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
keras_reductions = pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "mean", "sum", "none", None, "mean_with_sample_weight"]
)


def scores(shape: tuple[int, ...], dtype: str = "float64", seed: int = 0) -> Array:
    """Some near the margin, some at it, some far out."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape) * 2
    return np.where(rng.uniform(size=shape) < 0.2, rng.choice([0.0, 1.0, -1.0, 200.0, -200.0], shape), x).astype(dtype)


def signs(shape: tuple[int, ...], dtype: str = "float64") -> Array:
    return np.random.default_rng(1).choice([-1.0, 1.0], shape).astype(dtype)


class TestTorch:
    @dtypes
    @reductions
    @pytest.mark.parametrize("shape", [(7,), (4, 3), (2, 3, 4), (1,), (0, 3), ()])
    def test_soft_margin(self, dtype: str, reduction: str, shape: tuple[int, ...]) -> None:
        given: Arguments = {"input": scores(shape, dtype), "target": signs(shape, dtype), "reduction": reduction}
        agree("torch", "soft_margin_loss", given)
        agree("torch", "soft_margin_loss", {**given, "target": np.asarray(given["target"] * 0.5)})
        agree("torch", "soft_margin_loss", {**given, "target": given["target"].astype(np.int64)})

    def test_soft_margin_of_one_target_for_all(self) -> None:
        agree("torch", "soft_margin_loss", {"input": scores((4, 3)), "target": signs((3,)), "reduction": "none"})
        agree("torch", "soft_margin_loss", {"input": scores((3,)), "target": signs((4, 3)), "reduction": "none"})
        agree("torch", "soft_margin_loss", {"input": scores((3,)), "target": signs((2,))})

    @dtypes
    @reductions
    @pytest.mark.parametrize("options", [{}, {"p": 2}, {"margin": 0.25}, {"margin": -2.0, "p": 2}])
    def test_multi_margin(self, dtype: str, reduction: str, options: Arguments) -> None:
        y = np.array([0, 3, 1, 2, 2])
        given = {"input": scores((5, 4), dtype), "target": y, "reduction": reduction, **options}
        agree("torch", "multi_margin_loss", given)
        agree("torch", "multi_margin_loss", {**given, "weight": np.array([0.0, 1.0, 2.0, 0.5], dtype)})

    @reductions
    def test_multi_margin_of_one_row_without_a_batch(self, reduction: str) -> None:
        given = {"input": scores((4,)), "reduction": reduction}
        agree("torch", "multi_margin_loss", {**given, "target": np.array(2)})
        agree("torch", "multi_margin_loss", {**given, "target": np.array([2])})
        assert np.shape(like.compute("torch", "multi_margin_loss", {**given, "target": np.array(2)}).value) == ()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"p": 3},
            {"target": np.array([0, 1, 4])},
            {"target": np.array([0, -1, 1])},
            {"target": np.array([0, 1])},
            {"target": np.array([0.0, 1.0, 1.0])},
            {"weight": np.ones(3)},
            {"weight": np.ones((1, 4))},
            {"input": np.zeros((3, 4, 2))},
            {"input": np.zeros((3, 4), int)},
            {"reduction": "batchmean"},
        ],
    )
    def test_multi_margin_refuses_what_torch_refuses(self, wrong: Arguments) -> None:
        agree("torch", "multi_margin_loss", {"input": scores((3, 4)), "target": np.array([0, 1, 1]), **wrong})

    @dtypes
    @reductions
    def test_multilabel_margin(self, dtype: str, reduction: str) -> None:
        y = np.array([[3, 0, -1, 1], [-1, 2, 1, 0], [0, 1, 2, 3], [2, 2, -1, -1], [1, -1, -1, -1]])
        given: Arguments = {"input": scores((5, 4), dtype), "target": y, "reduction": reduction}
        agree("torch", "multilabel_margin_loss", given)
        agree("torch", "multilabel_margin_loss", {**given, "input": given["input"][0], "target": y[0]})

    @pytest.mark.parametrize(
        "wrong",
        [
            {"target": np.array([[0, 4, -1, -1]])},
            {"target": np.array([[0, -2, -1, -1]])},
            {"target": np.array([[0, -1]])},
            {"target": np.array([[0.0, -1.0, -1.0, -1.0]])},
            {"input": np.zeros((1, 4, 2))},
        ],
    )
    def test_multilabel_margin_refuses_what_torch_refuses(self, wrong: Arguments) -> None:
        agree(
            "torch", "multilabel_margin_loss", {"input": scores((1, 4)), "target": np.array([[0, -1, -1, -1]]), **wrong}
        )

    @dtypes
    @reductions
    @pytest.mark.parametrize("shape", [(5, 4), (2, 3, 4), (4,), (1, 1), (0, 4)])
    def test_multilabel_soft_margin(self, dtype: str, reduction: str, shape: tuple[int, ...]) -> None:
        y = np.random.default_rng(2).integers(0, 2, shape).astype(dtype)
        given = {"input": scores(shape, dtype), "target": y, "reduction": reduction}
        agree("torch", "multilabel_soft_margin_loss", given)
        agree("torch", "multilabel_soft_margin_loss", {**given, "target": y * 3 - 1})
        agree("torch", "multilabel_soft_margin_loss", {**given, "target": y.astype(np.int64)})
        weight = np.arange(1.0, shape[-1] + 1).astype(dtype)
        agree("torch", "multilabel_soft_margin_loss", {**given, "weight": weight})
        agree("torch", "multilabel_soft_margin_loss", {**given, "weight": np.broadcast_to(weight, shape)})
        agree("torch", "multilabel_soft_margin_loss", {**given, "weight": np.asarray(2.0, dtype)})

    def test_multilabel_soft_margin_broadcasts_its_targets(self) -> None:
        y = np.array([1.0, 0.0, 1.0])
        agree("torch", "multilabel_soft_margin_loss", {"input": scores((4, 3)), "target": y, "reduction": "none"})
        agree("torch", "multilabel_soft_margin_loss", {"input": scores((4, 3)), "target": y[:2]})

    @dtypes
    @reductions
    def test_margin_ranking(self, dtype: str, reduction: str) -> None:
        for shapes in [
            ((5,), (5,), (5,)),
            ((4, 3), (4, 3), (4, 3)),
            ((4, 3), (1, 3), (4, 1)),
            ((), (), ()),
            ((0,),) * 3,
        ]:
            one, two, three = (scores(s, dtype, i) for i, s in enumerate(shapes))
            given = {"input1": one, "input2": two, "target": signs(shapes[2], dtype), "reduction": reduction}
            agree("torch", "margin_ranking_loss", given)
            agree("torch", "margin_ranking_loss", {**given, "margin": 0.5, "target": np.asarray(three)})
        agree("torch", "margin_ranking_loss", {"input1": scores((4, 3)), "input2": scores((3,)), "target": signs((3,))})
        agree("torch", "margin_ranking_loss", {"input1": scores((3,)), "input2": scores((2,)), "target": signs((3,))})

    @dtypes
    @reductions
    def test_hinge_embedding(self, dtype: str, reduction: str) -> None:
        for shapes in [((5,), (5,)), ((4, 3), (4, 3)), ((4, 3), (3,)), ((3,), (4, 1)), ((), ()), ((0, 2), (0, 2))]:
            y = signs(shapes[1], dtype)
            given = {"input": scores(shapes[0], dtype), "target": y, "reduction": reduction}
            agree("torch", "hinge_embedding_loss", given)
            agree("torch", "hinge_embedding_loss", {**given, "margin": -0.5})
            agree("torch", "hinge_embedding_loss", {**given, "target": np.zeros(shapes[1], dtype)})
            agree("torch", "hinge_embedding_loss", {**given, "target": y.astype(np.int64)})
        agree("torch", "hinge_embedding_loss", {"input": scores((3,)), "target": signs((2,))})


class TestKeras:
    @dtypes
    @keras_reductions
    @pytest.mark.parametrize(("function", "name"), [("hinge", "Hinge"), ("squared_hinge", "SquaredHinge")])
    def test_hinges(self, dtype: str, reduction: str | None, function: str, name: str) -> None:
        for shape in [(4, 3), (5,)]:
            binary = np.random.default_rng(3).integers(0, 2, shape)
            mixed = np.where(np.arange(binary.size).reshape(shape) == 0, 2, binary)
            for y in (binary, 2 * binary - 1, mixed, binary * 0, binary.astype(dtype)):
                given = {"y_true": y, "y_pred": scores(shape, dtype)}
                agree("keras", function, given, rtol=KERAS)
                agree("keras", name, {**given, "reduction": reduction}, rtol=KERAS)
                weight = np.arange(shape[0], dtype=dtype) if len(shape) == 2 else np.asarray(2.0, dtype)
                agree("keras", name, {**given, "reduction": reduction, "sample_weight": weight}, rtol=KERAS)

    @dtypes
    @keras_reductions
    def test_categorical_hinge(self, dtype: str, reduction: str | None) -> None:
        for shape in [(5, 4), (2, 3, 4)]:
            y = np.eye(4)[np.random.default_rng(3).integers(0, 4, shape[:-1])]
            for target in (y, 2 * y - 1, y.astype(np.int64), y * 0.7):
                given = {"y_true": target, "y_pred": scores(shape, dtype)}
                agree("keras", "categorical_hinge", given, rtol=KERAS)
                agree("keras", "CategoricalHinge", {**given, "reduction": reduction}, rtol=KERAS)
                weight = np.random.default_rng(4).uniform(size=shape[:-1]).astype(dtype)
                agree(
                    "keras", "CategoricalHinge", {**given, "reduction": reduction, "sample_weight": weight}, rtol=KERAS
                )
        agree(
            "keras", "categorical_hinge", {"y_true": np.array([0.0, 1.0]), "y_pred": np.array([0.5, 0.25])}, rtol=KERAS
        )
        agree("keras", "categorical_hinge", {"y_true": np.ones((2, 3)), "y_pred": np.ones((2, 4))}, rtol=KERAS)

    def test_the_article_s_pair_of_labels_costs_the_same_both_ways(self) -> None:
        s = np.array([[0.5, -0.3]])
        for y in ([[1, 0]], [[1, -1]]):
            assert like.compute("keras", "hinge", {"y_true": np.array(y), "y_pred": s}).value == pytest.approx([0.6])


class TestTensorFlow1:
    """losses.hinge_loss by its formula: labels 0 and 1, divided by the non-zero weights."""

    s, y = np.array([[0.5, -0.3], [2.0, 0.25]]), np.array([[1, 0], [1, 1]])
    each = np.array([[0.5, 0.7], [0.0, 0.75]])

    def hinge(self, **given: Any) -> Any:
        return like.compute("tf1", "losses.hinge_loss", {"labels": self.y, "logits": self.s, **given}).value

    def test_the_mean_is_over_all_elements(self) -> None:
        assert self.hinge() == pytest.approx(self.each.mean())
        assert self.hinge(reduction="none") == pytest.approx(self.each)

    def test_a_scalar_weight_of_two_doubles_the_loss(self) -> None:
        assert self.hinge(weights=2.0) == pytest.approx(2 * self.each.mean())

    def test_elements_of_weight_zero_do_not_count(self) -> None:
        w = np.array([[0.0], [3.0]])
        assert self.hinge(weights=w) == pytest.approx(3 * 0.75 / 2)
        assert self.hinge(weights=w, reduction="weighted_sum") == pytest.approx(3 * 0.75)
        assert self.hinge(weights=w * 0) == 0.0

    def test_weights_of_another_rank_are_refused(self) -> None:
        with pytest.raises(LossError, match="rank 2"):
            self.hinge(weights=np.array([1.0, 2.0]))


class TestOptax:
    @dtypes
    def test_losses_of_signs(self, dtype: str) -> None:
        for shapes in [((2, 3), (2, 3)), ((2, 3), (3,)), ((), ())]:
            s, y = scores(shapes[0], dtype), signs(shapes[1], dtype)
            for target in (y, np.asarray(y * 0.5), y.astype(np.int64)):
                agree("optax", "hinge_loss", {"predictor_outputs": s, "targets": target})
                agree("optax", "perceptron_loss", {"predictor_outputs": s, "targets": target})
            agree("optax", "sparsemax_loss", {"logits": s, "labels": (y > 0).astype(np.int64)})

    @dtypes
    def test_losses_of_classes(self, dtype: str) -> None:
        for shape in [(2, 3, 4), (4,)]:
            s, y = scores(shape, dtype), np.random.default_rng(5).integers(0, 4, shape[:-1])
            agree("optax", "multiclass_hinge_loss", {"scores": s, "labels": np.asarray(y)})
            agree("optax", "multiclass_perceptron_loss", {"scores": s, "labels": np.asarray(y)})
        s, y = scores((40, 4), dtype), np.random.default_rng(5).integers(0, 4, 40)
        agree("optax", "multiclass_sparsemax_loss", {"scores": s, "labels": y}, atol=1e-4 if dtype == "float32" else 0)

    def test_a_loss_made_of_a_function_is_refused(self) -> None:
        with pytest.raises(LossError, match="Python function"):
            like.compute("optax", "make_fenchel_young_loss", {"max_fun": "logsumexp"})

    @pytest.mark.parametrize(("dtype", "reduce_fn"), [("float32", "mean"), ("float64", "sum"), ("float64", None)])
    def test_ranking_softmax(self, dtype: str, reduce_fn: str | None) -> None:
        rng = np.random.default_rng(6)
        for shape in [(2, 3, 4), (4,)]:
            given = {"logits": scores(shape, dtype), "labels": rng.uniform(size=shape).astype(dtype)}
            rank(given, reduce_fn)
            rank({**given, "where": rng.uniform(size=shape) < 0.5, "weights": rng.uniform(size=shape[-1:])}, reduce_fn)
        rank({"logits": scores((2, 3)), "labels": np.ones((2, 3)), "where": np.zeros((2, 3), bool)}, reduce_fn)


def rank(given: Arguments, reduce_fn: str | None) -> None:
    def ask() -> Any:
        import jax
        import optax

        jax.config.update("jax_enable_x64", True)
        functions = {"mean": jax.numpy.mean, "sum": jax.numpy.sum, None: None}
        return optax.losses.ranking_softmax_loss(**given, reduce_fn=functions[reduce_fn])

    told = {**given, "reduce_fn": reduce_fn}
    ours = like.compute("optax", "ranking_softmax_loss", told).value
    rtol, atol = (1e-5, 1e-6) if given["logits"].dtype == "float32" else (1e-10, 1e-12)
    equal(ours, "optax", "ranking_softmax_loss", told, ask, rtol=rtol, atol=atol)
