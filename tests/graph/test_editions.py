"""A request stays in one edition of the knowledge, whatever the nodes hold, and none is lost while it changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from deployments.messages import Reranked
from deployments.work import Description, Failure, Work
from graph.memory import Memory
from graph.schema import ComfortAnswer, ComfortRequest
from indexes.knowledge_index import KnowledgeIndex
from indexes.recall import Recalled
from tests.graph.scripted import QUESTION, Script, one_entry_index

pytestmark = pytest.mark.anyio


@dataclass
class Pile:
    """Editions, newest first; `get` notes who was asked for."""

    editions: list[KnowledgeIndex]
    asked: list[str] = field(default_factory=list)

    def held(self) -> list[str]:
        return [edition.manifest.version for edition in self.editions]

    def get(self, version: str) -> KnowledgeIndex | None:
        self.asked.append(version)
        return next((edition for edition in self.editions if edition.manifest.version == version), None)


@dataclass
class Holding:
    """A node that answers about the versions it holds; several replicas take turns."""

    answer: Any
    replicas: list[set[str]]
    asked: list[str] = field(default_factory=list)

    async def many(self, works: Sequence[Work[Any]]) -> Sequence[Any | Failure]:
        held = self.replicas[len(self.asked) % len(self.replicas)]
        self.asked += [work.item.index for work in works]
        missing = Failure("not_held", "not here")
        return [self.answer if work.item.index in held else missing for work in works]

    async def describe(self) -> Description:
        return Description("v1", None)


def edition(name: str) -> KnowledgeIndex:
    old = one_entry_index()
    entry = old.entries[0].model_copy(update={"reply": f"{name}：您先别急，我们来看看。"})
    manifest = old.manifest.model_copy(update={"knowledge": name})
    return KnowledgeIndex(entries=[entry], surfaces=old.surfaces, manifest=manifest)


NEW, OLD = edition("new"), edition("old")
BOTH = {NEW.manifest.version, OLD.manifest.version}


def script(
    recall: list[set[str]], rerank: list[set[str]], pile: Pile, *, execution: str = "gated", max_entries: int = 0
) -> Script:
    made = Script(shelf=pile, execution=execution, memory=Memory(max_entries=max_entries, ttl_s=60.0))
    made.recall = Holding(Recalled((0,), (3.0,), (0.9,), (0.03,), ()), recall)  # type: ignore[assignment]
    made.rerank = Holding(Reranked((0.95,), 0.85, "v1"), rerank)  # type: ignore[assignment]
    return made


async def ask(made: Script, times: int = 1) -> list[ComfortAnswer]:
    composer = made.composer()
    request = ComfortRequest(text=QUESTION, explain=True)
    return [await composer.comfort(request, request_id=str(number)) for number in range(times)]


def name(answer: ComfortAnswer) -> str:
    assert answer.degraded == []
    assert answer.strategy == "knowledge"
    said = (answer.reply or "").partition("：")[0]
    assert answer.versions.index == {"new": NEW, "old": OLD}[said].manifest.version
    return said


@pytest.mark.parametrize("execution", ["gated", "speculative"])
async def test_the_newest_edition_answers_when_all_hold_it(execution: str) -> None:
    (answer,) = await ask(script([BOTH], [BOTH], Pile([NEW, OLD]), execution=execution))
    assert name(answer) == "new"


@pytest.mark.parametrize("execution", ["gated", "speculative"])
@pytest.mark.parametrize("late", ["recall", "rerank"])
async def test_while_a_node_lacks_it_the_edition_before_answers_undegraded(late: str, execution: str) -> None:
    old = {OLD.manifest.version}
    made = script(
        [old if late == "recall" else BOTH],
        [old if late == "rerank" else BOTH],
        Pile([NEW, OLD]),
        execution=execution,
    )
    answers = await ask(made, 3)
    assert [name(answer) for answer in answers] == ["old"] * 3
    # Put off: not every request finds out anew.
    assert made.recall.asked.count(NEW.manifest.version) == 1


async def test_replicas_that_change_one_after_another_never_mix_editions() -> None:
    pile = Pile([NEW, OLD])
    made = script([BOTH, {OLD.manifest.version}], [BOTH, {OLD.manifest.version}, BOTH], pile)
    composer = made.composer()
    composer._editions._retry_s = 0.0
    request = ComfortRequest(text=QUESTION, explain=True)
    said = [name(await composer.comfort(request, request_id=str(number))) for number in range(40)]
    assert set(said) == {"new", "old"}


async def test_a_composer_that_lags_behind_asks_for_what_it_holds() -> None:
    (answer,) = await ask(script([BOTH], [BOTH], Pile([OLD])))
    assert name(answer) == "old"


async def test_what_no_node_holds_degrades_as_any_failure() -> None:
    (answer,) = await ask(script([set()], [set()], Pile([NEW, OLD])))
    assert (answer.strategy, answer.degraded) == ("emotion_topic", ["recall"])
    (answer,) = await ask(script([BOTH], [set()], Pile([NEW, OLD])))
    assert (answer.strategy, answer.degraded) == ("knowledge", ["rerank"])


async def test_what_is_remembered_belongs_to_its_edition() -> None:
    pile = Pile([OLD])
    made = script([BOTH], [BOTH], pile, max_entries=10)
    composer = made.composer()
    request = ComfortRequest(text=QUESTION, explain=True)
    said = []
    for held in ([OLD], [OLD], [NEW, OLD], [NEW, OLD], [OLD, NEW]):
        pile.editions = held
        answer = await composer.comfort(request, request_id="r")
        assert answer.explain is not None
        said.append((name(answer), answer.explain.cached))
    assert said == [("old", False), ("old", True), ("new", False), ("new", True), ("old", True)]


async def test_an_edition_that_is_not_needed_is_not_asked_for_so_that_it_can_go() -> None:
    pile = Pile([NEW, OLD])
    await ask(script([BOTH], [BOTH], pile), 3)
    assert set(pile.asked) == {NEW.manifest.version}
