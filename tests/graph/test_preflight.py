"""What is missing on a machine is said in one line before anything is done."""

import socket
import sys

import pytest

from graph import preflight


def test_a_taken_port_is_named_and_a_free_one_is_not() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = preflight.port_fault("127.0.0.1", port)
        assert said is not None
        assert str(port) in said
        assert preflight.main(["preflight.py", "port", "127.0.0.1", str(port)]) == 1
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
