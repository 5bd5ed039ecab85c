"""A file that wants a GPU: refused in one line where there is none, or where a node would not see it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from configs.schema import PROJECT_ROOT
from graph.errors import LaunchError
from graph.gpus import check_gpus
from graph.serve_file import MODEL_NODES, ServeFile, read_serve_file

GPU = PROJECT_ROOT / "configs" / "gpu.yaml"


def test_one_gpu_is_enough_and_leaves_room_for_an_update() -> None:
    file = read_serve_file(GPU)
    check_gpus(file, available=1)
    shares = [deployment["ray_actor_options"].get("num_gpus", 0) for deployment in file.deployments()]
    assert 0 < 2 * sum(shares) <= 1


def test_the_default_wants_none() -> None:
    check_gpus(read_serve_file(PROJECT_ROOT / "configs" / "serve.yaml"), available=0)


def test_without_a_gpu_it_is_refused() -> None:
    with pytest.raises(LaunchError, match="device cuda and 0.5 of a GPU are wanted, but torch sees 0"):
        check_gpus(read_serve_file(GPU), available=0)


def changed(tmp_path: Path, name: str, options: dict[str, Any]) -> ServeFile:
    content = yaml.safe_load(GPU.read_text(encoding="utf-8"))
    named = {deployment["name"]: deployment for deployment in content["applications"][0]["deployments"]}
    named[name].update(options)
    path = tmp_path / "gpu.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return read_serve_file(path)


@pytest.mark.parametrize("name", MODEL_NODES)
def test_every_model_node_needs_a_share(tmp_path: Path, name: str) -> None:
    with pytest.raises(LaunchError, match=f"{name} without num_gpus"):
        check_gpus(changed(tmp_path, name, {"ray_actor_options": {"num_cpus": 1}}), available=1)


def test_shares_count_for_every_replica_that_starts(tmp_path: Path) -> None:
    file = changed(tmp_path, "Rerank", {"num_replicas": 4, "autoscaling_config": None})
    with pytest.raises(LaunchError, match=r"1\.25 of a GPU are wanted, but torch sees 1"):
        check_gpus(file, available=1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_serve_refuses_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "graph", "serve", "--config", str(GPU)]
    refused = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert refused.returncode == 1
    assert "torch sees 0 on this machine" in refused.stderr
    assert refused.stderr.count("\n") == 1
