"""PyTorch's own sample inputs for its loss functions, each through our answer under the same name."""

import inspect
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, like

EXACT = {"float64": (1e-9, 1e-10), "float32": (1e-4, 1e-5), "int64": (1e-4, 1e-5)}
SKIPPED = {
    "complex64": "complex numbers",
    "complex128": "complex numbers",
    "float16": "PyTorch rounds every step to half precision",
    "bfloat16": "PyTorch rounds every step to half precision",
    "bool": "integers below 64 bits wrap around in PyTorch",
    "int8": "integers below 64 bits wrap around in PyTorch",
    "int16": "integers below 64 bits wrap around in PyTorch",
    "int32": "integers below 64 bits wrap around in PyTorch",
    "uint8": "integers below 64 bits wrap around in PyTorch",
}
NOT_LOSSES = {"cosine_similarity", "pairwise_distance"}
LOSSES = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "ctc_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "linear_cross_entropy",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


@cache
def operations() -> dict[str, list[Any]]:
    """PyTorch's records of its loss functions by name; their import takes a while."""
    pytest.importorskip("torch")
    pytest.importorskip("expecttest")
    from torch.testing._internal.common_methods_invocations import op_db

    found: dict[str, list[Any]] = {}
    for op in op_db:
        name = op.name.removeprefix("nn.functional.")
        if op.name != name and ("loss" in name or "cross_entropy" in name or name == "kl_div" or name in NOT_LOSSES):
            found.setdefault(name, []).append(op)
    return found


def samples(op: Any, dtype: str) -> Iterator[Any]:
    """PyTorch's samples of one dtype."""
    import torch

    torch.manual_seed(0)
    yield from op.sample_inputs("cpu", getattr(torch, dtype))


def dtypes_of(op: Any) -> list[str]:
    """The dtypes that a function says it takes."""
    return sorted(str(dtype).removeprefix("torch.") for dtype in op.dtypes)


def arguments_of(name: str, sample: Any) -> dict[str, Any]:
    """A sample by the names of the function's arguments, without what PyTorch has deprecated."""
    import torch

    called = inspect.signature(getattr(torch.nn.functional, name))
    bound = called.bind(sample.input, *sample.args, **sample.kwargs).arguments
    given = {key: value for key, value in bound.items() if key not in ("size_average", "reduce")}
    if isinstance(given.get("distance_function"), torch.nn.PairwiseDistance):
        given["distance_function"] = None  # PyTorch's default by another name
    return {k: v.detach().numpy() if isinstance(v, torch.Tensor) else v for k, v in given.items()}


def answer(name: str, given: dict[str, Any]) -> Any:
    """Our answer, or the error."""
    try:
        return np.asarray(like.compute("torch", name, given).value)
    except LossError as error:
        return error


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LOSSES)
def test_every_sample_agrees(name: str) -> None:
    for op in operations()[name]:
        for dtype in (dtype for dtype in dtypes_of(op) if dtype in EXACT):
            rtol, atol = EXACT[dtype]
            for number, sample in enumerate(samples(op, dtype)):
                ours = answer(name, arguments_of(name, sample))
                theirs = op(sample.input, *sample.args, **sample.kwargs).detach().numpy()
                title = f"{name} {op.variant_test_name}, {dtype}, sample {number}"
                assert not isinstance(ours, LossError), f"{title}: {ours}"
                assert ours.shape == theirs.shape, title
                np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol, err_msg=title)


def test_every_loss_of_pytorch_is_named_here_and_has_a_preset() -> None:
    assert set(operations()) - NOT_LOSSES == set(LOSSES)
    assert set(LOSSES) <= set(like.presets()["torch"])


def test_what_is_left_out_is_counted() -> None:
    """By function, variant and dtype; each has some samples."""
    left_out = Counter(
        SKIPPED[dtype] for name in LOSSES for op in operations()[name] for dtype in dtypes_of(op) if dtype not in EXACT
    )
    assert left_out == {
        "complex numbers": 6,
        "PyTorch rounds every step to half precision": 42,
        "integers below 64 bits wrap around in PyTorch": 21,
    }
