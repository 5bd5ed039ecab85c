"""docs/operate.md: its backup restores, and what it tells docker and kubectl to use is there."""

import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from configs.schema import PROJECT_ROOT
from tests.test_documents import commands

CLUSTER = PROJECT_ROOT / "configs" / "cluster"
MANIFESTS = [
    resource
    for name in ("rayservice.yaml", "network.yaml", "redis.yaml")
    for resource in yaml.safe_load_all((CLUSTER / name).read_text(encoding="utf-8"))
]


def test_the_backup_brings_everything_back(tmp_path: Path) -> None:
    files = {"artifacts/models/emotion/config.json": "{}", "data/replies/a.tsv": "好", "artifacts/manifest.json": "1"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "artifacts" / "index").symlink_to("versions-1")
    save, restore = commands("tar ")
    subprocess.run(shlex.split(save), cwd=tmp_path, check=True)
    subprocess.run(["rm", "-r", "artifacts", "data"], cwd=tmp_path, check=True)
    subprocess.run(shlex.split(restore), cwd=tmp_path, check=True)
    assert {name: (tmp_path / name).read_text(encoding="utf-8") for name in files} == files
    assert (tmp_path / "artifacts" / "index").readlink() == Path("versions-1")


@pytest.mark.parametrize("command", sorted({*commands("kubectl "), *commands("docker ")}))
def test_named_files_are_there(command: str) -> None:
    words = shlex.split(command)
    for option, value in pairwise(words):
        assert option != "-f" or (PROJECT_ROOT / value).is_file()
    if words[0] == "docker":
        assert command in (CLUSTER / "Dockerfile").read_text(encoding="utf-8")


def test_every_manifest_is_applied() -> None:
    applied = re.findall(r"-f (configs/cluster/\S+\.yaml)", " ".join(commands("kubectl ")))
    kinds = {path.name for path in CLUSTER.glob("*.yaml") if "kind: " in path.read_text(encoding="utf-8")}
    assert {Path(path).name for path in applied} >= kinds & {"rayservice.yaml", "network.yaml", "redis.yaml"}
    assert len(applied) == 3


def test_the_secrets_that_pods_need_are_made() -> None:
    made = set(re.findall(r"create secret generic (\S+) --from-literal=password=", " ".join(commands("kubectl "))))
    assert made == set(re.findall(r"secretKeyRef.*?'name': '([\w-]+)'", str(MANIFESTS)))


def test_the_labels_that_open_the_network_are_given() -> None:
    given = set(re.findall(r"label namespace \S+ (\S+)=true", " ".join(commands("kubectl "))))
    assert given == set(re.findall(r"'(anwei/\w+)': 'true'", str(MANIFESTS)))
