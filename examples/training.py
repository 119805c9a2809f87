"""A training loop whose losses live on the server: TensorFlow 1's streaming means, a window, a retry, and charts.

`tf.metrics.mean_squared_error` keeps a total and a count, and its update gives the new mean. Here the stream keeps
them: any process may send batches, and any dashboard may read the values.
"""

from math import isclose
from random import Random
from typing import Any

from examples.client import ask

random = Random(0)
slope, offset, rate = 0.0, 0.0, 0.1
total = {"squared": 0.0, "absolute": 0.0, "count": 0}
errors: list[float] = []

asked = {"metrics": ["mean_squared_error", "mean_absolute_error"], "labels": {"model": "line", "phase": "training"}}
whole = ask("/v1/streams", {**asked, "name": "line"})["id"]
recent = ask("/v1/streams", {**asked, "name": "line, last 64 rows", "window": {"rows": 64}, "ttl": 3600})["id"]


def values(stream: dict[str, Any]) -> dict[str, float]:
    """The values of a stream by their labels."""
    return {each["as"]: each["value"] for each in stream["results"]}


for step in range(50):
    x = [random.uniform(-1, 1) for _ in range(10)]
    target = [2 * each + 1 + random.gauss(0, 0.1) for each in x]
    prediction = [slope * each + offset for each in x]
    batch = {"prediction": prediction, "target": target}

    key = f"step-{step}"
    updated = values(ask(f"/v1/streams/{whole}/batches", batch, key=key))
    again = ask(f"/v1/streams/{whole}/batches", batch, key=key)  # a retry, as after a timeout: it counts once
    windowed = values(ask(f"/v1/streams/{recent}/batches", batch))

    step_errors = [p - t for p, t in zip(prediction, target, strict=True)]
    errors += step_errors
    total["squared"] += sum(error * error for error in step_errors)
    total["absolute"] += sum(map(abs, step_errors))
    total["count"] += len(step_errors)
    assert again["batches"] == step + 1, again
    assert isclose(updated["mean_squared_error"], total["squared"] / total["count"], rel_tol=1e-12)
    assert isclose(updated["mean_absolute_error"], total["absolute"] / total["count"], rel_tol=1e-12)
    last = errors[-64:]
    assert isclose(windowed["mean_squared_error"], sum(error * error for error in last) / len(last), rel_tol=1e-12)
    if step % 10 == 0:
        mean, lately = updated["mean_squared_error"], windowed["mean_squared_error"]
        print(f"step {step:2}              mean squared error {mean:.4f}, of the last 64 rows {lately:.4f}")

    slope -= rate * sum(error * each for error, each in zip(step_errors, x, strict=True)) / 5
    offset -= rate * sum(step_errors) / 5

history = ask(f"/v1/streams/{whole}/history?points=5")["series"][0]["points"]
print("over time           ", [round(value, 4) for _, value in history])

state = ask(f"/v1/streams/{whole}/state")["state"]
copy = ask("/v1/streams", {key: each for key, each in asked.items() if key == "metrics"})["id"]
assert values(ask(f"/v1/streams/{copy}/merge", {"state": state})) == updated
print("merged elsewhere    ", {name: round(value, 4) for name, value in updated.items()})
