"""The written replies for an emotion and a topic, or for an emotion alone, and the choice among them.

Read from `data/replies/*.tsv` (columns emotion, topic, strategy, text). The policy chooses from this when no
knowledge fits.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints

from indexes.content.source import ContentError, Text, Written, files_in, read_table, validated
from indexes.content.taxonomy import NO_TOPIC, Taxonomy, topic_or_none
from models.artifact import digest_of

COLUMNS = ("emotion", "topic", "strategy", "text")

Strategy = Literal["restate", "reflect", "apologise", "reassure", "suggest"]
"""The main support strategy of a reply: says the matter in own words; names and takes up the feeling;
apologises; affirms and reassures; offers the next step."""


class Reply(Written):
    """A written reply.

    Attributes:
        id: stable: the same for the same emotion, topic and text, wherever it stands.
        emotion: the emotion it answers; never `other`.
        topic: the topic it answers, None for a general reply.
        strategy: its main support strategy.
        text: what is sent.
    """

    id: Annotated[str, StringConstraints(pattern=r"^r-[0-9a-f]{12}$")]
    emotion: str
    topic: str | None
    strategy: Strategy
    text: Text


def reply_id(emotion: str, topic: str | None, text: str) -> str:
    """The stable id of a reply."""
    return f"r-{digest_of((emotion, topic or NO_TOPIC, text))[:12]}"


class ReplyStore:
    """All replies, by emotion and topic.

    Attributes:
        replies: in the order given.
        version: first 12 hexadecimal digits of the digest of their content.
    """

    def __init__(self, replies: Sequence[Reply]) -> None:
        self.replies = tuple(replies)
        self._by_id = {reply.id: reply for reply in self.replies}
        if len(self._by_id) != len(self.replies):
            twice, _ = Counter(reply.id for reply in self.replies).most_common(1)[0]
            raise ContentError(f"reply {self._by_id[twice].text!r}: is given twice for the same emotion and topic")
        groups: dict[tuple[str, str | None], list[Reply]] = defaultdict(list)
        for reply in self.replies:
            groups[reply.emotion, reply.topic].append(reply)
        self._groups = {key: tuple(group) for key, group in groups.items()}
        self.version = digest_of(reply.model_dump_json() for reply in self.replies)[:12]

    @classmethod
    def read(cls, folder: Path, taxonomy: Taxonomy) -> ReplyStore:
        """Reads every `*.tsv` of `folder`.

        Raises:
            ContentError: a rule is broken.
        """
        replies: dict[str, Reply] = {}
        for row in (row for path in files_in(folder, ".tsv") for row in read_table(path, COLUMNS)):
            topic = topic_or_none(row.cells["topic"])
            entry_id = reply_id(row.cells["emotion"], topic, row.cells["text"])
            reply = validated(Reply, {**row.cells, "topic": topic, "id": entry_id}, row.where)
            taxonomy.check_emotion(reply.emotion, row.where, comfort=True)
            taxonomy.check_topic(reply.topic, row.where)
            if reply.id in replies:
                raise ContentError(f"{row.where}: reply {reply.text!r}: is given twice for the same emotion and topic")
            replies[reply.id] = reply
        return cls(tuple(replies.values()))

    def of(self, emotion: str, topic: str | None) -> tuple[Reply, ...]:
        """The replies of exactly this combination; `topic` None for the general ones."""
        return self._groups.get((emotion, topic), ())

    def get(self, entry_id: str) -> Reply | None:
        """The reply with this id."""
        return self._by_id.get(entry_id)

    def choose(self, emotion: str, topic: str | None, *, seed: str, used: Collection[str]) -> Reply | None:
        """One of the replies of this combination, at random but the same for the same arguments.

        It is among those that occur least often in `used`: so none comes again before all were used, and with
        a `used` that keeps repetitions (a list) the same holds for every further round. A reply that is added
        or taken away changes the choice only where it is itself concerned (rendezvous hashing).

        Args:
            emotion: emotion id.
            topic: topic id, or None for the general replies.
            seed: source of the randomness, e.g. the request's id.
            used: ids of the replies already sent in this session; ids of other combinations do no harm.

        Returns:
            A reply, or None if there is none for this combination.
        """
        group = self.of(emotion, topic)
        if not group:
            return None
        times = Counter(used)
        fewest = min(times[reply.id] for reply in group)
        fresh = (reply for reply in group if times[reply.id] == fewest)
        return max(fresh, key=lambda reply: _draw(seed, reply.id))

    def __len__(self) -> int:
        return len(self.replies)


def _draw(seed: str, entry_id: str) -> bytes:
    """A uniformly distributed value for this seed and reply."""
    return hashlib.sha256(f"{entry_id}/{seed}".encode("utf-8", "surrogatepass")).digest()
