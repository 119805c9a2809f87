"""huber and smooth_l1 beside torch, keras and optax."""

import numpy as np
import pytest

from tests.parity.peers import agree


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_huber_is_torchs_own(dtype: str, reduction: str) -> None:
    rng = np.random.default_rng(0)
    p, t = rng.normal(size=(2, 7, 3)).astype(dtype) * 3
    agree("torch", "huber_loss", {"input": p, "target": t, "reduction": reduction, "delta": 0.7})
