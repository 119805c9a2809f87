"""What Triton's client sends is computed, whichever way it sends it."""

import gzip
import math
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import ml_dtypes
import numpy as np
import orjson
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.service.openinference.conftest import Call
from tests.service.openinference.requests import (
    DATATYPES,
    HUBER,
    HUBER_VALUE,
    binary_input,
    header,
    json_input,
    post,
    refused,
    tensor,
    tensors,
)

OUTPUTS: dict[str, list[dict[str, bool]] | None] = {
    "absent": None,
    "listed": [{}],
    "listed as JSON": [{"binary_data": False}],
}
JSON_HUBER = [json_input("prediction", [2], [0.0, 3.0]), json_input("target", [2], [0, 0])]


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "JSON"])
@pytest.mark.parametrize("outputs", OUTPUTS.values(), ids=OUTPUTS)
def test_a_value_comes_back_from_either_form_in_either_form(
    call: Call, binary: bool, outputs: list[dict[str, bool]] | None
) -> None:
    wanted = outputs and [triton.InferRequestedOutput("value", **options) for options in outputs]
    result = call("infer", "huber", tensors(HUBER, binary=binary), outputs=wanted)
    assert result.as_numpy("value") == HUBER_VALUE
    output = result.get_output("value")
    in_json = outputs == [{"binary_data": False}]
    assert ("data" in output, "parameters" in output) == (in_json, not in_json)
    assert (output["datatype"], output["shape"]) == ("FP64", [])


def test_one_tensor_may_be_binary_and_another_json(call: Call) -> None:
    inputs = [tensor("prediction", HUBER["prediction"], binary=False), tensor("target", HUBER["target"])]
    assert call("infer", "huber", inputs).as_numpy("value") == HUBER_VALUE


@pytest.mark.parametrize("outputs", OUTPUTS.values(), ids=OUTPUTS)
@pytest.mark.parametrize(("name", "dtype"), DATATYPES.items(), ids=DATATYPES)
def test_every_datatype_of_numbers_is_computed(
    call: Call, name: str, dtype: Any, outputs: list[dict[str, bool]] | None
) -> None:
    arrays = {key: array.astype(dtype) for key, array in HUBER.items()}
    expected = 0.25 if name == "BOOL" else HUBER_VALUE
    wanted = outputs and [triton.InferRequestedOutput("value", **options) for options in outputs]
    for binary in [True] if name in ("FP16", "BF16") else [True, False]:
        assert call("infer", "huber", tensors(arrays, binary=binary), outputs=wanted).as_numpy("value") == expected


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "JSON"])
def test_strings_are_refused_by_a_model_of_numbers(call: Call, binary: bool) -> None:
    strings = np.array(["a", "é"], object)
    inputs = [tensor("prediction", strings, binary=binary), tensor("target", HUBER["target"])]
    with pytest.raises(InferenceServerException, match=r"Expected numbers, got BYTES - at .*prediction"):
        call("infer", "huber", inputs)


@pytest.mark.parametrize("datatype", ["FP16", "BF16"])
def test_half_precisions_are_refused_in_json(client: httpx.Client, datatype: str) -> None:
    inputs = [json_input("prediction", [2], [0.0, 3.0], datatype), JSON_HUBER[1]]
    assert f"{datatype} as binary data" in refused(post(client, header(inputs)))


@pytest.mark.parametrize("sent", [None, "gzip", "deflate"])
@pytest.mark.parametrize("wanted", [None, "gzip", "deflate"])
def test_requests_and_replies_may_be_compressed(call: Call, sent: str | None, wanted: str | None) -> None:
    arrays = {name: np.tile(array, 20_000) for name, array in HUBER.items()}
    outputs = [triton.InferRequestedOutput("gradient_prediction"), triton.InferRequestedOutput("value", False)]
    codings = {"request_compression_algorithm": sent, "response_compression_algorithm": wanted}
    result = call("infer", "huber", tensors(arrays), outputs=outputs, **codings)
    assert result.as_numpy("value") == HUBER_VALUE
    assert result.as_numpy("gradient_prediction") == pytest.approx(np.tile([0, 1 / 40_000], 20_000), rel=1e-6)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip;q=0.5, deflate", "deflate"),
        ("gzip, deflate, br", None),
        ("br", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("gzip;q=high", None),
    ],
)
def test_a_reply_is_compressed_where_one_coding_is_preferred(
    client: httpx.Client, accepted: str, coding: str | None
) -> None:
    headers = {"accept-encoding": accepted}
    with client.stream("POST", "/v2/models/huber/infer", content=header(JSON_HUBER), headers=headers) as reply:
        assert reply.headers.get("content-encoding") == coding
        body = b"".join(reply.iter_raw())
    unfold: dict[str | None, Callable[[bytes], bytes]] = {
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
        None: bytes,
    }
    assert orjson.loads(unfold[coding](body))["outputs"][0]["data"] == [HUBER_VALUE]


