"""Starts a server in processes of its own, finds all of them again, counts what they use, and ends them.

A server is recognised by a mark in its environment, because Ray's and uvicorn's processes do not stay children of the
one that was started. Linux only (/proc).
"""

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from configs.schema import PROJECT_ROOT

_MARK = "ANWEI_LOAD_TEST"
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class LoadTestError(RuntimeError):
    """A server did not start, or a load test cannot be run; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server has used: CPU seconds since its start, and its memory now."""

    cpu_s: float
    memory_mb: float


class Server:
    """A running server.

    Args:
        url: Where it listens, on loopback.
        mark: Names its processes.
        process: The one that was started.
    """

    def __init__(self, url: str, mark: str, process: subprocess.Popen[bytes]) -> None:
        self.url = url
        self._mark = f"{_MARK}={mark}".encode()
        self._process = process
        self._gone_s: dict[int, float] = {}

    def processes(self) -> list[int]:
        """All its processes, by the mark in their environment."""
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and self._is_mine(entry)]

    def usage(self) -> Usage:
        """CPU time and memory of all its processes; the CPU time of processes that ended since is kept."""
        alive = self.processes()
        for process in alive:
            with suppress(OSError):
                self._gone_s[process] = cpu_s(process)
        return Usage(sum(self._gone_s.values()), sum(map(_memory_mb, alive)))

    def stop(self, *, timeout_s: float = 60.0) -> int:
        """End it, gracefully if it can, then whatever is left; its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return self._process.wait(timeout_s)

    def has_ended(self) -> bool:
        """Whether the process that was started is gone."""
        return self._process.poll() is not None

    def _is_mine(self, entry: Path) -> bool:
        try:
            return self._mark in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            return False


@contextmanager
def serving(
    command: Sequence[str],
    *,
    port: int,
    log: Path,
    environment: Mapping[str, str] | None = None,
    ready_path: str = "/readyz",
    timeout_s: float = 600.0,
) -> Iterator[Server]:
    """A server, ready, until the block ends.

    Args:
        command: What to run, in the project's root.
        port: Where it will listen on 127.0.0.1.
        log: File for its output.
        environment: Added to this process' own.
        ready_path: Answers 200 once it is ready.
        timeout_s: How long it may take to become ready.

    Raises:
        LoadTestError: it ended, or was not ready in time.
    """
    mark = uuid.uuid4().hex
    variables = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(PROJECT_ROOT),
        **(environment or {}),
        _MARK: mark,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT_ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    server = Server(f"http://127.0.0.1:{port}", mark, process)
    try:
        _wait(server, ready_path, log, timeout_s)
        yield server
    finally:
        server.stop()


def _wait(server: Server, path: str, log: Path, timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if server.has_ended():
            raise LoadTestError(f"the server ended before it was ready; its output is in {log}")
        with suppress(httpx.HTTPError):
            if httpx.get(server.url + path, timeout=5).status_code == 200:
                return
        time.sleep(0.5)
    raise LoadTestError(f"the server was not ready after {timeout_s:.0f} s; its output is in {log}")


def title(process: int) -> str:
    """The command line of a process, or the title it gave itself; empty if it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ")
    except OSError:
        return ""


def cpu_s(process: int) -> float:
    """CPU seconds of a process since its start.

    Raises:
        OSError: it is gone.
    """
    # Fields 14 and 15 of /proc/PID/stat, counted after the name, which may hold spaces.
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def _memory_mb(process: int) -> float:
    """Proportional set size: pages that processes share are divided among them."""
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0
