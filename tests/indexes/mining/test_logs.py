"""Reading logs, and the distinct questions in them."""

import json
from pathlib import Path

import pytest

from indexes.content.source import ContentError
from indexes.mining.logs import LogLine, read_logs
from indexes.mining.questions import collect_questions
from models.text.segment import TextProcessor


def written(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_three_forms_say_the_same(tmp_path: Path) -> None:
    lines = [LogLine("急死了", session="s1"), LogLine("在的，亲", role="agent", session="s1")]
    objects = "".join(json.dumps({"text": x.text, "role": x.role, "session": x.session}) + "\n" for x in lines)
    assert read_logs([written(tmp_path, "log.jsonl", objects)]) == lines
    assert (
        read_logs([written(tmp_path, "log.csv", 'session,role,text\ns1,customer,急死了\ns1,agent,"在的，亲"\n')])
        == lines
    )
    assert read_logs([written(tmp_path, "log.tsv", "\ufefftext\tsession\n急死了\ts1\n")]) == lines[:1]
    assert read_logs([written(tmp_path, "log.txt", "急死了\r\n\n退款\n")]) == [LogLine("急死了"), LogLine("退款")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("log.txt", "好\n".encode() + b"\xff\xfe\n", "log.txt:2: not UTF-8"),
        ("log.txt", b"\n \n", "no text in it"),
        ("log.csv", "sentence\n急\n".encode(), "log.csv:1: columns ['sentence']: text must be among them"),
        ("log.tsv", "text\trole\n急\n".encode(), "log.tsv:2: 1 cells: must be 2"),
        ("log.jsonl", b'{"text": "a"}\n{"txt": "b"}\n', "log.jsonl:2: text None"),
        ("log.jsonl", b"[1]\n", "log.jsonl:1: a list: must be a JSON object"),
        ("log.jsonl", b"{\n", "log.jsonl:1: not a JSON object"),
        ("log.jsonl", b'{"text": "a", "role": "boss"}\n', "role 'boss'"),
    ],
)
def test_a_wrong_log_is_refused_with_its_place(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    with pytest.raises(ContentError) as error:
        read_logs([written(tmp_path, name, content)])
    assert said in str(error.value)


def test_a_missing_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="cannot be read"):
        read_logs([tmp_path / "none.txt"])


def test_questions_are_distinct_masked_counted_and_answered(processor: TextProcessor) -> None:
    lines = [
        LogLine("怎么还不发货", session="a"),
        LogLine("您稍等，我催一下仓库", role="agent", session="a"),
        LogLine("怎么还不发货！！", session="b"),
        LogLine("怎么还不发货", session="b"),
        LogLine("您稍等，我催一下仓库", role="agent", session="b"),
        LogLine("打我电话13812345678", session="c"),
        LogLine("？？", session="c"),
        LogLine("长" * 100, session="c"),
    ]
    first, second = collect_questions(lines, processor)
    assert (first.text, first.frequency) == ("怎么还不发货", 3)
    assert first.replies == (("您稍等，我催一下仓库", 3),)
    assert (second.text, second.frequency, second.replies) == ("打我电话[电话]", 1, ())


def test_of_the_services_own_log_only_what_no_knowledge_matched_is_mined(processor: TextProcessor) -> None:
    strategies = ("knowledge", "emotion_topic", "emotion", "none", "")
    lines = [LogLine(f"第{n}种说法", strategy=strategy) for n, strategy in enumerate(strategies)]
    assert {question.text for question in collect_questions(lines, processor)} == {
        "第1种说法",
        "第2种说法",
        "第4种说法",
    }
