"""Where compiled networks lie: one folder a library, named by all it depends on and checked before it is opened.

`models.compiled` makes and opens what stands in them; this knows nothing of networks.
"""

import hashlib
import json
import os
import platform
from functools import cache
from pathlib import Path

import torch

from models.artifact import digest_of

__all__ = ["CompileError", "check", "fault", "give_up", "is_settled", "library_place", "seal", "settle"]

_KEY_CHARS = 8
_FAILED = "failed.txt"
_DIGESTS = "digests.json"
_SOURCES = Path(__file__).parent


class CompileError(Exception):
    """A network cannot be compiled here, or what was compiled cannot be used; the message says why."""


def library_place(folder: Path, name: str, version: str) -> Path:
    """The folder of a network's library for this processor, whether it is there or not.

    Args:
        folder: of all libraries.
        name: of the network.
        version: of its artifact, whose configuration and weights it depends on.
    """
    return folder / f"{name}-{version}-{_processor()}-{_code()}"


def is_settled(place: Path) -> bool:
    """Whether a library is there, or compiling it has failed, so that trying once more needs a reason."""
    return place.is_dir()


def fault(place: Path) -> str | None:
    """Why there is no library, with the remedy; None if there is one."""
    if not place.is_dir():
        return "not compiled for this processor; compile it here: train compiled"
    why = place / _FAILED
    try:
        reason = next(iter(why.read_text(encoding="utf-8", errors="replace").splitlines()), "")
    except FileNotFoundError:
        return None
    except OSError as error:  # the service computes as trained whatever the reason
        reason = f"compiling it failed once, and why cannot be read: {error.strerror}"
    return f"{reason} ({why} has all of it); try again: train compiled --force"


def give_up(place: Path, reason: str) -> None:
    """Note in the place of a library why there is none; one that is there stays."""
    if not place.is_dir():
        place.mkdir(parents=True)
        (place / _FAILED).write_text(reason.strip() + "\n", encoding="utf-8")


def settle(place: Path, beside: Path) -> None:
    """Put a library in its place.

    Args:
        place: see `library_place`; what is there goes.
        beside: the library, in a folder of its own on the same disk.
    """
    if place.exists():
        os.replace(place, beside.with_name("former"))
    os.replace(beside, place)


def seal(place: Path) -> None:
    """Note the digest of every file."""
    (place / _DIGESTS).write_text(json.dumps(_digests(place), indent=1), encoding="utf-8")


def check(place: Path) -> None:
    """Compare every file with its digest: opening a library that was cut short would end the process, not raise.

    Raises:
        CompileError: they differ.
        OSError: a file cannot be read.
    """
    if _digests(place) != json.loads((place / _DIGESTS).read_text(encoding="utf-8")):
        raise CompileError("its files are not those that were made; compile it again: train compiled --force")


def _digests(place: Path) -> dict[str, str]:
    files = (path for path in sorted(place.rglob("*")) if path.is_file() and path.name != _DIGESTS)
    return {str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@cache
def _processor() -> str:
    return digest_of((platform.machine(), *_instructions()))[:_KEY_CHARS]


@cache
def _code() -> str:
    """That of the networks, and torch."""
    code = (
        path.read_text(encoding="utf-8") for part in ("*.py", "layers/*.py") for path in sorted(_SOURCES.glob(part))
    )
    return digest_of((torch.__version__, *code))[:_KEY_CHARS]


def _instructions() -> list[str]:
    """The processor's instruction sets as Linux lists them; elsewhere its name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    listed = (line.split() for line in lines if line.startswith(("flags", "Features")))
    return sorted(next(listed, [platform.processor()]))
