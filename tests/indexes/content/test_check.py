"""The data check on small data folders, each broken in one way."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from indexes.content.check import CheckReport, check_data, render
from indexes.content.check_rules import CheckRules, reply_problems
from indexes.content.splits import comparison_key, split_of

TAXONOMY = """
emotions:
  anger: {zh: 生气, definition: 怒}
  other: {zh: 其他, definition: 无}
topics:
  no_shipment: {zh: 不发货, definition: 不发}
"""
UTTERANCES = [
    "anger\tno_shipment\t都几号了还在待发货，当我好欺负",
    "anger\tno_shipment\t骗子才这样拖着不寄",
    "other\tno_shipment\t请问什么时候能寄出",
    "other\tnone\t在吗",
]
ENTRY = """
- id: no_shipment-01
  topic: no_shipment
  emotions: [anger]
  question: 拍下好久一直不发货气死了
  paraphrases: [付了钱没动静什么意思, 仓库睡着了吗真火大, 单子拖到现在想投诉, 老说快了快了糊弄谁]
  hard_negatives: [今天拍下哪天发货, 发货了但走得慢]
  reply: 付了款却迟迟不见发货，换谁都会生气。您可以在订单详情页点提醒发货，也可以申请退款另选别家。
"""
REPLIES = [
    "anger\tno_shipment\treflect\t等了又等还不见发货，这份火气完全在理，您可以先在订单详情页点提醒发货。",
    "anger\tnone\tsuggest\t让您这么生气，一定是哪里没做好，方便说说发生了什么吗，带上订单号会更快。",
]
LEXICONS = {
    "emotion_words": "word\temotion\tstrength\n生气\tanger\t2\n",
    "topic_words": "word\ttopic\n发货\tno_shipment\n",
    "modifiers": "word\tkind\tfactor\n不\tnegation\t-1\n",
}


def write_data(
    folder: Path,
    *,
    utterances: list[str] | None = None,
    entry: str = ENTRY,
    replies: list[str] | None = None,
) -> Path:
    for name in ("utterances", "knowledge", "replies", "lexicons"):
        (folder / name).mkdir(parents=True)
    (folder / "taxonomy.yaml").write_text(TAXONOMY, encoding="utf-8")
    rows = UTTERANCES if utterances is None else utterances
    text = "\n".join(["emotion\ttopic\ttext", *rows])
    (folder / "utterances" / "all.tsv").write_text(text, encoding="utf-8")
    (folder / "knowledge" / "no_shipment.yaml").write_text(entry, encoding="utf-8")
    text = "\n".join(["emotion\ttopic\tstrategy\ttext", *(REPLIES if replies is None else replies)])
    (folder / "replies" / "all.tsv").write_text(text, encoding="utf-8")
    for name, text in LEXICONS.items():
        (folder / "lexicons" / f"{name}.tsv").write_text(text, encoding="utf-8")
    return folder


def only_problem(report: CheckReport) -> str:
    assert len(report.problems) == 1, report.problems
    return report.problems[0]


def test_good_data_have_figures_and_no_problems(tmp_path: Path) -> None:
    report = check_data(write_data(tmp_path / "data"))
    assert report.problems == ()
    assert report.figures["utterances"] == 4
    assert report.figures["utterances, anger"] == 2
    assert report.figures["knowledge surfaces"] == 5
    assert report.figures["replies, general"] == 1
    assert render(report).endswith("0 problems")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("anger\tnone\t都几号了，还在待发货！当我好欺负", "is the same sentence as in"),
        ("anger\tnone\t都几号了还在待发货，当我好欺负吗", r"is too like .* \(0\.9\d\)"),
    ],
)
def test_repeated_utterances_are_found(tmp_path: Path, row: str, message: str) -> None:
    report = check_data(write_data(tmp_path / "data", utterances=[*UTTERANCES, row]))
    assert re.search(message, only_problem(report))
    assert "all.tsv:6" in only_problem(report)


def test_repeated_openings_are_found(tmp_path: Path) -> None:
    endings = ["一拖再拖没完没了", "都第三回骗人啦", "究竟怎么回事嘛", "给个准话行不行"]
    rows = [f"anger\tnone\t你们怎么又{ending}" for ending in endings]
    assert check_data(write_data(tmp_path / "three", utterances=UTTERANCES + rows[:3])).problems == ()
    problem = only_problem(check_data(write_data(tmp_path / "four", utterances=UTTERANCES + rows)))
    assert problem == "emotion anger: 4 of 6 texts open with '你们怎么又'; at most 3 may"


def test_a_sentence_in_two_parts_of_the_data_is_found(tmp_path: Path) -> None:
    entry_split = split_of("no_shipment-01")
    candidates = (f"快了快了说到第{n}遍糊弄谁" for n in range(100))
    other = next(text for text in candidates if split_of(comparison_key(text)) != entry_split)
    entry = ENTRY.replace("老说快了快了糊弄谁", other)
    report = check_data(write_data(tmp_path / "data", entry=entry, utterances=[*UTTERANCES, f"anger\tnone\t{other}！"]))
    assert f"is in {entry_split}, and through" in only_problem(report)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (", 老说快了快了糊弄谁", "", "paraphrases: 3; at least 4 are needed"),
        (", 发货了但走得慢", "", "hard negatives: 1; at least 2 are needed"),
        ("老说快了快了糊弄谁", "一直不发货气死了拍下好久", "is too like '拍下好久一直不发货气死了'"),
        ("老说快了快了糊弄谁", "今天拍下哪天发货？", "is the same sentence as in no_shipment-01"),
        ("也可以申请退款另选别家。", "24小时内会发出。", "amount or time span '24小时'"),
        ("。您可以在订单详情页点提醒发货，也可以申请退款另选别家", "", "reply of 18 characters; must be 40 to 119"),
    ],
)
def test_thin_or_careless_knowledge_is_found(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ENTRY
    assert message in only_problem(check_data(write_data(tmp_path / "data", entry=ENTRY.replace(old, new))))


@pytest.mark.parametrize(
    ("replies", "message"),
    [
        (REPLIES[1:], "replies of anger and no_shipment: 0; at least 1 are needed"),
        (REPLIES[:1], "general replies of emotion anger: 0; at least 1 are needed"),
        ([*REPLIES, "anger\tnone\tsuggest\t别生气，会处理的。"], "reply of 9 characters; must be 25 to 119"),
        ([*REPLIES, REPLIES[1].replace("更快", "更快些")], "is too like"),
    ],
)
def test_gaps_and_faults_of_replies_are_found(tmp_path: Path, replies: list[str], message: str) -> None:
    assert message in only_problem(check_data(write_data(tmp_path / "data", replies=replies)))


def test_counts_are_held_against_the_rules(tmp_path: Path) -> None:
    rules = CheckRules(min_utterances=5, min_utterances_per_emotion=3, min_entries_per_topic=2)
    report = check_data(write_data(tmp_path / "data"), rules=rules)
    assert set(report.problems) == {
        "utterances: 4; at least 5 are needed",
        "utterances of emotion anger: 2; at least 3 are needed",
        "utterances of emotion other: 2; at least 3 are needed",
        "knowledge entries of topic no_shipment: 1; at least 2 are needed",
    }


def test_public_sentences_are_found(tmp_path: Path) -> None:
    folder = write_data(tmp_path / "data")
    public = tmp_path / "public" / "deep"
    public.mkdir(parents=True)
    (public / "a.txt").write_text("别的\n问|||骗子才这样，拖着不寄！\n", encoding="utf-8")
    (public / "b.tsv").write_text("text\tlabel\n在吗\t1\n骗子才这样拖着不寄\t1\n", encoding="utf-8")
    problem = only_problem(check_data(folder, public=tmp_path / "public"))
    assert "all.tsv:3: stands in the public file a.txt" in problem
    shutil.rmtree(public)
    assert "no .tsv or .txt file there" in only_problem(check_data(folder, public=tmp_path / "public"))


def test_one_broken_file_does_not_hide_the_rest(tmp_path: Path) -> None:
    report = check_data(write_data(tmp_path / "data", utterances=["rage\tnone\t烦"], replies=REPLIES[:1]))
    assert len(report.problems) == 2
    assert "all.tsv:2: emotion 'rage'" in report.problems[0]
    text = render(report, max_problems=1)
    assert text.splitlines()[-2:] == ["... and 1 more", "2 problems"]


@pytest.mark.parametrize(
    "text",
    [
        "48小时内处理",
        "三天内到账",
        "最多两个工作日",
        "赔您20元",
        "三倍赔偿",
        "打8折",
        "5天",
        "全额退款",
        "半小时就好",
        "几天内",
    ],
)
def test_amounts_spans_and_promises_are_found(text: str) -> None:
    assert list(reply_problems(text, "x", chars=(1, 119)))


@pytest.mark.parametrize(
    "text",
    [
        "可以拨打12315投诉",
        "第一时间联系",
        "这几天一直等着",
        "十分抱歉",
        "一天天盼着",
        "一倍感谢的心情不少".replace("一倍", "倍"),
    ],
)
def test_harmless_numbers_are_left_alone(text: str) -> None:
    assert list(reply_problems(text, "x", chars=(1, 119))) == []
