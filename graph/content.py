"""Written content as the trainers want it: lists of sentences with labels, split by family."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from indexes.content.knowledge import KnowledgeEntry, KnowledgeStore
from indexes.content.splits import Split, query_split
from indexes.content.taxonomy import NO_EMOTION, Taxonomy
from indexes.content.utterances import UtteranceStore
from models.artifact import digest_of
from models.text.segment import TextProcessor
from models.text.sentence import Sentence

Labelled = tuple[Sentence, str]


class Content:
    """Everything under a data folder, read and segmented on first use.

    Args:
        folder: `AppConfig.data`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.taxonomy = Taxonomy.read(folder / "taxonomy.yaml")

    @cached_property
    def processor(self) -> TextProcessor:
        """The one text processor of a build."""
        return TextProcessor()

    @cached_property
    def utterances(self) -> UtteranceStore:
        """Labelled messages."""
        return UtteranceStore.read(self._folder / "utterances", self.taxonomy)

    @cached_property
    def knowledge(self) -> KnowledgeStore:
        """Knowledge entries."""
        return KnowledgeStore.read(self._folder / "knowledge", self.taxonomy)

    def lessons(self) -> str:
        """Digest of everything that is learned from. Replies are not: changing one must not train anything again."""
        utterances = [(u.text, u.emotion, u.topic) for u in self.utterances.utterances]
        entries = [(e.id, e.topic, e.emotions, e.surfaces, e.hard_negatives) for e in self.knowledge.entries]
        return digest_of([repr(self.taxonomy.emotion_ids + self.taxonomy.topic_ids), repr(utterances), repr(entries)])

    def texts(self) -> list[Sentence]:
        """Every customer sentence: what word vectors are trained on."""
        raw = [u.text for u in self.utterances.utterances]
        for entry in self.knowledge.entries:
            raw += [*entry.surfaces, *entry.hard_negatives]
        return self._process(raw)

    def emotions(self, split: Split) -> list[Labelled]:
        """Sentences with their emotion; a knowledge entry's sentences have its first one."""
        own = [(self.processor.process(u.text), u.emotion) for u in self.utterances.of_split(split)]
        return own + [(sentence, entry.emotions[0]) for sentence, entry in self._of_family(split)]

    def topics(self, split: Split) -> list[Labelled]:
        """Sentences with their topic, `other` where there is none."""
        own = [(self.processor.process(u.text), u.topic or NO_EMOTION) for u in self.utterances.of_split(split)]
        return own + [(sentence, entry.topic) for sentence, entry in self._of_family(split)]

    def queries(self, split: Split) -> list[list[Sentence]]:
        """For each entry its sentences of a split, which mean the same: what the sentence encoder learns from."""
        groups = []
        for entry in self.knowledge.entries:
            title, *others = self._process(entry.surfaces)
            groups.append([title] * (split == "train") + [s for s in others if query_split(s.text) == split])
        return groups

    def hard_negatives(self, split: Split) -> list[list[Sentence]]:
        """For each entry its hard negatives of a split: the same words, another matter."""
        return [
            [s for s in self._process(entry.hard_negatives) if query_split(s.text) == split]
            for entry in self.knowledge.entries
        ]

    def _of_family(self, split: Split) -> list[tuple[Sentence, KnowledgeEntry]]:
        """Knowledge sentences by family: all of an entry in one part.

        Of the training families, those that the matcher is tuned or tested with are left out: its tuning asks the
        topic classifier too, which must not have seen the question.
        """
        found = []
        for entry in self.knowledge.entries:
            if entry.split == split:
                title, *others = self._process(entry.surfaces)
                kept = [s for s in others if split != "train" or query_split(s.text) == "train"]
                found += [(sentence, entry) for sentence in (title, *kept)]
        return found

    def _process(self, texts: Iterable[str]) -> list[Sentence]:
        return [self.processor.process(text) for text in texts]
