"""A tiny world, made by the real trainers: a text processor, sentences of two matters, vectors, models."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch

from models.embeddings import Embeddings
from models.text.segment import TextProcessor
from models.text.sentence import Sentence
from models.text.vocabulary import Vocabulary
from models.training.embeddings import EmbeddingParams, train_embeddings

DELIVERY = (
    "快递怎么还没到，急死我了",
    "包裹三天没动静了，等着用呢",
    "物流一直不更新，快点行不行",
    "都一个星期了东西还在路上",
    "快递走得太慢了，着急",
    "什么时候能送到啊，赶时间",
    "顺丰怎么也这么慢，急用",
    "中通的件卡在武汉不动了",
    "还没收到货，明天就要出差了",
    "催一下快递吧，孩子等奶粉",
    "送个货要这么久吗，急！",
    "物流信息停在昨天，怎么回事啊",
    "路上走了八天了，还没派送",
    "我等得花儿都谢了，快递呢",
    "能不能快一点送，生日要用",
    "包裹到哪里了，怎么查不到",
)
REFUND = (
    "退款怎么还没到账",
    "钱什么时候退给我，太失望了",
    "说好的退款一直不退",
    "申请退款被拒绝，凭什么",
    "退回去的货款呢，没收到钱",
    "客服说会退，结果没有退",
    "银行卡没有收到退款",
    "我的退款金额少了十块",
    "商家不同意退款，气人",
    "退钱退钱，别再拖了",
    "退货都签收了还不退钱",
    "退款审核要几天才能到账",
    "少退了我运费，差评",
    "再不退款我就投诉",
    "钱退到哪里去了，查不到",
    "同意退款了可是没有到账",
)


@pytest.fixture(autouse=True)
def _one_torch_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(7)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def processor() -> TextProcessor:
    return TextProcessor()


@pytest.fixture(scope="session")
def delivery(processor: TextProcessor) -> list[Sentence]:
    return [processor.process(text) for text in DELIVERY]


@pytest.fixture(scope="session")
def refund(processor: TextProcessor) -> list[Sentence]:
    return [processor.process(text) for text in REFUND]


@pytest.fixture(scope="session")
def labelled(delivery: list[Sentence], refund: list[Sentence]) -> list[tuple[Sentence, str]]:
    """32 sentences with their labels."""
    return [*((s, "slow_delivery") for s in delivery), *((s, "other") for s in refund)]


@pytest.fixture(scope="session")
def embeddings(processor: TextProcessor, delivery: list[Sentence], refund: list[Sentence]) -> Embeddings:
    params = EmbeddingParams(width=24, n_epochs=10)
    return train_embeddings([*delivery, *refund], segmenter=processor.version, params=params)


def hand_made(
    words: Sequence[str], vectors: Sequence[Sequence[float]], idf: Sequence[float] | None = None
) -> Embeddings:
    """Embeddings with given word vectors and no characters."""
    width = len(vectors[0])
    table = np.concatenate((np.zeros((2, width)), np.array(vectors))).astype(np.float32)
    return Embeddings(
        words=Vocabulary(list(words)),
        chars=Vocabulary([]),
        word_vectors=table,
        char_vectors=np.zeros((2, width), dtype=np.float32),
        idf=np.array([0.0, 5.0, *(idf or [1.0] * len(words))], dtype=np.float32),
        segmenter="by hand",
    )
