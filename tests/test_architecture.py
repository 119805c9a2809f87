"""The shape of the sources: what may import what, how long things are, what every definition says of itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for top in ("lossapi", "service") for path in (ROOT / top).rglob("*.py"))
KERNELS = [path for path in SOURCES if path.parent.name in ("losses", "maps", "metrics")]
HEAVY = ("fastapi", "starlette", "uvicorn", "onnx", "onnxruntime", "ndonnx", "spox")
LONGEST_FILE, LONGEST_BODY, LONGEST_KERNEL = 300, 40, 15

Function = ast.FunctionDef | ast.AsyncFunctionDef


def named(path: Path) -> str:
    """The path from the root, as an id."""
    return str(path.relative_to(ROOT))


every_source = pytest.mark.parametrize("path", SOURCES, ids=named)
every_kernel_file = pytest.mark.parametrize("path", KERNELS, ids=named)


def functions(path: Path) -> Iterator[Function]:
    """Every function of a file."""
    yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, Function))


def is_kernel(path: Path, function: Function) -> bool:
    """Whether a function is a map or a reading: what is declared, or gives rows or sums."""
    gives = ast.unparse(function.returns or ast.Constant(None)).partition("[")[0]
    return path in KERNELS and (bool(function.decorator_list) or gives in ("Rows", "Sums"))


def body_length(function: Function) -> int:
    """The lines of a body, its docstring aside."""
    documented = ast.get_docstring(function) is not None
    body = function.body[1:] if documented else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def imported(path: Path) -> set[str]:
    """The packages that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.split(".")[0] for name in plain | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}}


def test_imports_point_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0


@pytest.mark.parametrize("entry", ["import lossapi", "from lossapi import like; like.presets()"])
def test_the_core_loads_no_web_framework_and_no_onnx(entry: str) -> None:
    script = f"import sys; {entry}; print(*set({HEAVY}) & sys.modules.keys())"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


@every_kernel_file
def test_kernels_know_no_array_library(path: Path) -> None:
    assert not imported(path) & {"numpy", "ml_dtypes", "array_api_strict", "torch", "jax", *HEAVY}


@every_source
def test_files_are_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines < LONGEST_FILE


@every_source
def test_bodies_are_short(path: Path) -> None:
    most = {each.name: LONGEST_KERNEL if is_kernel(path, each) else LONGEST_BODY for each in functions(path)}
    assert {each.name for each in functions(path) if body_length(each) > most[each.name]} == set()


@every_source
def test_modules_and_what_they_offer_are_documented(path: Path) -> None:
    tree = ast.parse(path.read_text())
    public = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    assert ast.get_docstring(tree) is not None
    assert [node.name for node in public if ast.get_docstring(node) is None] == []
