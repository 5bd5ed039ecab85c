"""The comparison as tables, ratios and a plot, written from its report alone."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure

from load_tests.bench.measure import Cell
from load_tests.document import DOCUMENT, FOLDER, described, fill, image, save, table

OURS = ("split", "fused", "fused_2")
_TITLES = {"hard": "every sentence emotional and different", "real": "95 % plain, asked again and again"}


class Results:
    """The cells of one run; a figure is the median over its rounds.

    Args:
        report: As `load_tests.bench` writes it.
    """

    def __init__(self, report: Mapping[str, Any]) -> None:
        self.cells = [Cell(**cell) for cell in report["cells"]]
        self.about: Mapping[str, str] = report["contenders"]
        self.n_rounds = 1 + max(cell.round for cell in self.cells)

    def of(self, contender: str, traffic: str, clients: int) -> list[Cell]:
        """The cells of one figure, a round each; none if it was not measured. The ingress alone knows one traffic."""
        found = [c for c in self.cells if (c.contender, c.clients) == (contender, clients)]
        return [c for c in found if c.traffic == traffic] or (found if contender in ("noop", "typed", "hop") else [])

    def value(self, contender: str, traffic: str, clients: int, figure: str) -> float | None:
        """The median of a figure, None if it was not measured."""
        found = [float(getattr(cell, figure)) for cell in self.of(contender, traffic, clients)]
        return median(found) if found else None

    def ratio(self, above: Callable[[int], float | None], below: Callable[[int], float | None]) -> float | None:
        """The median over the rounds of a ratio within a round."""
        pairs = [(above(number), below(number)) for number in range(self.n_rounds)]
        found = [a / b for a, b in pairs if a is not None and b]
        return median(found) if found else None

    def rate(self, contender: str, traffic: str) -> Callable[[int], float | None]:
        """Requests per second at 64 clients, by round."""
        return lambda number: self._in_round(contender, traffic, 64, number, "requests_per_s")

    def idle_ms(self, contender: str, traffic: str) -> Callable[[int], float | None]:
        """The median latency of one client, by round."""
        return lambda number: self._in_round(contender, traffic, 1, number, "p50_ms")

    def best_rate(self, traffic: str) -> Callable[[int], float | None]:
        """Requests per second of the best placement, by round."""
        own = [self.rate(contender, traffic) for contender in OURS]
        return lambda number: max((rate for rate in (one(number) for one in own) if rate is not None), default=None)

    def _in_round(self, contender: str, traffic: str, clients: int, number: int, figure: str) -> float | None:
        found = [cell for cell in self.of(contender, traffic, clients) if cell.round == number]
        return float(getattr(found[0], figure)) if found else None


def write_report(path: Path, *, document: Path = DOCUMENT, folder: Path = FOLDER) -> None:
    """Fill the tables of the document from the report at `path`, and draw its plot into `folder`."""
    report = json.loads(path.read_text(encoding="utf-8"))
    results = Results(report)
    fill("bench-ratios", ratios(results), document=document)
    for traffic in _TITLES:
        fill(f"bench-{traffic}", cells(results, traffic), document=document)
    fill("bench-setting", setting(report) + image("Requests per second", "bench"), document=document)
    save(plot(results), folder / "bench.png")


def setting(report: Mapping[str, Any]) -> str:
    """What was measured on and how."""
    own, sentences = report["settings"], report["sentences"]
    lines = [
        described(report["machine"]),
        f"{own['rounds']} rounds, {own['seconds']:g} s a cell, after {own['warm_up']:g} s of hard traffic to warm up; "
        "the load generator is included in the cores.",
        f"Hard: {sentences['hard']} different sentences, each handled. "
        f"Real: {sentences['real']} drawn, {sentences['real_different']} different.",
    ]
    return "\n".join(lines) + "\n"


def cells(results: Results, traffic: str) -> str:
    """All figures of one traffic, medians over the rounds."""
    rows = []
    for contender, about in results.about.items():
        for clients in (1, 64):
            found = results.of(contender, traffic, clients)
            if found:
                rows.append([about if clients == 1 else "", str(clients), *_figures(found)])
    heads = ["server", "clients", "requests/s", "p50 ms", "p95 ms", "p99 ms", "comforted p50 ms"]
    heads += ["CPU ms a request", "memory MB", "failed"]
    return f"{_TITLES[traffic].capitalize()}.\n\n" + table(heads, rows)


def _figures(found: Sequence[Cell]) -> list[str]:
    def middle(figure: str) -> float:
        return median(float(getattr(cell, figure)) for cell in found)

    comforted = [cell.handled_p50_ms for cell in found if cell.handled_p50_ms is not None]
    return [
        f"{middle('requests_per_s'):.0f}",
        *(f"{middle(figure):.1f}" for figure in ("p50_ms", "p95_ms", "p99_ms")),
        f"{median(comforted):.1f}" if comforted else "–",
        f"{middle('cpu_ms'):.2f}",
        f"{middle('memory_mb'):.0f}",
        str(sum(cell.failed for cell in found)),
    ]


def ratios(results: Results) -> str:
    """The ratios that count, with what must be reached and what is aimed at."""
    rate, best, idle = results.rate, results.best_rate, results.idle_ms

    def two_hops(number: int) -> float | None:
        noop, hop = idle("noop", "real")(number), idle("hop", "real")(number)
        return None if noop is None or hop is None else noop + 2 * max(hop - noop, 0.0)

    wanted: list[tuple[str, float | None, float, float, bool]] = [
        ("hard, best placement against FastAPI with 2 workers, requests/s",
         results.ratio(best("hard"), rate("fastapi_2", "hard")), 1.5, 2.5, True),
        ("hard, `split` against FastAPI with 2 workers, requests/s",
         results.ratio(rate("split", "hard"), rate("fastapi_2", "hard")), 1.0, 1.5, True),
        ("the same, networks not compiled for FastAPI: best placement",
         results.ratio(best("hard"), rate("fastapi_2_trained", "hard")), 1.5, 2.5, True),
        ("the same, networks not compiled for FastAPI: `split`",
         results.ratio(rate("split", "hard"), rate("fastapi_2_trained", "hard")), 1.0, 1.5, True),
        ("hard, best placement against the no-op ingress, requests/s",
         results.ratio(best("hard"), rate("noop", "real")), 0.35, 0.6, True),
        ("real, best placement against the no-op ingress, requests/s",
         results.ratio(best("real"), rate("noop", "real")), 0.7, 0.9, True),
        ("real, best placement against the no-op ingress with validation, requests/s",
         results.ratio(best("real"), rate("typed", "real")), 0.7, 0.9, True),
        ("hard, `split` against Ray's defaults with one call per request, requests/s",
         results.ratio(rate("split", "hard"), rate("default", "hard")), 5.0, 10.0, True),
        ("hard, 1 client, p50: `split` against no-op ingress and two handle hops",
         results.ratio(idle("split", "hard"), two_hops), 1.5, 1.1, False),
        ("real, 1 client, p50: `split` against no-op ingress and two handle hops",
         results.ratio(idle("split", "real"), two_hops), 1.5, 1.1, False),
    ]  # fmt: skip
    rows = [
        [name, "–" if value is None else f"{value:.2f}", f"{must:g}", f"{aim:g}", _verdict(value, must, aim, higher)]
        for name, value, must, aim, higher in wanted
    ]
    return table(["ratio at 64 clients unless said", "measured", "must", "aim", ""], rows)


def _verdict(value: float | None, must: float, aim: float, higher: bool) -> str:
    if value is None:
        return "not measured"
    reached = (value >= aim, value >= must) if higher else (value <= aim, value <= must)
    return "aim" if reached[0] else "must" if reached[1] else "missed"


def plot(results: Results) -> Figure:
    """Requests per second at 64 clients, a panel a traffic."""
    figure = Figure(figsize=(10, 4.5))
    for place, (traffic, title) in enumerate(_TITLES.items(), start=1):
        axes = figure.add_subplot(1, 2, place)
        known = [(name, results.value(name, traffic, 64, "requests_per_s")) for name in results.about]
        shown = [(name, value) for name, value in known if value is not None][::-1]
        colours = ["tab:orange" if name in OURS else "tab:grey" for name, _ in shown]
        bars = axes.barh([name for name, _ in shown], [value for _, value in shown], color=colours)
        axes.bar_label(bars, fmt="%.0f", padding=2)
        axes.set_title(f"{traffic}: {title}", fontsize=10)
        axes.set_xlabel("requests/s, 64 clients")
        axes.margins(x=0.15)
    figure.tight_layout()
    return figure
