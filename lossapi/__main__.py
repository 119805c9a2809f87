"""The command: `lossapi serve`, `list`, `compute`, `key`, `warm`, `check`."""

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lossapi import __version__, describe, engine, registry, warming, workers
from lossapi.backends import choice, providers
from lossapi.codecs import CODECS, json
from lossapi.codecs.codec import Limits
from lossapi.codecs.tensors import tensor
from lossapi.definition import Definition
from lossapi.domains import Array
from lossapi.errors import LossError, ParameterError
from lossapi.evaluation import of_tables
from lossapi.loops import build
from lossapi.request import as_call
from lossapi.tables import files


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error of the input is one line on standard error and status 1."""
    given, rest = _parser().parse_known_args(arguments)
    if rest and given.command is not compute:
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        given.command(given, rest)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (LossError, OSError) as error:
        print(f"lossapi: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("lossapi", description="Machine-learning losses and metrics over HTTP.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    server = commands.add_parser("serve", help="start the server (settings: LOSSAPI_… environment variables)")
    for name, kind in (("host", str), ("port", int), ("workers", int)):
        server.add_argument(f"--{name}", type=kind)
    server.set_defaults(command=serve)
    listing = commands.add_parser("list", help="list all losses and metrics")
    listing.set_defaults(command=list_)
    computing = commands.add_parser("compute", help="compute one loss or metric of a file, without a server")
    computing.add_argument("name", metavar="NAME", help="such as huber, or metrics.mean_squared_error")
    computing.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="the tensors by name: .json, .npz, .safetensors, .msgpack; or a table: .csv, .parquet",
    )
    computing.set_defaults(command=compute)
    keys = commands.add_parser("key", help="make an API key and print it, this once")
    keys.add_argument("name", metavar="NAME", help="whose key it is; one of that name is replaced")
    keys.add_argument("--scope", action="append", choices=("compute", "streams", "admin", "metrics"))
    keys.add_argument("--requests", type=int, help="most requests in each window")
    keys.add_argument("--seconds", type=float, default=60.0, help="how long a window is (60)")
    keys.add_argument("--file", type=Path, help="the file of keys (LOSSAPI_KEYS_FILE)")
    keys.set_defaults(command=key)
    warming_up = commands.add_parser("warm", help="compile the loops of every loss ahead (backend fused)")
    warming_up.add_argument("--portable", action="store_true", help="for every kind of processor of this architecture")
    warming_up.set_defaults(command=warm)
    checking = commands.add_parser("check", help="print versions and what can compute here")
    checking.set_defaults(command=check)
    return parser


def serve(given: argparse.Namespace, rest: Sequence[str]) -> None:
    """Start the server."""
    from service.server import serve as start
    from service.settings import read_settings, variable

    for name in ("host", "port", "workers"):
        if getattr(given, name) is not None:
            os.environ[variable(name)] = str(getattr(given, name))
    start(read_settings())


def list_(given: argparse.Namespace, rest: Sequence[str]) -> None:
    """One line for each definition."""
    for definition in registry.catalogue().values():
        head = describe.summary(definition)
        print(f"{definition.kind:7} {definition.name:32} {definition.family:15} {head['summary']}")


def compute(given: argparse.Namespace, rest: Sequence[str]) -> None:
    """Compute one definition of the tensors in a file; `--delta 2` sets a parameter."""
    definition = registry.find(given.name)
    if any(given.file.suffix == form.suffix for form in files.FORMS.values()):
        print(json.encode(compute_table(definition, given.file, read_options(rest))).decode())
        return
    tensors = {each.name for each in definition.inputs} | {"weight"}
    request = {**read_file(given.file, tensors), **read_options(rest)}
    print(json.encode(engine.run(as_call(definition, request)).reply()).decode())


def compute_table(definition: Definition, path: Path, options: dict[str, Any]) -> dict[str, Any]:
    """One definition of the columns of a table, with a bar on a terminal; `--columns` maps tensors to columns."""
    table = files.of_file(path)
    if not path.exists():
        raise FileNotFoundError(2, "No such file", str(path))
    if not sys.stderr.isatty():
        return of_tables.compute(definition, table, options)
    from tqdm import tqdm

    with tqdm(unit=" rows", unit_scale=True, total=table.rows, file=sys.stderr) as bar:
        return of_tables.compute(definition, table, options, bar.update)


def read_file(path: Path, tensors: set[str]) -> dict[str, Any]:
    """The tensors of a file by name, and parameters beside them: the same codecs that read a request."""
    codec = next((each for each in CODECS.values() if each.suffix == path.suffix), None)
    if codec is None:
        raise ParameterError(f"a file ending in {' or '.join(each.suffix for each in CODECS.values())}", path.name)
    given = codec.decode(path.read_bytes(), Limits(sys.maxsize))
    return {name: _tensor(name, value) if name in tensors else value for name, value in given.items()}


def _tensor(name: str, value: Any) -> Array:
    """A tensor whose faults are placed under its name."""
    try:
        return tensor(value)
    except LossError as error:
        raise error.within(name) from None


def read_options(rest: Sequence[str]) -> dict[str, Any]:
    """`--name value` pairs, each value read as JSON where it is JSON."""
    options: dict[str, Any] = {}
    words = iter(rest)
    for word in words:
        name, equals, text = word.removeprefix("--").partition("=")
        value = text if equals else next(words, None)
        if not word.startswith("--") or value is None:
            raise ParameterError("--name value", word)
        name = name.replace("-", "_")
        options[name] = json.value_of(value, name)
    return options


def key(given: argparse.Namespace, rest: Sequence[str]) -> None:
    """Make an API key; the file keeps its hash alone."""
    from service.keys import make
    from service.quota import Quota
    from service.settings import read_settings, variable

    path = given.file or read_settings().keys_file
    if path is None:
        raise ParameterError(f"--file, or {variable('keys_file')}", "neither")
    quota = None if given.requests is None else Quota(given.requests, given.seconds)
    print(make(path, given.name, given.scope or ["compute"], quota))


def warm(given: argparse.Namespace, rest: Sequence[str]) -> None:
    """Compile every loop, and say where they are."""
    print(f"{warming.warm(build.kinds() if given.portable else ())} loops in {build.folder()}")


def check(given: argparse.Namespace, rest: Sequence[str]) -> None:
    """Versions, cores and backends."""
    print(f"lossapi      {__version__}")
    print(f"python       {platform.python_version()} on {platform.machine()}, {workers.cores()} cores")
    for package in ("numpy", "fastapi", "uvicorn", "pydantic", "orjson", "onnxruntime"):
        print(f"{package:12} {_version(package)}")
    print(f"definitions  {len(registry.names('loss'))} losses, {len(registry.names('metric'))} metrics")
    backends = ", ".join(f"{backend} ({provider})" for backend, provider in choice.running().items())
    missing = ("" if providers.installed() else f"; onnx: {providers.INSTALL}") + (
        "" if build.installed() else f"; fused: {build.INSTALL}"
    )
    print(f"backends     {backends}{missing}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    sys.exit(main())
