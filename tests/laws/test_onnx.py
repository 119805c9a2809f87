"""One text, two executions: what ONNX Runtime computes is what NumPy computes; and every loss is a model of its own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossapi import export, registry
from lossapi.backends import providers
from lossapi.combination import Combination
from lossapi.definition import Definition, loss
from lossapi.domains import Array, Real, Rows
from lossapi.functions import namespace
from tests.laws.every import Outcome, definition_of, every_loss, outcome
from tests.samples import Sample, samples

pytestmark = pytest.mark.skipif(not providers.installed(), reason="needs onnx and onnxruntime")

NODES = Path(__file__).with_name("onnx_nodes.json")
RTOL = {"float64": 1e-9, "float32": 2e-5}
LOSSES = registry.definitions("loss")


def near(one: Outcome, two: Outcome, rtol: float) -> bool:
    """Equal within a tolerance of the largest entry, or of 1 where all are smaller; NaN and infinities included."""
    return one.error == two.error and all(
        np.shape(one.values[name]) == np.shape(value)
        and np.allclose(one.values[name], value, rtol=rtol, atol=rtol * max(1.0, largest(value)), equal_nan=True)
        for name, value in two.values.items()
    )


def largest(value: Array) -> float:
    """The largest finite entry."""
    finite = np.abs(value[np.isfinite(value)]) if value.ndim else np.nan_to_num(np.abs(value), posinf=0.0)
    return float(np.max(finite, initial=0.0))


def both_backends_agree(definition: Definition) -> None:
    """Every form, parameter and dtype; values at ±200, at the ends of their domain, and in ties."""
    for dtype, rtol in RTOL.items():
        for sample in (each for extreme in (False, True) for each in samples(definition, dtype=dtype, extreme=extreme)):
            for reduction in ("mean", "none"):
                ours = outcome(sample.run, reduction=reduction, backend="numpy")
                theirs = outcome(sample.run, reduction=reduction, backend="onnx")
                assert near(theirs, ours, rtol), f"{sample}, {dtype}, {reduction}: {theirs}, not {ours}"


@every_loss
def test_both_backends_agree(definition: Definition) -> None:
    if export.traceable(definition) is None:
        both_backends_agree(definition)


def test_the_reply_says_which_backend_ran() -> None:
    sample = samples(registry.get("loss", "huber"))[0]
    assert sample.run(backend="numpy").backend == "numpy"
    ran = sample.run(backend="onnx")
    assert (ran.backend, ran.provider) == ("onnx", providers.running())


def test_a_kernel_that_looks_at_its_namespace_is_caught() -> None:
    @loss(family="liar")
    def partial(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        return prediction * 2.0 if namespace(prediction) is np else prediction

    with pytest.raises(AssertionError, match="not"):
        both_backends_agree(definition_of(partial))


def models_agree(definition: Definition, dtype: str) -> None:
    """The model of every form and parameter: valid, its axes named, its tensors ours, its value ours."""
    onnx = pytest.importorskip("onnx")
    for sample in samples(definition, dtype=dtype):
        for reduction in ("mean", "none") if dtype == "float64" else (None,):
            if isinstance(definition, Combination) and reduction == "none":
                continue
            model = model_of(sample, dtype, reduction)
            onnx.checker.check_model(model, full_check=True)
            assert set(inputs_of(model)) == set(sample.tensors), f"{sample}: {inputs_of(model)}"
            ours = sample.run(reduction=reduction).value
            [theirs] = run(model, sample.tensors)
            assert theirs.dtype == np.dtype(dtype)
            place = f"{sample}, {dtype}, {reduction}: {theirs}, not {ours}"
            assert near(Outcome({"value": theirs}), Outcome({"value": np.asarray(ours)}), RTOL[dtype]), place


def model_of(sample: Sample, dtype: str = "float32", reduction: str | None = None, **options: Any) -> Any:
    """A sample's definition, forms and parameters as a model."""
    arrays = dict(sample.tensors)
    return export.export(sample.definition, sample.parameters, dtype=dtype, reduction=reduction, like=arrays, **options)


def inputs_of(model: Any) -> dict[str, list[str | int]]:
    """The names and the axes of a model's inputs."""
    return {
        each.name: [axis.dim_param or axis.dim_value for axis in each.type.tensor_type.shape.dim]
        for each in model.graph.input
    }


def run(model: Any, tensors: Mapping[str, Array]) -> list[Array]:
    """What ONNX Runtime makes of a model."""
    session = providers.open_session(model.SerializeToString(), providers.CPU)
    kinds = {each.name: np.int64 if "int64" in each.type else None for each in session.get_inputs()}
    arrays = {name: array.astype(kinds[name]) if kinds[name] else array for name, array in tensors.items()}
    floats = {"tensor(float)": np.float32, "tensor(double)": np.float64}
    types = {each.name: floats.get(each.type) for each in session.get_inputs()}
    found = {name: array.astype(types[name]) if types[name] else array for name, array in arrays.items()}
    outputs: list[Array] = session.run(None, found)
    return outputs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_loss
def test_every_loss_is_a_model_of_its_own(definition: Definition, dtype: str) -> None:
    if export.traceable(definition) is None:
        models_agree(definition, dtype)


def gradients_agree(definition: Definition, dtype: str, rtol: float, extreme: bool) -> None:
    """The model's outputs gradient_<input>, and what the backend gives, are the tape's own."""
    for sample in samples(definition, dtype=dtype, extreme=extreme):
        ours, second = (sample.run(returns=("value", "gradient"), backend=name).gradient for name in ("numpy", "onnx"))
        model = model_of(sample, dtype, gradient=True)
        found = dict(zip((each.name for each in model.graph.output), run(model, sample.tensors), strict=True))
        for name, gradient in (ours or {}).items():
            for theirs in (found[f"gradient_{name}"], (second or {})[name]):
                place = f"{sample}, {dtype}: the gradient by {name} is {theirs}, not {gradient}"
                assert near(Outcome({name: theirs}), Outcome({name: gradient}), rtol), place


@pytest.mark.parametrize(
    ("dtype", "rtol", "extreme"), [("float64", 1e-8, False), ("float64", 1e-8, True), ("float32", 1e-4, False)]
)
@every_loss
def test_gradients_agree(definition: Definition, dtype: str, rtol: float, extreme: bool) -> None:
    if export.traceable(definition, gradient=True) is None:
        gradients_agree(definition, dtype, rtol, extreme)


def test_nine_of_ten_losses_are_models_and_the_cards_can_name_the_others() -> None:
    for gradient in (False, True):
        refused = {each.name: export.traceable(each, gradient=gradient) for each in LOSSES}
        refused = {name: reason for name, reason in refused.items() if reason}
        assert len(refused) <= len(LOSSES) // 10, refused


def nodes() -> dict[str, list[int | None]]:
    """How many nodes the model of each loss has, without and with its gradient; None where there is no model."""
    counts: dict[str, list[int | None]] = {}
    for each in LOSSES:
        given = {name: value for name, value in each.document.example[0].items() if name in each.fields}
        counts[each.name] = [
            None if export.traceable(each, gradient=way) else len(export.export(each, given, gradient=way).graph.node)
            for way in (False, True)
        ]
    return counts


def test_graphs_have_as_many_nodes_as_were_reviewed() -> None:
    """`python -m tests.laws.test_onnx` writes the table anew."""
    assert nodes() == json.loads(NODES.read_text())


if __name__ == "__main__":
    lines = (f"  {json.dumps(name)}: {json.dumps(counts)}" for name, counts in nodes().items())
    NODES.write_text("{\n" + ",\n".join(lines) + "\n}\n")
