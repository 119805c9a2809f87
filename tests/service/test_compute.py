"""Right requests: what is answered, in what form."""

import base64
import math
from typing import Any

import httpx
import numpy as np
import orjson
import pytest

from lossapi import registry

HUBER = {"prediction": [0.0, 3.0], "target": [0.0, 0.0]}


def test_the_readme_example_is_answered_as_printed(client: httpx.Client) -> None:
    reply = client.post("/v1/losses/huber", json={**HUBER, "delta": 1.0, "reduction": "mean"})
    assert reply.status_code == 200
    assert reply.json() == {
        "name": "huber",
        "value": 1.25,
        "reduction": "mean",
        "count": 2,
        "finite": True,
        "backend": "numpy",
        "provider": "CPUExecutionProvider",
    }


# Rows l = 1, 4, 9 with weights 1, 0, 3: Σwl = 28.
@pytest.mark.parametrize(
    ("reduction", "value"),
    [("mean", 28 / 3), ("sum", 28), ("weighted_mean", 28 / 4), ("nonzero_mean", 28 / 2), ("batch_mean", 28 / 3)],
)
def test_each_reduction_divides_by_what_it_says(client: httpx.Client, reduction: str, value: float) -> None:
    body = {"prediction": [1, 2, 3], "target": [0, 0, 0], "weight": [1, 0, 3], "reduction": reduction}
    assert client.post("/v1/losses/mean_squared_error", json=body).json()["value"] == pytest.approx(value, rel=1e-15)


def test_no_reduction_answers_the_rows_in_their_shape(client: httpx.Client) -> None:
    body = {"prediction": [[1, 2], [3, 4]], "target": [[0, 0], [0, 0]], "reduction": "none", "weight": [1, 2]}
    reply = client.post("/v1/losses/mean_absolute_error", json=body).json()
    assert reply["values"] == [[1.0, 2.0], [6.0, 8.0]]
    assert "value" not in reply


def test_parameters_may_stand_in_the_query_string(client: httpx.Client) -> None:
    reply = client.post("/v1/losses/huber?delta=2&reduction=sum", json=HUBER).json()
    assert (reply["value"], reply["reduction"]) == (4.0, "sum")


def test_what_to_return_may_stand_in_the_query_as_words(client: httpx.Client) -> None:
    reply = client.post("/v1/losses/huber?return=value,gradient", json=HUBER).json()
    assert reply["gradient"]["prediction"] == [0.0, 0.5]
    assert client.post("/v1/losses/huber?return=slope", json=HUBER).status_code == 422


def test_a_body_without_content_type_is_json(client: httpx.Client) -> None:
    reply = client.post("/v1/losses/huber", content=orjson.dumps(HUBER))
    assert reply.json()["value"] == 1.25


def test_what_curl_sends_by_default_is_json(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/v1/losses/huber", content=orjson.dumps(HUBER), headers=headers).json()["value"] == 1.25


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_base64_tensor_is_read_and_rows_come_back_so(client: httpx.Client, dtype: str) -> None:
    array = np.array([[0.0, 3.0]], dtype)
    tensor = {"dtype": dtype, "shape": [1, 2], "data": base64.b64encode(array.tobytes()).decode()}
    body = {"prediction": tensor, "target": [[0, 0]], "reduction": "none"}
    values = client.post("/v1/losses/huber", json=body).json()["values"]
    wide = "float64" if dtype == "float64" else "float32"
    assert (values["dtype"], values["shape"]) == (wide, [1, 2])
    assert np.frombuffer(base64.b64decode(values["data"]), wide).tolist() == [0.0, 2.5]


@pytest.mark.parametrize(("policy", "written"), [("string", ["NaN", "Infinity"]), ("null", [None, None])])
def test_non_finite_numbers_are_written_by_the_policy(client: httpx.Client, policy: str, written: list[object]) -> None:
    body = {"prediction": ["NaN", "Infinity"], "target": [0, 0], "reduction": "none", "nonfinite": policy}
    reply = client.post("/v1/losses/huber", json=body).json()
    assert (reply["values"], reply["finite"]) == (written, False)


def test_a_non_finite_result_can_be_asked_to_be_an_error(client: httpx.Client) -> None:
    body = {"prediction": ["NaN"], "target": [0], "nonfinite": "error"}
    reply = client.post("/v1/losses/huber", json=body)
    assert (reply.status_code, reply.json()["code"]) == (422, "nonfinite")


def test_a_large_request_gives_what_a_small_one_gives(client: httpx.Client) -> None:
    rng = np.random.default_rng(0)
    prediction, target = rng.normal(size=(2, 50_000))
    body = orjson.dumps({"prediction": prediction, "target": target}, option=orjson.OPT_SERIALIZE_NUMPY)
    value = client.post("/v1/losses/mean_squared_error", content=body).json()["value"]
    assert value == pytest.approx(math.fsum((prediction - target) ** 2) / 50_000, rel=1e-13)


def test_another_librarys_function_answers_under_its_names(client: httpx.Client) -> None:
    reply = client.post("/v1/like/torch/huber_loss", json={"input": [0.0, 3.0], "target": [0.0, 0.0], "delta": 2.0})
    assert reply.json()["value"] == 2.0


def test_the_cards_examples_are_answered_as_they_say(client: httpx.Client) -> None:
    for (kind, name), definition in registry.catalogue().items():
        path = f"/v1/{registry.PLURAL[definition.kind]}/{name}"
        card = client.get(path).json()
        reply = client.post(path, json=card["example"]["request"])
        assert reply.json() == card["example"]["response"], (kind, name)


def test_a_gradient_under_like_is_named_by_the_librarys_arguments(client: httpx.Client) -> None:
    body = {"input": [0.5, 3.0], "target": [0.0, 0.0], "reduction": "sum", "return": ["gradient"]}
    reply = client.post("/v1/like/torch/huber_loss", json=body).json()
    assert reply["gradient"] == {"input": [0.5, 1.0], "target": [-0.5, -1.0]}
    assert "value" not in reply


@pytest.mark.parametrize(
    "option", [{"return": "gradient"}, {"return": ["slope"]}, {"nonfinite": "x"}, {"backend": "cuda"}]
)
def test_the_shared_keys_are_checked_under_like_too(client: httpx.Client, option: dict[str, object]) -> None:
    reply = client.post("/v1/like/torch/huber_loss", json={"input": [0.5], "target": [0.0], **option})
    assert (reply.status_code, reply.json()["errors"][0]["pointer"].split("/")[1]) == (422, next(iter(option)))


def test_a_request_like_one_before_is_read_by_its_own_values(client: httpx.Client) -> None:
    def ask(scale: float, **more: object) -> Any:
        body = {"prediction": [0.0, 3.0 * scale], "target": [0.0, 0.0], "delta": 1.0, **more}
        return client.post("/v1/losses/huber", json=body).json()

    assert [ask(scale)["value"] for scale in (1.0, 2.0, 1.0)] == [1.25, 2.75, 1.25]
    assert ask(1.0, weight=[1.0, 2.0])["value"] == 2.5
    assert ask(1.0, reduction="sum")["value"] == 2.5
    assert ask(1.0, delta=2)["value"] == ask(1.0, delta=2.0)["value"] == 2.0
    assert ask(1.0, delta=True)["code"] == "parameter"
    fault = ask(1.0, prediction=[0.0, "x"])
    assert fault["code"] == "dtype"
    assert fault["errors"][0]["pointer"] == "/prediction/1"
