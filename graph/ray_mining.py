"""Masking and counting of very long logs on Ray Data; the same questions as in one process.

Masking is what takes the time of the first half of mining, line by line; clustering works on the distinct questions
and stays where it is. Called by `python -m graph mine --ray`.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import ray

from configs.schema import PROJECT_ROOT
from indexes.build import Segmenter
from indexes.mining.logs import LogLine
from indexes.mining.questions import Asked, Progress, Question, asked_lines, distinct_questions, masked

_BATCH = 5_000
_LINES_A_BLOCK = 50_000


def collect_on_ray(
    lines: Sequence[LogLine], segmenter: Segmenter, *, progress: Progress | None = None
) -> list[Question]:
    """The distinct questions of a log, as `indexes.mining.questions.collect_questions` finds them.

    Args:
        lines: of the log, in order.
        segmenter: the text processor in use.
        progress: told before and after.
    """
    asked = list(asked_lines(lines))
    table = _table(asked)
    if progress is not None:
        progress("masking on Ray", 0, len(lines))
    with _ray():
        blocks = max(1, len(asked) // _LINES_A_BLOCK)
        counted = (
            ray.data.from_arrow(table)
            .repartition(blocks)
            .map_batches(_masked, batch_size=_BATCH, batch_format="pyarrow")
            .groupby(["text", "answer"])
            .sum("count")
        )
        counts = {(row["text"], row["answer"]): int(row["sum(count)"]) for row in counted.iter_rows()}
    if progress is not None:
        progress("masking on Ray", len(lines), len(lines))
    return distinct_questions(counts, segmenter)


def _masked(batch: pa.Table) -> pa.Table:
    """Counts of one batch."""
    columns: dict[str, list[Any]] = batch.to_pydict()
    counts = masked(zip(columns["text"], columns["answer"], strict=True))
    return _table(list(counts)).append_column("count", pa.array(list(counts.values()), pa.int64()))


def _table(asked: Sequence[Asked]) -> pa.Table:
    columns = {"text": [text for text, _ in asked], "answer": [answer for _, answer in asked]}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


@contextmanager
def _ray() -> Iterator[None]:
    """A cluster named by RAY_ADDRESS, or one on this machine that ends with the block; one that runs is used."""
    if ray.is_initialized():
        yield
        return
    path = os.pathsep.join(filter(None, (str(PROJECT_ROOT), os.environ.get("PYTHONPATH"))))
    own: dict[str, Any] = {} if "RAY_ADDRESS" in os.environ else {"address": "local", "_node_ip_address": "127.0.0.1"}
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(
        **own,
        include_dashboard=False if own else None,
        runtime_env={"env_vars": {"PYTHONPATH": path}},
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    try:
        yield
    finally:
        ray.shutdown()
