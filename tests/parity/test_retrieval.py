"""Rankings beside scikit-learn and torchmetrics, and TensorFlow 1's first k classes by hand."""

from typing import Any

import numpy as np
import pytest

from lossapi import LossError, compute, like
from tests.parity.peers import agree, equal

RETRIEVAL = [
    "retrieval_precision",
    "retrieval_recall",
    "retrieval_hit_rate",
    "retrieval_reciprocal_rank",
    "retrieval_average_precision",
]


@pytest.mark.parametrize("function", ["dcg_score", "ndcg_score"])
@pytest.mark.parametrize("items", [1, 2, 5, 30])
def test_gains_are_sklearns(function: str, items: int) -> None:
    rng = np.random.default_rng(items)
    scores, relevance = rng.normal(size=(12, items)), rng.integers(0, 4, (12, items))
    relevance[0] = 0
    for weight in (rng.choice([0.0, 1.0, 2.5], 12), np.zeros(12)):
        agree("sklearn", function, {"y_true": relevance, "y_score": scores, "sample_weight": weight}, rtol=1e-9)
    for k in (None, 1, 3, 100):
        for each in (scores, scores.round(), 0 * scores):
            for target in (relevance, 0.5 * relevance + 0.25, relevance - 1.5):
                agree("sklearn", function, {"y_true": target, "y_score": each, "k": k}, rtol=1e-9)
        agree("sklearn", function, {"y_true": relevance, "y_score": scores, "k": k, "ignore_ties": True})
    if function == "dcg_score":
        agree("sklearn", function, {"y_true": relevance, "y_score": scores, "log_base": 3.5})


@pytest.mark.parametrize("items", [1, 2, 5, 30])
def test_normalized_gains_are_torchmetrics(items: int) -> None:
    rng = np.random.default_rng(items)
    for scores in (rng.normal(size=items), rng.normal(size=items).round()):
        for relevance in (rng.integers(0, 4, items), rng.random(items), np.zeros(items)):
            for k in (None, 1, 3, 100):
                given = {"preds": scores, "target": relevance, "top_k": k}
                agree("torchmetrics", "retrieval_normalized_dcg", given, rtol=1e-6)


@pytest.mark.parametrize("function", RETRIEVAL)
@pytest.mark.parametrize("items", [1, 2, 5, 30])
def test_single_queries_are_torchmetrics(function: str, items: int) -> None:
    rng = np.random.default_rng(items)
    for scores in (rng.random(items), rng.normal(size=items), -rng.random(items)):
        for target in (rng.integers(0, 2, items), np.zeros(items, int), np.ones(items, bool), np.full(items, 2)):
            for k in (None, 1, 3, 100):
                agree("torchmetrics", function, {"preds": scores, "target": target, "top_k": k}, rtol=1e-6)
                if function == "retrieval_precision":
                    given = {"preds": scores, "target": target, "top_k": k, "adaptive_k": True}
                    agree("torchmetrics", function, given, rtol=1e-6)
    agree("torchmetrics", function, {"preds": np.ones(3), "target": np.ones(3)})
    agree("torchmetrics", function, {"preds": np.ones(0), "target": np.ones(0, int)})


@pytest.mark.parametrize("function", RETRIEVAL)
def test_many_queries_are_the_mean_of_single_ones(function: str) -> None:
    rng = np.random.default_rng(0)
    scores, target, weight = rng.normal(size=(50, 9)), rng.integers(0, 2, (50, 9)), rng.random(50)
    target[:5] = 0
    single = [
        compute(function, {"prediction": s[None], "target": t[None]}).value for s, t in zip(scores, target, strict=True)
    ]
    tensors = {"prediction": scores, "target": target}
    assert compute(function, tensors, weight=weight).value == pytest.approx(np.average(single, weights=weight))
    kept = compute(function, tensors, {"empty_target": "skip"}).value
    assert kept == pytest.approx(np.mean(single[5:]))
    filled = compute(function, tensors, {"empty_target": "pos"}).value
    assert filled == pytest.approx((5 + np.sum(single[5:])) / 50)
    with pytest.raises(LossError, match="a query that counts"):
        compute(function, {"prediction": scores[:5], "target": target[:5]}, {"empty_target": "skip"})


