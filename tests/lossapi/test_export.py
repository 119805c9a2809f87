"""A loss as an ONNX model: what stands in it, and what is said where there can be none."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, __version__, compute, export, registry
from lossapi.backends import providers
from lossapi.errors import Unsupported
from lossapi.export import as_model
from tests.laws.test_onnx import inputs_of, run, session_of

pytestmark = pytest.mark.skipif(not providers.installed(), reason="needs onnx and onnxruntime")

ROOT = Path(__file__).parents[2]
MODULES = [path for path in (ROOT, Path(os.environ.get("NODE_MODULES", "")).parent) if path.name]
NODE = [path for path in MODULES if (path / "node_modules" / "onnxruntime-node").is_dir()]


def exported(name: str, **request: Any) -> Any:
    """The model for a flat request."""
    import onnx

    return onnx.load_from_string(as_model(registry.get("loss", name), request))


def values(model: Any, arrays: dict[str, Any]) -> list[Any]:
    """The outputs of a model, in order."""
    return list(run(session_of(model), arrays).values())


def properties(model: Any) -> dict[str, str]:
    """What a model says of itself."""
    return {each.key: each.value for each in model.metadata_props}


def test_axes_are_named_as_the_definition_names_them() -> None:
    assert inputs_of(exported("cross_entropy")) == {"prediction": ["batch", "classes"], "target": ["batch"]}
    wide = inputs_of(exported("cross_entropy", prediction="batch,classes,height,width", target="batch,height,width"))
    assert wide["target"] == ["batch", "height", "width"]
    assert inputs_of(exported("giou"))["prediction"] == ["batch", 4]


def test_a_class_axis_stands_where_the_parameter_says() -> None:
    model = exported("cross_entropy", prediction="batch,time,classes", target="batch,time", class_axis=-1)
    assert inputs_of(model)["prediction"] == ["batch", "time", "classes"]
    arrays = {"prediction": np.full((2, 3, 4), 0.25), "target": np.zeros((2, 3), np.int64)}
    assert values(model, arrays)[0] == pytest.approx(np.log(4.0))


def test_the_form_of_a_tensor_follows_from_its_axes() -> None:
    dense = exported("cross_entropy", prediction="batch,classes", target="batch,classes")
    [value] = values(dense, {"prediction": np.full((1, 2), 0.5), "target": np.array([[0.5, 0.5]])})
    assert value == pytest.approx(np.log(2.0))


def test_an_optional_tensor_is_an_input_where_its_axes_are_named() -> None:
    model = exported("cross_entropy", class_weight="classes", reduction="sum")
    arrays = {"prediction": np.full((1, 2), 0.5), "target": np.array([1]), "class_weight": np.array([1.0, 3.0])}
    assert values(model, arrays)[0] == pytest.approx(3 * np.log(2.0))


def test_a_weight_is_an_input_where_it_is_asked_for() -> None:
    model = exported("mean_squared_error", weight=True, reduction="weighted_mean")
    arrays = {"prediction": np.array([1.0, 3.0]), "target": np.zeros(2), "weight": np.array([3.0, 1.0])}
    assert values(model, arrays)[0] == pytest.approx(3.0)


def test_a_weight_may_be_one_per_row() -> None:
    model = exported("mean_squared_error", weight=True, prediction="batch,dim", target="batch,dim", reduction="sum")
    arrays = {"prediction": np.ones((2, 3)), "target": np.zeros((2, 3)), "weight": np.array([[1.0], [0.5]])}
    assert values(model, arrays)[0] == pytest.approx(4.5)
    assert values(model, {**arrays, "weight": np.array([[2.0]])})[0] == pytest.approx(12.0)


@pytest.mark.parametrize("reduction", registry.get("loss", "huber").reductions)
def test_every_reduction_is_in_the_graph(reduction: str) -> None:
    model = exported("cross_entropy", reduction=reduction, ignore_index=-1, weight=True)
    rng = np.random.default_rng(3)
    arrays = {"prediction": rng.dirichlet(np.ones(4), 6), "target": np.array([0, -1, 2, 3, -1, 1])}
    weight = np.array([1.0, 2.0, 0.0, 0.5, 3.0, 1.0])
    options = {"weight": weight, "reduction": reduction}
    ours = compute("cross_entropy", arrays, {"ignore_index": -1}, **options).value
    assert values(model, {**arrays, "weight": weight})[0] == pytest.approx(ours)


def test_a_model_says_what_it_is() -> None:
    said = properties(exported("huber", delta=2.0))
    assert said["name"] == "huber"
    assert said["version"] == __version__
    assert json.loads(said["parameters"]) == {"delta": 2.0}
    assert said["reduction"] == "mean"
    assert said["formula"]


@pytest.mark.parametrize("opset", [18, 20, 21, 23])
def test_every_opset_gives_the_same(opset: int) -> None:
    arrays = {"prediction": np.array([[0.5, -200.0, 3.0]]), "target": np.array([0])}
    ours = compute("cross_entropy", arrays, {"from_logits": True}).value
    model = exported("cross_entropy", opset=opset, from_logits=True)
    assert [each.version for each in model.opset_import] == [opset]
    assert values(model, arrays)[0] == pytest.approx(ours)


def test_the_gradient_of_every_real_input_is_an_output() -> None:
    model = exported("huber", gradient=True, dtype="float64")
    value, *gradients = values(model, {"prediction": np.array([0.0, 3.0]), "target": np.zeros(2)})
    assert [each.name for each in model.graph.output] == ["value", "gradient_prediction", "gradient_target"]
    assert value == 1.25
    np.testing.assert_array_equal(gradients, [[0.0, 0.5], [0.0, -0.5]])


@pytest.mark.parametrize(
    ("request_", "pointer"),
    [
        ({"delta": -1.0}, "/delta"),
        ({"detla": 1.0}, "/detla"),
        ({"dtype": "float16"}, "/dtype"),
        ({"opset": 7}, "/opset"),
        ({"opset": "new"}, "/opset"),
        ({"reduction": "average"}, "/reduction"),
        ({"gradient": "yes"}, "/gradient"),
        ({"prediction": "batch,2", "target": "batch"}, "/target"),
        ({"prediction": {}}, "/prediction"),
    ],
)
def test_a_bad_request_points_at_its_fault(request_: dict[str, Any], pointer: str) -> None:
    with pytest.raises(LossError) as error:
        as_model(registry.get("loss", "huber"), request_)
    assert error.value.faults[0].pointer == pointer


def test_what_cannot_be_traced_says_so() -> None:
    definition = registry.get("loss", "adaptive_log_softmax")
    with pytest.raises(Unsupported, match="adaptive_log_softmax, which cannot be traced"):
        export.export(definition, {"cutoffs": [1], "classes": 3})


@pytest.mark.skipif(not (NODE and shutil.which("node")), reason="needs node and npm's onnxruntime-node")
@pytest.mark.parametrize(
    ("name", "request_", "arrays"),
    [
        ("huber", {"delta": 2.0}, {"prediction": np.array([0.0, 3.0]), "target": np.zeros(2)}),
        (
            "cross_entropy",
            {"from_logits": True},
            {"prediction": np.array([[2.0, 1.0, 0.1], [200.0, -200.0, 0.0]]), "target": np.array([0, 2])},
        ),
        ("dice", {}, {"prediction": np.array([0.9, 0.2, 0.6, 0.1]), "target": np.array([1.0, 0.0, 1.0, 0.0])}),
    ],
)
def test_node_gives_the_same_number(
    name: str, request_: dict[str, Any], arrays: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(as_model(registry.get("loss", name), request_))
    feeds = json.dumps({key: [array.ravel().tolist(), array.shape] for key, array in arrays.items()})
    command = ["node", str(ROOT / "examples" / "model.mjs"), str(file), feeds, str(NODE[0])]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    ours = compute(
        name,
        {key: array.astype(np.float32) if array.dtype.kind == "f" else array for key, array in arrays.items()},
        request_,
    )
    assert answer["value"] == [[pytest.approx(ours.value, rel=1e-6)], []]
