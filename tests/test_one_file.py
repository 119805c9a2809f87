"""Adding a loss is writing one file: it is served, described and held to the laws with nothing else touched."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lossapi import registry
from service.app import create_app
from tests.service.live import serving

ROOT = Path(__file__).parent.parent
FILE = '''
"""Absolute error that forgives a little."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.functions import namespace, relu
from lossapi.parameters import NonNegative
from lossapi.libraries.presets import optax


@loss(family="regression", like=[optax("forgiving(predictions, targets, slack=0.5)")])
def forgiving(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"], *, slack: NonNegative = 0.5
) -> Rows[Array, "batch *axes"]:
    """The absolute difference beyond `slack`.

    Formula:
        max(|prediction - target| - slack, 0)
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Source:
        V. Vapnik, The Nature of Statistical Learning Theory, 1995
    Example:
        {"prediction": [1.0, 0.2], "target": [0.0, 0.0]} → 0.25
    """
    return relu(namespace(prediction).abs(prediction - target) - slack)
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package with that one file, added to those that are searched."""
    (tmp_path / "more_losses").mkdir()
    (tmp_path / "more_losses" / "__init__.py").write_text("")
    (tmp_path / "more_losses" / "forgiving.py").write_text(FILE)
    monkeypatch.syspath_prepend(tmp_path)
    added = importlib.import_module("more_losses")
    registry.add_package(added)
    yield str(tmp_path)
    registry.remove_package(added)


def test_it_is_in_the_catalogue_computed_and_documented(package: str) -> None:
    with serving(create_app()) as client:
        assert "forgiving" in [card["name"] for card in client.get("/v1/losses").json()["losses"]]
        assert client.get("/v1/losses/forgiving").json()["example"]["response"]["value"] == 0.25
        body = {"prediction": [1.0, 0.2], "target": [0.0, 0.0], "slack": 0.0}
        assert client.post("/v1/losses/forgiving", json=body).json()["value"] == 0.6
        operation = client.get("/openapi.json").json()["paths"]["/v1/losses/forgiving"]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert schema["properties"]["slack"] == {"default": 0.5, "minimum": 0, "type": "number"}
        refused = client.post("/v1/losses/forgiving", json={**body, "slack": -1})
        assert refused.json()["errors"][0]["pointer"] == "/slack"


def test_the_laws_hold_it_too(package: str) -> None:
    script = f"""
import sys; sys.path.insert(0, {package!r})
import more_losses, pytest
from lossapi import registry
registry.add_package(more_losses)
sys.exit(pytest.main(["-q", "-k", "forgiving", "tests/laws", "-p", "no:cacheprovider"]))
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout
