"""The settings that all servers of a comparison share, handed to their processes by the environment."""

import os
from pathlib import Path

import torch

from configs.schema import AppConfig, Deadlines

CONFIG = "ANWEI_BENCH_CONFIG"
"""Names a JSON file with an `AppConfig`."""

PATIENCE_MS = 30_000
"""No deadline cuts an answer short: a degraded answer costs less and would count as a quick one."""

PATIENT = Deadlines(
    default_ms=PATIENCE_MS,
    max_ms=PATIENCE_MS,
    emotion_ms=PATIENCE_MS,
    topic_ms=PATIENCE_MS,
    recall_ms=PATIENCE_MS,
    rerank_ms=PATIENCE_MS,
)


def shared_config() -> AppConfig:
    """The settings named by the environment, for a process that may use one thread for models."""
    torch.set_num_threads(1)
    return AppConfig.model_validate_json(Path(os.environ[CONFIG]).read_text(encoding="utf-8"))
