"""Who answers when a node cannot: the emotion lexicon for Emotion, WSM for Rerank (design section 2).

Both live in the composer's process and need no model node, no torch and no network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.messages import OTHER
from graph.policy import Recognised
from indexes.content.lexicon import Lexicon
from indexes.knowledge_index import KnowledgeIndex
from models.text.sentence import Sentence
from models.unsupervised import WSM


@dataclass(frozen=True, slots=True)
class Understudies:
    """The stand-ins of one composer.

    Attributes:
        lexicon: recognises emotions by words.
        wsm: compares sentences by word vectors; carries its own threshold.
    """

    lexicon: Lexicon
    wsm: WSM

    def emotion(self, sentence: Sentence, *, threshold: float) -> Recognised:
        """The lexicon's view, sure from a confidence of `threshold`; `other`, and not sure, if it finds no emotion."""
        found = self.lexicon.emotion(sentence.words, sentence.text)
        if found is None:
            return Recognised(OTHER, 0.0, sure=False)
        label, confidence = found
        return Recognised(label, confidence, sure=confidence >= threshold)

    def similarities(self, sentence: Sentence, knowledge: KnowledgeIndex, rows: Sequence[int]) -> tuple[float, ...]:
        """WSM similarities in [0, 1] to rows of the knowledge, one per row."""
        surfaces = [knowledge.surfaces[row].sentence for row in rows]
        return tuple(float(value) for value in self.wsm.score(sentence, surfaces))
