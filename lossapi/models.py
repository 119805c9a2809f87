"""A definition as a model of the Open Inference Protocol: its tensors by name, its metadata, one call of it.

A model is named like its definition, or `losses.NAME`, `metrics.NAME`. Several tensors under one name have names of
their own, which say the kind: `p.normal.loc`. Outputs are `value`, one for each array where the value is several by
name (`value.fpr`), and where they are asked for `gradient_<input>` and `state`, one string of JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from lossapi import describe, engine, registry
from lossapi.codecs import json
from lossapi.codecs.inference_data import datatype_of
from lossapi.codecs.openinference import Inference
from lossapi.codecs.tensors import tensor
from lossapi.definition import Definition
from lossapi.domains import TAG, Array, Spec
from lossapi.engine import Call, Result
from lossapi.errors import DtypeError, LossError, ParameterError, UnknownKey, UnknownName, nearest
from lossapi.request import as_call
from lossapi.signature import parts_of

VERSION = "1"
PLATFORM = "lossapi"
GRADIENT = "gradient_"


class Tensor(NamedTuple):
    """One tensor that goes in or comes out; a size of -1 is any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    optional: bool = False


def every() -> dict[str, Definition]:
    """Every model by the shortest name that is its own."""
    return {name_of(definition): definition for definition in registry.catalogue().values()}


def name_of(definition: Definition) -> str:
    """The bare name; of a metric that shares it with a loss, the qualified one."""
    return definition.name if _bare(definition) else f"{registry.PLURAL[definition.kind]}.{definition.name}"


def _bare(definition: Definition) -> bool:
    return definition.kind == "loss" or ("loss", definition.name) not in registry.catalogue()


def find(name: str, version: str = VERSION) -> Definition:
    """The definition of a model; there is one version of each."""
    try:
        definition = registry.find(name)
    except UnknownName:
        raise UnknownName(f"a model such as {nearest(name, every())}", repr(name)) from None
    if version != VERSION:
        raise UnknownName(f"version {VERSION} of model {name}", repr(version))
    return definition


@cache
def inputs(definition: Definition) -> tuple[Tensor, ...]:
    """The tensors that go in, the weight the last."""
    parts = [part for each in definition.inputs for part in parts_of(each)]
    taken = [Tensor(each.name, *_form(each.forms.specs[0]), each.optional) for each in parts]
    return (*taken, Tensor("weight", "FP32", (-1,), optional=True))


@cache
def input_names(definition: Definition) -> frozenset[str]:
    """Their names."""
    return frozenset(each.name for each in inputs(definition))


def _form(spec: Spec) -> tuple[str, tuple[int, ...]]:
    """The datatype and shape in metadata; axes without a name are left out, unless there are no others."""
    axes = [axis for axis in spec.axes if axis[0] != "*"] or spec.axes
    return "INT64" if spec.domain.kind == "label" else "FP32", tuple(int(a) if a.isdigit() else -1 for a in axes)


@cache
def outputs(definition: Definition) -> tuple[Tensor, ...]:
    """The tensors that come out unless others are asked for, as they come out of the definition's own example."""
    example = engine.run(replace(describe.call_of(definition, definition.document.example[0]), reduction=None))
    return tuple(Tensor(n, datatype_of(a), (-1,) * a.ndim) for n, a in arrays(example).items())


def metadata(name: str, definition: Definition) -> dict[str, Any]:
    """What a client is told of a model."""
    return {
        "name": name,
        "versions": [VERSION],
        "platform": PLATFORM,
        "inputs": [{"name": t.name, "datatype": t.datatype, "shape": t.shape} for t in inputs(definition)],
        "outputs": [{"name": t.name, "datatype": t.datatype, "shape": t.shape} for t in outputs(definition)],
    }


def config(name: str, definition: Definition) -> dict[str, Any]:
    """The configuration: which inputs are optional, and under `parameters` the JSON Schema of each parameter."""
    schema = {
        key: json.encode(each).decode() for key, each in describe.parameters_schema(definition)["properties"].items()
    }
    return {
        "name": name,
        "platform": PLATFORM,
        "backend": PLATFORM,
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": 0,
        "input": [{**_configured(each), "optional": each.optional} for each in inputs(definition)],
        "output": [_configured(each) for each in outputs(definition)],
        "parameters": {key: {"string_value": text} for key, text in schema.items()},
        "model_transaction_policy": {"decoupled": False},
        "response_cache": {"enable": False},
    }