def test_nothing_but_inference_is_compressed(client: httpx.Client) -> None:
    accepted = {"accept-encoding": "gzip"}
    replies = [client.get(f"/v2{path}", headers=accepted) for path in ("", "/models/huber", "/models/stats")]
    replies.append(post(client, b"{", **accepted))
    assert all("content-encoding" not in reply.headers for reply in replies)


def test_an_empty_tensor_is_summed_to_nothing(call: Call) -> None:
    empty = {name: np.empty((0, 3), np.float32) for name in HUBER}
    assert call("infer", "huber", tensors(empty), parameters={"reduction": "sum"}).as_numpy("value") == 0.0
    rows = call("infer", "huber", tensors(empty), parameters={"reduction": "none"}).as_numpy("value")
    assert (rows.shape, rows.dtype) == ((0, 3), np.float32)


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "JSON"])
def test_a_scalar_is_a_batch_of_one(call: Call, binary: bool) -> None:
    scalars = {"prediction": np.array(3.0, np.float32), "target": np.array(0.0, np.float32)}
    assert call("infer", "huber", tensors(scalars, binary=binary)).as_numpy("value") == 2.5


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "JSON"])
def test_nan_and_infinities_go_through_both_ways(call: Call, binary: bool) -> None:
    arrays = {"prediction": np.array([np.nan, np.inf, -np.inf, 3.0], np.float32), "target": np.zeros(4, np.float32)}
    outputs = [triton.InferRequestedOutput("value", binary_data=binary)]
    result = call("infer", "huber", tensors(arrays, binary=binary), outputs=outputs, parameters={"reduction": "none"})
    np.testing.assert_array_equal(result.as_numpy("value"), np.array([np.nan, np.inf, np.inf, 2.5], np.float32))
    assert result.get_response()["parameters"]["finite"] is False


def test_how_nan_is_written_in_json_can_be_chosen(client: httpx.Client) -> None:
    inputs = [json_input("prediction", [1], ["NaN"]), json_input("target", [1], [0])]
    for policy, written in (("string", "NaN"), ("null", None)):
        reply = post(client, header(inputs, parameters={"nonfinite": policy})).json()
        assert reply["outputs"][0]["data"] == [written]
    assert "finite" in refused(post(client, header(inputs, parameters={"nonfinite": "error"})))


def test_bare_nan_and_infinity_are_read(client: httpx.Client) -> None:
    body = b'{"inputs": [{"name": "prediction", "shape": [2], "datatype": "FP32", "data": [Infinity, -Infinity]}, '
    body += (
        b'{"name": "target", "shape": [2], "datatype": "FP64", "data": [NaN, 0]}], "parameters": {"reduction": "none"}}'
    )
    assert post(client, body).json()["outputs"][0]["data"] == ["NaN", "Infinity"]


def test_rows_come_back_in_the_dtype_of_the_computation(call: Call) -> None:
    parameters = {"reduction": "none", "delta": 2.0}
    rows = call("infer", "huber", tensors(HUBER), parameters=parameters).as_numpy("value")
    assert (rows.dtype, rows.tolist()) == (np.float32, [0.0, 4.0])
    wide = {name: array.astype(np.float64) for name, array in HUBER.items()}
    assert call("infer", "huber", tensors(wide), parameters=parameters).as_numpy("value").dtype == np.float64


def test_a_gradient_is_an_output_by_listing_it_or_by_return(call: Call) -> None:
    listed = [triton.InferRequestedOutput("gradient_prediction")]
    result = call("infer", "huber", tensors(HUBER), outputs=listed)
    assert [each["name"] for each in result.get_response()["outputs"]] == ["gradient_prediction"]
    assert result.as_numpy("gradient_prediction").tolist() == [0.0, 0.5]
    for returns in (["value", "gradient"], "value,gradient"):
        result = call("infer", "huber", tensors(HUBER), parameters={"return": returns})
        names = [each["name"] for each in result.get_response()["outputs"]]
        assert names == ["value", "gradient_prediction", "gradient_target"]
        assert result.as_numpy("gradient_target").tolist() == [0.0, -0.5]
    both = [triton.InferRequestedOutput(name) for name in ("value", "gradient_target")]
    result = call("infer", "huber", tensors(HUBER), outputs=both, parameters={"return": "gradient"})
    assert [each["name"] for each in result.get_response()["outputs"]] == ["value", "gradient_target"]


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "JSON"])
def test_a_state_is_an_output_that_can_be_merged(call: Call, client: httpx.Client, binary: bool) -> None:
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("state", "value")]
    states = []
    for prediction in ([0.0, 3.0], [1.0]):
        arrays = {"prediction": np.array(prediction), "target": np.zeros(len(prediction))}
        result = call("infer", "huber", tensors(arrays), outputs=outputs)
        assert (result.get_output("state")["datatype"], result.get_output("state")["shape"]) == ("BYTES", [1])
        states.append(orjson.loads(result.as_numpy("state")[0]))
    merged = client.post("/v1/states/merge", json={"states": states}).json()
    assert (merged["value"], merged["count"]) == (1.0, 3)  # (0 + 5/2 + 1/2) / 3


