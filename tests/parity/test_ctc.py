"""The sequence loss beside torch, keras and optax, brute force over all paths, and TensorFlow 1's rules by hand."""

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lossapi import LossError, compute, like
from tests.parity.peers import agree, expected

Array = npt.NDArray[Any]
DTYPES = ["float32", "float64"]


def log_softmax(x: Array) -> Array:
    shifted = x - x.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def read(path: tuple[int, ...], blank: int, merge: bool) -> tuple[int, ...]:
    """What a path reads as: repetitions once, blanks not at all."""
    heard = [c for i, c in enumerate(path) if not merge or i == 0 or c != path[i - 1]]
    return tuple(c for c in heard if c != blank)


def all_paths(x: Array, labels: list[int], blank: int = 0, merge: bool = True) -> float:
    """-log of the summed probabilities of every path that reads as the labels."""
    logs = log_softmax(np.asarray(x, np.float64))
    time, classes = logs.shape
    paths = [p for p in product(range(classes), repeat=time) if read(p, blank, merge) == tuple(labels)]
    total = sum(np.exp(sum(logs[t, c] for t, c in enumerate(path))) for path in paths)
    return float(-np.log(total)) if total else float("inf")


@pytest.mark.parametrize("blank", [0, 1, 2])
def test_it_is_the_sum_over_all_paths(blank: int) -> None:
    rng = np.random.default_rng(blank)
    for time in range(1, 6):
        for labels in [[], [(blank + 1) % 3], [(blank + 1) % 3] * 2, [(blank + 1) % 3, (blank + 2) % 3] * 2]:
            x = rng.normal(size=(1, time, 3)) * 2
            target = np.array([[*labels, -1]])
            result = compute("ctc", {"prediction": x, "target": target}, {"blank": blank})
            np.testing.assert_allclose(result.value, all_paths(x[0], labels, blank), rtol=1e-12)


def sequences(seed: int, dtype: str, n: int = 5, time: int = 12, classes: int = 6, most: int = 4) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "log_probs": log_softmax(rng.normal(size=(time, n, classes)) * 3).astype(dtype),
        "targets": rng.integers(1, classes, (n, most)),
        "input_lengths": rng.integers(most + 4, time + 1, n),
        "target_lengths": rng.integers(0, most + 1, n),
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_padded_targets_are_torchs_own(dtype: str, reduction: str) -> None:
    for seed in range(6):
        agree("torch", "ctc_loss", {**sequences(seed, dtype), "reduction": reduction})


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_targets_one_after_another_are_torchs_own(reduction: str) -> None:
    for seed in range(6):
        given = sequences(seed, "float64")
        rows = zip(given["targets"], given["target_lengths"], strict=True)
        given["targets"] = np.concatenate([row[:length] for row, length in rows])
        agree("torch", "ctc_loss", {**given, "reduction": reduction})
    agree("torch", "ctc_loss", {**given, "targets": given["targets"][:-1]})


@pytest.mark.parametrize("zero_infinity", [False, True])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_impossible_alignments_are_torchs_own(reduction: str, zero_infinity: bool) -> None:
    given = sequences(0, "float64") | {"reduction": reduction, "zero_infinity": zero_infinity}
    agree("torch", "ctc_loss", {**given, "input_lengths": np.array([1, 2, 3, 4, 5]), "target_lengths": np.full(5, 4)})
    agree("torch", "ctc_loss", {**given, "targets": np.full((5, 4), 2), "input_lengths": np.array([3, 4, 6, 7, 8])})


@pytest.mark.parametrize("blank", [1, 5])
def test_any_class_may_be_torchs_blank(blank: int) -> None:
    given = sequences(1, "float64")
    given["targets"] = np.where(given["targets"] == blank, 0, given["targets"])
    agree("torch", "ctc_loss", {**given, "blank": blank})


def test_a_blank_among_the_targets_gives_torchs_number() -> None:
    given = sequences(2, "float64")
    given["targets"][:, 1] = 0
    agree("torch", "ctc_loss", {**given, "reduction": "none"})


def test_scores_that_are_no_log_probabilities_stay_as_they_are_in_torch() -> None:
    given = sequences(3, "float64")
    agree("torch", "ctc_loss", {**given, "log_probs": given["log_probs"] * 2.0 + 1.0, "reduction": "none"})
    agree("torch", "ctc_loss", {**given, "log_probs": np.round(given["log_probs"]) * 200.0, "reduction": "none"})


