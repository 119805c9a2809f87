"""The command line: the same core without a server."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from lossapi import registry
from lossapi.__main__ import main
from lossapi.codecs import CODECS
from lossapi.codecs.codec import Codec


def test_list_names_every_definition(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    listed = [tuple(line.split()[:2]) for line in capsys.readouterr().out.splitlines()]
    assert listed == list(registry.catalogue())


def test_compute_reads_an_npz_file_and_parameters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "x.npz", prediction=np.array([0.0, 3.0], "float32"), target=np.zeros(2, "float32"))
    assert main(["compute", "huber", str(tmp_path / "x.npz"), "--delta", "2", "--reduction=sum"]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == 4.0


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_compute_reads_a_file_of_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str], codec: Codec) -> None:
    request = {"prediction": np.array([0.0, 3.0], "float32"), "target": np.zeros(2, "float32"), "delta": 2.0}
    path = tmp_path / f"x{codec.suffix}"
    path.write_bytes(codec.encode(request, "string", "base64"))
    assert main(["compute", "huber", str(path), "--reduction", "sum"]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == 4.0


def test_compute_reads_a_json_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text('{"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1], "beta": 2.0}')
    assert main(["compute", "metrics.f_beta", str(tmp_path / "x.json")]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == pytest.approx(10 / 11)


def test_compute_reads_the_columns_of_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.csv").write_text("score,target\n0,0\n3,0\n")
    columns = json.dumps({"prediction": "score"})
    assert main(["compute", "huber", str(tmp_path / "x.csv"), "--delta", "2", "--columns", columns]) == 0
    expected = {"name": "huber", "value": 2.0, "reduction": "mean", "count": 2, "finite": True}
    assert json.loads(capsys.readouterr().out) == expected


def test_a_terminal_sees_how_far_a_table_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.csv").write_text("prediction,target\n0,0\n3,0\n")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["compute", "huber", str(tmp_path / "x.csv")]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["value"] == 1.25
    assert "rows" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compute", "huber", "missing.csv"], "No such file"),
        (["compute", "huber", "x.csv"], "a column of the name of a tensor"),
        (["compute", "hubr", "x.npz"], "such as 'huber'"),
        (["compute", "huber", "missing.npz"], "No such file"),
        (["compute", "huber", "x.txt"], "a file ending in"),
        (["compute", "huber", "x.json", "--delta", "-1"], "delta > 0"),
        (["compute", "huber", "y.json"], "a number, got null - at $.target[0]"),
        (["compute", "huber", "y.npz"], "no directory at the end"),
        (["compute", "huber", "x.json", "delta"], "--name value"),
    ],
)
def test_a_mistake_is_one_line_and_status_1(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.json").write_text('{"prediction": [1], "target": [1]}')
    Path("y.json").write_text('{"prediction": [1], "target": [null]}')
    Path("x.csv").write_text("a,b\n1,2\n")
    Path("y.npz").write_text("no archive")
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_check_prints_versions_and_backends(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    printed = capsys.readouterr().out
    assert f"numpy        {np.__version__}" in printed
    assert "CPUExecutionProvider" in printed


def test_a_bad_setting_is_told_by_its_variable() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "lossapi", "serve"],
        env={"LOSSAPI_PORT": "70000", "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "LOSSAPI_PORT=70000" in run.stderr


def test_serve_answers_with_several_workers_and_stops_when_told() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "lossapi", "serve", "--port", str(port), "--workers", "2"]
    server = subprocess.Popen(command, cwd=Path(__file__).parent.parent, stderr=subprocess.DEVNULL)
    try:
        answer = wait_for(f"http://127.0.0.1:{port}/health/ready")
        assert json.loads(answer)["status"] == "ready"
    finally:
        server.terminate()
    assert server.wait(timeout=20) == 0


def wait_for(address: str) -> bytes:
    """What an address answers, as soon as it does."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(address) as reply:
                answer: bytes = reply.read()
                return answer
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")
