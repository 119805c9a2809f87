"""Finds every definition: each module of `lossapi.losses` and `lossapi.metrics`, and of packages added to them.

A definition is a function that `@loss` or `@metric` marked; nothing is registered by hand.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType, ModuleType

import lossapi.losses
import lossapi.metrics
from lossapi.combination import Combination
from lossapi.definition import Definition, Kind
from lossapi.errors import UnknownName, nearest

PACKAGES: list[ModuleType] = [lossapi.losses, lossapi.metrics]
PLURAL: Mapping[Kind, str] = {"loss": "losses", "metric": "metrics"}


def add_package(package: ModuleType) -> None:
    """Look for definitions in one more package too."""
    PACKAGES.append(package)
    _forget()


def remove_package(package: ModuleType) -> None:
    """Undo `add_package`."""
    PACKAGES.remove(package)
    _forget()


def _forget() -> None:
    catalogue.cache_clear()
    losses.cache_clear()


def _modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for module in pkgutil.iter_modules(package.__path__):
            yield importlib.import_module(f"{package.__name__}.{module.name}")


def _declared(module: ModuleType) -> Iterator[Definition]:
    """What a module's own functions are declared to be; a loss may be a metric too."""
    for value in vars(module).values():
        for definition in (getattr(value, mark, None) for mark in ("definition", "as_metric")):
            if isinstance(definition, Definition) and value.__module__ == module.__name__:
                yield definition


@cache
def catalogue() -> Mapping[tuple[Kind, str], Definition]:
    """Every definition by (kind, name), in the order of the names."""
    found: dict[tuple[Kind, str], Definition] = {}
    for module in _modules():
        for definition in _declared(module):
            key = (definition.kind, definition.name)
            if key in found and found[key] is not definition:
                raise ValueError(f"{definition.kind} {definition.name} is defined twice")
            found[key] = definition
    for key, definition in found.items():
        if isinstance(definition, Combination):
            found[key] = replace(definition, losses=losses)
    return MappingProxyType(dict(sorted(found.items())))


@cache
def losses() -> Mapping[str, Definition]:
    """Every loss by name."""
    return {name: definition for (kind, name), definition in catalogue().items() if kind == "loss"}


def names(kind: Kind) -> list[str]:
    """The names of all losses or all metrics."""
    return [name for each, name in catalogue() if each == kind]


def definitions(kind: Kind) -> list[Definition]:
    """All losses or all metrics."""
    return [definition for (each, _), definition in catalogue().items() if each == kind]


def get(kind: Kind, name: str) -> Definition:
    """One definition by name; an unknown name is answered with the nearest ones."""
    definition = catalogue().get((kind, name))
    if definition is None:
        raise UnknownName(f"a {kind} such as {nearest(name, names(kind))}", repr(name))
    return definition


def find(name: str) -> Definition:
    """A definition by bare or qualified name: `losses.huber`, `metrics.r2`; bare, a loss comes before a metric."""
    for kind, plural in PLURAL.items():
        if name.startswith(plural + "."):
            return get(kind, name.removeprefix(plural + "."))
    kind = "loss" if ("loss", name) in catalogue() or ("metric", name) not in catalogue() else "metric"
    return get(kind, name)
