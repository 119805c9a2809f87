"""How torchmetrics reads labels and scores: by a task that is always said, here in words of ours.

Each of its metrics has a function per task (`binary_…`, `multiclass_…`, `multilabel_…`) and one that takes the task as
an argument. Scores outside [0, 1] are refused, where torchmetrics takes them for logits.
"""

from collections.abc import Callable
from typing import Any

from lossapi.domains import Array
from lossapi.errors import DomainError, DtypeError, ParameterError, ShapeError, Unsupported
from lossapi.functions import namespace
from lossapi.libraries.conventions import steps
from lossapi.libraries.presets import Prepare, Preset, torchmetrics
from lossapi.maps.sklearn_labels import in_our_words

Arguments = dict[str, Any]

DIFFERS = "scores outside [0, 1] are refused: they are not taken for logits, pass their sigmoid or softmax"
ROWS = "multidim_average='global', ignore_index=None"
STATISTICS = {
    "binary": f"threshold=0.5, {ROWS}",
    "multiclass": f"num_classes, average='macro', top_k=1, {ROWS}",
    "multilabel": f"num_labels, threshold=0.5, average='macro', {ROWS}",
    "": f"task, threshold=0.5, num_classes=None, num_labels=None, average='micro', top_k=1, {ROWS}",
}
"""The arguments of most of its ratios, under each task and under any."""


def by_task(
    name: str,
    arguments: dict[str, str],
    *,
    first: str = "",
    last: str = "",
    prepare: Prepare | None = None,
    before: Prepare | None = None,
    averages: bool = True,
    differs: str = DIFFERS,
    **options: Any,
) -> tuple[Preset, ...]:
    """The functions of one metric: `arguments` after preds and target by task, more of them at either end.

    `before` is a step on the arguments as they come, `prepare` one on those laid out for us. Where the metric has
    `averages`, two classes have the binary one.
    """
    found = []
    for task, own in arguments.items():
        text = ", ".join(each for each in ("preds, target", first, own, last) if each)
        function = f"{task}_{name}" if task else name
        step = steps(before, as_task(task, averages), prepare)
        found.append(torchmetrics(f"{function}({text})", prepare=step, differs=differs, **options))
    return tuple(found)


def as_task(task: str, averages: bool = True) -> Prepare:
    """Labels and scores as a task has them; which, an argument may say."""

    def lay_out(arguments: Arguments) -> Arguments:
        given = in_our_words(arguments)
        said = task or given.pop("task", None)
        if said not in TASKS:
            raise ParameterError(f"task one of {', '.join(TASKS)}", repr(said), ("task",))
        global_only(given)
        binary_average = {"average": "binary"} if averages and said == "binary" else {}
        return {**TASKS[said](given), "task": said, **binary_average}

    return lay_out


def global_only(given: Arguments) -> None:
    """Refuse what is not done: one value for each row, more than the highest score."""
    if given.pop("multidim_average", "global") != "global":
        raise Unsupported('multidim_average "global"', "samplewise", ("multidim_average",))
    if given.pop("top_k", 1) != 1:
        raise Unsupported("top_k 1", "more", ("top_k",))


def binary(given: Arguments) -> Arguments:
    """Elements in a row, of one shape; scores within [0, 1]."""
    prediction, target = given["prediction"], given["target"]
    alike(prediction, target)
    probabilities(prediction)
    xp = namespace(target)
    kept = without(given, "num_classes", "num_labels")
    flat = {"prediction": xp.reshape(prediction, (-1,)), "target": xp.reshape(target, (-1,))}
    return {**kept, **flat}


def multiclass(given: Arguments) -> Arguments:
    """Labels of one shape, or scores with a class axis more."""
    prediction, target = given["prediction"], given["target"]
    floating = namespace(prediction).isdtype(prediction.dtype, "real floating")
    classes = given.get("num_classes")
    if floating != (prediction.ndim == target.ndim + 1):
        raise DtypeError("preds as integers, or as floats with a class axis more", f"dtype {prediction.dtype}")
    if floating and classes is not None and prediction.shape[1] != classes:
        raise ShapeError(f"preds with {classes} classes", f"shape {prediction.shape}", ("prediction",))
    if not floating:
        alike(prediction, target)
    if classes is None and given.get("average") != "micro":
        raise ParameterError("num_classes", "nothing", ("num_classes",))
    return without(given, "num_labels", "threshold")


def multilabel(given: Arguments) -> Arguments:
    """The labels' axis, which comes second, moved last, and the other axes before it laid flat."""
    prediction, target, labels = given["prediction"], given["target"], given.get("num_labels")
    alike(prediction, target)
    probabilities(prediction)
    if labels is None:
        raise ParameterError("num_labels", "nothing", ("num_labels",))
    if target.ndim < 2 or target.shape[1] != labels:
        raise ShapeError(f"{labels} labels along the second axis", f"shape {target.shape}", ("target",))
    xp = namespace(target)
    flat = {n: xp.reshape(xp.moveaxis(given[n], 1, -1), (-1, labels)) for n in ("prediction", "target")}
    return {**without(given, "num_classes", "num_labels"), **flat}


TASKS: dict[str, Callable[[Arguments], Arguments]] = {
    "binary": binary,
    "multiclass": multiclass,
    "multilabel": multilabel,
}


def scored(arguments: Arguments) -> Arguments:
    """Probabilities, never labels; thresholds as a list; classes are counted on their axis."""
    prediction, xp = arguments["prediction"], namespace(arguments["prediction"])
    if not xp.isdtype(prediction.dtype, "real floating"):
        raise DtypeError("preds of a floating dtype", f"dtype {prediction.dtype}", ("prediction",))
    probabilities(prediction)
    limits = arguments.get("thresholds")
    listed = limits if limits is None or isinstance(limits, int) else [float(each) for each in limits]
    if isinstance(listed, list) and (listed != sorted(listed) or not 0.0 <= min(listed) <= max(listed) <= 1.0):
        raise ParameterError("thresholds within [0, 1], in order", repr(listed), ("thresholds",))
    average = {"average": arguments["average"] or "none"} if "average" in arguments else {}
    return {**without(arguments, "num_classes"), "thresholds": listed, **average}


def not_macro(arguments: Arguments) -> Arguments:
    """A curve of all classes together, or one of each; torchmetrics' mean of curves is not made."""
    if arguments.get("average") == "macro":
        raise Unsupported('average "micro" or null', "macro", ("average",))
    return arguments if arguments["task"] == "multiclass" else without(arguments, "average")


def alike(prediction: Array, target: Array) -> None:
    """Refuse unlike shapes."""
    if prediction.shape != target.shape:
        raise ShapeError(f"target of shape {prediction.shape}", f"shape {target.shape}", ("target",))


def probabilities(prediction: Array) -> None:
    """Refuse scores that torchmetrics would take for logits."""
    xp = namespace(prediction)
    if xp.isdtype(prediction.dtype, "real floating") and not xp.all((prediction >= 0.0) & (prediction <= 1.0)):
        got = "values outside (logits are not guessed: pass their sigmoid)"
        raise DomainError("probabilities in [0, 1]", got, ("prediction",))


def without(given: Arguments, *names: str) -> Arguments:
    """The arguments but some."""
    return {name: value for name, value in given.items() if name not in names}
