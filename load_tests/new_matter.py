"""A question that nobody has asked before, in a thousand wordings, put together from a few building blocks.

What the service has to learn within minutes (`load_tests.burst`, tests/cluster). The last blocks of each kind stay out
of the log, so that what is asked afterwards was never seen.
"""

import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path

_WHAT = ("空调", "热水器", "油烟机", "洗衣机", "电视", "净水器", "洗碗机")
_PROMISE = (
    "说好免费安装",
    "页面写着包安装",
    "客服说安装不要钱",
    "宣传的是免费上门安装",
    "写明了送安装",
    "讲好安装全包",
    "当初承诺白装",
)
_FACT = (
    "师傅上门就要收安装费",
    "装的时候又要加钱",
    "师傅张口就要材料费",
    "装完硬要我付支架钱",
    "师傅临走伸手要安装钱",
    "安装师傅现场乱收费",
    "装到一半坐地起价",
)
_FEELING = ("太坑了", "气死我了", "真让人火大", "坑人啊", "太欺负人了", "我很生气", "恶心")

QUESTION = "空调说好免费安装，师傅上门就要收安装费，太坑了"
FIELDS: dict[str, str | tuple[str, ...]] = {
    "topic": "misleading_promotion",
    "emotions": ("anger", "aggrieved", "disappointed", "abuse", "anxious"),
    "question": QUESTION,
    "paraphrases": (
        "热水器页面写着包安装，装的时候又要加钱，气死我了",
        "客服说安装不要钱，装完硬要我付支架钱，真让人火大",
        "宣传的是免费上门安装，师傅张口就要材料费，坑人啊",
        "油烟机写明了送安装，安装师傅现场乱收费，我很生气",
    ),
    "hard_negatives": ("空调免费安装怎么预约", "安装师傅什么时候能上门"),
    "reply": "写着免费安装，上门却伸手要钱，换谁都窝火。收费单和页面截图您先留好，没谈妥之前可以不付，"
    "在订单里联系安装售后核对收费项目，也可以请平台客服介入。",
}
"""What a reviewer makes of the draft."""


def variants(n: int = 1000, *, seed: int = 0) -> list[str]:
    """`n` different wordings, in random order."""
    seen = [blocks[:-1] for blocks in (_WHAT, _PROMISE, _FACT, _FEELING)]
    sentences = [f"{what}{promise}，{fact}，{feeling}" for what, promise, fact, feeling in itertools.product(*seen)]
    random.Random(seed).shuffle(sentences)
    return sentences[:n]


def unseen() -> list[str]:
    """Wordings of which every part but one stands in the log."""
    parts = [(_WHAT[-1], _PROMISE[0], _FACT[0]), (_WHAT[0], _PROMISE[-1], _FACT[0]), (_WHAT[1], _PROMISE[0], _FACT[-1])]
    return [f"{''.join(part[:2])}，{part[2]}，{feeling}" for part in parts for feeling in _FEELING[:3]]


def write_log(path: Path, everyday: Sequence[str], *, n: int = 1000) -> None:
    """A chat log of `n` variants among what customers ask on any day."""
    lines = [*variants(n), *everyday]
    random.Random(1).shuffle(lines)
    text = "".join(json.dumps({"text": line, "role": "customer"}, ensure_ascii=False) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