def test_a_request_id_comes_back_if_there_is_one(call: Call) -> None:
    assert call("infer", "huber", tensors(HUBER), request_id="a 1").get_response()["id"] == "a 1"
    assert "id" not in call("infer", "huber", tensors(HUBER)).get_response()


def test_the_model_and_its_version_are_named_as_asked(call: Call) -> None:
    for name, version in (("huber", ""), ("huber", "1"), ("losses.huber", "1")):
        reply = call("infer", name, tensors(HUBER), model_version=version).get_response()
        assert (reply["model_name"], reply["model_version"]) == (name, "1")


@pytest.mark.parametrize(
    ("model", "version", "message"),
    [("hubr", "", r"\[404\] Expected a model such as 'huber'"), ("huber", "2", r"\[404\] Expected version 1 of model")],
)
def test_an_unknown_model_or_version_is_a_404(call: Call, model: str, version: str, message: str) -> None:
    with pytest.raises(InferenceServerException, match=message):
        call("infer", model, tensors(HUBER), model_version=version)


def test_an_unknown_output_is_refused(call: Call) -> None:
    with pytest.raises(InferenceServerException, match=r"\[400\] Expected 'value', got unknown output 'valu'"):
        call("infer", "huber", tensors(HUBER), outputs=[triton.InferRequestedOutput("valu")])


def test_classes_of_an_output_are_refused(call: Call) -> None:
    with pytest.raises(InferenceServerException, match=r"\[400\] .*got classification - at \$.outputs\[0\]"):
        call("infer", "huber", tensors(HUBER), outputs=[triton.InferRequestedOutput("value", class_count=3)])


def test_parameters_reach_the_model(call: Call) -> None:
    result = call("infer", "huber", tensors(HUBER), parameters={"delta": 2.0, "reduction": "sum", "backend": "numpy"})
    assert result.as_numpy("value") == 4.0
    said = result.get_response()["parameters"]
    assert said == {
        "reduction": "sum",
        "count": 2,
        "finite": True,
        "backend": "numpy",
        "provider": "CPUExecutionProvider",
    }


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dleta": 1.0}, "Expected 'delta', got unknown key 'dleta' - at $.parameters.dleta"),
        ({"delta": -1.0}, "Expected delta > 0, got -1.0 - at $.parameters.delta"),
        ({"delta": "1"}, "Expected delta: a valid number, got '1' - at $.parameters.delta"),
        ({"reduction": "average"}, "Expected reduction to be one of mean"),
        (
            {"return": ["slope"]},
            "Expected 0 to be 'value', 'gradient' or 'state', got 'slope' - at $.parameters.return[0]",
        ),
        ({"backend": "cuda"}, "at $.parameters.backend"),
        ({"nonfinite": "x"}, "at $.parameters.nonfinite"),
        ({"sequence_id": 3}, "which is reserved"),
        ({"headers": "x"}, "which is reserved"),
        ({"triton_x": "x"}, "which is reserved"),
        ({"timeout": -1}, "at $.parameters.timeout"),
        ({"timeout": "1"}, "at $.parameters.timeout"),
        ({"priority": 1.5}, "at $.parameters.priority"),
        ({"binary_data_output": 1}, "at $.parameters.binary_data_output"),
    ],
)
def test_a_wrong_parameter_is_told(client: httpx.Client, parameters: dict[str, Any], message: str) -> None:
    assert message in refused(post(client, header(JSON_HUBER, parameters=parameters)))


def test_an_optional_tensor_may_stand_among_the_parameters(client: httpx.Client) -> None:
    body = header(JSON_HUBER, parameters={"weight": [1, 3], "reduction": "weighted_mean"})
    assert post(client, body).json()["outputs"][0]["data"] == [2.5 * 3 / 4]
    wrong = header(JSON_HUBER, parameters={"weight": [1, "x"]})
    assert "at $.parameters.weight[1]" in refused(post(client, wrong))
    both = header([*JSON_HUBER, json_input("weight", [2], [1, 3])], parameters={"weight": [1, 3]})
    assert "weight as an input or as a parameter, got both" in refused(post(client, both))


