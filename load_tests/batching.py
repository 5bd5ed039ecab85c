"""`python -m load_tests.batching`: our batcher, `@serve.batch` and one library, in one run over the same Emotion node.

The three stand in one Serve replica (outside one, `@serve.batch` does not work) and are asked in turn, by requests that
arrive at random times at a given share of what the node can do in full batches. What is compared is only who decides
when a batch is cut. Writes docs/performance/batching.json and its table.
"""

import asyncio
import itertools
import logging
import random
import site
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, cast

import numpy as np
import typer
from ray import serve

from configs.schema import AppConfig
from deployments.batcher import Batcher
from deployments.messages import Classified
from deployments.work import Outcome, Work
from graph.commands.options import DEFAULT_CONFIG, Config
from graph.launch import ray_cluster
from graph.nodes import node_makers
from graph.serve_file import read_serve_file
from load_tests.document import FOLDER, described, fill, machine, table, write_json
from load_tests.environments import packages_of, python_of
from load_tests.traffic import hard, read_voices
from models.text.segment import TextProcessor
from models.text.sentence import Sentence

MAX_BATCH_SIZE = 32
SHARES = (0.2, 0.6, 0.9)
"""Arrivals as a share of the node's throughput in full batches."""
_ABOUT = {
    "ours": "deployments/batcher.py",
    "serve_batch": "`@serve.batch`, default wait of 10 ms",
    "serve_batch_0": "`@serve.batch`, wait of 0",
    "batched": "the library `batched`, default wait of 5 ms",
}
Ask = Callable[[Sentence], Awaitable[object]]


class Comparison:
    """One replica with one Emotion node and four ways to it.

    Args:
        config: Settings, as JSON.
        packages: Where the library `batched` is installed.
    """

    def __init__(self, config: dict[str, Any], packages: str) -> None:
        settings = AppConfig.model_validate(config)
        site.addsitedir(packages)
        processor = TextProcessor()
        voices = read_voices(settings.data)
        texts = itertools.islice(hard(voices.emotional, seed=2), 5000)
        self._sentences = [processor.process(text) for text in texts]
        self._node = node_makers(settings)[0]()
        self._executor = ThreadPoolExecutor(max_workers=1)
        self._sizes: list[int] = []

    async def capacity(self) -> float:
        """Items per second in full batches, the median of some."""
        batches = [self._sentences[start : start + MAX_BATCH_SIZE] for start in range(0, 640, MAX_BATCH_SIZE)]
        times = []
        for batch in batches:
            start = time.perf_counter()
            await self._compute(batch)
            times.append(time.perf_counter() - start)
        return MAX_BATCH_SIZE / median(times)

    async def load(self, name: str, rate: float, seconds: float) -> dict[str, float]:
        """Ask by the way `name`, `rate` times a second at random times."""
        ask, self._sizes = self._ways()[name], []
        draw, latencies, asked = random.Random(3), list[float](), set[asyncio.Task[None]]()
        start = due = time.perf_counter()

        async def one(sentence: Sentence) -> None:
            begin = time.perf_counter()
            await ask(sentence)
            latencies.append((time.perf_counter() - begin) * 1000)

        sentences = itertools.cycle(self._sentences)
        while (due := due + draw.expovariate(rate)) < start + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asked.add(asyncio.create_task(one(next(sentences))))
        await asyncio.gather(*asked)
        p50, p99 = (float(value) for value in np.percentile(latencies, (50, 99)))
        return {
            "items_per_s": len(latencies) / (time.perf_counter() - start),
            "mean_batch": float(np.mean(self._sizes)),
            "p50_ms": p50,
            "p99_ms": p99,
        }

    async def _compute(self, sentences: Sequence[Sentence]) -> Sequence[Classified]:
        self._sizes.append(len(sentences))
        loop = asyncio.get_running_loop()
        return cast(Sequence[Classified], await loop.run_in_executor(self._executor, self._node.many, list(sentences)))

    async def _outcomes(self, works: list[Work[Sentence]]) -> Sequence[Outcome[Classified]]:
        return await self._compute([work.item for work in works])

    def _ways(self) -> dict[str, Ask]:
        from batched import aio  # type: ignore[import-not-found]  # lives beside this project's environment

        own: Batcher[Sentence, Classified] = Batcher(
            self._outcomes, max_batch_size=MAX_BATCH_SIZE, max_queue=1_000_000, slots=1
        )
        return {
            "ours": lambda sentence: own.submit(Work(sentence, time.time() + 600)),
            "serve_batch": self._serve_batch,
            "serve_batch_0": self._serve_batch_0,
            "batched": aio.dynamically(self._compute, batch_size=MAX_BATCH_SIZE),
        }

    @serve.batch(max_batch_size=MAX_BATCH_SIZE)
    async def _serve_batch(self, sentences: list[Sentence]) -> Any:
        return await self._compute(sentences)

    @serve.batch(max_batch_size=MAX_BATCH_SIZE, batch_wait_timeout_s=0)
    async def _serve_batch_0(self, sentences: list[Sentence]) -> Any:
        return await self._compute(sentences)


def run(
    config: Config = DEFAULT_CONFIG,
    seconds: float = typer.Option(5.0, min=0.5, max=60),
    rounds: int = typer.Option(3, min=1, max=9),
    document: bool = typer.Option(True, help="Write the table of docs/performance.md."),
) -> None:
    """Compare, and write the report."""
    settings = read_serve_file(config).app
    python_of("batched")
    report: dict[str, Any] = {"machine": machine(), "seconds": seconds, "rounds": rounds}
    with ray_cluster():
        report |= _measure(settings, packages_of("batched"), seconds=seconds, rounds=rounds)
    write_json(FOLDER / "batching.json", report)
    text = described(report["machine"]) + "\n\n" + as_table(report)
    typer.echo(text)
    if document:
        fill("batching", text)


def _measure(config: AppConfig, packages: Path, *, seconds: float, rounds: int) -> dict[str, Any]:
    options = {"max_ongoing_requests": 4, "ray_actor_options": {"num_cpus": 1}}
    deployment = cast(Any, serve.deployment(Comparison)).options(**options)
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    serve.start(proxy_location="Disabled")
    handle = serve.run(deployment.bind(config.model_dump(mode="json"), str(packages)))
    capacity = handle.capacity.remote().result()
    cells = []
    for round_, share, name in itertools.product(range(rounds), SHARES, _ABOUT):
        seen = handle.load.remote(name, share * capacity, seconds).result(timeout_s=seconds + 600)
        cells.append({"way": name, "share": share, "round": round_, **seen})
    return {"capacity_per_s": capacity, "cells": cells}


def as_table(report: dict[str, Any]) -> str:
    """Medians over the rounds."""
    rows = []
    for share, (name, about) in itertools.product(SHARES, _ABOUT.items()):
        found = [cell for cell in report["cells"] if (cell["way"], cell["share"]) == (name, share)]
        figures = [
            median(cell[figure] for cell in found) for figure in ("items_per_s", "mean_batch", "p50_ms", "p99_ms")
        ]
        rows.append([about, f"{share:.0%}", f"{figures[0]:.0f}", *(f"{value:.1f}" for value in figures[1:])])
    heads = ["who cuts the batches", "arrivals", "items/s", "mean batch", "p50 ms", "p99 ms"]
    return table(heads, rows)


if __name__ == "__main__":
    typer.run(run)
