"""Another library's names, defaults and conventions for one of our definitions, as data beside it.

    like=[
        torch("huber_loss(input, target, reduction='mean', delta=1.0, weight=None)"),
        *keras("huber(y_true, y_pred, delta=1.0)", "Huber"),
    ]

The text is the library's own signature. Arguments that a library always calls the same (`input`, `y_pred`) are
renamed for it; others in `rename`; what renaming cannot say is a `prepare` function on the renamed arguments.
`/v1/like`, the card's table of equivalents and the parity tests all read this.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lossapi.errors import ParameterError, UnknownKey, Unsupported, nearest
from lossapi.libraries import conventions, layouts

Arguments = conventions.Arguments
Prepare = conventions.Prepare
Align = conventions.Align
NAN = float("nan")
REQUIRED = object()


@dataclass(frozen=True)
class Library:
    """What holds for all functions of a library: usual names, values of `reduction`, a mean of nothing, weights."""

    name: str
    usual: Mapping[str, str]
    reductions: Mapping[Any, str]
    empty: float | None
    ignored: frozenset[str] = frozenset()
    align: Align | None = None


TORCH = Library(
    "torch",
    {"input": "prediction"},
    {"none": "none", "mean": "mean", "sum": "sum"},
    NAN,
)
KERAS = Library(
    "keras",
    {"y_true": "target", "y_pred": "prediction", "sample_weight": "weight"},
    {
        "sum_over_batch_size": "mean",
        "mean": "mean",
        "sum": "sum",
        "mean_with_sample_weight": "weighted_mean",
        "none": "none",
        None: "none",
    },
    0.0,
    frozenset({"name", "dtype"}),
    layouts.keras_align,
)
TF1 = Library(
    "tf1",
    {"labels": "target", "predictions": "prediction", "logits": "prediction", "weights": "weight"},
    {
        "weighted_sum": "sum",
        "weighted_mean": "weighted_mean",
        "weighted_sum_by_nonzero_weights": "nonzero_mean",
        "weighted_sum_over_batch_size": "mean",
        "weighted_sum_over_nonzero_weights": "nonzero_mean",
        "none": "none",
    },
    0.0,
    frozenset({"scope", "loss_collection", "name", "_sentinel"}),
    layouts.tf1_align,
)
OPTAX = Library(
    "optax",
    {"predictions": "prediction", "logits": "prediction", "targets": "target", "labels": "target"},
    {"none": "none"},
    NAN,
)
SKLEARN = Library("sklearn", {"y_true": "target", "y_pred": "prediction", "sample_weight": "weight"}, {}, None)
TORCHMETRICS = Library("torchmetrics", {"preds": "prediction"}, {}, None, frozenset({"validate_args"}))


@dataclass(frozen=True)
class Preset:
    """One function of one library, said in terms of the definition it stands beside."""

    library: Library
    function: str
    arguments: Mapping[str, Any]
    rename: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    prepare: Prepare | None = None
    tensors: tuple[str, ...] = ()
    sparse: tuple[str, ...] = ()
    reduction: str | None = None
    reductions: Mapping[Any, str] = field(default_factory=dict)
    mean_axes: int = 0
    unchecked: frozenset[str] = frozenset()
    differs: str = ""
    refused: str = ""

    def named(self, argument: str) -> str:
        """What we call one of the library's arguments."""
        return self.rename.get(argument, self.library.usual.get(argument, argument))

    def is_tensor(self, argument: str, inputs: frozenset[str]) -> bool:
        """Whether an argument holds a tensor: ours is one, or the preset says so."""
        return argument in self.tensors or self.named(argument) in inputs | {"weight"}

    def bind(self, given: Mapping[str, Any]) -> Arguments:
        """The library's own arguments, defaults filled in; an unknown or missing one is an error."""
        for name in given:
            if name not in self.arguments and name not in self.library.ignored:
                raise UnknownKey(nearest(name, self.arguments), f"unknown key {name!r}", (name,))
        bound = {name: given.get(name, default) for name, default in self.arguments.items()}
        missing = next((name for name, value in bound.items() if value is REQUIRED), None)
        if missing is not None:
            raise ParameterError(missing, "nothing", (missing,))
        return bound

    def translate(self, given: Mapping[str, Any]) -> Arguments:
        """The library's arguments as ours: tensors, parameters, and the options of a `Call`."""
        if self.refused:
            raise Unsupported(f"a function that can be reproduced ({self.refused})", self.function)
        bound = self.bind(given)
        ours: Arguments = {
            "reduction": self.reduction,
            "empty": self.library.empty,
            "mean_axes": self.mean_axes,
            "unchecked": self.unchecked,
            "align": self.library.align,
        }
        if "reduction" in bound and "reduction" not in self.rename:
            ours["reduction"] = self._reduction(bound.pop("reduction"))
        ours |= {self.named(name): value for name, value in bound.items()}
        ours = self.prepare(ours) if self.prepare else ours
        return {name: value for name, value in {**ours, **self.fixed}.items() if value is not None}

    def _reduction(self, value: Any) -> str:
        reductions = {**self.library.reductions, **self.reductions}
        try:
            return reductions[value]
        except (KeyError, TypeError):
            known = ", ".join(map(repr, reductions))
            raise ParameterError(f"reduction to be one of {known}", repr(value), ("reduction",)) from None


