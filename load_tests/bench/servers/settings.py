"""The settings that all servers of a comparison share, handed to their processes by the environment."""

import os
from pathlib import Path

import torch

from configs.schema import AppConfig, Deadlines

CONFIG = "ANWEI_BENCH_CONFIG"
"""Names a JSON file with an `AppConfig`."""
PATIENT = Deadlines.patient(30_000)
"""They cut no answer short: a degraded answer costs less and would count as a quick one."""


def shared_config() -> AppConfig:
    """The settings named by the environment, for a process that may use one thread for models."""
    torch.set_num_threads(1)
    return AppConfig.model_validate_json(Path(os.environ[CONFIG]).read_text(encoding="utf-8"))
