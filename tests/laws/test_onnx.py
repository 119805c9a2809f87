"""One text, two executions: what ONNX Runtime computes is what NumPy computes; and every loss is a model of its own."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, describe, engine, export, registry
from lossapi.backends import providers
from lossapi.definition import Definition, loss
from lossapi.domains import Array, Real, Rows
from lossapi.functions import namespace
from tests.laws.every import Outcome, definition_of, every_loss, every_primitive, outcome
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


def flat(value: Any) -> Iterator[Any]:
    """The numbers of a value, in lists and objects too."""
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else None
    if parts is None:
        yield from np.ravel(value)
    else:
        for part in parts:
            yield from flat(part)


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


@every_primitive
def test_examples_agree_where_a_map_is_a_graph(definition: Definition) -> None:
    call = describe.call_of(definition, definition.document.example[0])
    try:
        found = engine.run(replace(call, backend="onnx")).value
    except LossError:
        return  # there is no graph, and the error says why
    wanted = engine.run(call).value
    assert type(found) is type(wanted)
    np.testing.assert_allclose(np.array([*flat(found)]), np.array([*flat(wanted)]), rtol=2e-5, atol=1e-12)


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
    """The model of every form and parameter: valid, its tensors, value and gradient ours; so the backend's gradient."""
    onnx = pytest.importorskip("onnx")
    gradient = export.traceable(definition, gradient=True) is None
    opened: dict[str, Any] = {}
    for sample in drawn(definition, dtype):
        form = repr((sample.parameters, [(name, array.dtype, array.ndim) for name, array in sample.tensors.items()]))
        if form not in opened:
            model = model_of(sample, dtype, gradient=gradient)
            onnx.checker.check_model(model, full_check=True)
            assert set(inputs_of(model)) == set(sample.tensors), f"{sample}: {inputs_of(model)}"
            opened[form] = session_of(model)
        found = run(opened[form], sample.tensors)
        returns = ("value", "gradient") if gradient else ("value",)
        ours, second = (sample.run(returns=returns, backend=backend) for backend in ("numpy", "onnx"))
        compare(f"{sample}, {dtype}: value", found["value"], ours.value, RTOL[dtype])
        for name, each in (ours.gradient or {}).items():
            for theirs in (found[f"gradient_{name}"], (second.gradient or {})[name]):
                compare(f"{sample}, {dtype}: gradient by {name}", theirs, each, 10 * RTOL[dtype])


def drawn(definition: Definition, dtype: str) -> tuple[Sample, ...]:
    """In float64 all samples, at ±200 and in ties too; in float32 a few, as it differs in its operators alone."""
    if dtype == "float32":
        return samples(definition, dtype=dtype)[:3]
    return samples(definition, dtype=dtype) + samples(definition, dtype=dtype, extreme=True)


def compare(place: str, theirs: Array, ours: Any, rtol: float) -> None:
    """Hold one array against another."""
    ours = np.asarray(ours)
    assert near(Outcome({"value": theirs}), Outcome({"value": ours}), rtol), f"{place} is {theirs}, not {ours}"


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


def session_of(model: Any) -> Any:
    """A session for a model, as it comes from its bytes."""
    return providers.open_session(model.SerializeToString(), providers.CPU)


def run(session: Any, tensors: Mapping[str, Array]) -> dict[str, Array]:
    """What a session gives for tensors cast to the types of its inputs."""
    types = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64}
    feeds = {each.name: np.asarray(tensors[each.name]).astype(types[each.type]) for each in session.get_inputs()}
    return dict(zip((each.name for each in session.get_outputs()), session.run(None, feeds), strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_loss
def test_every_loss_is_a_model_of_its_own(definition: Definition, dtype: str) -> None:
    if export.traceable(definition) is None:
        models_agree(definition, dtype)


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
    """`python -m tests.laws.test_onnx` writes the table anew; a new loss is in it from then on."""
    reviewed, found = json.loads(NODES.read_text()), nodes()
    assert {name: found.get(name) for name in reviewed} == reviewed


if __name__ == "__main__":
    lines = (f"  {json.dumps(name)}: {json.dumps(counts)}" for name, counts in nodes().items())
    NODES.write_text("{\n" + ",\n".join(lines) + "\n}\n")
