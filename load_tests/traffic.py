"""What customers type, as a stream of sentences: the two traffics of every load test.

`real`: 95 % plain sentences, asked again and again by Zipf's law; the rest emotional, in equal shares of those that
knowledge, emotion and topic, or the emotion alone should answer. `hard`: emotional sentences only, no two alike, so
that neither the emotion gate nor the memory saves any work. Both are reproducible from a seed.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from graph.content import Content
from indexes.content.taxonomy import NO_EMOTION

EMOTIONAL_SHARE = 0.05
"""Of real traffic; the paper's figure (section 5)."""
ZIPF_EXPONENT = 1.0
_WHEN = ("", "上周", "昨天", "前天", "上个月", "双十一", "周末", "刚才", "月初", "前几天", "年前", "中午")
_WHAT = tuple(
    [
        "手机",
        "裤子",
        "奶粉",
        "床垫",
        "显卡",
        "猫粮",
        "耳机",
        "外套",
        "电饭煲",
        "沙发",
        "口红",
        "书包",
        "台灯",
        "轮胎",
        "键盘",
        "童鞋",
        "窗帘",
        "茶叶",
        "面膜",
        "雨伞",
        "行李箱",
        "自行车",
        "羽绒服",
        "空调",
        "花盆",
        "拖把",
        "手表",
        "电视",
    ]
)


@dataclass(frozen=True, slots=True)
class Voices:
    """The sentences of a data folder by what should answer them; `plain` most frequent first."""

    plain: tuple[str, ...]
    knowledge: tuple[str, ...]
    emotion_topic: tuple[str, ...]
    emotion: tuple[str, ...]

    @property
    def emotional(self) -> tuple[str, ...]:
        """All emotional sentences."""
        return self.knowledge + self.emotion_topic + self.emotion


def read_voices(data: Path, *, seed: int = 0) -> Voices:
    """The sentences of `data`; which plain ones are frequent is drawn by `seed`."""
    content = Content(data)
    plain, with_topic, without = [], [], []
    for utterance in content.utterances.utterances:
        if utterance.emotion == NO_EMOTION:
            plain.append(utterance.text)
        elif utterance.topic:
            with_topic.append(utterance.text)
        else:
            without.append(utterance.text)
    random.Random(seed).shuffle(plain)
    surfaces = (text for entry in content.knowledge.entries for text in entry.surfaces)
    return Voices(tuple(plain), tuple(surfaces), tuple(with_topic), tuple(without))


def real(voices: Voices, *, seed: int) -> Iterator[str]:
    """Real traffic without end."""
    draw = random.Random(seed)
    bounds = list(accumulate(1 / rank**ZIPF_EXPONENT for rank in range(1, len(voices.plain) + 1)))
    kinds = [kind for kind in (voices.knowledge, voices.emotion_topic, voices.emotion) if kind]
    while True:
        if draw.random() < EMOTIONAL_SHARE:
            yield draw.choice(draw.choice(kinds))
        else:
            (sentence,) = draw.choices(voices.plain, cum_weights=bounds)
            yield sentence


def hard(emotional: Sequence[str], *, seed: int) -> Iterator[str]:
    """Every emotional sentence in as many wordings as there are times and products, each once, in random order."""
    draw = random.Random(seed)
    said = {f"{when}买的{what}，{text}" for text in emotional for when, what in [_setting(draw) for _ in range(3)]}
    said |= set(emotional)
    sentences = sorted(said)
    draw.shuffle(sentences)
    yield from sentences


def _setting(draw: random.Random) -> tuple[str, str]:
    return draw.choice(_WHEN), draw.choice(_WHAT)
