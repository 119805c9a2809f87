"""Losses of pairs, triplets and batches of embeddings beside torch, keras, optax and pytorch-metric-learning."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lossapi import LossError, compute, like
from tests.parity.peers import agree, equal, expected

Array = npt.NDArray[Any]
Arguments = dict[str, Any]
TRIPLET = ("anchor", "positive", "negative")

LONG = {"float32": 1e-4, "float64": 1e-12}
"""What differences of distances of some hundreds lose."""

dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
reductions = pytest.mark.parametrize("reduction", ["none", "mean", "sum"])


def vectors(shape: tuple[int, ...], dtype: str = "float64", seed: int = 0) -> Array:
    """Some of them zero, some long."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    if x.size:
        x = x * rng.choice([0.0, 1.0, 200.0], (*shape[:-1], 1), p=[0.1, 0.7, 0.2])
    return np.asarray(x).astype(dtype)


def triplets(dtype: str, *shapes: tuple[int, ...]) -> Arguments:
    return {name: vectors(shape, dtype, i) for i, (name, shape) in enumerate(zip(TRIPLET, shapes, strict=True))}


class TestTorch:
    @dtypes
    @reductions
    def test_cosine_embedding(self, dtype: str, reduction: str) -> None:
        for one, two, three in [
            ((5, 3), (5, 3), (5,)),
            ((1, 3), (5, 3), (5,)),
            ((5, 3), (5, 3), (1,)),
            ((3,), (3,), ()),
            ((0, 3), (0, 3), (0,)),
        ]:
            given = {"input1": vectors(one, dtype), "input2": vectors(two, dtype, 1), "reduction": reduction}
            for target in (np.ones(three), -np.ones(three), np.resize([1, -1, 0], three)):
                agree("torch", "cosine_embedding_loss", {**given, "target": np.asarray(target.astype(dtype))})
                agree("torch", "cosine_embedding_loss", {**given, "target": np.asarray(target), "margin": 0.3})

    @pytest.mark.parametrize(
        "shapes", [((2, 3), (2, 3), ()), ((3,), (3,), (1,)), ((2, 3), (3, 3), (2,)), ((2, 3),) * 3]
    )
    def test_cosine_embedding_refuses_what_torch_refuses(self, shapes: tuple[tuple[int, ...], ...]) -> None:
        names = ("input1", "input2", "target")
        agree("torch", "cosine_embedding_loss", {n: np.ones(s) for n, s in zip(names, shapes, strict=True)})

    @dtypes
    @reductions
    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"p": 1},
            {"p": 3.5},
            {"p": float("inf")},
            {"p": 0},
            {"p": -1.0},
            {"margin": 0.2, "eps": 0.1},
            {"swap": True},
        ],
    )
    def test_triplet_margin(self, dtype: str, reduction: str, options: Arguments) -> None:
        for shapes in [((6, 3),) * 3, ((6, 3), (1, 3), (6, 3)), ((3,),) * 3, ((2, 3, 4),) * 3, ((0, 3),) * 3]:
            agree(
                "torch",
                "triplet_margin_loss",
                {**triplets(dtype, *shapes), "reduction": reduction, **options},
                atol=LONG[dtype],
            )

    def test_identical_points_cost_the_margin(self) -> None:
        agree("torch", "triplet_margin_loss", {name: np.ones((2, 3)) for name in TRIPLET} | {"margin": 0.75})

    @pytest.mark.parametrize(
        "wrong", [{"margin": 0.0}, {"margin": -1}, {"margin": "1"}, {"p": "two"}, {"reduction": "all"}]
    )
    def test_triplet_margin_refuses_what_torch_refuses(self, wrong: Arguments) -> None:
        agree("torch", "triplet_margin_loss", {**triplets("float64", (2, 3), (2, 3), (2, 3)), **wrong})
        agree("torch", "triplet_margin_loss", triplets("float64", (2, 3), (3,), (2, 3)))

    @reductions
    @pytest.mark.parametrize("swap", [False, True])
    def test_triplets_under_a_named_distance(self, reduction: str, swap: bool) -> None:
        function, options = "triplet_margin_with_distance_loss", {"margin": 0.5, "swap": swap, "reduction": reduction}
        for name in (None, *DISTANCES):
            given = triplets("float64", (6, 3), (6, 3), (6, 3))
            told = {**given, "distance_function": name, **options}
            ours = like.compute("torch", function, told)
            equal(ours.value, "torch", function, told, partial(with_distance, given, name, options))


