"""From a chat log to a folder of drafts: what `python -m graph mine` does.

Needs no trained artifact: word vectors are trained on the log itself together with the project's texts, started from
published ones. Writes drafts/, clusters.tsv, coverage.tsv, coverage.svg and report.json.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from configs.schema import AppConfig
from graph.bars import Progress
from graph.content import Content
from indexes.build import Segmenter
from indexes.content.lexicon import Lexicon
from indexes.content.splits import comparison_key
from indexes.mining.coverage import coverage_picture, coverage_table
from indexes.mining.drafts import DraftFolder, write_whole
from indexes.mining.logs import LogLine
from indexes.mining.matters import Matters, find_matters
from indexes.mining.propose import is_known, propose_drafts
from indexes.mining.questions import Question, collect_questions
from models.embeddings import Embeddings
from models.text.sentence import Sentence
from models.training.embeddings import EmbeddingParams, load_pretrained, pretrained_file, train_embeddings


class Collect(Protocol):
    """Finds the distinct questions of a log (`indexes.mining.questions.collect_questions`)."""

    def __call__(
        self, lines: Sequence[LogLine], segmenter: Segmenter, *, progress: Progress | None = None
    ) -> list[Question]:
        """The questions, the most frequent first."""


Report = dict[str, int | float]


def mine_logs(
    lines: Sequence[LogLine],
    out: Path,
    config: AppConfig,
    *,
    min_frequency: int = 5,
    n_drafts: int = 200,
    emotional_only: bool = True,
    progress: Progress | None = None,
    collect: Collect = collect_questions,
) -> Report:
    """Mines a log and writes what was found into `out`; drafts that are there already stay as they are.

    `collect` finds the distinct questions: in this process, or on Ray Data (`graph.ray_mining`).

    Returns:
        The figures of report.json.
    """
    content = Content(config.data)
    questions = collect(lines, content.processor, progress=progress)
    background = content.texts()
    entries = content.knowledge.entries
    owners = [entry.id for entry in entries for _ in entry.surfaces]
    known = [content.processor.process(text) for entry in entries for text in entry.surfaces]
    found = find_matters(
        questions,
        embeddings=train_log_embeddings(
            [*(question.sentence for question in questions), *background], content.processor.version, progress
        ),
        lexicon=Lexicon.read(config.data / "lexicons", content.taxonomy),
        known=known,
        background=background,
    )
    drafts = propose_drafts(
        found,
        min_frequency=min_frequency,
        n_drafts=n_drafts,
        taken={comparison_key(sentence.text) for sentence in background},
        name_known=owners.__getitem__,
        emotional_only=emotional_only,
    )
    out.mkdir(parents=True, exist_ok=True)
    fresh = DraftFolder(out / "drafts").add(drafts)
    report = _report(lines, found, n_drafts=len(drafts), n_fresh=fresh)
    _write(out, found, report, owners)
    return report


def train_log_embeddings(sentences: Sequence[Sentence], segmenter: str, progress: Progress | None = None) -> Embeddings:
    """Word vectors for clustering: few passes, because a log is large and its rare words say little.

    Args:
        sentences: the texts at hand.
        segmenter: version of the text processor that cut them.
        progress: told after words and after characters.
    """
    file = pretrained_file()
    return train_embeddings(
        sentences,
        segmenter=segmenter,
        pretrained=load_pretrained(file) if file else None,
        params=EmbeddingParams(n_epochs=4, min_count=2),
        progress=progress,
    )


def _report(lines: Sequence[LogLine], found: Matters, *, n_drafts: int, n_fresh: int) -> Report:
    frequencies = [matter.frequency for matter in found.matters]
    return {
        "lines": len(lines),
        "questions": len(found.questions),
        "asked": sum(frequencies),
        "clusters": len(found.matters),
        "clusters_of_one": sum(len(matter.rows) == 1 for matter in found.matters),
        "clusters_known": sum(is_known(matter) for matter in found.matters),
        "clusters_emotional": sum(matter.emotion is not None for matter in found.matters),
        "resolution": round(found.resolution, 4),
        "drafts": n_drafts,
        "drafts_new": n_fresh,
        **{f"clusters_covering_{share:.0%}": number for share, number in coverage_table(frequencies)},
    }


def _write(out: Path, found: Matters, report: Report, owners: Sequence[str]) -> None:
    frequencies = [matter.frequency for matter in found.matters]
    rows = ["frequency\tsentences\temotion\ttopic\tnearest_entry\tsimilarity\ttitle"]
    for matter in found.matters:
        near = (owners[matter.near.row], f"{matter.near.similarity:.3f}") if matter.near else ("", "")
        title = found.questions[matter.title].text
        cells = (matter.frequency, len(matter.rows), matter.emotion or "", matter.topic or "", *near, title)
        rows.append("\t".join(str(cell) for cell in cells))
    write_whole(out / "clusters.tsv", "\n".join(rows) + "\n")
    shares = ["share\tclusters", *(f"{share}\t{number}" for share, number in coverage_table(frequencies))]
    write_whole(out / "coverage.tsv", "\n".join(shares) + "\n")
    write_whole(out / "coverage.svg", coverage_picture(frequencies))
    write_whole(out / "report.json", json.dumps(report, indent=1, ensure_ascii=False) + "\n")
