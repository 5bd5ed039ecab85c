"""From approved drafts to knowledge in use: check, build beside, try out, commit; and back.

`publish` changes nothing until everything that can be known beforehand is known: the data check finds no new problem,
the new index stands beside the old one, every new sentence finds its entry, a fixed set of old sentences is answered
as before, and nobody changed an approved draft meanwhile. Then the commit: files of data/knowledge, the pipeline's
manifest, the index pointer. What was before is kept as a release (`graph.journal`).

A running service is not told: every replica looks at the pointer itself (`indexes.shelf`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.schema import AppConfig
from graph.bars import Progress
from graph.content import Content
from graph.errors import InputError
from graph.journal import alone, begin, end, forget, keep, replace_files, restore
from graph.pipeline import mark_built, stale_steps
from graph.places import Places
from graph.rehearsal import Rehearsal
from graph.releases import RELEASES, read_record, release_folders
from indexes.content.append import append_entries, next_ids
from indexes.content.check import check_data
from indexes.content.knowledge import KnowledgeEntry
from indexes.knowledge_index import Manifest
from indexes.mining.drafts import Draft, DraftFolder, draft_problems
from indexes.versions import IndexVersions
from models.encoder import SentenceEncoder
from models.text.segment import segmenter_version

_KEPT_RELEASES = 10


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish or a rollback put in use.

    Attributes:
        entries: ids of the new entries; of those taken back after a rollback.
        index_version: the index in use now.
        unanswered: new questions that the service would not answer with their entry, and why; for the operator.
    """

    entries: tuple[str, ...]
    index_version: str
    unanswered: tuple[str, ...] = ()


def publish(config: AppConfig, drafts: DraftFolder, *, progress: Progress | None = None) -> Published:
    """Puts all approved drafts of a folder in use.

    Raises:
        InputError: nothing is approved, the models are not up to date, a check or the rehearsal found a problem, an
            approved draft was changed meanwhile; nothing was changed.
        ContentError, IndexUnavailableError, ArtifactError: data or artifacts cannot be used; nothing was changed.
    """
    with alone(config):
        stale = stale_steps(config)
        if stale:
            raise InputError(f"{config.artifacts}: {', '.join(stale)} not up to date; run `train all` first")
        approved = [draft for draft in drafts.all() if draft.status == "approved"]
        if not approved:
            raise InputError(f"{drafts.folder}: no approved draft; approve one with `drafts approve`")
        with tempfile.TemporaryDirectory(prefix=".publish.", dir=config.artifacts) as folder:
            staged = _stage(config, Path(folder))
            entries = _add(staged, approved)
            _check(config, staged)
            version = _build(config, staged, progress)
            unanswered = Rehearsal(config, staged).run(entries, IndexVersions(Places(config.artifacts).index), version)
            with drafts.locked():
                _check_unchanged(drafts, approved)
                _commit(config, staged, drafts, approved, entries, version)
        return Published(tuple(entry.id for entry in entries), version, tuple(unanswered))


def rollback(config: AppConfig) -> Published:
    """Puts the previous release back in use: knowledge, index, and the drafts as approved again.

    Raises:
        InputError: there is no release to go back to, or the knowledge was edited or the encoder trained since;
            nothing was changed.
        IndexUnavailableError, ArtifactError: the former index or the encoder cannot be used; nothing was changed.
    """
    with alone(config):
        releases = release_folders(config)
        if not releases:
            raise InputError(f"{config.artifacts / RELEASES}: nothing was published; there is nothing to go back to")
        record = read_record(releases[-1])
        _check_way_back(config, record)
        restore(config, releases[-1])
        return Published(tuple(record["entries"]), record["index_before"])


def _check_way_back(config: AppConfig, record: dict[str, Any]) -> None:
    """Refuses to go back to what does not fit what is there now."""
    knowledge = config.data / "knowledge"
    if Content(config.data).knowledge.digest != record["knowledge_after"]:
        raise InputError(f"{knowledge}: edited since the last publish; undo that edit first")
    folder = IndexVersions(Places(config.artifacts).index).folder(record["index_before"])
    before, now = Manifest.read(folder).encoder, _encoder(config).version
    if before != now:
        raise InputError(
            f"{folder}: built with encoder {before}, which was trained again since and is {now}; "
            f"take {', '.join(record['entries'])} out of {knowledge} by hand and run `train all`"
        )