DISTANCES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "pairwise_distance": lambda torch, x, y: torch.nn.functional.pairwise_distance(x, y),
    "euclidean": lambda torch, x, y: torch.linalg.vector_norm(x - y, dim=-1),
    "manhattan": lambda torch, x, y: torch.linalg.vector_norm(x - y, ord=1, dim=-1),
    "chebyshev": lambda torch, x, y: torch.linalg.vector_norm(x - y, ord=float("inf"), dim=-1),
    "squared_euclidean": lambda torch, x, y: ((x - y) ** 2).sum(-1),
    "cosine": lambda torch, x, y: 1 - torch.nn.functional.cosine_similarity(x, y, dim=-1),
}


def with_distance(given: Arguments, name: str | None, options: Arguments) -> Any:
    """What PyTorch gives for a distance that it is told as a function."""
    import torch

    function = None if name is None else partial(DISTANCES[name], torch)
    tensors = {key: torch.from_numpy(each) for key, each in given.items()}
    return torch.nn.functional.triplet_margin_with_distance_loss(**tensors, distance_function=function, **options)


class TestOptax:
    @dtypes
    def test_triplet_margin(self, dtype: str) -> None:
        shapes = ((4, 3),) * 3
        given = {f"{name}s": each for name, each in triplets(dtype, *shapes).items()}
        for options in ({}, {"norm_degree": 4, "margin": 0.2}, {"axis": 0, "margin": -0.5, "eps": 0.1}, {"axis": None}):
            agree("optax", "triplet_margin_loss", {**given, **options}, atol=LONG[dtype])
        agree("optax", "triplet_margin_loss", {name: each[0] for name, each in given.items()})

    @pytest.mark.parametrize("degree", [1, 3, 2.5])
    def test_a_degree_that_is_not_even_is_refused(self, degree: float) -> None:
        given = {f"{name}s": each for name, each in triplets("float64", (4, 3), (4, 3), (4, 3)).items()}
        with pytest.raises(LossError, match="even norm_degree"):
            like.compute("optax", "triplet_margin_loss", {**given, "norm_degree": degree})

    @dtypes
    def test_ntxent(self, dtype: str) -> None:
        x = vectors((7, 3), dtype)
        for labels in ([0, 0, 1, 1, 2, 2, 2], [0, 1, 0, 1, 2, 3, 4], [5] * 7, list(range(7))):
            agree("optax", "ntxent", {"embeddings": x, "labels": np.array(labels), "temperature": 0.5})
        agree("optax", "ntxent", {"embeddings": x * 1e-4, "labels": np.array([0, 0, 1, 1, 2, 2, 2])}, rtol=1e-4)
        agree("optax", "ntxent", {"embeddings": x, "labels": np.array([0, 0])})


class TestKeras:
    def unit(self, shape: tuple[int, ...], dtype: str) -> Array:
        x = np.random.default_rng(1).normal(size=shape)
        return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True)).astype(dtype)

    @dtypes
    @pytest.mark.parametrize("options", [{}, {"gamma": 2.0}, {"margin": 0.1, "gamma": 10}, {"remove_diagonal": False}])
    def test_circle(self, dtype: str, options: Arguments) -> None:
        given = {"y_true": np.array([0, 1, 0, 2, 1, 1, 3]), "y_pred": self.unit((7, 3), dtype), **options}
        agree("keras", "circle", given, rtol=1e-5)
        agree("keras", "circle", {**given, "y_true": given["y_true"][:, None]}, rtol=1e-5)
        for reduction in ("sum_over_batch_size", "sum", "none", "mean_with_sample_weight"):
            agree("keras", "Circle", {**given, "reduction": reduction}, rtol=1e-5)
            for weight in (np.arange(7.0), np.ones((7, 1)), np.asarray(2.0)):
                agree("keras", "Circle", {**given, "reduction": reduction, "sample_weight": weight}, rtol=1e-5)

    def test_circle_against_other_embeddings(self) -> None:
        given = {"y_true": np.array([0, 1, 0, 2]), "y_pred": self.unit((4, 3), "float32")}
        others = {"ref_labels": np.array([1, 0, 0, 1, 2]), "ref_embeddings": self.unit((5, 3), "float32")}
        agree("keras", "circle", {**given, **others, "remove_diagonal": False})
        agree("keras", "circle", {**given, **others})
        agree("keras", "circle", {**given, "ref_labels": np.array([1, 0, 2, 2])})
        agree("keras", "circle", {**given, "ref_labels": np.array([1, 0, 2])})

    def test_anchors_without_partners_leave_the_mean(self) -> None:
        given = {"y_pred": self.unit((4, 3), "float32")}
        for y in ([0, 1, 2, 3], [0, 0, 0, 0], [0, 0, 1, 2]):
            agree("keras", "Circle", {**given, "y_true": np.array(y)})


