"""One file a definition: its name stands in no other source file, neither as an identifier nor as a string."""

import ast
import builtins
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

import lossapi
from lossapi.combination import Combination
from lossapi.definition import Definition, Primitive
from lossapi.libraries import presets
from lossapi.parameters import Reduction
from tests.laws.every import DEFINITIONS

ROOT = Path(lossapi.__file__).parents[1]


@cache
def words() -> Mapping[Path, frozenset[str]]:
    """The identifiers and whole strings of every source file, prose aside; presets speak other libraries' words."""
    files = {*(ROOT / "lossapi").rglob("*.py"), *(ROOT / "service").rglob("*.py")} - {Path(presets.__file__)}
    return {path: frozenset(words_of(path.read_text())) for path in files}


def words_of(text: str) -> Iterator[str]:
    """Identifiers and whole strings."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef(name=word) | ast.ClassDef(name=word) | ast.alias(name=word):
                yield word
            case ast.Name(id=word) | ast.Constant(value=str(word)):
                yield word


def stands_alone(name: str, homes: frozenset[Path], sources: Mapping[Path, frozenset[str]]) -> None:
    """No file but these says the name."""
    others = [path for path, said in sources.items() if name in said and path not in homes]
    assert not others, f"{name} also stands in {', '.join(map(str, others))}"


def home(definition: Definition) -> Path:
    """Where a definition is written."""
    if isinstance(definition, Primitive):
        function = inspect.unwrap(definition.reading or definition.map.function)
        return Path(inspect.getsourcefile(function) or "")
    assert isinstance(definition, Combination)
    return Path(inspect.getsourcefile(definition.function) or "")


COMMON = frozenset({*dir(builtins), *get_args(Reduction)})
"""Names that are Python's own, or those of reductions: every file may say them."""


@pytest.mark.parametrize("name", sorted({definition.name for definition in DEFINITIONS} - COMMON))
def test_a_name_stands_in_one_file(name: str) -> None:
    naming = (each for each in DEFINITIONS if each.name == name or isinstance(each, Combination))
    stands_alone(name, frozenset(map(home, naming)), words())  # a combination names its terms


def test_a_name_in_a_table_elsewhere_is_caught() -> None:
    dent, table = Path("losses/dent.py"), Path("registry.py")
    sources = {dent: frozenset(words_of("def dent(): ...")), table: frozenset(words_of('TABLE = {"dent": 1}'))}
    with pytest.raises(AssertionError, match=r"registry\.py"):
        stands_alone("dent", frozenset({dent}), sources)
    stands_alone("dent", frozenset({dent}), {table: frozenset(words_of('TABLE = {"dented": "a dent"}'))})
