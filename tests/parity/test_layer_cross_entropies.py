"""Cross-entropies that hold the last layer: beside torch, and TensorFlow 1 by its formulas."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, compute, like
from lossapi.libraries.candidates import log_uniform, philox
from tests.parity.peers import agree

FEATURES, CLASSES = 5, 4


def normal(*shape: int, seed: int = 0, dtype: str = "float64") -> Any:
    """Normal numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "axes"), [((6,), ()), ((3,), (2,)), ((3,), (2, 2)), ((), ()), ((1,), ()), ((0,), ())])
def test_linear_cross_entropy_is_torchs_own(dtype: str, rows: tuple[int, ...], axes: tuple[int, ...]) -> None:
    x, w = normal(*rows, FEATURES, dtype=dtype), normal(CLASSES, *axes, FEATURES, seed=1, dtype=dtype)
    bias = normal(CLASSES, *axes, seed=2, dtype=dtype)
    rng = np.random.default_rng(3)
    y = np.where(rng.uniform(size=(*rows, *axes)) < 0.3, -100, rng.integers(0, CLASSES, size=(*rows, *axes)))
    dense = rng.uniform(size=(*rows, CLASSES, *axes)).astype(dtype)
    for reduction, target, smoothing in product(("none", "mean", "sum"), (y, dense), (0.0, 0.2)):
        given = {"input": x, "linear_weight": w, "target": target, "reduction": reduction}
        agree(
            "torch", "linear_cross_entropy", {**given, "label_smoothing": smoothing}, atol=1e-5 * (dtype == "float32")
        )
        agree(
            "torch",
            "linear_cross_entropy",
            {**given, "linear_bias": bias, "weight": np.abs(bias.reshape(CLASSES, -1)[:, 0])},
        )
    agree("torch", "linear_cross_entropy", {**given, "target": np.abs(y) % CLASSES, "ignore_index": 2})
    agree("torch", "linear_cross_entropy", {**given, "ignore_index": -100})


@pytest.mark.parametrize(
    "changed",
    [
        {"linear_weight": normal(CLASSES, FEATURES + 1)},
        {"linear_weight": normal(CLASSES, FEATURES, dtype="float32")},
        {"linear_weight": normal(FEATURES)},
        {"linear_bias": normal(CLASSES + 1)},
        {"input": normal(2, 3, FEATURES)},
        {"input": normal(FEATURES)},
        {"target": np.array([0, 1, CLASSES])},
        {"target": np.array([0, 1, -1])},
        {"target": np.array([0, 1])},
        {"target": np.array([0.0, 1.0, 2.0])},
        {"weight": np.ones(CLASSES, "float32")},
        {"reduction": "batchmean"},
        {"label_smoothing": 2.0},
    ],
)
def test_what_torch_refuses_of_a_layer_is_refused(changed: dict[str, Any]) -> None:
    given = {"input": normal(3, FEATURES), "linear_weight": normal(CLASSES, FEATURES), "target": np.array([0, 1, 2])}
    agree("torch", "linear_cross_entropy", {**given, **changed})


@pytest.mark.parametrize("cutoffs", [[3], [2, 5, 9]])
@pytest.mark.parametrize("bias", [False, True])
def test_adaptive_log_softmax_is_torchs_own(cutoffs: list[int], bias: bool) -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.AdaptiveLogSoftmaxWithLoss(16, 12, cutoffs, div_value=2.0, head_bias=bias).double()
    x, y = normal(30, 16), np.random.default_rng(1).integers(0, 12, size=30)
    with torch.no_grad():
        output, mean = layer(torch.from_numpy(x), torch.from_numpy(y))
        tensors = {
            "prediction": x,
            "target": y,
            "head_weight": layer.head.weight.numpy(),
            "tail_projection": torch.cat([tail[0].weight for tail in layer.tail]).numpy(),
            "tail_weight": torch.block_diag(*[tail[1].weight for tail in layer.tail]).numpy(),
            **({"head_bias": layer.head.bias.numpy()} if bias else {}),
        }
    given = {"classes": 12, "cutoffs": cutoffs}
    value = compute("adaptive_log_softmax", tensors, given, reduction="none").value
    np.testing.assert_allclose(value, -output.numpy(), rtol=1e-10)
    np.testing.assert_allclose(compute("adaptive_log_softmax", tensors, given).value, mean.item(), rtol=1e-10)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cutoffs": [2, 2]}, "rising cutoffs below classes 6"),
        ({"cutoffs": [2, 6]}, "rising cutoffs below classes 6"),
        ({"cutoffs": []}, "cutoffs"),
        ({"cutoffs": [3, 4]}, "head_weight of 5 rows"),
        ({"classes": 7}, "tail_weight of 5 rows"),
        ({"target": np.array([0, 6])}, "label < 6"),
    ],
)
def test_cutoffs_that_do_not_fit_are_refused(changed: dict[str, Any], message: str) -> None:
    tensors = {
        "prediction": normal(2, 3),
        "target": np.array([0, 5]),
        "head_weight": normal(4, 3),
        "tail_projection": normal(2, 3),
        "tail_weight": normal(4, 2),
    }
    given = {"classes": 6, "cutoffs": [2, 4]}
    parameters = {name: changed.get(name, value) for name, value in given.items()}
    with pytest.raises(LossError, match=message):
        compute("adaptive_log_softmax", {**tensors, **{k: v for k, v in changed.items() if k in tensors}}, parameters)


