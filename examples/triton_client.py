"""Triton's own client, unmodified: tensors go as raw bytes, and every loss and metric is a model."""

import os
from math import isclose
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

ADDRESS = urlsplit(os.environ.get("LOSSAPI_ADDRESS", "http://127.0.0.1:8000")).netloc


def tensor(name: str, array: npt.NDArray[np.generic]) -> triton.InferInput:
    """An array as an input that is sent as bytes."""
    made = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    return made.set_data_from_numpy(array)


random = np.random.default_rng(0)
prediction = random.normal(size=(1000, 3)).astype(np.float32)
target = random.normal(size=(1000, 3)).astype(np.float32)

with triton.InferenceServerClient(ADDRESS) as client:
    assert client.is_server_ready()
    assert client.is_model_ready("huber")
    names = [each["name"] for each in client.get_model_metadata("huber")["inputs"]]
    print(f"huber takes {', '.join(names)}")

    pair = [tensor("prediction", prediction), tensor("target", target)]
    wanted = [triton.InferRequestedOutput("value"), triton.InferRequestedOutput("gradient_prediction")]
    result = client.infer("huber", pair, outputs=wanted, parameters={"delta": 0.5})
    error = np.abs(prediction.astype(np.float64) - target)
    near = np.minimum(error, 0.5)
    expected = float(np.mean(near * (error - 0.5 * near)))
    value = float(result.as_numpy("value"))
    assert isclose(value, expected, rel_tol=1e-6), (value, expected)
    assert result.as_numpy("gradient_prediction").shape == prediction.shape
    print(f"huber of {prediction.size} pairs: {value:.6f}, and its gradient")

    labels = [tensor("prediction", np.array([0, 2, 1, 2])), tensor("target", np.array([0, 1, 1, 2]))]
    accuracy = float(client.infer("accuracy", labels).as_numpy("value"))
    assert accuracy == 0.75, accuracy
    print(f"accuracy: {accuracy}")

    try:
        client.infer("huber", pair, parameters={"dleta": 0.5})
    except InferenceServerException as refused:
        print(f"a mistake is told: {refused.message()}")
    counted = client.get_inference_statistics("huber")["model_stats"][0]
    print(f"rows so far: {counted['inference_count']}")