def test_one_sequence_without_a_batch_is_torchs_own() -> None:
    given = sequences(4, "float64")
    for reduction in ("none", "mean"):
        one = {"log_probs": given["log_probs"][:, 0], "targets": given["targets"][0], "reduction": reduction}
        lengths = {"input_lengths": np.array(12), "target_lengths": np.array(4)}
        agree("torch", "ctc_loss", one | lengths)
        assert np.shape(like.compute("torch", "ctc_loss", one | lengths).value) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"blank": 6},
        {"blank": -1},
        {"input_lengths": np.full(5, 13)},
        {"input_lengths": np.full(4, 12)},
        {"target_lengths": np.full(5, 5)},
        {"target_lengths": np.full(4, 2)},
        {"input_lengths": np.full(5, 12.0)},
        {"targets": np.ones((5, 4))},
        {"targets": np.ones((4, 4), int)},
        {"log_probs": np.zeros((12, 5, 6), int)},
        {"reduction": "batchmean"},
    ],
)
def test_what_torch_refuses_is_refused(wrong: dict[str, Any]) -> None:
    agree("torch", "ctc_loss", {**sequences(0, "float64"), **wrong})


@pytest.mark.parametrize("dtype", DTYPES)
def test_long_sequences_are_torchs_own(dtype: str) -> None:
    rng = np.random.default_rng(7)
    n, time, classes, most = 16, 200, 80, 40
    agree(
        "torch",
        "ctc_loss",
        {
            "log_probs": log_softmax(rng.normal(size=(time, n, classes)) * 2).astype(dtype),
            "targets": rng.integers(1, classes, (n, most)),
            "input_lengths": rng.integers(120, time + 1, n),
            "target_lengths": rng.integers(1, most + 1, n),
            "reduction": "none",
        },
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_function_and_the_class_are_keras_own(dtype: str) -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(4, 9, 5)) * 3).astype(dtype)
    y = np.array([[1, 2, 0], [3, 3, 0], [4, 0, 0], [1, 2, 3]])
    # Keras computes in float32 here, whatever it is given.
    agree("keras", "ctc", {"y_true": y, "y_pred": x}, rtol=1e-6)
    for reduction in ("sum_over_batch_size", "sum", "none", "mean_with_sample_weight"):
        agree("keras", "CTC", {"y_true": y, "y_pred": x, "reduction": reduction}, rtol=1e-6)
        weighted = {"y_true": y, "y_pred": x, "reduction": reduction, "sample_weight": np.arange(4.0)}
        agree("keras", "CTC", weighted, rtol=1e-6)
    agree("keras", "ctc", {"y_true": y[:, 0], "y_pred": x})
    agree("keras", "ctc", {"y_true": y, "y_pred": x[0]})


@pytest.mark.parametrize(("dtype", "blank", "log_epsilon"), [("float32", 0, -1e5), ("float64", 4, -300.0)])
def test_paddings_are_optaxs_own(dtype: str, blank: int, log_epsilon: float) -> None:
    rng = np.random.default_rng(blank)
    n, time, most = 40, 9, 4
    used, frames = rng.integers(0, most + 1, n), rng.integers(0, time + 1, n)
    ended, holed = np.arange(time) >= frames[:, None], rng.integers(0, 2, (n, time)) > 0
    given = {
        "logits": (rng.normal(size=(n, time, 5)) * 3).astype(dtype),
        "logit_paddings": np.where(np.arange(n)[:, None] % 2, ended, holed).astype(dtype),
        "labels": rng.integers(0, 4, (n, most)) + (blank == 0),
        "label_paddings": (np.arange(most) >= used[:, None]).astype(dtype),
    }
    agree("optax", "ctc_loss", {**given, "blank_id": blank, "log_epsilon": log_epsilon})


def test_the_first_of_optaxs_three_arrays_is_the_loss() -> None:
    rng = np.random.default_rng(0)
    given = {
        "logits": rng.normal(size=(3, 6, 4)),
        "logit_paddings": np.zeros((3, 6)),
        "labels": rng.integers(1, 4, (3, 2)),
        "label_paddings": np.zeros((3, 2)),
    }
    theirs = expected("optax", "ctc_loss", given)
    np.testing.assert_allclose(like.compute("optax", "ctc_loss_with_forward_probs", given).value, theirs, rtol=1e-10)


