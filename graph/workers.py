"""Builds steps beside each other: each in a process of its own as soon as what it builds on is there.

A training computes in one thread (two threads of so small a network wait for each other more than they gain), so a
second core can train another network meanwhile.
"""

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Collection, Mapping
from graphlib import TopologicalSorter
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from graph.bars import Progress

__all__ = ["Build", "build_side_by_side"]

Build = Callable[[str, Progress], None]
_SPAWN = multiprocessing.get_context("spawn")  # a fork would share torch's and Java's threads


def build_side_by_side(
    needs: Mapping[str, Collection[str]],
    build: Build,
    *,
    progress: Progress,
    finished: Callable[[str], None],
    n_at_once: int | None = None,
) -> None:
    """Build all steps, each after those it needs; a step that is alone is built in this process.

    Args:
        needs: For every step the others it builds on.
        build: Builds one step by its name; it can be pickled.
        progress: Told what is going on, how many are done, of how many.
        finished: Told of every step that is there.
        n_at_once: Processes at most, 1 or more; None: one for each core.

    Raises:
        Exception: whatever a step raised; those under way are ended.
        ChildProcessError: a step's process died.
    """
    n_at_once = n_at_once or len(os.sched_getaffinity(0))
    order = TopologicalSorter(needs)
    order.prepare()
    ready: list[str] = []
    under_way: dict[Connection, _Worker] = {}
    try:
        while order.is_active():
            ready += order.get_ready()
            if n_at_once == 1 or (len(ready) == 1 and not under_way):
                name = ready.pop(0)
                build(name, progress)
            else:
                while ready and len(under_way) < n_at_once:
                    worker = _Worker(ready.pop(0), build)
                    under_way[worker.told] = worker
                name = _next_finished(under_way, progress)
            order.done(name)
            finished(name)
    finally:
        for worker in under_way.values():
            worker.end()


class _Worker:
    """A process that builds one step and tells how far it is."""

    def __init__(self, name: str, build: Build) -> None:
        self.name = name
        self.told, theirs = _SPAWN.Pipe(duplex=False)
        self._process: BaseProcess = _SPAWN.Process(target=_work, args=(name, build, theirs), name=name)
        # Ctrl-C reaches the whole group of processes: this one ends its workers, who inherit that they do not hear it.
        heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        theirs.close()  # so that its death ends what is told

    def check(self) -> None:
        """After the last word.

        Raises:
            ChildProcessError: the process died.
        """
        self._process.join()
        code = self._process.exitcode
        if code:
            why = "it was killed; often memory has run out" if code == -signal.SIGKILL else "what it wrote says why"
            raise ChildProcessError(f"{self.name}: its process ended with code {code}: {why}")

    def end(self) -> None:
        """Whether or not it is done."""
        self._process.terminate()
        self._process.join()
        self.told.close()


def _next_finished(under_way: dict[Connection, _Worker], progress: Progress) -> str:
    """Pass on what workers tell until one is done: its name."""
    while True:
        speaking = wait(list(under_way))
        for told in [each for each in under_way if each in speaking]:
            try:
                said = told.recv()
            except EOFError:
                under_way[told].check()
                return under_way.pop(told).name
            if isinstance(said, BaseException):
                raise said
            progress(*said)


def _work(name: str, build: Build, out: "Connection[object, None]") -> None:
    import torch  # noqa: PLC0415 - heavy, and of no use to who starts workers

    torch.set_num_threads(1)
    try:
        build(name, lambda *told: out.send(told))
    except Exception as error:  # raised again where it was asked for
        error.add_note(f"in the process of {name}: {traceback.format_exc()}")
        out.send(error)
