"""A composer over scripted nodes: the real composer, scribe, stages and content, with nodes that a test controls.

The nodes are what the composer must survive, so they are the one thing here that is not real.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from configs.schema import Thresholds
from deployments.messages import Classified, Reranked
from deployments.work import Description, Failure, Work
from graph.answer import Scribe
from graph.breaker import Breaker
from graph.composer import Budget, Composer, Stages
from graph.editions import Editions, Fixed, Held
from graph.memory import Memory
from graph.schema import Info
from graph.sessions import Sessions
from graph.stage import Stage
from graph.understudies import Understudies
from indexes.content.knowledge import KnowledgeEntry
from indexes.content.lexicon import Lexicon
from indexes.content.lexicon_words import EmotionWord, Modifier, TopicWord
from indexes.content.replies import Reply, ReplyStore, reply_id
from indexes.knowledge_index import KnowledgeIndex, Manifest, Surface
from indexes.recall import Recalled
from models.embeddings import Embeddings
from models.text.segment import TextProcessor
from models.text.vocabulary import Vocabulary
from models.unsupervised import WSM

QUESTION = "一直不发货急死了"
REPLY_KNOWLEDGE = "等了这么久确实着急，您可以在订单详情页提醒发货。"


@dataclass
class ScriptedNode:
    """Answers with what it was given; can be late or broken."""

    answer: Any
    version: str = "v1"
    delay_s: float = 0.0
    broken: bool = False
    asked: list[Any] = field(default_factory=list)
    cancelled: int = 0
    described: int = 0

    async def many(self, works: Sequence[Work[Any]]) -> Sequence[Any | Failure]:
        """The same answer for every item."""
        self.asked.extend(work.item for work in works)
        if self.broken:
            raise ConnectionError("replica died")
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return [self.answer] * len(works)

    async def describe(self) -> Description:
        """Up unless broken."""
        self.described += 1
        if self.broken:
            raise ConnectionError("replica died")
        return Description(self.version, 0.5)


@cache
def processor() -> TextProcessor:
    """One text processor for all tests; its dictionary takes a second to load."""
    return TextProcessor()


def classified(label: str, probability: float, threshold: float = 0.5) -> Classified:
    """What a classifier node answers."""
    return Classified(label, probability, probability, threshold, {label: probability, "other": 1 - probability}, "v1")


@dataclass
class Script:
    """The four nodes, and the composer over them."""

    emotion: ScriptedNode = field(default_factory=lambda: ScriptedNode(classified("anxious", 0.9)))
    topic: ScriptedNode = field(default_factory=lambda: ScriptedNode(classified("no_shipment", 0.8)))
    recall: ScriptedNode = field(default_factory=lambda: ScriptedNode(Recalled((0,), (3.0,), (0.9,), (0.03,), ())))
    rerank: ScriptedNode = field(default_factory=lambda: ScriptedNode(Reranked((0.95,), 0.85, "v1")))
    execution: str = "gated"
    timeout_s: float = 0.5
    shelf: Held = field(default_factory=lambda: Fixed(one_entry_index()))
    memory: Memory = field(default_factory=lambda: Memory(max_entries=0, ttl_s=60.0))
    thresholds: Thresholds = field(default_factory=Thresholds)

    def composer(self) -> Composer:
        """A real composer over these nodes."""
        replies = ReplyStore([reply("anxious", "no_shipment", n) for n in range(3)] + [reply("anxious", None, 0)])
        scribe = Scribe(replies=replies, sessions=Sessions(max_sessions=10))
        return Composer(
            stages=Stages(
                *(self._stage(role, getattr(self, role)) for role in ("emotion", "topic", "recall", "rerank"))
            ),
            understudies=Understudies(small_lexicon(), WSM(tiny_embeddings(), threshold=0.6)),
            processor=processor(),
            editions=Editions(self.shelf),
            scribe=scribe,
            budget=Budget(default_ms=1000, max_ms=5000, reserve_ms=30),
            execution="speculative" if self.execution == "speculative" else "gated",
            thresholds=self.thresholds,
            memory=self.memory,
        )

    def _stage(self, role: str, node: ScriptedNode) -> Stage[Any, Any]:
        return Stage(
            role,
            node,
            breaker=Breaker(failures=3, open_s=60),
            timeout_s=self.timeout_s,
            max_batch_size=8,
            max_queue=100,
            slots=2,
        )


def some_info(composer: Composer) -> Info:
    """What `/v1/info` starts from."""
    return Info(
        emotions={"anxious": "着急"},
        topics={"no_shipment": "迟迟不发货"},
        thresholds={"wsm": 0.6},
        versions=composer.versions(),
        counts={"replies": 4},
        execution="gated",
        placement="split",
    )


def reply(emotion: str, topic: str | None, number: int) -> Reply:
    """A written reply."""
    text = f"回复{number}：{topic or '一般'}的事我们知道了，您先别急。"
    return Reply(id=reply_id(emotion, topic, text), emotion=emotion, topic=topic, strategy="reflect", text=text)


def one_entry_index() -> KnowledgeIndex:
    """A knowledge index of one entry with one surface."""
    entry = KnowledgeEntry(
        id="no_shipment-01",
        topic="no_shipment",
        emotions=("anxious", "anger"),
        question=QUESTION,
        reply=REPLY_KNOWLEDGE,
    )
    manifest = Manifest(
        format=1, knowledge="d", segmenter="s", encoder="e", k1=0.9, b=0.4, n_entries=1, n_surfaces=1, files={}
    )
    return KnowledgeIndex(entries=[entry], surfaces=[Surface(0, processor().process(QUESTION))], manifest=manifest)


def tiny_embeddings() -> Embeddings:
    """Vectors in which no two words are alike, so that WSM counts equal words only."""
    words = ("一直", "不", "发货", "急死", "了")
    vocabulary, chars = Vocabulary.build([words], min_count=1), Vocabulary.build([("发", "货")], min_count=1)
    vectors = np.zeros((len(vocabulary), len(vocabulary)), dtype=np.float32)
    np.fill_diagonal(vectors, 1.0)
    vectors[:2] = 0.0
    return Embeddings(
        words=vocabulary,
        chars=chars,
        word_vectors=vectors,
        char_vectors=np.zeros((len(chars), len(vocabulary)), dtype=np.float32),
        idf=np.ones(len(vocabulary), dtype=np.float32),
        segmenter="s",
    )


def small_lexicon() -> Lexicon:
    """Enough words for the understudy of Emotion."""
    return Lexicon(
        emotion_words=[EmotionWord(word="急死了", emotion="anxious", strength=3)],
        topic_words=[TopicWord(word="发货", topic="no_shipment")],
        modifiers=[Modifier(word="不", kind="negation", factor=-1.0)],
    )
