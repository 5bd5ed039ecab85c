"""What was in use before each publish, kept as a release, and the way back to it.

Whoever changes knowledge or artifacts (`graph.publish`, `graph.pipeline`) does it inside `alone`: one lock for all of
them. A journal names the release while a commit or a rollback is under way, so that whatever was cut short is undone
by the next command, whichever it is.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from configs.schema import AppConfig
from graph.places import LOCK, MANIFEST, Places
from graph.releases import RECORD, RELEASES, read_record, release_folders
from indexes.mining.drafts import DraftFolder, write_whole
from indexes.versions import IndexVersions

_JOURNAL = "journal"


@contextmanager
def alone(config: AppConfig) -> Iterator[None]:
    """The only one that changes artifacts and knowledge; first undoes what an earlier one left half done.

    Raises:
        ContentError, IndexUnavailableError, OSError: that cannot be undone; the journal stays.
    """
    config.artifacts.mkdir(parents=True, exist_ok=True)
    with FileLock(config.artifacts / LOCK):
        journal = _journal(config)
        if journal.exists():
            restore(config, journal.with_name(journal.read_text(encoding="utf-8")))
        yield


def keep(config: AppConfig, record: dict[str, object]) -> Path:
    """Makes a release of what is in use now, and removes what others left of theirs.

    Args:
        config: names data and artifacts.
        record: what the publish is about to change.

    Returns:
        The release's folder.
    """
    root = config.artifacts / RELEASES
    root.mkdir(exist_ok=True)
    releases = release_folders(config)
    for path in root.iterdir():
        if path.is_dir() and path not in releases:
            shutil.rmtree(path)
    number = int(releases[-1].name) + 1 if releases else 1
    beside = Path(tempfile.mkdtemp(prefix=".new.", dir=root))
    shutil.copytree(config.data / "knowledge", beside / "knowledge")
    shutil.copy(config.artifacts / MANIFEST, beside / MANIFEST)
    write_whole(beside / RECORD, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    release = root / f"{number:04d}"
    os.replace(beside, release)
    return release


def begin(config: AppConfig, release: Path) -> None:
    """From here to `end`, whoever comes next makes everything as it was before the release."""
    write_whole(_journal(config), release.name)


def end(config: AppConfig) -> None:
    """What was begun is whole."""
    _journal(config).unlink()


def restore(config: AppConfig, release: Path) -> None:
    """Makes everything as it was before a release, and forgets it; may be repeated.

    Raises:
        ContentError, IndexUnavailableError, OSError: a draft, the former index or a file cannot be used.
    """
    begin(config, release)
    if release.is_dir():  # else only its journal is left
        record = read_record(release)
        IndexVersions(Places(config.artifacts).index).switch(record["index_before"])
        replace_files(release / "knowledge", config.data / "knowledge")
        write_whole(config.artifacts / MANIFEST, (release / MANIFEST).read_text(encoding="utf-8"))
        _approve_again(record)
        forget(release)
    end(config)


def forget(release: Path) -> None:
    """Removes a release, for whoever lists them in one step; `keep` removes what is left if it is cut short."""
    aside = Path(tempfile.mkdtemp(prefix=".old.", dir=release.parent))
    os.replace(release, aside)
    shutil.rmtree(aside)


def replace_files(source: Path, target: Path) -> None:
    """Makes the YAML files of `target` those of `source`, one after another, each in one step."""
    wanted = {path.name: path.read_text(encoding="utf-8") for path in sorted(source.glob("*.yaml"))}
    for name, text in wanted.items():
        path = target / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_whole(path, text)
    for path in sorted(target.glob("*.yaml")):
        if path.name not in wanted:
            path.unlink()


def _approve_again(record: dict[str, Any]) -> None:
    """Those that were published; one that was not yet may have been edited or rejected since."""
    for folder, ids in record["drafts"].items():
        drafts = DraftFolder(Path(folder))
        for draft_id in ids:
            if (drafts.folder / f"{draft_id}.yaml").exists() and drafts.get(draft_id).status == "published":
                drafts.change(draft_id, status="approved", entry="")


def _journal(config: AppConfig) -> Path:
    return config.artifacts / RELEASES / _JOURNAL
