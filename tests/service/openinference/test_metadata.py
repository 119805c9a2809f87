"""What the protocol says of the server and its models: each loss and metric is one."""

import httpx
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from lossapi import __version__, describe, models, registry
from tests.service.openinference.conftest import Call
from tests.service.openinference.requests import DATATYPES, HUBER, refused, tensors

MODELS = [pytest.param(name, id=name) for name in models.every()]


def test_the_server_is_live_and_ready_and_so_are_its_models(call: Call) -> None:
    assert call("is_server_live") is True
    assert call("is_server_ready") is True
    assert call("is_model_ready", "huber") is True
    assert call("is_model_ready", "huber", "1") is True
    assert call("is_model_ready", "huber", "2") is False
    assert call("is_model_ready", "hubr") is False


def test_the_server_names_itself_and_what_it_can_do(call: Call) -> None:
    assert call("get_server_metadata") == {
        "name": "lossapi",
        "version": __version__,
        "extensions": [
            "binary_tensor_data",
            "model_configuration",
            "model_repository",
            "parameters",
            "schedule_policy",
            "statistics",
        ],
    }


def test_health_is_said_in_the_body_too(client: httpx.Client) -> None:
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models/huber/ready").json() == {"name": "huber", "ready": True}


def test_the_models_are_the_registry(call: Call, client: httpx.Client) -> None:
    listed = call("get_model_repository_index")
    assert client.get("/v2/models").json()["models"] == [each["name"] for each in listed]
    assert [models.find(each["name"]) for each in listed] == list(registry.catalogue().values())
    assert {(each["version"], each["state"]) for each in listed} == {("1", "READY")}


def test_the_index_takes_an_empty_body_and_an_object(client: httpx.Client) -> None:
    everything = client.post("/v2/repository/index").json()
    assert client.post("/v2/repository/index", json={"ready": True}).json() == everything
    assert "JSON" in refused(client.post("/v2/repository/index", content=b"{"))
    assert "a JSON object" in refused(client.post("/v2/repository/index", content=b"[1]"))


@pytest.mark.parametrize("name", MODELS)
def test_each_model_says_what_it_takes_and_gives(client: httpx.Client, name: str) -> None:
    metadata = client.get(f"/v2/models/{name}").json()
    config = client.get(f"/v2/models/{name}/versions/1/config").json()
    assert (metadata["name"], metadata["versions"], metadata["platform"]) == (name, ["1"], "lossapi")
    assert metadata["outputs"][0]["name"].startswith("value")
    assert metadata["inputs"][-1] == {"name": "weight", "datatype": "FP32", "shape": [-1]}
    for kind in ("input", "output"):
        named = [
            {"name": each["name"], "data_type": f"TYPE_{each['datatype']}", "dims": each["shape"]}
            for each in metadata[f"{kind}s"]
        ]
        assert [{key: each[key] for key in ("name", "data_type", "dims")} for each in config[kind]] == named
        assert all(each["datatype"] in DATATYPES for each in metadata[f"{kind}s"])
    assert set(config["parameters"]) == set(describe.parameters_schema(models.find(name))["properties"])
    assert config["max_batch_size"] == 0


def test_real_tensors_are_fp32_and_labels_int64(call: Call) -> None:
    metadata = call("get_model_metadata", "cross_entropy", "1")
    assert metadata["inputs"] == [
        {"name": "prediction", "datatype": "FP32", "shape": [-1, -1]},
        {"name": "target", "datatype": "INT64", "shape": [-1]},
        {"name": "class_weight", "datatype": "FP32", "shape": [-1]},
        {"name": "weight", "datatype": "FP32", "shape": [-1]},
    ]
    assert metadata["outputs"] == [{"name": "value", "datatype": "FP64", "shape": []}]
    config = call("get_model_config", "cross_entropy", "1")
    assert [each["optional"] for each in config["input"]] == [False, False, True, True]
    assert config["parameters"]["label_smoothing"]["string_value"].startswith('{"default":0.0')


def test_an_axis_of_a_size_is_told(client: httpx.Client) -> None:
    assert client.get("/v2/models/giou").json()["inputs"][0]["shape"] == [-1, 4]