def first(scores: Any, k: int) -> list[int]:
    """The k classes of the highest scores."""
    return list(np.argsort(-scores, kind="stable")[:k])


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize("class_id", [None, 0, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_first_classes_are_tensorflow_1s(k: int, class_id: int | None, weighted: bool) -> None:
    rng = np.random.default_rng(k)
    scores, labels = rng.normal(size=(20, 4)), rng.integers(-1, 4, (20, 3))
    weights = rng.choice([0.0, 1.0, 2.5], 20) if weighted else None
    w = np.ones(20) if weights is None else weights
    hits, chosen, wanted = np.zeros((3, 20))
    for i in range(20):
        top, true = set(first(scores[i], k)), set(labels[i][labels[i] >= 0])
        if class_id is not None:
            top, true = top & {class_id}, true & {class_id}
        hits[i], chosen[i], wanted[i] = len(top & true), len(top), len(true)
    given = {"labels": labels, "k": k, "class_id": class_id, "weights": weights}
    ids = np.array([first(each, k) for each in scores])
    for name, divisor in (("precision", chosen), ("recall", wanted)):
        expected = (w * hits).sum() / (w * divisor).sum()
        found = like.compute("tf1", f"metrics.{name}_at_k", {**given, "predictions": scores}).value
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        found = like.compute("tf1", f"metrics.{name}_at_top_k", {**given, "predictions_idx": ids}).value
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_average_precision_of_the_first_classes_is_tensorflow_1s(k: int) -> None:
    rng = np.random.default_rng(k)
    scores, labels, w = rng.normal(size=(20, 4)), rng.integers(-1, 4, (20, 3)), rng.choice([0.0, 1.0, 2.5], 20)
    labels[:, 0] = rng.integers(0, 4, 20)
    rows = []
    for each, own in zip(scores, labels, strict=True):
        true = set(own[own >= 0])
        found = np.array([c in true for c in first(each, k)], float)
        rows.append((found * found.cumsum() / np.arange(1, k + 1)).sum() / min(k, len(true)))
    given = {"labels": labels, "predictions": scores, "k": k}
    for name in ("average_precision_at_k", "sparse_average_precision_at_k"):
        value = like.compute("tf1", f"metrics.{name}", {**given, "weights": w}).value
        np.testing.assert_allclose(value, np.average(rows, weights=w), rtol=1e-12)
        assert like.compute("tf1", f"metrics.{name}", given).value == pytest.approx(np.mean(rows))
        assert np.isnan(like.compute("tf1", f"metrics.{name}", {**given, "labels": np.full((20, 3), -1)}).value)


def test_more_classes_than_there_are_cannot_be_first() -> None:
    with pytest.raises(LossError, match=r"k <= 3 \(the classes there are\), got 4"):
        compute("precision_at_k", {"prediction": np.ones((2, 3)), "target": [[0], [1]]}, {"k": 4})
    with pytest.raises(LossError, match=r"target\[1\]"):
        compute("recall_at_k", {"prediction": np.ones((2, 3)), "target": [[0], [7]]}, {"k": 1})


@pytest.mark.parametrize("metric", ["RetrievalPrecision", "RetrievalRecall", "RetrievalHitRate", "RetrievalMRR"])
@pytest.mark.parametrize("action", ["neg", "pos", "skip"])
@pytest.mark.parametrize("top_k", [None, 2, 4])
def test_items_of_many_queries_in_one_row_are_torchmetrics(metric: str, action: str, top_k: int | None) -> None:
    names = {"RetrievalMRR": "reciprocal_rank", "RetrievalHitRate": "hit_rate"}
    name = names.get(metric, metric.removeprefix("Retrieval").lower())
    rng = np.random.default_rng(1)
    scores, target, query = rng.random(60), rng.integers(0, 2, 60), rng.integers(-3, 9, 60)
    target[query == 4] = 0
    options = {"empty_target_action": action, "top_k": top_k}

    def ask() -> Any:
        import torch
        from torchmetrics import retrieval

        return getattr(retrieval, metric)(**options)(*map(torch.tensor, (scores, target, query)))

    tensors = {"prediction": scores, "target": target, "query": query}
    found = compute(f"retrieval_{name}", tensors, {"empty_target": action, "top_k": top_k})
    told = {"scores": scores, "target": target, "query": query, **options}
    equal(found.value, "torchmetrics", metric, told, ask, rtol=1e-6)
    assert found.count == len(set(query.tolist()))


@pytest.mark.parametrize("top_k", [None, 3])
def test_gains_of_many_queries_in_one_row_are_those_of_each(top_k: int | None) -> None:
    rng = np.random.default_rng(2)
    scores, target, query = rng.random(60).round(1), rng.integers(0, 4, 60), rng.integers(0, 9, 60)
    for name in ("dcg", "ndcg"):
        each = [
            compute(
                name, {"prediction": scores[None, query == q], "target": target[None, query == q]}, {"top_k": top_k}
            )
            for q in np.unique(query)
        ]
        tensors = {"prediction": scores, "target": target, "query": query}
        found = compute(name, tensors, {"top_k": top_k}).value
        assert found == pytest.approx(np.mean([one.value for one in each]), rel=1e-12)
    with pytest.raises(LossError, match="weights of queries"):
        compute("ndcg", tensors, weight=np.ones(60))
