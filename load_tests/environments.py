"""Virtual environments of other people's programs, made on first use from exact pins, beside this project's own."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from configs.schema import PROJECT_ROOT
from load_tests.processes import LoadTestError

_HOME = PROJECT_ROOT / ".bench"
_PINS = Path(__file__).parent / "pins"


def python_of(name: str) -> Path:
    """The Python of the environment with the packages of pins/`name`.txt.

    What they do not bring themselves (torch, faiss, this project's other libraries) is found in this project's
    environment, behind their own packages.

    Raises:
        LoadTestError: an installation failed.
    """
    home = _HOME / name
    python, done = home / "bin" / "python", home / ".installed"
    pins = _PINS / f"{name}.txt"
    wanted = pins.read_text(encoding="utf-8")
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return python
    _run([sys.executable, "-m", "venv", "--clear", str(home)])
    _run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(pins)])
    shared = [path for path in sys.path if path.endswith("site-packages")]
    (packages_of(name) / "shared.pth").write_text("\n".join(shared) + "\n", encoding="utf-8")
    done.write_text(wanted, encoding="utf-8")
    return python


def packages_of(name: str) -> Path:
    """Where the packages of an environment lie."""
    (packages,) = (_HOME / name / "lib").glob("python3.*/site-packages")
    return packages


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadTestError(f"{' '.join(command[:4])} ... failed: {done.stderr.strip().splitlines()[-1]}")
