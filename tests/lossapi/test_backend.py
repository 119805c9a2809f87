"""Which backend runs, on which provider, and what is said where one does not."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lossapi import compute
from lossapi.backends import choice, providers
from lossapi.errors import LossError, ParameterError, Unsupported

ARRAYS = {"prediction": np.array([0.0, 3.0]), "target": np.zeros(2)}
needs_onnx = pytest.mark.skipif(not providers.installed(), reason="needs onnx and onnxruntime")

WITHOUT = """
import sys
sys.modules["onnxruntime"] = sys.modules["onnx"] = None
import numpy as np
from lossapi import LossError, compute, export, find
arrays = {"prediction": np.array([0.0, 3.0]), "target": np.zeros(2)}
assert compute("huber", arrays).value == compute("huber", arrays, backend="numpy").value == 1.25
for attempt in (lambda: compute("huber", arrays, backend="onnx"), lambda: export.export(find("huber"))):
    try:
        attempt()
    except LossError as error:
        print(error.code, error)
"""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Ask for the CPU again."""
    yield
    if providers.installed():
        providers.configure([])


def test_without_onnxruntime_numpy_serves_and_the_others_say_how_to_get_it() -> None:
    code = WITHOUT.replace("from lossapi import LossError", "import lossapi.export\nfrom lossapi import LossError")
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(told) == 2
    for line in told:
        assert line.startswith("unsupported")
        assert 'pip install "lossapi[onnx]"' in line


def test_importing_the_core_loads_no_onnx() -> None:
    code = "import sys, lossapi; sys.exit(bool({'onnx', 'onnxruntime'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(ParameterError, match="one of auto, numpy, onnx"):
        compute("huber", ARRAYS, backend="cuda")


@needs_onnx
def test_the_result_says_what_ran() -> None:
    ran = compute("huber", ARRAYS, backend="onnx")
    assert (ran.value, ran.backend, ran.provider) == (1.25, "onnx", providers.CPU)


@needs_onnx
def test_a_parameter_held_against_sizes_is_refused_by_either_backend() -> None:
    arrays = {"prediction": np.zeros((1, 3, 2)), "target": np.array([[1]])}
    for backend in ("numpy", "onnx"):
        with pytest.raises(LossError, match="blank"):
            compute("ctc", arrays, {"blank": 5}, backend=backend)


@needs_onnx
def test_another_number_needs_no_other_session() -> None:
    from lossapi.backends import onnx

    compute("huber", ARRAYS, {"delta": 1.0}, backend="onnx")
    before = len(onnx._sessions)
    values = [compute("huber", ARRAYS, {"delta": delta}, backend="onnx").value for delta in (0.5, 2.0, 4.0)]
    assert values == [compute("huber", ARRAYS, {"delta": delta}).value for delta in (0.5, 2.0, 4.0)]
    assert len(onnx._sessions) == before


@needs_onnx
def test_few_sessions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from lossapi.backends import onnx

    monkeypatch.setattr(onnx, "SESSIONS", 2)
    for trailing in range(1, 5):
        arrays = {name: np.ones((2, 3) + (2,) * trailing) / 3 for name in ("prediction", "target")}
        compute("cross_entropy", arrays, backend="onnx")
    assert len(onnx._sessions) <= 2


@needs_onnx
def test_an_empty_batch_sums_to_nothing() -> None:
    empty = {"prediction": np.zeros(0), "target": np.zeros(0)}
    assert compute("huber", empty, reduction="sum", backend="onnx").value == 0.0


@needs_onnx
def test_a_provider_that_is_not_there_is_passed_over_or_required() -> None:
    assert providers.configure(["CUDAExecutionProvider", "CPUExecutionProvider"]) == providers.CPU
    with pytest.raises(Unsupported, match="CUDAExecutionProvider"):
        providers.configure(["CUDAExecutionProvider"], "require")
    assert providers.configure(["CPUExecutionProvider"], "require") == providers.CPU


@needs_onnx
def test_auto_follows_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"when": {}, "dtype": "float64", "elements": 2}
    monkeypatch.setattr(choice, "measured", lambda: {providers.CPU: {"huber": [line]}})
    monkeypatch.setattr(choice, "least", lambda: 0)
    assert compute("huber", ARRAYS).backend == "onnx"
    assert compute("huber", {name: array[:1] for name, array in ARRAYS.items()}).backend == "numpy"
    assert compute("huber", {n: a.astype(np.float32) for n, a in ARRAYS.items()}).backend == "numpy"
    assert compute("mean_squared_error", ARRAYS).backend == "numpy"


@pytest.mark.parametrize(("asked", "entry"), [({"from_logits": True}, True), ({"from_logits": False}, False)])
def test_a_line_of_the_table_speaks_of_its_parameters_alone(asked: dict[str, Any], entry: bool) -> None:
    line = {"when": {"from_logits": True}, "dtype": "float32", "elements": 10}
    assert choice.fits(line, choice.Work("any", {**asked, "gamma": 2.0}, "float32", 10)) is entry
