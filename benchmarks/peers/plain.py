"""The service a user would write: FastAPI, pydantic body models and torch.

Endpoints are `async def` on purpose: a thread hop per request would only slow the small requests down.
"""

import argparse

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field
from torch.nn import functional

app = FastAPI(title="plain")


class Pair(BaseModel):
    """Predictions and targets of one shape."""

    prediction: list[float]
    target: list[float]


class HuberRequest(Pair):
    """A pair and the point where huber turns linear."""

    delta: float = Field(default=1.0, gt=0)


class CrossEntropyRequest(BaseModel):
    """Class scores, one row per sample, and the index of the true class."""

    prediction: list[list[float]]
    target: list[int]
    label_smoothing: float = Field(default=0.0, ge=0, le=1)


class Answer(BaseModel):
    """The loss, by name."""

    name: str
    value: float


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    """Answer as soon as the service can compute."""
    return {"status": "ready"}


@app.post("/v1/losses/huber")
async def huber(body: HuberRequest) -> Answer:
    """Mean huber loss."""
    value = functional.huber_loss(torch.tensor(body.prediction), torch.tensor(body.target), delta=body.delta)
    return Answer(name="huber", value=value.item())


@app.post("/v1/losses/mean_squared_error")
async def mean_squared_error(body: Pair) -> Answer:
    """Mean squared error."""
    value = functional.mse_loss(torch.tensor(body.prediction), torch.tensor(body.target))
    return Answer(name="mean_squared_error", value=value.item())


@app.post("/v1/losses/cross_entropy")
async def cross_entropy(body: CrossEntropyRequest) -> Answer:
    """Mean cross-entropy of logits against class indices."""
    scores, labels = torch.tensor(body.prediction), torch.tensor(body.target)
    value = functional.cross_entropy(scores, labels, label_smoothing=body.label_smoothing)
    return Answer(name="cross_entropy", value=value.item())


def main() -> None:
    """Serve on loopback with uvicorn[standard], one worker, no access log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