def _stage(config: AppConfig, folder: Path) -> AppConfig:
    """A copy of the knowledge among links to everything else."""
    data, artifacts = folder / "data", folder / "artifacts"
    data.mkdir()
    artifacts.mkdir()
    for path in sorted(config.data.iterdir()):
        if path.name != "knowledge":
            os.symlink(path.resolve(), data / path.name)
    shutil.copytree(config.data / "knowledge", data / "knowledge")
    os.symlink((config.artifacts / "models").resolve(), artifacts / "models")
    return config.model_copy(update={"data": data, "artifacts": artifacts})


def _add(staged: AppConfig, approved: Sequence[Draft]) -> list[KnowledgeEntry]:
    content = Content(staged.data)
    problems = [problem for draft in approved for problem in draft_problems(draft, content.taxonomy)]
    if problems:
        raise InputError("; ".join(problems))
    ids = next_ids(content.knowledge, [draft.topic for draft in approved])
    entries = [draft.as_entry(entry_id) for draft, entry_id in zip(approved, ids, strict=True)]
    append_entries(staged.data / "knowledge", entries)
    return entries


def _check(config: AppConfig, staged: AppConfig) -> None:
    """Refuses what the data check finds wrong now and did not before."""
    problems = check_data(staged.data).problems
    if not problems:
        return
    before = {_without_numbers(problem) for problem in check_data(config.data).problems}
    fresh = [problem for problem in problems if _without_numbers(problem) not in before]
    if fresh:
        raise InputError("; ".join(fresh[:5]))


def _without_numbers(problem: str) -> str:
    return "".join(char for char in problem if not char.isdigit())


def _build(config: AppConfig, staged: AppConfig, progress: Progress | None) -> str:
    content = Content(staged.data)
    versions = IndexVersions(Places(config.artifacts).index)
    return versions.build(content.knowledge, segmenter=content.processor, encoder=_encoder(config), progress=progress)


def _encoder(config: AppConfig) -> SentenceEncoder:
    return SentenceEncoder.load(Places(config.artifacts).encoder, segmenter=segmenter_version(), device=config.device)


def _check_unchanged(drafts: DraftFolder, approved: Sequence[Draft]) -> None:
    """Refuses what somebody edited, rejected or deleted while the index was built and tried."""
    now = {draft.id: draft for draft in drafts.all()}
    changed = [draft.id for draft in approved if now.get(draft.id) != draft]
    if changed:
        raise InputError(
            f"{drafts.folder}: draft {', '.join(changed)} was changed while it was being published; "
            "review it and publish again"
        )


def _commit(
    config: AppConfig,
    staged: AppConfig,
    drafts: DraftFolder,
    approved: Sequence[Draft],
    entries: Sequence[KnowledgeEntry],
    version: str,
) -> None:
    versions = IndexVersions(Places(config.artifacts).index)
    record: dict[str, object] = {
        "entries": [entry.id for entry in entries],
        "drafts": {str(drafts.folder.resolve()): [draft.id for draft in approved]},
        "index_before": versions.keep_current(),
        "index_after": version,
        "knowledge_after": Content(staged.data).knowledge.digest,
    }
    begin(config, keep(config, record))
    replace_files(staged.data / "knowledge", config.data / "knowledge")
    mark_built(config)
    for draft, entry in zip(approved, entries, strict=True):
        drafts.change(draft.id, status="published", entry=entry.id)
    versions.switch(version)
    end(config)
    _forget_old(config, versions)


def _forget_old(config: AppConfig, versions: IndexVersions) -> None:
    """Keeps the last releases and the index versions they lead back to."""
    releases = release_folders(config)
    for path in releases[:-_KEPT_RELEASES]:
        forget(path)
    kept = {versions.current}
    for path in releases[-_KEPT_RELEASES:]:
        kept.add(read_record(path)["index_before"])
    versions.drop_all_but(sorted(kept))
