"""What is missing on a machine is said in one line before anything is done."""

import socket
import sys
from pathlib import Path

import pytest

from configs.schema import PROJECT_ROOT
from graph import preflight
from graph.serve_file import read_serve_file


def test_a_taken_port_is_named_and_a_free_one_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = preflight.port_fault("127.0.0.1", port)
        assert said is not None
        assert str(port) in said
        config = tmp_path / "serve.yaml"
        config.write_text(f"http_options:\n  host: 127.0.0.1\n  port: {port}  # taken\n", encoding="utf-8")
        assert preflight.main(["preflight.py", "serve", str(config)]) == 1
        assert capsys.readouterr().err.count("\n") == 1
    assert preflight.port_fault("127.0.0.1", port) is None


def test_an_old_python_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert preflight.python_fault() is None
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert preflight.python_fault() == "Python 3.9 found, Python 3.11 is needed: make PYTHON=/path/to/python3.11 ..."


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert preflight.disk_fault(".") is None
    monkeypatch.setattr(preflight, "NEEDED_DISK_GB", 10**9)
    said = preflight.disk_fault(".")
    assert said is not None
    assert "GB are needed" in said


def test_the_address_is_read_as_serve_reads_it() -> None:
    for name in ("serve.yaml", "fused.yaml"):
        path = PROJECT_ROOT / "configs" / name
        file = read_serve_file(path)
        assert preflight.address_in(path.read_text(encoding="utf-8")) == (file.host, file.port)
    assert preflight.address_in("applications: []\n") == ("0.0.0.0", 8000)


def test_a_missing_file_is_named() -> None:
    assert preflight.serve_fault("nowhere.yaml") == "no such file: nowhere.yaml; give an existing one with CONFIG=..."
