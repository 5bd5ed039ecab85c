"""The client that docs/client.py offers works against a running service."""

import re

import pytest

from configs.schema import PROJECT_ROOT
from docs.client import Anwei, AnweiError
from tests.graph.scripted import QUESTION, REPLY_KNOWLEDGE, Script, classified


def test_a_sentence_is_answered(address: str) -> None:
    with Anwei(address) as anwei:
        assert anwei.ready()
        answer = anwei.comfort(QUESTION, session_id="s-1", deadline_ms=2000)
    assert (answer.handled, answer.strategy, answer.reply) == (True, "knowledge", REPLY_KNOWLEDGE)
    assert (answer.emotion, answer.probability, answer.degraded) == ("anxious", 0.9, ())


def test_a_plain_sentence_is_not_handled(address: str, script: Script) -> None:
    script.emotion.answer = classified("other", 0.99)
    with Anwei(address) as anwei:
        answer = anwei.comfort("有蓝色的吗")
    assert (answer.handled, answer.strategy, answer.reply) == (False, "none", None)


def test_many_are_answered_in_order_with_errors_in_their_places(address: str) -> None:
    with Anwei(address) as anwei:
        first, second, third = anwei.comfort_all([QUESTION, " ", QUESTION])
    assert not isinstance(first, AnweiError)
    assert first.reply == REPLY_KNOWLEDGE
    assert isinstance(second, AnweiError)
    assert second.status == 422
    assert not isinstance(third, AnweiError)


def test_a_refusal_says_why(address: str) -> None:
    with Anwei(address) as anwei, pytest.raises(AnweiError, match="422: text: .*white space"):
        anwei.comfort(" ")


@pytest.mark.parametrize("document", ["docs/http.md", "docs/client.py"])
def test_the_shown_code_runs(address: str, document: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (PROJECT_ROOT / document).read_text(encoding="utf-8")
    shown = re.findall(r"^( *)(with Anwei\(.*?\n(?:\1    .*\n)+)", text, re.MULTILINE)
    assert len(shown) == 1
    indent, block = shown[0]
    code = re.sub(rf"^{indent}", "", block, flags=re.MULTILINE).replace("http://127.0.0.1:8000", address)
    exec(code, {"Anwei": Anwei})
    assert capsys.readouterr().out.strip() == REPLY_KNOWLEDGE
