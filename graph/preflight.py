"""Looks at the machine before anything is installed or started, and says in one line what is missing.

Run by the Makefile with the system's Python, so: standard library only, and syntax that an old Python can read.
    python3 graph/preflight.py install           Python and disk
    python3 graph/preflight.py serve CONFIG      also: is the port of this Serve file free?
"""

import io
import re
import shutil
import socket
import sys

NEEDED_PYTHON = (3, 11)
NEEDED_DISK_GB = 6


def python_fault():
    # type: () -> str | None
    """What is wrong with this Python, or None."""
    if sys.version_info[:2] == NEEDED_PYTHON:
        return None
    have = "{}.{}".format(*sys.version_info[:2])
    return "Python {} found, Python {}.{} is needed: make PYTHON=/path/to/python3.11 ...".format(have, *NEEDED_PYTHON)


def disk_fault(folder):
    # type: (str) -> str | None
    """What is wrong with the free space at `folder`, or None."""
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb >= NEEDED_DISK_GB:
        return None
    return "{:.1f} GB free on this disk, {} GB are needed: free some space".format(free_gb, NEEDED_DISK_GB)


def port_fault(host, port):
    # type: (str, int) -> str | None
    """Whether something already listens on `port`, as a sentence, or None."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return "port {} on {} is taken: `make stop` ends a service left behind, or set http_options.port".format(
                port, host
            )
    return None


def address_in(config):
    # type: (str) -> tuple[str, int]
    """Host and port that a Serve file names under `http_options`; Serve's own where it names none.

    Read by pattern, as no YAML library is installed yet; the service itself checks the file properly later.
    """
    section = re.search(r"^http_options:[ \t]*\n((?:[ \t]+.*\n|\n)*)", config + "\n", re.MULTILINE)
    lines = section.group(1) if section else ""
    host = re.search(r"^[ \t]+host:[ \t]*['\"]?([\w.:-]+)", lines, re.MULTILINE)
    port = re.search(r"^[ \t]+port:[ \t]*(\d+)", lines, re.MULTILINE)
    return (host.group(1) if host else "0.0.0.0", int(port.group(1)) if port else 8000)  # noqa: S104 - Serve's default


def serve_fault(path):
    # type: (str) -> str | None
    """What keeps the service of this Serve file from starting, or None."""
    try:
        with io.open(path, encoding="utf-8") as file:
            host, port = address_in(file.read())
    except IOError:
        return "no such file: {}; give an existing one with CONFIG=...".format(path)
    return port_fault(host, port)


def main(argv):
    # type: (list[str]) -> int
    """Check what `argv` asks for; 1 and one line on stderr if something is missing."""
    fault = python_fault() or disk_fault(".") or (serve_fault(argv[2]) if argv[1] == "serve" else None)
    if fault:
        sys.stderr.write("anwei: " + fault + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