def logits_of(x: Any, labels: Any, weights: Any, biases: Any, sampled: Any, true: Any, drawn: Any, hits: bool) -> Any:
    """TensorFlow's `_compute_sampled_logits`, row by row: logits and targets over true and drawn classes."""
    rows = []
    for row, own, expected in zip(x, labels, true, strict=True):
        z = [row @ weights[j] + biases[j] - np.log(q) for j, q in zip(own, expected, strict=True)]
        for j, q in zip(sampled, drawn, strict=True):
            hit = -np.finfo("float32").max if hits and j in own else 0.0
            z.append(row @ weights[j] + biases[j] + float(hit) - np.log(q))
        rows.append(z)
    return np.array(rows)


X, W, B = normal(6, FEATURES), normal(9, FEATURES, seed=1), normal(9, seed=2)
SAMPLED = np.array([0, 4, 7, 2])
DRAWN = np.array([0.9, 0.4, 0.2, 0.5])


@pytest.mark.parametrize("true", [1, 2])
@pytest.mark.parametrize("hits", [False, True])
def test_sampled_losses_are_tensorflows_formulas(true: int, hits: bool) -> None:
    rng = np.random.default_rng(4)
    labels, expected = rng.integers(0, 9, size=(6, true)), rng.uniform(0.1, 1.0, size=(6, true))
    z = logits_of(X, labels, W, B, SAMPLED, expected, DRAWN, hits)
    y = np.concatenate([np.full((6, true), 1.0 / true), np.zeros((6, 4))], axis=1)
    given = {"weights": W, "biases": B, "labels": labels, "inputs": X, "num_sampled": 4, "num_classes": 9}
    given |= {"num_true": true, "sampled_values": (SAMPLED, expected, DRAWN), "remove_accidental_hits": hits}
    top = z.max(axis=1, keepdims=True)
    softmax = -(y * (z - top - np.log(np.exp(z - top).sum(axis=1, keepdims=True)))).sum(axis=1)
    np.testing.assert_allclose(like.compute("tf1", "nn.sampled_softmax_loss", given).value, softmax, rtol=1e-12)
    sigmoid = (np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))).sum(axis=1)
    np.testing.assert_allclose(like.compute("tf1", "nn.nce_loss", given).value, sigmoid, rtol=1e-12)


def test_a_seed_draws_the_classes_and_their_expected_counts() -> None:
    labels = np.array([[0], [3], [8], [1], [4], [2]])
    drawn = log_uniform(11, 4, 9)
    p = np.log((np.arange(9) + 2) / (np.arange(9) + 1)) / np.log(10)
    q = p * 4 if drawn.tries == 4 else 1 - (1 - p) ** drawn.tries
    given = {"weights": W, "biases": B, "labels": labels, "inputs": X, "num_sampled": 4, "num_classes": 9}
    values = (drawn.classes, q[labels], q[drawn.classes])
    for name in ("nn.sampled_softmax_loss", "nn.nce_loss"):
        ours = like.compute("tf1", name, {**given, "seed": 11}).value
        np.testing.assert_allclose(
            ours, like.compute("tf1", name, {**given, "sampled_values": values}).value, rtol=1e-10
        )
        with pytest.raises(LossError, match="seed"):
            like.compute("tf1", name, given)
        with pytest.raises(LossError, match="num_sampled of at most 9"):
            like.compute("tf1", name, {**given, "seed": 1, "num_sampled": 10})


def test_the_stream_of_random_bits_is_philox() -> None:
    """The known answers of Random123 for philox4x32-10."""
    ones, pi = 0xFFFFFFFFFFFFFFFF, (0x85A308D3243F6A88, 0x299F31D0A4093822, 0x0370734413198A2E)
    for block, key, stream, words in (
        (0, 0, 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (ones, ones, ones, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (*pi, (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ):
        assert philox(np.array([block], np.uint64), key, stream)[0].tolist() == list(words)


def test_all_classes_can_be_drawn_and_none_twice() -> None:
    for seed, classes in product(range(3), (1, 2, 50, 3000)):
        drawn = log_uniform(seed, classes, classes)
        assert sorted(drawn.classes.tolist()) == list(range(classes))
        assert drawn.tries >= classes
    assert log_uniform(5, 20, 1000).classes.tolist() == log_uniform(5, 200, 1000).classes[:20].tolist()


def test_frequent_classes_are_drawn_as_often_as_expected() -> None:
    counts = np.zeros(50)
    for seed in range(400):
        counts[log_uniform(seed, 1, 50).classes] += 1
    p = np.log((np.arange(50) + 2) / (np.arange(50) + 1)) / np.log(51)
    assert np.abs(counts[:5] / 400 - p[:5]).max() < 0.07
