"""Where measurements go: docs/performance/NAME.json, a plot beside it, and the tables of docs/performance.md.

A document has lines `<!-- table NAME -->` and `<!-- end NAME -->`; what stands between them is written from the JSON
file, so that no figure is typed by hand.
"""

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from configs.schema import PROJECT_ROOT
from load_tests.processes import LoadTestError

DOCUMENT = PROJECT_ROOT / "docs" / "performance.md"
FOLDER = PROJECT_ROOT / "docs" / "performance"
_DOTS_PER_INCH = 110


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a report, its folder too if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def fill(name: str, text: str, *, document: Path = DOCUMENT) -> None:
    """Put `text` between the marks `name` of a document.

    Raises:
        LoadTestError: the document has no such marks.
    """
    start, end = f"<!-- table {name} -->", f"<!-- end {name} -->"
    content = document.read_text(encoding="utf-8")
    filled, n = re.subn(
        f"{re.escape(start)}\n.*?{re.escape(end)}", lambda _: f"{start}\n{text}{end}", content, flags=re.DOTALL
    )
    if not n:
        raise LoadTestError(f"{document}: no lines {start} and {end}; mark where the table shall stand")
    document.write_text(filled, encoding="utf-8")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; every column but the first is right-aligned."""
    lines = [heads, ["---"] + ["--:"] * (len(heads) - 1), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def save(figure: Figure, path: Path) -> None:
    """Write a plot as PNG, without a display."""
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=_DOTS_PER_INCH, bbox_inches="tight")


def machine() -> dict[str, Any]:
    """What was measured on, and how busy it was with other things when the measurement began."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "ray": version("ray"),
        "torch": version("torch"),
        "load_before": os.getloadavg()[0],
    }


def image(about: str, name: str) -> str:
    """A plot of `FOLDER` as it is shown in the document."""
    return f"\n![{about}](performance/{name}.png)\n"


def described(values: Mapping[str, Any]) -> str:
    """`machine()` as a sentence."""
    busy = f"; {values['load_before']:.1f} other processes were running" if values["load_before"] > 1 else ""
    return (
        f"{values['cores']} cores of {values['cpu']}, Python {values['python']}, Ray {values['ray']}, "
        f"torch {values['torch']}{busy}."
    )
