"""Every loss that a library has under its own name is answered under that name, or refused with the reason."""

import inspect
import os
from types import ModuleType
from typing import Any

import pytest

from lossapi import like

os.environ.setdefault("KERAS_BACKEND", "torch")

NO_LOSSES = {"Loss", "deserialize", "get", "serialize"}
"""What keras.losses offers beside losses: a base class, and what makes losses of names."""

PRINTED = {
    "tf1": [
        "losses.sigmoid_cross_entropy",
        "nn.sigmoid_cross_entropy_with_logits",
        "losses.softmax_cross_entropy",
        "nn.softmax_cross_entropy_with_logits",
        "nn.sparse_softmax_cross_entropy_with_logits",
        "losses.hinge_loss",
        "nn.ctc_loss",
        "distributions.kl_divergence",
        "contrib.distributions.kl",
        "losses.mean_squared_error",
        "metrics.mean_squared_error",
        "metrics.mean_absolute_error",
    ],
    "keras": [
        "binary_crossentropy",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "hinge",
        "mean_squared_error",
        "mean_absolute_error",
    ],
}
"""The interfaces that the articles print."""

TF_LOSSES = [
    "absolute_difference",
    "cosine_distance",
    "hinge_loss",
    "huber_loss",
    "log_loss",
    "mean_pairwise_squared_error",
    "mean_squared_error",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
]
TF_NN = [
    "ctc_loss",
    "ctc_loss_v2",
    "l2_loss",
    "log_poisson_loss",
    "nce_loss",
    "sampled_softmax_loss",
    "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "sparse_softmax_cross_entropy_with_logits",
    "weighted_cross_entropy_with_logits",
]


KERAS_METRICS = """
    BinaryCrossentropy CategoricalCrossentropy CategoricalHinge ConcordanceCorrelation CosineSimilarity Hinge
    KLDivergence LogCoshError Mean MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError
    MeanSquaredLogarithmicError PearsonCorrelation Poisson R2Score RootMeanSquaredError SparseCategoricalCrossentropy
    SquaredHinge Sum
"""
TF_METRICS = """
    average_precision_at_k mean mean_absolute_error mean_cosine_distance mean_relative_error mean_squared_error
    mean_tensor percentage_below precision_at_k precision_at_top_k recall_at_k recall_at_top_k root_mean_squared_error
    sparse_average_precision_at_k sparse_precision_at_k
"""


def missing(library: str, names: list[str]) -> list[str]:
    """The names that are no preset."""
    return [name for name in names if name not in like.presets()[library]]


def public(module: ModuleType) -> list[str]:
    """What a module offers, modules and private names aside."""
    found: dict[str, Any] = vars(module)
    return sorted(name for name, value in found.items() if name[0] != "_" and not isinstance(value, ModuleType))


def test_every_loss_function_of_torch() -> None:
    functional = pytest.importorskip("torch.nn.functional")
    functions = {name: getattr(functional, name) for name in public(functional)}
    losses = [
        n for n, f in functions.items() if inspect.isfunction(f) and "reduction" in inspect.signature(f).parameters
    ]
    assert len(losses) >= 20
    assert missing("torch", losses) == []


def test_every_loss_of_keras() -> None:
    losses = pytest.importorskip("keras").losses
    assert missing("keras", [name for name in dir(losses) if name[0] != "_" and name not in NO_LOSSES]) == []


def test_every_loss_of_optax() -> None:
    losses = pytest.importorskip("optax").losses
    assert missing("optax", public(losses)) == []


def functions_of(module: ModuleType) -> list[str]:
    """The public functions that a module has, imported ones of its package too."""
    package = module.__name__.rpartition(".")[0]
    found = {name: value for name, value in vars(module).items() if name[0] != "_" and inspect.isfunction(value)}
    return sorted(name for name, value in found.items() if value.__module__.startswith(package))


def test_every_metric_of_regression_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    names = [name for name in functions_of(metrics._regression) if hasattr(metrics, name)]
    assert len(names) >= 17
    assert missing("sklearn", [*names, "log_loss", "brier_score_loss", "ndcg_score", "dcg_score"]) == []
    assert missing("sklearn", ["d2_log_loss_score", "d2_brier_score"]) == []


def test_every_metric_of_regression_of_torchmetrics() -> None:
    every = functions_of(pytest.importorskip("torchmetrics.functional.regression"))
    names = [name for name in every if name != "critical_success_index"]  # counts of classes
    assert len(names) >= 20
    assert missing("torchmetrics", names) == []


def test_every_metric_of_numbers_of_keras() -> None:
    assert missing("keras", [f"metrics.{name}" for name in KERAS_METRICS.split()]) == []


def test_every_metric_of_numbers_of_tensorflow_1() -> None:
    assert missing("tf1", [f"metrics.{name}" for name in TF_METRICS.split()]) == []


def test_every_loss_of_tensorflow_1() -> None:
    assert missing("tf1", [f"losses.{name}" for name in TF_LOSSES] + [f"nn.{name}" for name in TF_NN]) == []


@pytest.mark.parametrize("library", PRINTED)
def test_every_interface_that_the_articles_print(library: str) -> None:
    assert missing(library, PRINTED[library]) == []


def test_what_is_refused_says_why() -> None:
    every = [preset for functions in like.presets().values() for _, preset in functions.values()]
    assert all(len(preset.refused) > 20 for preset in every if preset.refused)
