"""What was published, as it lies under artifacts/releases: a folder a release, and the record of the last job.

Light enough for the composer, which shows it (`graph.admin`); `graph.journal` writes the releases and
`graph.release_job` the record. The job holds a lock as long as it lives, so that a record that says `running` without
the lock is known to be of a job that died.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel

from configs.schema import AppConfig
from graph.admin_schema import Release, Releases
from graph.places import Places
from indexes.knowledge_index import Manifest

RELEASES = "releases"
"""The folder under `AppConfig.artifacts`."""
RECORD = "release.json"
"""What a release changed, in its folder."""
LAST, JOB_LOCK = "last.json", ".job.lock"
"""The record of the last job, and what it holds while it lives."""
BUSY = 3
"""Exit code of a job when another one is running."""


class Order(BaseModel):
    """What a job shall do, with the settings of the service that wants it."""

    action: Literal["publish", "rollback"]
    config: AppConfig


def release_folders(config: AppConfig) -> list[Path]:
    """The folders of the releases that can be taken back, oldest first; one without a record is only a remnant."""
    root = config.artifacts / RELEASES
    folders = root.iterdir() if root.is_dir() else ()
    return sorted(path for path in folders if path.name.isdigit() and (path / RECORD).is_file())


def read_record(release: Path) -> dict[str, Any]:
    """What a release changed, and from which index.

    Raises:
        OSError: the release is not there (any more).
    """
    record: dict[str, Any] = json.loads((release / RECORD).read_text(encoding="utf-8"))
    return record


def released(config: AppConfig) -> Releases:
    """The last job, the index in use, and what can be taken back."""
    path = config.artifacts / RELEASES / LAST
    last = Release.model_validate_json(path.read_text(encoding="utf-8")) if path.exists() else None
    if last is not None and last.state == "running" and not _is_running(config):
        last = last.model_copy(update={"state": "failed", "detail": "the job died; nothing has changed"})
    return Releases(
        last=last,
        index=Manifest.read(Places(config.artifacts).index).version,
        published=_published(config),
    )


def _published(config: AppConfig) -> list[list[str]]:
    published = []
    for folder in release_folders(config):
        with suppress(FileNotFoundError):  # taken back since it was listed
            published.append(list(read_record(folder)["entries"]))
    return published


def _is_running(config: AppConfig) -> bool:
    try:
        with FileLock(config.artifacts / RELEASES / JOB_LOCK, timeout=0):
            return False
    except Timeout:
        return True
