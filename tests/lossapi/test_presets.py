"""Presets: another library's signature as data."""

from typing import Any

import numpy as np
import pytest

from lossapi.errors import ParameterError, UnknownKey, Unsupported
from lossapi.libraries.presets import REQUIRED, Preset, keras, optax, signature, sklearn, tf1, torch

TARGET, PREDICTION = np.zeros((2, 3)), np.ones((2, 3))


def test_a_signature_is_read_with_its_defaults() -> None:
    name, arguments = signature("losses.huber_loss(labels, predictions, weights=1.0, *, axis=(0, -1), scope=None)")
    assert name == "losses.huber_loss"
    assert arguments == {
        "labels": REQUIRED,
        "predictions": REQUIRED,
        "weights": 1.0,
        "axis": (0, -1),
        "scope": None,
    }


@pytest.mark.parametrize(
    ("preset", "argument", "ours"),
    [
        (torch("f(input, target)"), "input", "prediction"),
        (torch("f(input, target, weight)", {"weight": "class_weight"}), "weight", "class_weight"),
        (optax("f(logits, labels)"), "labels", "target"),
        (sklearn("f(y_true, y_pred)"), "y_true", "target"),
        (tf1("losses.f(labels, predictions)"), "weights", "weight"),
        (torch("f(input, margin)"), "margin", "margin"),
    ],
)
def test_usual_names_are_renamed_and_a_rename_comes_first(preset: Preset, argument: str, ours: str) -> None:
    assert preset.named(argument) == ours


def test_arguments_become_ours_with_defaults_and_what_is_fixed() -> None:
    preset = torch("f(input, target, reduction='mean', beta=0.5, size=None)", fixed={"from_logits": True})
    ours = preset.translate({"input": 1, "target": 2})
    assert {name: ours[name] for name in ("prediction", "target", "reduction", "beta", "from_logits")} == {
        "prediction": 1,
        "target": 2,
        "reduction": "mean",
        "beta": 0.5,
        "from_logits": True,
    }
    assert "size" not in ours
    assert np.isnan(ours["empty"])


def test_an_argument_that_the_library_ignores_is_ignored() -> None:
    preset = tf1("losses.f(labels, predictions, weights=1.0, reduction='weighted_sum_by_nonzero_weights')")
    ours = preset.translate({"labels": TARGET, "predictions": PREDICTION, "scope": "here", "loss_collection": None})
    assert ours["reduction"] == "nonzero_mean"
    assert "scope" not in ours


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"input": 1}, ParameterError, "Expected target, got nothing - at $.target"),
        ({"input": 1, "targt": 2}, UnknownKey, "Expected 'target', got unknown key 'targt' - at $.targt"),
        (
            {"input": 1, "target": 2, "reduction": "avg"},
            ParameterError,
            "Expected reduction to be one of 'none', 'mean', 'sum', got 'avg' - at $.reduction",
        ),
        (
            {"input": 1, "target": 2, "reduction": [1]},
            ParameterError,
            "Expected reduction to be one of 'none', 'mean', 'sum', got [1] - at $.reduction",
        ),
    ],
)
def test_what_the_library_does_not_take_is_refused(given: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error) as raised:
        torch("f(input, target, reduction='mean')").translate(given)
    assert str(raised.value) == message


def test_what_cannot_be_said_honestly_is_refused_with_the_reason() -> None:
    with pytest.raises(Unsupported, match="it divides by the wrong count"):
        torch("f(input)", refused="it divides by the wrong count").translate({"input": 1})


def test_a_prepare_sees_our_names_and_has_the_last_word_but_for_what_is_fixed() -> None:
    def doubled(arguments: dict[str, Any]) -> dict[str, Any]:
        return {**arguments, "prediction": 2 * arguments["prediction"], "delta": 5.0}

    ours = optax("f(predictions, delta=1.0)", prepare=doubled, fixed={"beta": 2.0}).translate({"predictions": 4})
    assert (ours["prediction"], ours["delta"], ours["beta"], ours["reduction"]) == (8, 5.0, 2.0, "none")


def test_a_keras_loss_is_a_function_its_aliases_and_a_class() -> None:
    function, alias, class_ = keras("mse(y_true, y_pred)", "MeanSquaredError", aliases=("MSE",))
    assert [each.function for each in (function, alias, class_)] == ["mse", "MSE", "MeanSquaredError"]
    assert function.reduction == alias.reduction == "none"
    assert class_.arguments["reduction"] == "sum_over_batch_size"
    assert class_.translate({"y_true": TARGET, "y_pred": PREDICTION})["reduction"] == "mean"


def test_a_function_of_tf_nn_is_never_reduced() -> None:
    assert tf1("nn.f(logits)").translate({"logits": 1})["reduction"] == "none"


@pytest.mark.parametrize(("argument", "tensor"), [("input", True), ("weight", True), ("mask", True), ("beta", False)])
def test_a_tensor_is_one_of_ours_or_said_to_be_one(argument: str, tensor: bool) -> None:
    preset = torch("f(input, weight, mask, beta)", tensors=("mask",))
    assert preset.is_tensor(argument, frozenset({"prediction"})) is tensor
