"""Runs trials, each place's in a process of its own: a crash, or a control store's end, costs one trial and no other.

The process reports every trial as it is over. Where it dies, or leaves the service broken, the next one starts with
the trials that are left.
"""

import multiprocessing
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from configs.schema import AppConfig
from load_tests.chaos.catalogue import Measured, Place, Settings, Trial, catalogue
from load_tests.chaos.load import capacity
from load_tests.chaos.service import Service, redis_server, service

_MARK = "ANWEI_CHAOS"
_PATIENCE_S = 400.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a process says of one trial; `name` is empty if the service did not even start."""

    name: str
    figures: dict[str, Any]


def run(
    trials: Sequence[Trial], config: AppConfig, settings: Settings, keep: Callable[[Trial, dict[str, Any]], object]
) -> None:
    """Run trials of one place.

    Args:
        trials: In this order.
        config: Whose artifacts and data are used.
        settings: How hard to try.
        keep: Told of every trial that is over.
    """
    left = list(trials)
    while left:
        started = len(left)
        for report in _reports([trial.name for trial in left], config, settings):
            # A service that does not start will not do so for the next trial either.
            over = left[:1] if report.name else list(left)
            for trial in over:
                keep(trial, report.figures)
                left.remove(trial)
        if left and len(left) == started:
            keep(left.pop(0), broken("the process that ran it died, or hung"))


def broken(why: str) -> dict[str, Any]:
    """The row of a trial that could not be finished."""
    return {"held": False, "broken": " ".join(why.split())[:200]}


def _reports(names: list[str], config: AppConfig, settings: Settings) -> Iterator[Report]:
    """What a process with these trials says until it ends."""
    mark = uuid.uuid4().hex
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    os.environ[_MARK] = mark
    process = context.Process(target=_work, args=(names, config, settings, theirs), name="chaos")
    process.start()
    theirs.close()
    try:
        with suppress(EOFError):
            while ours.poll(_PATIENCE_S + 3 * settings.seconds):
                yield ours.recv()
        process.join(60)
    finally:
        _end(mark)
        process.join()


def _end(mark: str) -> None:
    """End whatever a process left behind: Ray's processes do not stay its children."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(_MARK) == mark:
                process.kill()


def _work(names: list[str], config: AppConfig, settings: Settings, out: Connection) -> None:
    """The process: starts the place of the trials, and runs them while the service is whole."""
    known = {trial.name: trial for trial in catalogue()}
    trials = [known[name] for name in names]
    started = False
    try:
        with ExitStack() as stack:
            tested = _start(trials[0].place, config, stack)
            measured = _measure(tested, settings)
            started = True
            for trial in trials:
                figures = _attempt(trial, tested, settings, measured)
                out.send(Report(trial.name, figures))
                if "broken" in figures or not tested.whole():
                    break
    except Exception as error:
        if not started:
            out.send(Report("", broken(f"{type(error).__name__}: {error}")))


def _start(place: Place, config: AppConfig, stack: ExitStack) -> Service:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    redis = stack.enter_context(redis_server(folder)) if place.redis else None
    chosen = config.model_copy(update={"transport": place.transport})
    return stack.enter_context(service(chosen, folder, n_nodes=place.n_nodes, redis=redis))


def _measure(tested: Service, settings: Settings) -> Measured:
    most = capacity(tested.url, texts=settings.texts, seconds=settings.capacity_s) if settings.capacity_s else 0.0
    return Measured(round(most, 1), round(settings.rate_per_s or most / 2, 1))


def _attempt(trial: Trial, tested: Service, settings: Settings, measured: Measured) -> dict[str, Any]:
    try:
        return trial.run(tested, settings, measured) | asdict(measured)
    except Exception as error:
        return broken(f"{type(error).__name__}: {error}")
