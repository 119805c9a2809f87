"""ONNX's own node tests of SoftmaxCrossEntropyLoss and NegativeLogLikelihoodLoss, as its package makes them."""

import importlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from lossapi import compute

OPERATORS = {"SoftmaxCrossEntropyLoss": "cross_entropy", "NegativeLogLikelihoodLoss": "nll"}
REDUCTIONS = {"none": "none", "sum": "sum", "mean": "weighted_mean"}
CASES = 52


@cache
def cases() -> tuple[Any, ...]:
    """Every case of the two operators, which importing their modules makes; not those expanded into other operators."""
    node = pytest.importorskip("onnx.backend.test.case.node")
    importlib.import_module("onnx.backend.test.case.node.negativeloglikelihoodloss")
    importlib.import_module("onnx.backend.test.case.node.softmax_cross_entropy_loss")
    made = {case.name: case for case in node._NodeTestCases if "_expanded" not in case.name}
    return tuple(case for case in made.values() if case.model.graph.node[0].op_type in OPERATORS)


def tensors_of(case: Any) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Inputs by our names, and the outputs."""
    for inputs, outputs in case.data_sets:
        names = ("prediction", "target", "class_weight")
        yield dict(zip(names, inputs, strict=False)), list(outputs)


def test_all_of_onnx_node_tests_agree() -> None:
    met = 0
    for case in cases():
        (node,) = case.model.graph.node
        given = {a.name: a.i if a.name == "ignore_index" else a.s.decode() for a in node.attribute}
        reduction = REDUCTIONS[given.pop("reduction", "mean")]
        name = OPERATORS[node.op_type]
        parameters = {"from_logits": True, **given} if name == "cross_entropy" else given
        for tensors, (value, *logs) in tensors_of(case):
            met += 1
            ours = compute(name, tensors, parameters, reduction=reduction).value
            np.testing.assert_allclose(ours, value, rtol=1e-5, atol=1e-6, err_msg=case.name)
            for log in logs:  # the second output: minus our loss of each class in turn
                labels = np.arange(log.shape[1]).reshape(1, -1, *(1,) * (log.ndim - 2))
                each = [
                    compute(
                        name,
                        {
                            "prediction": tensors["prediction"],
                            "target": np.broadcast_to(label, (log.shape[0], *log.shape[2:])),
                        },
                        {"from_logits": True},
                        reduction="none",
                    ).value
                    for label in np.unstack(labels, axis=1)
                ]
                np.testing.assert_allclose(-np.stack(each, axis=1), log, rtol=1e-5, atol=1e-6, err_msg=case.name)
    assert met == CASES
