"""NumPy against ONNX Runtime and fused loops, from small to large: the table by which `backend: auto` chooses.

Processor time, so that a busy machine disturbs little: the least of several turns, the sides in alternation.
A line of the table says from which size on a backend was faster by a tenth at least, here and at all larger ones; fused
loops have to be faster than either of the others.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path as File
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

import lossapi
from benchmarks import inputs
from benchmarks.cases import as_they_are, distributions
from benchmarks.inputs import Arrays, Maker, Size
from lossapi import registry
from lossapi.backends import choice, providers
from lossapi.definition import Kind, Primitive
from lossapi.errors import LossError, Unsupported

TABLE = File(lossapi.__file__).parent / "backends" / "measured.json"
SIZES = (1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 19, 1 << 20, 1 << 22)
RETURNS: Mapping[bool, tuple[str, ...]] = {False: ("value",), True: ("value", "gradient")}
BACKENDS = ("numpy", "onnx", "fused")
"""In the order in which one has to be faster than those before it."""

Times = Mapping[int, Mapping[str, float]]
"""Of each size, the time of each backend."""

MARGIN = 0.9
THREADS = 2

FREE = ("blank", "zero_infinity")
"""Parameters that are no numbers with a fraction, and yet choose no path."""

LOGITS: Mapping[str, Any] = {"from_logits": True}


@dataclass(frozen=True)
class Case:
    """One loss or metric with its inputs."""

    name: str
    make: Maker
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind = "loss"
    arrange: Callable[[Arrays], Mapping[str, Any]] = as_they_are

    @cached_property
    def definition(self) -> Primitive:
        """The loss or metric itself."""
        found = registry.get(self.kind, self.name)
        assert isinstance(found, Primitive)
        return found


def cases() -> Iterator[Case]:
    """Every loss, and every metric that adds up sums or moments, that takes inputs of a kind that is made here."""
    whole: list[tuple[Kind, list[tuple[Maker, Mapping[str, Any], str]]]] = [("loss", KINDS), ("metric", METRICS)]
    for kind, groups in whole:
        for make, parameters, names in groups:
            for name in names.split():
                yield Case(name, make, parameters, kind)
    yield Case("distribution_kl_divergence", inputs.normals, arrange=distributions)


KINDS: list[tuple[Maker, Mapping[str, Any], str]] = [
    (inputs.pairs, {}, "mean_squared_error mean_absolute_error half_squared_error huber smooth_l1 log_cosh pinball"),
    (inputs.pairs, {}, "l1_norm l2_norm cosine_similarity mean_absolute_percentage_error"),
    (inputs.probabilities, {}, "binary_cross_entropy binary_focal dice tversky focal_tversky jaccard mcc poisson_nll"),
    (inputs.logits, LOGITS, "binary_cross_entropy binary_focal dice tversky jaccard"),
    (inputs.signs, {}, "hinge squared_hinge soft_margin perceptron hinge_embedding"),
    (inputs.class_logits, LOGITS, "cross_entropy focal generalized_cross_entropy poly_cross_entropy"),
    (inputs.dense_logits, LOGITS, "cross_entropy"),
    (inputs.class_probabilities, {}, "cross_entropy focal generalized_cross_entropy poly_cross_entropy"),
    (inputs.dense_probabilities, {}, "cross_entropy kl_divergence generalized_kl_divergence"),
    (inputs.class_logits, {}, "categorical_hinge multi_margin sparsemax multiclass_sparsemax nll"),
    (inputs.one_hot_probabilities, {}, "multiclass_dice generalized_dice"),
    (inputs.one_hot_logits, LOGITS, "multiclass_dice generalized_dice"),
    (inputs.embedding_pairs, {}, "contrastive"),
    (inputs.triplets, {}, "triplet_margin"),
    (inputs.centers, {}, "center"),
    (inputs.faces, {}, "sphereface cosface arcface"),
    (inputs.sequences, {}, "ctc"),
    (inputs.sequences, {"normalize": False, "softmax_gradient": True}, "ctc"),
    (inputs.sequences, {"normalize": False, "softmax_gradient": True, "per_label": True}, "ctc"),
]

METRICS: list[tuple[Maker, Mapping[str, Any], str]] = [
    (
        inputs.pairs,
        {},
        "mean_squared_error root_mean_squared_error mean_absolute_error mean_pinball_loss log_cosh_error",
    ),
    (inputs.pairs, {}, "mean_absolute_percentage_error symmetric_mean_absolute_percentage_error"),
    (inputs.pairs, {}, "weighted_mean_absolute_percentage_error minkowski_distance"),
    (inputs.pairs, {}, "r2 explained_variance relative_squared_error pearson_corrcoef concordance_corrcoef"),
    (inputs.probabilities, {}, "mean_squared_log_error root_mean_squared_log_error poisson poisson_deviance"),
    (inputs.probabilities, {}, "dice_coefficient log_loss brier_score"),
    (inputs.class_probabilities, {}, "log_loss brier_score"),
]


def size_of(elements: int) -> Size:
    """How much of everything comes to that many elements."""
    time = min(300, elements // 200)
    rows, sequences = max(2, elements // 100), max(2, elements // 30_000)
    return Size(elements, rows=rows, sequences=sequences, time=time, length=min(30, time // 4))


def milliseconds(call: Callable[[], Any]) -> float:
    """The processor time of one call, all threads together."""
    began = time.process_time()
    call()
    return (time.process_time() - began) * 1000


def sides(case: Case, arrays: Arrays, turns: int, gradient: bool) -> dict[str, float]:
    """The least time of each backend that computes a case, all of them giving the same value."""

    wrt = differentiated(case, arrays) if gradient else None

    def call(backend: str) -> Callable[[], Any]:
        options = {"threads": THREADS, "backend": backend, "returns": RETURNS[gradient], "wrt": wrt}
        return lambda: lossapi.compute(case.definition, case.arrange(arrays), case.parameters, **options)

    calls, values = {}, {}
    for backend in BACKENDS:
        with suppress(Unsupported):
            values[backend] = call(backend)().value
            calls[backend] = call(backend)
    if not all(np.allclose(values["numpy"], each, rtol=1e-3) for each in values.values()):
        raise ValueError(f"{case.name}: {values}")
    times = [{backend: milliseconds(each) for backend, each in calls.items()} for _ in range(turns)]
    return {backend: min(each[backend] for each in times) for backend in calls}


def differentiated(case: Case, arrays: Arrays) -> list[str] | None:
    """What the gradient is taken by: all tensors, or the first alone where a loop gives no more."""
    tensors = case.arrange(arrays)
    for wrt in (None, [next(iter(tensors))]):
        with suppress(Unsupported):
            lossapi.compute(case.definition, tensors, case.parameters, backend="fused", returns=RETURNS[True], wrt=wrt)
            return wrt
    return None


def when(case: Case) -> dict[str, Any]:
    """The parameters that choose a path in the kernel: all but numbers."""
    definition = case.definition
    given = vars(definition.parameters.model_validate(dict(case.parameters)))
    found = {name: given[name] for name in definition.map.parameters if not isinstance(given[name], float)}
    return {name: value for name, value in found.items() if name not in FREE}


def threshold(times: Times, backend: str) -> int | None:
    """From which size on a backend is faster than the ones before it by the margin."""
    before = BACKENDS[: BACKENDS.index(backend)]
    faster = [
        size
        for size, each in sorted(times.items())
        if backend in each and each[backend] <= MARGIN * min(each[other] for other in before if other in each)
    ]
    slower = [size for size in times if size not in faster]
    left = [size for size in faster if size > max(slower, default=0)]
    return left[0] if left else None


def measure(case: Case, dtype: str, sizes: tuple[int, ...], gradient: bool) -> Times:
    """The times of one case over all sizes."""
    times = {}
    for size in sizes:
        arrays = case.make(np.random.default_rng(7), size_of(size))
        cast = {name: array.astype(dtype) if array.dtype.kind == "f" else array for name, array in arrays.items()}
        times[max(each.size for each in cast.values())] = sides(case, cast, 3 if size > 1 << 18 else 9, gradient)
    return times


def main(*, quick: bool) -> int:
    """Measure every case, print it, and write the table (not when quick)."""
    sizes = SIZES[:2] if quick else SIZES
    provider = providers.running()
    print(f"\nBackends: NumPy {np.__version__}, ONNX Runtime {onnxruntime.__version__} on {provider}, fused loops")
    print(f"processor ms, {' / '.join(BACKENDS)}, for " + ", ".join(f"{size:,}" for size in sizes) + " elements")
    found: dict[str, dict[Path, list[int | None]]] = {provider: {}, choice.FUSED: {}}
    for case, dtype, gradient in product(cases(), ("float32", "float64"), RETURNS):
        if gradient and not case.definition.differentiable:
            continue
        try:
            times = measure(case, dtype, sizes, gradient)
        except LossError as error:
            print(f"{case.name:<34}{dtype} {error}")
            continue
        path = Path(case.name, dtype, gradient, json.dumps(when(case)))
        for name, backend in ((provider, "onnx"), (choice.FUSED, "fused")):
            found[name].setdefault(path, []).append(threshold(times, backend))
        cells = "".join(
            " |" + "".join(f"{each.get(name, np.nan):8.2f}" for name in BACKENDS) for each in times.values()
        )
        label = f"{case.name:<34}{dtype} {'gradient' if gradient else 'value':<9}{case.make.__name__:<22}"
        least = ", ".join(f"{name} from {threshold(times, name) or '—'}" for name in BACKENDS[1:])
        print(f"{label}{cells}   {least}", flush=True)
    if not quick:
        for name, lines in found.items():
            write(name, lines)
    return 0


class Path(NamedTuple):
    """What one line of the table speaks of."""

    loss: str
    dtype: str
    gradient: bool
    when: str


def write(provider: str, found: Mapping[Path, list[int | None]]) -> None:
    """The table, that of other providers kept; inputs that one line speaks of together have to agree."""
    table = json.loads(TABLE.read_text()) if TABLE.is_file() else {}
    lines: dict[str, list[dict[str, Any]]] = {}
    for path, thresholds in found.items():
        if None not in thresholds:
            least = max(each for each in thresholds if each is not None)
            entry = {"when": json.loads(path.when), "dtype": path.dtype, "gradient": path.gradient, "elements": least}
            lines.setdefault(path.loss, []).append(entry)
    text = json.dumps({**table, provider: lines}, indent=1)
    TABLE.write_text(re.sub(r"\{\s*(\"when\"[^}]*\}[^}]*?)\s*\}", one_line, text) + "\n")


def one_line(match: re.Match[str]) -> str:
    """One line of the table on a line of its own."""
    return "{" + re.sub(r"\s*\n\s*", " ", match[1]).replace("{ ", "{").replace(" }", "}") + "}"