def _configured(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "data_type": f"TYPE_{tensor.datatype}", "dims": tensor.shape, "is_shape_tensor": False}


def only_input(name: str, definition: Definition) -> Tensor:
    """The one tensor that a request without a header may bring."""
    needed = [each for each in inputs(definition) if not each.optional]
    if len(needed) != 1 or needed[0].shape.count(-1) > 1:
        takes = " and ".join(f"{each.name} {list(each.shape)}" for each in needed) or "optional tensors alone"
        raise ParameterError(
            "a header (a body of bytes alone is for models of one input)", f"none: {name} takes {takes}"
        )
    return needed[0]


def run(definition: Definition, inference: Inference) -> Result:
    """Compute it."""
    try:
        return engine.run(_call(definition, inference))
    except LossError as error:
        raise _placed(error, definition, inference) from None


def _call(definition: Definition, inference: Inference) -> Call:
    known = input_names(definition)
    for name, array in inference.tensors.items():
        if name not in known:
            raise UnknownKey(nearest(name, known), f"unknown input {name!r}", (name,))
        if array.dtype == object:
            raise DtypeError("numbers", "BYTES", (name,))
        if name in inference.parameters:
            raise ParameterError(f"{name} as an input or as a parameter", "both", (name,))
    given = {name: _parameter(name, value, known) for name, value in inference.parameters.items()}
    call = as_call(definition, {**_grouped(inference.tensors), **given})
    return _with_outputs(call, [each.name for each in inference.outputs])


def _with_outputs(call: Call, listed: Sequence[str]) -> Call:
    """What is listed is what is returned, and only those gradients are computed that are listed."""
    wrt = [name.removeprefix(GRADIENT) for name in listed if name.startswith(GRADIENT)]
    kinds = {"gradient" if name.startswith(GRADIENT) else name.partition(".")[0] for name in listed}
    returns = tuple(kind for kind in engine.RETURNS if kind in kinds)
    return replace(call, returns=returns, wrt=wrt or None) if returns else call


def _grouped(tensors: Mapping[str, Array]) -> dict[str, Any]:
    """The tensors with those of each group, such as `p`, under its name; all of a group are of one kind."""
    whole: dict[str, Any] = {}
    for name, array in tensors.items():
        group, _, rest = name.partition(".")
        kind, _, member = rest.partition(".")
        if not rest:
            whole[name] = array
        elif whole.setdefault(group, {TAG: kind})[TAG] != kind:
            raise ParameterError(f"the tensors of {group} of one kind ({whole[group][TAG]})", kind, (name,))
        else:
            whole[group][member] = array
    return whole


def _parameter(name: str, value: Any, known: frozenset[str]) -> Any:
    """A parameter; an optional tensor may stand here too, as a number or a list, and what is no scalar as JSON text."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        value = json.decode(value.encode())
    if name not in known or value is None:
        return value
    try:
        return tensor(value)
    except LossError as error:
        raise error.within(name) from None


def _placed(error: LossError, definition: Definition, inference: Inference) -> LossError:
    """An error at `target` placed at `inputs`, `target`, one at `delta` at `parameters`, `delta`."""
    tensors = {*inference.tensors, *definition.input_names, "weight"} - inference.parameters.keys()
    first = {fault.where[0] for fault in error.faults if fault.where}
    return error.renamed({str(n): ("inputs" if n in tensors else "parameters", n) for n in first})


def arrays(result: Result) -> dict[str, Array]:
    """A result as arrays by the outputs' names."""
    value = _flat("value", result.value) if "value" in result.returns else {}
    gradient = {GRADIENT + name: array for name, array in (result.gradient or {}).items()}
    state = {} if result.state is None else {"state": np.array([json.encode(result.state)], object)}
    return value | gradient | state


def _flat(name: str, value: Any) -> dict[str, Array]:
    if isinstance(value, Mapping):
        return {k: array for key, each in value.items() for k, array in _flat(f"{name}.{key}", each).items()}
    return {name: np.asarray(value)}


def remarks(result: Result) -> dict[str, Any]:
    """What else a result says, as the parameters of a reply."""
    reduction = {} if result.reduction is None else {"reduction": result.reduction}
    more = {"count": result.count, "finite": result.finite, "backend": result.backend, "provider": result.provider}
    return {**reduction, **more}


def require_outputs(wanted: Sequence[str], known: Mapping[str, Array]) -> None:
    """Refuse an output that there is not."""
    for name in wanted:
        if name not in known:
            raise UnknownKey(nearest(name, known), f"unknown output {name!r}", ("outputs", name))