class TestPytorchMetricLearning:
    x = np.random.default_rng(0).normal(size=(24, 8))
    y = np.random.default_rng(1).integers(0, 5, 24)
    w = np.random.default_rng(2).normal(size=(5, 8))

    def theirs(self, name: str, dtype: str, normalize: bool | None = None, **options: Any) -> float:
        def ask() -> Any:
            import torch
            from pytorch_metric_learning import distances, losses

            own = (
                {}
                if normalize is None
                else {"distance": distances.DotProductSimilarity(normalize_embeddings=normalize)}
            )
            made = getattr(losses, name)(**options, **own)
            if hasattr(made, "W"):
                made.W.data = torch.from_numpy(self.w.T.astype(dtype))
            return made(torch.from_numpy(self.x.astype(dtype)), torch.from_numpy(self.y)).detach()

        told = {"x": self.x, "y": self.y, "w": self.w, "dtype": dtype, "normalize": normalize, **options}
        return float(np.ravel(expected("pytorch-metric-learning", name, told, ask))[0])

    def ours(self, name: str, dtype: str, faces: bool = False, **options: Any) -> float:
        tensors = {"embedding": self.x.astype(dtype), "label": self.y}
        if faces:
            tensors["class_embedding"] = self.w.astype(dtype)
        return float(compute(name, tensors, options).value)

    @dtypes
    @pytest.mark.parametrize("options", [{}, {"margin": 1}, {"margin": 2, "scale": 3.0}, {"margin": 7}])
    def test_sphereface(self, dtype: str, options: Arguments) -> None:
        theirs = self.theirs("SphereFaceLoss", dtype, num_classes=5, embedding_size=8, **options)
        tolerance = 1e-5 if dtype == "float32" else 1e-10
        assert self.ours("sphereface", dtype, faces=True, **options) == pytest.approx(theirs, rel=tolerance)

    @dtypes
    @pytest.mark.parametrize("options", [{}, {"margin": 0.1, "scale": 10.0}, {"margin": 0.0}])
    def test_cosface(self, dtype: str, options: Arguments) -> None:
        theirs = self.theirs("CosFaceLoss", dtype, num_classes=5, embedding_size=8, **options)
        tolerance = 1e-5 if dtype == "float32" else 1e-10
        assert self.ours("cosface", dtype, faces=True, **options) == pytest.approx(theirs, rel=tolerance)

    @dtypes
    @pytest.mark.parametrize(("degrees", "scale"), [(28.6, 64.0), (5.0, 10.0), (90.0, 4.0), (150.0, 8.0)])
    def test_arcface_whose_margin_is_in_degrees_there(self, dtype: str, degrees: float, scale: float) -> None:
        theirs = self.theirs("ArcFaceLoss", dtype, num_classes=5, embedding_size=8, margin=degrees, scale=scale)
        ours = self.ours("arcface", dtype, faces=True, margin=float(np.radians(degrees)), scale=scale)
        assert ours == pytest.approx(theirs, rel=1e-5 if dtype == "float32" else 1e-10)

    @dtypes
    @pytest.mark.parametrize("options", [{}, {"m": 0.25, "gamma": 256.0}, {"gamma": 2.0}])
    def test_circle(self, dtype: str, options: Arguments) -> None:
        renamed = {"margin" if name == "m" else name: value for name, value in options.items()}
        tolerance = 1e-4 if dtype == "float32" else 1e-10
        assert self.ours("circle", dtype, **renamed) == pytest.approx(
            self.theirs("CircleLoss", dtype, **options), rel=tolerance
        )

    @dtypes
    @pytest.mark.parametrize("temperature", [0.07, 0.5, 2.0])
    def test_ntxent(self, dtype: str, temperature: float) -> None:
        theirs = self.theirs("NTXentLoss", dtype, temperature=temperature)
        ours = self.ours("ntxent", dtype, temperature=temperature)
        assert ours == pytest.approx(theirs, rel=1e-5 if dtype == "float32" else 1e-10)

    @dtypes
    @pytest.mark.parametrize("normalize", [True, False])
    def test_npairs(self, dtype: str, normalize: bool) -> None:
        theirs = self.theirs("NPairsLoss", dtype, normalize=normalize)
        ours = self.ours("npairs", dtype, normalize=normalize)
        assert ours == pytest.approx(theirs, rel=1e-5 if dtype == "float32" else 1e-10)
