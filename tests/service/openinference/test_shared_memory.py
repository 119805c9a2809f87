"""Tensors in shared memory: Triton's own tools make the regions, and none leads out of /dev/shm."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, shared_memory

from service.app import create_app
from service.settings import Settings
from service.shared_memory import FOLDER
from tests.service.live import serving
from tests.service.openinference.requests import HUBER, HUBER_VALUE, json_input, refused, tensors

REGION = "/v2/systemsharedmemory/region/a"
SIZE = 64

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no /dev/shm here")


@pytest.fixture(scope="module")
def sharing() -> Iterator[httpx.Client]:
    """A server that takes tensors in shared memory."""
    with serving(create_app(Settings(shared_memory=True))) as client:
        yield client


@pytest.fixture
def caller(sharing: httpx.Client) -> Iterator[triton.InferenceServerClient]:
    """Triton's client of it, which leaves nothing registered."""
    with triton.InferenceServerClient(f"{sharing.base_url.host}:{sharing.base_url.port}") as client:
        yield client
        client.unregister_system_shared_memory()


@pytest.fixture
def key() -> Iterator[str]:
    """The key of a file of shared memory."""
    name = f"lossapi-{uuid.uuid4().hex}"
    (FOLDER / name).write_bytes(bytes(SIZE))
    yield name
    (FOLDER / name).unlink(missing_ok=True)


def test_tensors_go_in_and_out_through_regions(caller: triton.InferenceServerClient) -> None:
    handle = shared_memory.create_shared_memory_region("pair", f"/lossapi-{uuid.uuid4().hex}", SIZE)
    try:
        shared_memory.set_shared_memory_region(handle, list(HUBER.values()))
        caller.register_system_shared_memory("pair", handle._shm_key, SIZE)
        inputs = [triton.InferInput(name, [2], "FP32") for name in HUBER]
        for index, each in enumerate(inputs):
            each.set_shared_memory("pair", 8, offset=8 * index)
        outputs = [triton.InferRequestedOutput(name) for name in ("value", "gradient_prediction")]
        outputs[0].set_shared_memory("pair", 8, offset=16)
        outputs[1].set_shared_memory("pair", 40, offset=24)
        result = caller.infer("huber", inputs, outputs=outputs)
        assert shared_memory.get_contents_as_numpy(handle, np.float64, [1], offset=16).tolist() == [HUBER_VALUE]
        assert shared_memory.get_contents_as_numpy(handle, np.float32, [2], offset=24).tolist() == [0.0, 0.5]
        assert result.get_output("gradient_prediction")["parameters"] == {
            "shared_memory_region": "pair",
            "shared_memory_byte_size": 8,
            "shared_memory_offset": 24,
        }
    finally:
        shared_memory.destroy_shared_memory_region(handle)


def test_what_is_registered_is_told_until_it_is_let_go(caller: triton.InferenceServerClient, key: str) -> None:
    for name in ("a", "b"):
        caller.register_system_shared_memory(name, f"/{key}", SIZE - 8, offset=8)
    a, b = [{"name": name, "key": f"/{key}", "offset": 8, "byte_size": SIZE - 8} for name in ("a", "b")]
    assert caller.get_system_shared_memory_status() == [a, b]
    assert caller.get_system_shared_memory_status("b") == [b]
    with pytest.raises(InferenceServerException, match=r"\[400\] .*not registered yet, got 'a'"):
        caller.register_system_shared_memory("a", f"/{key}", SIZE)
    caller.unregister_system_shared_memory("a")
    caller.unregister_system_shared_memory("a")
    assert caller.get_system_shared_memory_status() == [b]
    with pytest.raises(InferenceServerException, match=r"\[404\] .*a registered region, got 'a'"):
        caller.get_system_shared_memory_status("a")
    inputs = [triton.InferInput(name, [2], "FP32").set_shared_memory("a", 8) for name in HUBER]
    with pytest.raises(InferenceServerException, match=r"\[404\] .*a registered region, got 'a'"):
        caller.infer("huber", inputs)


def test_the_server_says_that_it_shares_memory(caller: triton.InferenceServerClient) -> None:
    assert "system_shared_memory" in caller.get_server_metadata()["extensions"]


@pytest.mark.parametrize(
    "name", ["", "/", ".", "..", "/..", "../etc/passwd", "a/b", "//a", "a\0b", "x" * 256, "/missing"]
)
def test_a_key_is_the_name_of_a_file_in_the_folder(sharing: httpx.Client, name: str) -> None:
    assert "$.key" in refused(sharing.post(f"{REGION}/register", json={"key": name, "offset": 0, "byte_size": 8}))
    assert sharing.get("/v2/systemsharedmemory/status").json() == []


