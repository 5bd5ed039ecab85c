"""A small body of knowledge and replies, and an encoder that needs no training."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from indexes.content.knowledge import KnowledgeEntry, KnowledgeStore
from models.text.sentence import Sentence

REPLY = "等了这么久还没有消息，换谁心里都会着急，您可以先在订单详情页点提醒发货，再把订单号发来一起看。"

_MATTERS = {
    "no_shipment": [
        (
            "拍下好几天一直不发货，急死我了",
            [
                "钱都付了咋还没动静呀我等着用",
                "你们仓库是睡着了吗 单子一点没动",
                "到底哪天能把东西寄出来啊我好急",
            ],
            ["今天拍下一般哪天发货呀", "发货了但是物流不动，急死"],
        ),
        (
            "说今晚发货又骗我，越等越慌",
            ["答应的时间又没寄，心里没底了", "每次都说今晚出库，结果又放空炮"],
            ["今晚能发货的话我就下单"],
        ),
    ],
    "slow_delivery": [
        (
            "快递卡在中转站不动了，急用啊",
            ["物流信息停了好久，我等着救急呢", "包裹在分拨中心躺着不走，急得我团团转"],
            ["快递到中转站一般要停多久"],
        ),
        (
            "送货地址那么近却绕了大半个中国，太慢了",
            ["同城的件居然兜圈子，看着就焦心", "明明隔壁市非要转三个省，什么时候能到"],
            ["你们从哪个仓发到我这近一点"],
        ),
    ],
    "urge_refund": [
        (
            "退货早签收了退款还不到账，好着急",
            ["东西你们都收回去了，我的钱呢快退啊", "仓库收件好久了，款项一点影子没有"],
            ["退货签收后退款退到哪里"],
        ),
        (
            "退款一直显示处理中，我等钱交房租",
            ["系统老是处理中处理中，我急用这笔钱", "审核怎么审这么久，房东催我了"],
            ["退款处理中还能撤销吗"],
        ),
    ],
}


def sample_entries() -> list[KnowledgeEntry]:
    """Six entries on three topics, each with two paraphrases or three and hard negatives."""
    return [
        KnowledgeEntry(
            id=f"{topic}-{number:02d}",
            topic=topic,
            emotions=("anxious", "anger"),
            question=question,
            paraphrases=tuple(paraphrases),
            hard_negatives=tuple(hard_negatives),
            reply=REPLY,
        )
        for topic, matters in _MATTERS.items()
        for number, (question, paraphrases, hard_negatives) in enumerate(matters, 1)
    ]


def numbered_entries(count: int) -> list[KnowledgeEntry]:
    """`count` more entries of similar words, enough to fill all parts of the data."""
    things = ("杯子", "外套", "耳机", "奶粉", "台灯", "雨伞", "键盘", "牙刷", "书包", "手表")
    faults = ("碎了", "掉色", "没声音", "结块", "不亮", "漏水", "失灵", "掉毛", "开线", "停走")
    return [
        KnowledgeEntry(
            id=f"poor_quality-{number:02d}",
            topic="poor_quality",
            emotions=("anger",),
            question=f"{things[number % 10]}才用第{number}回就{faults[number // 10 % 10]}气死我",
            paraphrases=(
                f"第{number}回拿出来{things[number % 10]}竟然{faults[number // 10 % 10]}了真火大",
                f"什么破{things[number % 10]}，{number}次都没撑到就{faults[number // 10 % 10]}",
            ),
            hard_negatives=(f"{things[number % 10]}用了{number}回会{faults[number // 10 % 10]}吗",),
            reply=REPLY,
        )
        for number in range(1, count + 1)
    ]


def sample_store() -> KnowledgeStore:
    """The six entries as a store."""
    return KnowledgeStore(sample_entries())


class HashingEncoder:
    """Sentence vectors from hashed characters and pairs of them: crude, deterministic, untrained."""

    def __init__(self, *, width: int = 128, version: str = "hashing-1") -> None:
        self.width = width
        self.version = version

    def encode(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """The vectors, float32 (n, width), L2-normalised; zero for an empty sentence."""
        vectors = np.zeros((len(sentences), self.width), np.float32)
        for vector, sentence in zip(vectors, sentences, strict=True):
            chars = sentence.chars
            for gram in (*chars, *("".join(pair) for pair in pairwise(chars))):
                vector[zlib.crc32(gram.encode()) % self.width] += 1.0
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)