def test_a_name_of_both_kinds_is_the_loss_and_either_may_be_said_in_full(client: httpx.Client) -> None:
    shared = sorted(set(registry.names("loss")) & set(registry.names("metric")))
    assert shared
    for name in shared:
        assert models.find(name) is models.find(f"losses.{name}") is registry.get("loss", name)
        assert models.find(f"metrics.{name}") is registry.get("metric", name)
        assert client.get(f"/v2/models/metrics.{name}").json()["name"] == f"metrics.{name}"
        assert f"metrics.{name}" in client.get("/v2/models").json()["models"]


@pytest.mark.parametrize("path", ["", "/ready", "/config", "/stats", "/versions/1/stats", "/versions/2"])
def test_an_unknown_model_or_version_is_a_404(client: httpx.Client, path: str) -> None:
    model = "huber" if path.endswith("2") else "hubr"
    assert "huber" in refused(client.get(f"/v2/models/{model}{path}"), 404)


def test_an_unknown_path_and_another_method_have_the_same_body(client: httpx.Client) -> None:
    assert "Not Found" in refused(client.get("/v2/model"), 404)
    reply = client.get("/v2/models/huber/infer")
    assert "Method Not Allowed" in refused(reply, 405)
    assert reply.headers["allow"] == "POST"


NOT_OFFERED = {
    "load_model": ("huber",),
    "unload_model": ("huber",),
    "get_trace_settings": (),
    "update_trace_settings": ("huber", {"trace_level": ["OFF"]}),
    "get_log_settings": (),
    "update_log_settings": ({"log_info": True},),
    "get_cuda_shared_memory_status": (),
    "get_system_shared_memory_status": (),
    "register_system_shared_memory": ("a", "/a", 8),
    "unregister_system_shared_memory": (),
}


@pytest.mark.parametrize(("method", "arguments"), NOT_OFFERED.items(), ids=NOT_OFFERED)
def test_what_is_not_offered_says_so(call: Call, method: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(InferenceServerException, match=r"\[501\] "):
        call(method, *arguments)


DURATION = {"count", "ns"}


def test_statistics_have_every_key_and_add_up(call: Call) -> None:
    before = call("get_inference_statistics", "smooth_l1")["model_stats"][0]
    call("infer", "smooth_l1", tensors(HUBER))
    with pytest.raises(InferenceServerException):
        call("infer", "smooth_l1", tensors(HUBER), parameters={"reduction": "x"})
    after = call("get_inference_statistics", "smooth_l1", "1")["model_stats"][0]
    assert (after["name"], after["version"], after["response_stats"], after["memory_usage"]) == (
        "smooth_l1",
        "1",
        {},
        [],
    )
    assert after["inference_count"] - before["inference_count"] == len(HUBER["target"])
    assert after["execution_count"] - before["execution_count"] == 1
    assert after["last_inference"] > 1_700_000_000_000
    stages = ["queue", "compute_input", "compute_infer", "compute_output"]
    assert set(after["inference_stats"]) == {"success", "fail", *stages, "cache_hit", "cache_miss"}
    assert all(set(each) == DURATION for each in after["inference_stats"].values())
    for name in ("success", "fail", *stages):
        assert after["inference_stats"][name]["count"] - before["inference_stats"][name]["count"] == 1
    assert sum(after["inference_stats"][name]["ns"] for name in stages) <= after["inference_stats"]["success"]["ns"]
    assert after["inference_stats"]["compute_infer"]["ns"] > before["inference_stats"]["compute_infer"]["ns"]
    batch = after["batch_stats"][0]
    assert batch["batch_size"] == 2
    assert {key for key, value in batch.items() if key != "batch_size" and set(value) == DURATION} == set(stages[1:])


def test_the_statistics_of_all_models_are_listed(call: Call, client: httpx.Client) -> None:
    listed = call("get_inference_statistics")["model_stats"]
    assert [each["name"] for each in listed] == client.get("/v2/models").json()["models"]
    assert all(each.keys() == listed[0].keys() for each in listed)


def test_the_client_object_needs_no_more_than_the_address(address: str) -> None:
    with triton.InferenceServerClient(address, concurrency=2) as client:
        waiting = [client.async_infer("huber", tensors(HUBER)) for _ in range(8)]
        assert [each.get_result().as_numpy("value") for each in waiting] == [1.25] * 8
