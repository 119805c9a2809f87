"""A client of a live server for all tests, and the order in which they run."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lossapi import again
from service.app import create_app
from service.settings import Settings
from service.stores import MEMORY
from tests.service.live import serving


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    """A client of a server that runs while the tests do; it reads bodies of up to 4 MiB."""
    with serving(create_app(Settings(body_bytes=4 * 2**20, store=MEMORY))) as client:
        yield client


@pytest.fixture(autouse=True)
def _nothing_was_met() -> None:
    """What a test changes of the engine, such as the size of a chunk, no computation met before may pass by."""
    again.MET.forget()


FOLDERS = ("service", "parity", "lossapi", "laws")
"""What waits and lasts comes first: at the end a process that has nothing left waits for short tests alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Laws go definition by definition: a process meets some of these, with their samples and graphs, and not all."""
    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What is there now stays: the collector of garbage need not go over it again and again."""
    gc.freeze()


def place(item: pytest.Item) -> tuple[int, str]:
    """Where a test comes among the others: its folder, and for a law the definition that is held to it."""
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    if folder not in FOLDERS:
        return FOLDERS.index("lossapi"), ""
    call: Any = getattr(item, "callspec", None)
    definition = call.params.get("definition") if call and folder == "laws" else None
    return FOLDERS.index(folder), f"{definition.kind} {definition.name}" if definition else ""
