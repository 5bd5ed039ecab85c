"""The rehearsal before new knowledge is used: the whole graph in this process, as it is and with the new index.

Called by `graph.publish`; it changes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence

from configs.schema import AppConfig
from graph.content import Content
from graph.errors import InputError
from graph.local import answer_all, local_composer, patient
from graph.places import Places
from graph.schema import ComfortAnswer, ComfortRequest
from indexes.content.knowledge import KnowledgeEntry
from indexes.recall import HybridRecall
from indexes.versions import IndexVersions, unfound
from models.encoder import SentenceEncoder
from models.text.segment import segmenter_version

N_FIXED = 200
"""Old sentences whose answers must not change: half from the knowledge, half from the messages."""


class Rehearsal:
    """Tries a new index.

    Args:
        config: of what is in use.
        staged: the same with the new knowledge; its artifacts folder has the models but no index yet.
    """

    def __init__(self, config: AppConfig, staged: AppConfig) -> None:
        self._config = config
        self._staged = staged

    def run(self, entries: Sequence[KnowledgeEntry], versions: IndexVersions, version: str) -> list[str]:
        """Asks the new questions and the fixed set.

        Returns:
            The new questions that would not be answered with their entry, and why: the emotion seen in them is not sure
            or none of the entry's. They are found, so this is for the operator to judge.

        Raises:
            InputError: a new sentence does not find its entry, or an old answer changes.
        """
        self._check_found(entries, versions, version)
        os.symlink(versions.folder(version).resolve(), Places(self._staged.artifacts).index)
        fixed = fixed_set(self._config)
        before = _ask(self._config, fixed)
        after = _ask(self._staged, [*fixed, *(entry.question for entry in entries)])
        changed = [
            f"{text!r}: {_matter(old)} before, {_matter(new)} now"
            for text, old, new in zip(fixed, before, after, strict=False)
            if _matter(old) != _matter(new)
        ]
        if changed:
            raise InputError(f"{len(changed)} old answers would change: {'; '.join(changed[:3])}; reword the drafts")
        answers = after[len(fixed) :]
        return [why for entry, answer in zip(entries, answers, strict=True) if (why := _unanswered(entry, answer))]

    def _check_found(self, entries: Sequence[KnowledgeEntry], versions: IndexVersions, version: str) -> None:
        segmenter = segmenter_version()
        device = self._config.device
        encoder = SentenceEncoder.load(Places(self._config.artifacts).encoder, segmenter=segmenter, device=device)
        recall = HybridRecall.open(
            versions.folder(version),
            encoder=encoder,
            segmenter=segmenter,
            device=device,
            top_k=self._config.recall.top_k,
            depth=self._config.recall.depth,
        )
        wrong = unfound(recall, entries, Content(self._staged.data).processor)
        if wrong:
            raise InputError(f"new sentences do not find their entry: {'; '.join(wrong[:3])}; reword the drafts")


def fixed_set(config: AppConfig) -> list[str]:
    """Sentences of the data that stay the same as long as the data does: chosen by a stable hash."""
    content = Content(config.data)
    known = [text for entry in content.knowledge.entries for text in entry.surfaces]
    messages = [utterance.text for utterance in content.utterances.utterances]
    return [*_chosen(known), *_chosen(messages)]


def _chosen(texts: Sequence[str]) -> list[str]:
    return sorted(texts, key=lambda text: hashlib.sha256(text.encode()).digest())[: N_FIXED // 2]


def _ask(config: AppConfig, texts: Sequence[str]) -> list[ComfortAnswer]:
    trained = patient(config.model_copy(update={"compiled": False}))  # both indexes are asked of the same networks
    requests = [ComfortRequest(text=text) for text in texts]

    async def collect() -> list[ComfortAnswer]:
        return [answer async for answer in answer_all(local_composer(trained), requests, at_once=16)]

    answers = asyncio.run(collect())
    degraded = sorted({role for answer in answers for role in answer.degraded})
    if degraded:
        raise InputError(
            f"{config.artifacts}: {', '.join(degraded)} failed in the rehearsal; build the artifacts again"
        )
    return answers


def _matter(answer: ComfortAnswer) -> str:
    return answer.knowledge.id if answer.knowledge else answer.strategy


def _unanswered(entry: KnowledgeEntry, answer: ComfortAnswer) -> str:
    if answer.knowledge is not None and answer.knowledge.id == entry.id:
        return ""
    seen = f"{answer.emotion.label} {answer.emotion.probability:.2f}, written for {' '.join(entry.emotions)}"
    return f"{entry.id}: {entry.question!r} would be answered by {_matter(answer)} (emotion {seen})"
