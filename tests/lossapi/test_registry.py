"""Definitions are found, not registered."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from lossapi import registry
from lossapi.errors import UnknownName

SOURCE = '''
from lossapi.definition import {kind}
from lossapi.domains import Array, Real, Rows
from lossapi.losses import huber as other

@{kind}(family="regression")
def {name}(prediction: Real[Array, "batch"]) -> Rows[Array, "batch"]:
    """The prediction."""
    return prediction
'''


def write(folder: Path, package: str, **sources: str) -> str:
    """A package of some modules."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text("")
    for name, text in sources.items():
        (folder / package / f"{name}.py").write_text(text)
    return package


def test_the_catalogue_is_sorted_and_cannot_be_written_to() -> None:
    catalogue: Any = registry.catalogue()
    assert list(catalogue) == sorted(catalogue)
    with pytest.raises(TypeError):
        catalogue["loss", "x"] = None


def test_names_and_definitions_are_those_of_a_kind() -> None:
    assert registry.names("loss") == [each.name for each in registry.definitions("loss")]
    assert {each.kind for each in registry.definitions("metric")} == {"metric"}


def test_a_bare_name_is_the_loss_where_a_metric_shares_it() -> None:
    shared = set(registry.names("loss")) & set(registry.names("metric"))
    assert shared
    for name in shared:
        assert registry.find(name).kind == "loss"
        assert registry.find(f"losses.{name}").kind == "loss"
        assert registry.find(f"metrics.{name}").kind == "metric"


def test_a_metric_is_found_by_its_bare_name() -> None:
    alone = (set(registry.names("metric")) - set(registry.names("loss"))).pop()
    assert registry.find(alone).kind == "metric"


@pytest.mark.parametrize("name", ["hubr", "losses.hubr"])
def test_an_unknown_name_is_answered_with_the_nearest(name: str) -> None:
    with pytest.raises(UnknownName, match=r"Expected a loss such as 'huber'.*, got 'hubr'"):
        registry.find(name)


def test_a_package_can_be_added_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module(write(tmp_path, "own_losses", own=SOURCE.format(kind="loss", name="own")))
    registry.add_package(package)
    try:
        assert registry.get("loss", "own").document.summary == "The prediction."
    finally:
        registry.remove_package(package)
    assert "own" not in registry.names("loss")


def test_a_name_defined_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    text = SOURCE.format(kind="metric", name="own")
    package = importlib.import_module(write(tmp_path, "twice", one=text, two=text))
    registry.add_package(package)
    try:
        with pytest.raises(ValueError, match="metric own is defined twice"):
            registry.catalogue()
    finally:
        registry.remove_package(package)
