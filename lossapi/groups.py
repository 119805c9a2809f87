"""Several tensors under one name, such as a distribution with its parameters, taken apart and put together.

    p: Distribution[Group, "batch *axes"]

On the wire it is `{"distribution": "normal", "loc": …, "scale": …}`, and a kernel is given the same with arrays.
Everything between sees tensors with names of their own, `p.normal.loc` and `p.normal.scale`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lossapi.definition import Definition
from lossapi.domains import Array, Family
from lossapi.errors import LossError, ParameterError
from lossapi.signature import Input


def apart(definition: Definition, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors with those of every group by themselves; what is by itself already stays so."""
    if not definition.grouped:
        return dict(tensors)
    flat = dict(tensors)
    for each in definition.inputs:
        domain = each.family
        if domain is not None:
            flat |= members(each, domain, _gathered(each.name, domain.tag, flat) or flat.pop(each.name, None))
    return flat


def in_parts(definition: Definition, name: str) -> bool:
    """Whether an input is a group of tensors."""
    return any(each.name == name and each.family is not None for each in definition.inputs)


def _gathered(name: str, tag: str, flat: Mapping[str, Any]) -> dict[str, Any]:
    """What is by itself already, as a group."""
    parts = [(each.split("."), array) for each, array in flat.items() if each.startswith(f"{name}.")]
    return {tag: parts[0][0][1], **{path[-1]: array for path, array in parts}} if parts else {}


def members(each: Input, domain: Family, given: Any) -> dict[str, Array]:
    """The tensors of one group, or an error at what it lacks."""
    if not isinstance(given, Mapping):
        got = "nothing" if given is None else "no object"
        raise ParameterError(f"{each.name}: {domain.meaning}, as an object", got, (each.name,))
    kind, found = given.get(domain.tag), {k: v for k, v in given.items() if k != domain.tag and v is not None}
    alternatives = [tuple(names) for name, names in domain.kinds if name == kind]
    if not alternatives:
        known = ", ".join(dict.fromkeys(name for name, _ in domain.kinds))
        raise ParameterError(f"{domain.tag} to be one of {known}", repr(kind), (each.name, domain.tag))
    wanted = next((names for names in alternatives if set(names) == set(found)), None)
    if wanted is None:
        choices = " or ".join(" and ".join(names) for names in alternatives)
        unknown = next((name for name in found if not any(name in names for names in alternatives)), None)
        got = " and ".join(found) or "nothing" if unknown is None else f"unknown key {unknown!r}"
        place = (each.name,) if unknown is None else (each.name, unknown)
        raise ParameterError(f"{kind} with {choices}", got, place)
    return {f"{each.name}.{kind}.{name}": _array(found[name]) for name in wanted}


def _array(value: Any) -> Array:
    return value if hasattr(value, "dtype") else np.asarray(value)


def together(arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Named arrays with those of a group under the group's name."""
    whole: dict[str, Any] = {}
    for name, array in arrays.items():
        group, _, rest = name.partition(".")
        if rest:
            whole.setdefault(group, {})[rest.partition(".")[2]] = array
        else:
            whole[name] = array
    return whole


def placed(error: LossError) -> LossError:
    """An error at `p.normal.scale` placed at `p`, `scale`."""
    first = [fault.where[0] for fault in error.faults if fault.where]
    names = {step: step.split(".") for step in first if isinstance(step, str)}
    return error.renamed({step: (parts[0], *parts[2:]) for step, parts in names.items() if len(parts) == 3})
