"""Thresholds and replies change in a running composer; nonsense changes nothing."""

import asyncio
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from configs.schema import PROJECT_ROOT, ConfigError, Thresholds
from graph.composer import Composer
from graph.live import Live, read_replies
from graph.memory import Memory
from graph.schema import ComfortAnswer, ComfortRequest
from tests.graph.scripted import QUESTION, Script, classified

pytestmark = pytest.mark.anyio


async def ask(composer: Composer, text: str = QUESTION) -> ComfortAnswer:
    return await composer.comfort(ComfortRequest(text=text, explain=True), request_id="r")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT_ROOT / "data" / "replies", tmp_path / "replies")
    shutil.copy(PROJECT_ROOT / "data" / "taxonomy.yaml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("thresholds", "strategy"),
    [
        ({}, "knowledge"),
        ({"emotion": 0.9}, "none"),
        ({"match": 0.95}, "emotion_topic"),
        ({"match": 0.95, "topic": 0.8}, "emotion"),
        ({"match_topic": 0.81}, "emotion_topic"),
    ],
)
@pytest.mark.parametrize("execution", ["gated", "speculative"])
async def test_every_threshold_decides_from_the_next_answer_on(
    thresholds: dict[str, float], strategy: str, execution: str, data: Path
) -> None:
    composer = Script(execution=execution, memory=Memory(max_entries=9, ttl_s=60.0)).composer()
    live = Live(composer, data=data)
    assert (await ask(composer)).strategy == "knowledge"
    await live.change({"thresholds": thresholds})
    said = await ask(composer)
    assert said.strategy == strategy
    assert said.explain is not None
    shown = said.explain.thresholds
    assert {name: value for name, value in shown.items() if name in thresholds and value is not None}.items() <= (
        thresholds.items()
    )
    await live.change({})
    assert (await ask(composer)).strategy == "knowledge"


async def test_the_understudies_thresholds_too(data: Path) -> None:
    script = Script()
    script.emotion.broken = True
    composer = script.composer()
    assert (await ask(composer)).handled
    await Live(composer, data=data).change({"thresholds": {"lexicon": 1.0}})
    assert not (await ask(composer)).handled
    script = Script()
    script.rerank.broken = True
    composer = script.composer()
    assert (await ask(composer)).strategy == "knowledge"
    await Live(composer, data=data).change({"thresholds": {"wsm": 1.0}})
    assert (await ask(composer)).strategy == "emotion_topic"


async def test_what_was_under_way_is_not_remembered_by_the_old_rules() -> None:
    script = Script(memory=Memory(max_entries=9, ttl_s=60.0))
    script.emotion.delay_s = 0.05
    composer = script.composer()
    under_way = asyncio.create_task(ask(composer))
    await asyncio.sleep(0.01)
    composer.decide_by(Thresholds(match=0.95))
    assert (await ask(composer)).strategy == "emotion_topic"
    await under_way
    assert (await ask(composer)).strategy == "emotion_topic"


async def test_an_edited_reply_is_sent_from_the_next_answer_on(data: Path) -> None:
    script = Script()
    composer = script.composer()
    live = Live(composer, data=data)
    await live.change({"thresholds": {"match": 0.99, "topic": 0.99}})
    before = composer.scribe.replies.version
    edit(data, "anxious", "真的很抱歉让您这么着急，我们一起来看看怎么办。")
    await live.change({"thresholds": {"match": 0.99, "topic": 0.99}, "replies": "new"})
    assert composer.scribe.replies.version not in (before, read_replies(PROJECT_ROOT / "data").version)
    assert (await ask(composer)).reply == "真的很抱歉让您这么着急，我们一起来看看怎么办。"


def edit(data: Path, emotion: str, text: str) -> None:
    """Make `text` the only general reply of an emotion."""
    for path in (data / "replies").glob("*.tsv"):
        header, *rows = path.read_text(encoding="utf-8").splitlines()
        columns = header.split("\t")
        kept = [row for row in rows if not general(dict(zip(columns, row.split("\t"), strict=True)), emotion)]
        path.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
    row = {"emotion": emotion, "topic": "none", "strategy": "apologise", "text": text}
    path.write_text(path.read_text(encoding="utf-8") + "\t".join(row[c] for c in columns) + "\n", encoding="utf-8")


def general(cells: dict[str, str], emotion: str) -> bool:
    return cells["emotion"] == emotion and cells["topic"] == "none"


@pytest.mark.parametrize("nonsense", [{"thresholds": {"emotion": 2}}, {"threshold": {}}])
async def test_a_running_composer_survives_nonsense_and_a_new_one_refuses_it(
    nonsense: dict[str, Any], data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    composer = Script().composer()
    live = Live(composer, data=data)
    with pytest.raises(ConfigError, match="Composer: user_config.threshold"):
        await live.change(nonsense)
    await live.change({"thresholds": {"match": 0.95}})
    with caplog.at_level(logging.WARNING, logger="ray.serve"):
        await live.change(nonsense)
        (data / "replies" / "extra.tsv").write_text("emotion\ttopic\n", encoding="utf-8")
        await live.change({"thresholds": {}})
    assert caplog.text.count("nothing was changed") == 2
    assert composer.thresholds()["match"] == 0.95


async def test_replies_that_are_not_the_ones_deployed_are_said(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    live = Live(Script().composer(), data=data)
    version = read_replies(data).version
    await live.change({})
    with caplog.at_level(logging.WARNING, logger="ray.serve"):
        await live.change({"replies": version})
        assert caplog.text == ""
        await live.change({"replies": "other"})
    assert f"replies other were deployed, but {version} are on this machine" in caplog.text


async def test_an_unsure_emotion_becomes_sure_by_a_lower_threshold(data: Path) -> None:
    script = Script()
    script.emotion.answer = classified("anxious", 0.4)
    composer = script.composer()
    assert not (await ask(composer)).handled
    await Live(composer, data=data).change({"thresholds": {"emotion": 0.3}})
    assert (await ask(composer)).handled