def signature(text: str) -> tuple[str, dict[str, Any]]:
    """Read `name(a, b, c=1)` into the name and its arguments with their defaults."""
    name, _, arguments = text.partition("(")
    parsed = ast.parse(f"def f({arguments.rstrip().removesuffix(')')}): ...").body[0]
    assert isinstance(parsed, ast.FunctionDef)
    found = parsed.args
    positional = [each.arg for each in found.posonlyargs + found.args]
    given = [REQUIRED] * (len(positional) - len(found.defaults)) + [ast.literal_eval(d) for d in found.defaults]
    keywords = {
        each.arg: REQUIRED if default is None else ast.literal_eval(default)
        for each, default in zip(found.kwonlyargs, found.kw_defaults, strict=True)
    }
    return name, dict(zip(positional, given, strict=True)) | keywords


def preset(library: Library, text: str, rename: Mapping[str, str] | None = None, **options: Any) -> Preset:
    """A preset from the library's own signature."""
    name, arguments = signature(text)
    return Preset(library, name, arguments, rename or {}, **options)


def torch(text: str, rename: Mapping[str, str] | None = None, **options: Any) -> Preset:
    """A function of torch.nn.functional."""
    return preset(TORCH, text, rename, **options)


def optax(text: str, rename: Mapping[str, str] | None = None, **options: Any) -> Preset:
    """A function of optax.losses; these never reduce."""
    return preset(OPTAX, text, rename, **{"reduction": "none", **options})


def sklearn(text: str, rename: Mapping[str, str] | None = None, **options: Any) -> Preset:
    """A function of sklearn.metrics."""
    return preset(SKLEARN, text, rename, **options)


def torchmetrics(text: str, rename: Mapping[str, str] | None = None, **options: Any) -> Preset:
    """A function of torchmetrics.functional, by the name it has there or in one of its modules."""
    return preset(TORCHMETRICS, text, rename, **options)


def keras_metric(text: str, rename: Mapping[str, str] | None = None, **options: Any) -> Preset:
    """A metric of keras.metrics, `metrics.NAME`: a class with the arguments of its constructor and of one update."""
    return preset(KERAS, text, rename, **options)


def tf1(text: str, rename: Mapping[str, str] | None = None, **options: Any) -> Preset:
    """A function of TensorFlow 1: `losses.…` (weights, reduction by non-zero weights) or `nn.…` (never reduced)."""
    usual = {"reduction": "none"} if text.startswith("nn.") else {}
    if text.startswith("losses."):
        options["prepare"] = conventions.steps(layouts.tf1_weights, options.get("prepare"))
    return preset(TF1, text, rename, **{**usual, **options})


def keras(
    text: str,
    class_name: str,
    rename: Mapping[str, str] | None = None,
    *,
    aliases: tuple[str, ...] = (),
    pair: Prepare = layouts.keras_pair,
    metric: str | None = None,
    **options: Any,
) -> tuple[Preset, ...]:
    """A loss function of keras.losses and its class; the class of keras.metrics too, if there is a `metric` of it.

    The function averages over the last axis and no further, where `mean_axes` is 1 (`pair` lays both tensors out
    for that); the class reduces what the function gives, under `sample_weight` and `reduction`; the metric divides by
    the sum of the weights.
    """
    name, arguments = signature(text)
    if options.get("mean_axes"):
        options["prepare"] = conventions.steps(options.get("prepare"), pair)
    called = {"sample_weight": None, "reduction": "sum_over_batch_size"}
    functions = [
        Preset(KERAS, each, arguments, rename or {}, **{"reduction": "none", **options}) for each in (name, *aliases)
    ]
    classes = [Preset(KERAS, class_name, {**arguments, **called}, rename or {}, **options)]
    if metric is not None:
        updated = {**arguments, "sample_weight": None}
        options = {**options, "reduction": "weighted_mean"}
        classes.append(Preset(KERAS, f"metrics.{metric}", updated, rename or {}, **options))
    return (*functions, *classes)
