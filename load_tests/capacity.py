"""From requests per second on two cores to machines for a day's traffic; written from the comparison's report.

Measured up to two replicas on two cores. Beyond that it is a model: machines share nothing but the load balancer in
front of them, so requests per second are taken as proportional to their number, at a load that leaves room for the
loss of one in `_SPARE` and for short bursts.
"""

import math

from load_tests.bench.report import OURS, Results
from load_tests.document import table

LINES_A_DAY = 10_000_000
"""Customer lines that the paper's platform reports."""
_PEAK = 10
_BUSY = 0.6
_SPARE = 10
_CORES = 2


def arithmetic(results: Results) -> str:
    """Machines for the mean and the peak of a day, and for other traffics."""
    rates = {name: results.value(name, "real", 64, "requests_per_s") for name in OURS}
    known = {name: rate for name, rate in rates.items() if rate is not None}
    if not known:
        return "Not measured.\n"
    best = max(known, key=lambda name: known[name])
    usable = known[best] * _BUSY
    mean = LINES_A_DAY / 86_400
    rows = []
    for about, wanted in (
        ("mean of the day", mean),
        (f"{_PEAK}-fold peak", mean * _PEAK),
        ("ten times the day, at its peak", mean * _PEAK * 10),
    ):
        needed = math.ceil(wanted / usable)
        rows.append([about, f"{wanted:,.0f}", f"{wanted / usable:.2f}", f"{needed + math.ceil(needed / _SPARE)}"])
    text = (
        f"{LINES_A_DAY:,} lines a day are {mean:.0f} a second. Measured: {known[best]:.0f} requests/s of real traffic "
        f"(`{best}`, {_CORES} cores, load generator included); used to {_BUSY:.0%} of that: {usable:.0f} a machine.\n\n"
    )
    heads = ["traffic", "requests/s", f"machines of {_CORES} cores, exactly", "with spare ones"]
    return text + table(heads, rows) + "\n" + replicas(results)


def replicas(results: Results) -> str:
    """What a second replica brings on the same two cores, which it shares with the load generator and HAProxy."""
    rows = []
    for traffic in ("hard", "real"):
        one, two = (results.value(name, traffic, 64, "requests_per_s") for name in ("fused", "fused_2"))
        if one and two:
            rows.append([traffic, f"{one:.0f}", f"{two:.0f}", f"{two / one:.2f}"])
    return table(["`fused`, 64 clients", "1 replica", "2 replicas", "ratio"], rows) if rows else ""
