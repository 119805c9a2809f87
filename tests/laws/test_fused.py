"""One text, three executions: what a compiled loop computes is what NumPy computes, or there is no loop at all."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lossapi import binding, engine, registry
from lossapi.backends import fused
from lossapi.definition import Definition, loss
from lossapi.domains import Array, Real, Rows
from lossapi.errors import LossError
from lossapi.functions import namespace
from lossapi.loops import build, narrow
from lossapi.memo import Memo
from lossapi.states import Comoments, Moments
from tests.laws.every import PRIMITIVES, Outcome, cut_at, definition_of, every_loss
from tests.laws.test_onnx import RTOL, drawn, near
from tests.samples import Sample, samples

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="needs a C compiler")

ELEMENTWISE = ("huber", "log_cosh", "binary_cross_entropy", "hinge", "poisson_nll", "mean_squared_error")
BY_ROW = ("cross_entropy", "kl_divergence", "cosine_similarity", "nll", "generalized_cross_entropy")
PRODUCTS = ("cosface", "sphereface", "arcface")

SUMMING = [
    each
    for each in PRIMITIVES
    if each.kind == "metric" and all(m.gives == "sums" or m.output in (Moments, Comoments) for m in each.maps)
]


def computed(sample: Sample, backend: str, returns: Sequence[str], **options: Any) -> Outcome:
    """The value and the gradients of a sample, or the code of the error."""
    try:
        result = sample.run(backend=backend, returns=returns, **options)
    except LossError as error:
        return Outcome({}, error.code)
    found = {f"gradient by {name}": np.asarray(each) for name, each in (result.gradient or {}).items()}
    return Outcome({"value": np.asarray(result.value), "count": np.asarray(result.count), **found})


def loops_agree(definition: Definition, dtype: str) -> int:
    """How many samples there are loops of, each holding to NumPy's numbers; at ±200 and in ties too."""
    written = 0
    for place, sample in enumerate(drawn(definition, dtype)):
        for reduction, returns in (("mean", ("value", "gradient")), ("none", ("value",)))[: 2 if place < 3 else 1]:
            theirs = computed(sample, "fused", returns, reduction=reduction)
            if theirs.error == "unsupported":
                continue
            ours = computed(sample, "numpy", returns, reduction=reduction)
            assert near(theirs, ours, 10 * RTOL[dtype]), f"{sample}, {dtype}, {reduction}: {theirs}, not {ours}"
            written += theirs.error is None
    return written


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_loss
def test_loops_agree(definition: Definition, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = tuple("-O1" if flag == "-O3" else flag for flag in build.FLAGS)  # these are many, and their rows are few
    monkeypatch.setattr(build, "FLAGS", quick)
    if dtype == "float32":  # row by row, which is else for longer rows than these; in float64 side by side
        monkeypatch.setattr(narrow, "FEW", 0)
        monkeypatch.setattr(fused, "_kernels", {})
        monkeypatch.setattr(binding, "PLANS", Memo(64))
    loops_agree(definition, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("definition", SUMMING, ids=lambda definition: definition.name)
def test_loops_add_up_what_metrics_read(definition: Definition, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "FLAGS", tuple("-O1" if flag == "-O3" else flag for flag in build.FLAGS))
    for sample in drawn(definition, dtype):
        returns = ("value", "gradient")[: 2 if definition.differentiable else 1]
        theirs = computed(sample, "fused", returns)
        if theirs.error != "unsupported":
            ours = computed(sample, "numpy", returns)
            assert near(theirs, ours, 10 * RTOL[dtype]), f"{sample}, {dtype}: {theirs}, not {ours}"


def test_most_metrics_that_read_sums_or_moments_have_loops() -> None:
    first = {each.name: samples(each)[0] for each in SUMMING}
    refused = {name for name, each in first.items() if computed(each, "fused", ("value",)).error == "unsupported"}
    assert len(refused) <= 0.1 * len(first), refused


def test_most_losses_have_loops() -> None:
    first = {each.name: samples(each)[0] for each in registry.definitions("loss")}
    refused = {name for name, each in first.items() if computed(each, "fused", ("value",)).error == "unsupported"}
    assert len(refused) <= 0.4 * len(first), refused
    assert refused.isdisjoint((*ELEMENTWISE, *BY_ROW, *PRODUCTS))


@pytest.mark.parametrize("name", [*ELEMENTWISE, *BY_ROW, *PRODUCTS])
def test_the_same_bits_for_any_number_of_threads(name: str) -> None:
    sample = next(each for each in samples(registry.get("loss", name)) if each.run().count > 7)
    with cut_at([2, 5, 6]):
        one, seven = (computed(sample, "fused", ("value", "gradient"), threads=threads) for threads in (1, 7))
    assert one.error is None
    assert one.same_bits(seven)


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extremes_ties_and_the_smallest_numbers(name: str, dtype: str) -> None:
    definition = registry.get("loss", name)
    least = np.finfo(dtype).smallest_subnormal
    scores = np.array(
        [0.0, -0.0, 1.0, -1.0, 200.0, -200.0, np.inf, -np.inf, np.nan, least, -least, 88.8, -104.1], dtype
    )
    for target in (np.zeros_like(scores), np.ones_like(scores)):
        call = {"prediction": scores, "target": target}
        if name == "hinge":
            call["target"] = 2 * target - 1
        parameters = {"from_logits": True} if name == "binary_cross_entropy" else {}
        one, two = (
            engine.run(engine.Call(definition, call, parameters, reduction="none", backend=backend))
            for backend in ("numpy", "fused")
        )
        assert two.backend == "fused"
        np.testing.assert_allclose(two.value, one.value, rtol=RTOL[dtype], atol=float(least))


def test_a_kernel_that_looks_at_its_namespace_is_caught() -> None:
    @loss(family="liar")
    def partial(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        return prediction * 2.0 if namespace(prediction) is np else prediction

    with pytest.raises(AssertionError, match="not"):
        loops_agree(definition_of(partial), "float64")