def test_only_regular_files_are_opened(sharing: httpx.Client, key: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(SIZE))
    path = FOLDER / key
    kinds: list[Callable[[], None]] = [lambda: path.symlink_to(secret), lambda: os.mkfifo(path), path.mkdir]
    for make in kinds:
        path.unlink()
        make()
        assert "$.key" in refused(sharing.post(f"{REGION}/register", json={"key": key, "byte_size": 8}))
    path.rmdir()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"byte_size": SIZE + 1}, f"a file of {SIZE + 1} bytes or more, got {SIZE}"),
        ({"offset": 1, "byte_size": SIZE}, f"a file of {SIZE + 1} bytes or more"),
        ({"byte_size": 0}, "byte_size > 0"),
        ({"byte_size": 2**63}, "at $.byte_size"),
        ({"offset": -1, "byte_size": 8}, "offset >= 0"),
        ({"offset": "0", "byte_size": 8}, "at $.offset"),
        ({}, "Expected byte_size, got nothing"),
    ],
)
def test_a_region_lies_within_its_file(sharing: httpx.Client, key: str, body: dict[str, object], message: str) -> None:
    assert message in refused(sharing.post(f"{REGION}/register", json={"key": key, **body}))


@pytest.mark.parametrize(("size", "offset"), [(8, SIZE - 7), (SIZE + 1, 0), (8, 2**62)])
def test_nothing_outside_a_region_is_read_or_written(
    caller: triton.InferenceServerClient, sharing: httpx.Client, key: str, size: int, offset: int
) -> None:
    (FOLDER / key).write_bytes(b"\1" * 2 * SIZE)
    caller.register_system_shared_memory("a", key, SIZE)
    outside = {"shared_memory_region": "a", "shared_memory_byte_size": size, "shared_memory_offset": offset}
    prediction = {"name": "prediction", "shape": [2], "datatype": "FP32", "parameters": outside}
    body = {"inputs": [prediction, json_input("target", [2], [0, 0])]}
    message = refused(sharing.post("/v2/models/huber/infer", json=body))
    assert f"a part of a region of {SIZE} bytes" in message
    body["inputs"][0] = json_input("prediction", [2], [0, 3])
    wanted = {"outputs": [{"name": "value", "parameters": outside}]}
    assert "a part of a region" in refused(sharing.post("/v2/models/huber/infer", json={**body, **wanted}))
    assert (FOLDER / key).read_bytes() == b"\1" * 2 * SIZE


def test_the_limit_on_a_body_holds_for_regions_too(key: str) -> None:
    with serving(create_app(Settings(shared_memory=True, body_bytes=1000))) as client:
        (FOLDER / key).write_bytes(bytes(800))
        assert client.post(f"{REGION}/register", json={"key": key, "byte_size": 800}).status_code == 200
        there = {"shared_memory_region": "a", "shared_memory_byte_size": 800}
        inputs = [{"name": n, "shape": [200], "datatype": "FP32", "parameters": there} for n in HUBER]
        assert "at most 1000 bytes" in refused(client.post("/v2/models/huber/infer", json={"inputs": inputs}), 413)
        inputs[1] = json_input("target", [200], [0] * 200)
        assert client.post("/v2/models/huber/infer", json={"inputs": inputs}).json()["outputs"][0]["data"] == [0.0]


def test_an_output_needs_room(caller: triton.InferenceServerClient, key: str) -> None:
    caller.register_system_shared_memory("a", key, SIZE)
    output = triton.InferRequestedOutput("value")
    output.set_shared_memory("a", 7)
    with pytest.raises(InferenceServerException, match=r"\[400\] Expected room for 8 bytes in region a, got 7"):
        caller.infer("huber", tensors(HUBER), outputs=[output])


def test_a_file_cut_short_later_is_an_error(caller: triton.InferenceServerClient, key: str) -> None:
    caller.register_system_shared_memory("a", key, SIZE)
    os.truncate(FOLDER / key, 8)
    inputs = [triton.InferInput(name, [2], "FP32").set_shared_memory("a", 8, offset=8) for name in HUBER]
    with pytest.raises(InferenceServerException, match=r"\[400\] Expected a file of 16 bytes or more, got 8"):
        caller.infer("huber", inputs)


def test_a_file_is_closed_with_its_region(caller: triton.InferenceServerClient, key: str) -> None:
    def count() -> int:
        return sum(os.readlink(f"/proc/self/fd/{each}").endswith(key) for each in open_files())

    caller.register_system_shared_memory("a", key, SIZE)
    assert count() == 1
    caller.unregister_system_shared_memory()
    assert count() == 0


def open_files() -> list[str]:
    """The file descriptors of this process that can still be read."""
    return [each for each in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{each}")]


def test_several_processes_share_no_memory() -> None:
    with serving(create_app(Settings(shared_memory=True, workers=2))) as client:
        assert "one worker" in refused(client.get("/v2/systemsharedmemory/status"), 501)