class TestTensorFlow1:
    """Classes 0 and 1, the blank last; the losses by brute force."""

    x = np.random.default_rng(0).normal(size=(4, 3, 3))
    labels = np.array([[0, 1], [1, 1], [1, -1]])

    def ctc(self, **given: Any) -> Array:
        arguments = {"labels": self.labels, "inputs": self.x, "sequence_length": np.array([4, 3, 2]), **given}
        return np.asarray(like.compute("tf1", "nn.ctc_loss", arguments).value)

    def by_hand(self, **options: Any) -> list[float]:
        rows = [(4, [0, 1]), (3, [1, 1]), (2, [1])]
        return [all_paths(self.x[:time, i], labels, 2, **options) for i, (time, labels) in enumerate(rows)]

    def test_the_last_class_is_the_blank_and_time_comes_first(self) -> None:
        np.testing.assert_allclose(self.ctc(), self.by_hand(), rtol=1e-12)
        np.testing.assert_allclose(self.ctc(inputs=None, logits=self.x), self.by_hand(), rtol=1e-12)
        np.testing.assert_allclose(self.ctc(inputs=self.x.swapaxes(0, 1), time_major=False), self.by_hand(), rtol=1e-12)

    def test_labels_may_be_sparse(self) -> None:
        sparse = {
            "indices": np.array([[0, 0], [0, 1], [1, 0], [1, 1], [2, 3]]),
            "values": np.array([0, 1, 1, 1, 1]),
            "dense_shape": np.array([3, 4]),
        }
        np.testing.assert_allclose(self.ctc(labels=sparse), self.by_hand(), rtol=1e-12)
        with pytest.raises(LossError, match="dense_shape"):
            self.ctc(labels={**sparse, "dense_shape": np.array([3, 2])})

    def test_without_merging_a_repeated_label_is_two(self) -> None:
        theirs = self.by_hand(merge=False)
        np.testing.assert_allclose(self.ctc(ctc_merge_repeated=False), theirs, rtol=1e-12)

    def test_repeated_labels_may_be_collapsed_first(self) -> None:
        theirs = self.by_hand()
        theirs[1] = all_paths(self.x[:3, 1], [1], 2)
        np.testing.assert_allclose(self.ctc(preprocess_collapse_repeated=True), theirs, rtol=1e-12)

    def test_more_labels_than_frames_are_refused_or_cost_nothing(self) -> None:
        with pytest.raises(LossError, match="as many frames as labels"):
            self.ctc(sequence_length=np.array([1, 3, 2]))
        ignored = self.ctc(sequence_length=np.array([1, 3, 2]), ignore_longer_outputs_than_inputs=True)
        np.testing.assert_allclose(ignored, [0.0, *self.by_hand()[1:]], rtol=1e-12)

    def test_too_few_frames_for_a_repetition_are_infinite(self) -> None:
        assert self.ctc(sequence_length=np.array([4, 2, 2]))[1] == np.inf

    def test_a_row_without_labels_is_refused(self) -> None:
        with pytest.raises(LossError, match="at least one label"):
            self.ctc(labels=np.array([[0, 1], [-1, -1], [1, -1]]))

    def test_blanks_end_a_row(self) -> None:
        np.testing.assert_allclose(self.ctc(labels=np.array([[0, 1], [1, 1], [1, 2]]))[2], self.by_hand()[2])
        with pytest.raises(LossError, match="no label after a blank"):
            self.ctc(labels=np.array([[0, 1], [2, 1], [1, -1]]))

    def test_the_second_version_takes_lengths_and_the_blank_0(self) -> None:
        given: dict[str, Any] = {
            "labels": np.array([[1, 2], [2, 2], [2, 0]]),
            "logits": self.x,
            "label_length": np.array([2, 2, 1]),
            "logit_length": np.array([4, 3, 2]),
        }
        rows = [(4, [1, 2]), (3, [2, 2]), (2, [2])]
        theirs = [all_paths(self.x[:time, i], labels, 0) for i, (time, labels) in enumerate(rows)]
        np.testing.assert_allclose(like.compute("tf1", "nn.ctc_loss_v2", given).value, theirs, rtol=1e-12)
        given |= {"labels": self.labels, "blank_index": -1}
        np.testing.assert_allclose(like.compute("tf1", "nn.ctc_loss_v2", given).value, self.by_hand(), rtol=1e-12)
        given |= {"label_length": None}
        np.testing.assert_allclose(like.compute("tf1", "nn.ctc_loss_v2", given).value, self.by_hand(), rtol=1e-12)
        with pytest.raises(LossError, match="blank_index"):
            like.compute("tf1", "nn.ctc_loss_v2", {**given, "blank_index": None})