def test_a_parameter_that_is_no_scalar_may_come_as_text(client: httpx.Client) -> None:
    terms = '[{"name": "huber", "delta": 2.0}, {"name": "mean_squared_error", "coefficient": 2.0}]'
    body = header(JSON_HUBER, parameters={"terms": terms})
    assert post(client, body, model="weighted_sum").json()["outputs"][0]["data"] == [2.0 + 2 * 4.5]


def test_a_request_within_its_timeout_is_answered_and_one_past_it_is_a_504(call: Call) -> None:
    large = {name: np.tile(array, 10_000) for name, array in HUBER.items()}
    for arrays in (HUBER, large):
        assert call("infer", "huber", tensors(arrays), timeout=60_000_000, priority=2).as_numpy("value") == HUBER_VALUE
        with pytest.raises(InferenceServerException, match=r"\[504\] .*no reply within 0\.000001 s \(parameter"):
            call("infer", "huber", tensors(arrays), timeout=1)


def test_groups_of_tensors_are_named_by_their_kind(call: Call) -> None:
    arrays = {
        "p.normal.loc": np.array([0.0, 1.0]),
        "p.normal.scale": np.array([1.0, 2.0]),
        "q.normal.loc": np.array(0.0),
        "q.normal.scale": np.array(1.0),
    }
    outputs = [triton.InferRequestedOutput(name) for name in ("value", "gradient_p.normal.loc")]
    result = call("infer", "distribution_kl_divergence", tensors(arrays), outputs=outputs)
    assert result.as_numpy("value") == pytest.approx((2 - math.log(2)) / 2)  # 0 and -log 2 + (4 + 1)/2 - 1/2
    assert result.as_numpy("gradient_p.normal.loc").tolist() == [0.0, 0.5]
    mixed = {**arrays, "p.gamma.rate": np.array([1.0, 2.0])}
    with pytest.raises(InferenceServerException, match=r"tensors of p of one kind \(normal\), got gamma"):
        call("infer", "distribution_kl_divergence", tensors(mixed))


def test_the_content_type_is_never_looked_at(client: httpx.Client) -> None:
    for kind in ("application/octet-stream", "text/csv", "application/json; charset=utf-8"):
        assert post(client, header(JSON_HUBER), **{"content-type": kind}).json()["outputs"][0]["data"] == [HUBER_VALUE]


def test_the_length_of_the_header_may_be_that_of_the_body(client: httpx.Client) -> None:
    body = header(JSON_HUBER)
    assert post(client, body, len(body)).json()["outputs"][0]["data"] == [HUBER_VALUE]


def test_the_flag_of_the_request_holds_for_outputs_without_one(client: httpx.Client) -> None:
    asked = {"outputs": [{"name": "value"}], "parameters": {"binary_data_output": True}}
    reply = post(client, header(JSON_HUBER, **asked))
    length = int(reply.headers["inference-header-content-length"])
    assert reply.headers["content-type"] == "application/octet-stream"
    assert orjson.loads(reply.content[:length])["outputs"][0]["parameters"] == {"binary_data_size": 8}
    assert np.frombuffer(reply.content[length:]).tolist() == [HUBER_VALUE]


def test_pretty_json_and_blobs_in_the_order_of_the_inputs(client: httpx.Client) -> None:
    inputs = [binary_input("target", [2], 16, "INT64"), JSON_HUBER[0], binary_input("weight", [2], 4, "BF16")]
    text = orjson.dumps({"inputs": inputs, "parameters": {"reduction": "sum"}}, option=orjson.OPT_INDENT_2)
    weight = np.array([1, 2], ml_dtypes.bfloat16).tobytes()
    reply = post(client, text + np.array([0, 1]).tobytes() + weight, len(text))
    assert reply.json()["outputs"][0]["data"] == [3.0]


def test_a_body_of_bytes_alone_is_the_only_input(client: httpx.Client) -> None:
    reply = post(client, np.array([1.0, 3.0], np.float32).tobytes(), 0, model="half_squared_error")
    length = int(reply.headers["inference-header-content-length"])
    assert np.frombuffer(reply.content[length:]).tolist() == [2.5]  # mean of 1/2 and 9/2
    assert "prediction [-1] and target [-1]" in refused(post(client, b"\0" * 8, 0))
    assert "a multiple of 4 bytes" in refused(post(client, b"\0" * 7, 0, model="half_squared_error"))
