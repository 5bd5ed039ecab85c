"""`python -m load_tests.gpu_table`: the report of `load_tests.gpu`, into docs/performance.md."""

import json
from typing import Any

from load_tests.document import FOLDER, fill, table
from load_tests.gpu import HEADS, lines


def main() -> None:
    """Fill the table."""
    report = json.loads((FOLDER / "gpu.json").read_text(encoding="utf-8"))
    fill("gpu", as_text(report))


def as_text(report: dict[str, Any]) -> str:
    """Where it was measured, what the device can do, and the cells."""
    limits = report["peaks"]
    products = ", ".join(f"{precision} {flops / 1e12:.3g}" for precision, flops in limits["flops_per_s"].items())
    on_cpu = "" if report["type"] == "cuda" else " No GPU was at hand: this shows only that the same code runs."
    return (
        f"{report['device']}, torch {report['torch']}, Python {report['python']}; "
        f"{report['knowledge']:,} surfaces.{on_cpu} "
        f"Peaks in this run: matrix products {products} TFLOP/s, copies {limits['bytes_per_s'] / 1e9:.4g} GB/s.\n\n"
        + table(HEADS, lines(report))
    )


if __name__ == "__main__":
    main()
