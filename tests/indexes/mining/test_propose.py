"""From questions to drafts: what a reviewer gets to see, and what a draft must have before it is approved."""

import threading
from pathlib import Path

import numpy as np
import pytest

from indexes.content.lexicon import Lexicon
from indexes.content.lexicon_words import EmotionWord, TopicWord
from indexes.content.source import ContentError
from indexes.content.splits import comparison_key
from indexes.content.taxonomy import Taxonomy
from indexes.mining.coverage import coverage_picture, coverage_table
from indexes.mining.drafts import Draft, DraftFolder, draft_problems
from indexes.mining.matters import Matters, find_matters
from indexes.mining.propose import propose_drafts
from indexes.mining.questions import Question
from indexes.mining.vectors import sentence_vectors
from models.embeddings import Embeddings
from models.text.segment import TextProcessor
from models.training.embeddings import EmbeddingParams, train_embeddings
from tests.indexes.sample_content import REPLY

BURST = [
    f"{who}旧机回收{how}被压价{end}"
    for who in ("我的", "昨天", "上门")
    for how in ("当面", "又")
    for end in ("气死了", "太坑", "")
]
CALM = [f"{what}{ask}" for what in ("蓝色", "大码", "套装") for ask in ("还有货吗", "包邮吗", "怎么洗", "什么时候补货")]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    words = [
        EmotionWord(word="气死了", emotion="anger", strength=3),
        EmotionWord(word="太坑", emotion="anger", strength=2),
    ]
    return Lexicon(
        emotion_words=words, topic_words=[TopicWord(word="压价", topic="misleading_promotion")], modifiers=[]
    )


@pytest.fixture(scope="module")
def questions(processor: TextProcessor) -> list[Question]:
    replies = (("您先别签字，截图留好我们帮您复核", 2), ("好的", 5))
    asked = [Question(text, processor.process(text), 3, replies) for text in BURST]
    return asked + [Question(text, processor.process(text), 1) for text in CALM]


@pytest.fixture(scope="module")
def embeddings(questions: list[Question], processor: TextProcessor) -> Embeddings:
    sentences = [question.sentence for question in questions]
    params = EmbeddingParams(width=32, n_epochs=30)
    return train_embeddings(sentences * 5, segmenter=processor.version, params=params)


@pytest.fixture(scope="module")
def found(questions: list[Question], embeddings: Embeddings, lexicon: Lexicon) -> Matters:
    return find_matters(questions, embeddings=embeddings, lexicon=lexicon)


def test_every_question_is_in_one_matter_and_the_most_asked_come_first(found: Matters) -> None:
    rows = [row for matter in found.matters for row in matter.rows]
    assert sorted(rows) == list(range(len(found.questions)))
    frequencies = [matter.frequency for matter in found.matters]
    assert frequencies == sorted(frequencies, reverse=True)
    assert all(matter.rows[0] == matter.title for matter in found.matters)
    assert found.matters[0].emotion == "anger"
    assert found.matters[0].topic == "misleading_promotion"


def test_a_draft_has_what_the_rules_ask_for(found: Matters) -> None:
    drafts = propose_drafts(found, min_frequency=3, n_drafts=5, taken={comparison_key(BURST[0])})
    assert drafts
    texts = [text for d in drafts for text in (d.question, *d.paraphrases, *d.hard_negatives)]
    assert len(set(texts)) == len(texts)
    assert BURST[0] not in texts
    assert {draft.topic for draft in drafts} == {"misleading_promotion"}
    assert drafts[0].replies_found == ("您先别签字，截图留好我们帮您复核",)
    assert not any(draft.reply for draft in drafts)


def test_what_is_known_calm_or_rare_becomes_no_draft(
    found: Matters, questions: list[Question], embeddings: Embeddings, lexicon: Lexicon
) -> None:
    assert propose_drafts(found, min_frequency=10_000, n_drafts=5) == []
    calm = propose_drafts(found, min_frequency=1, n_drafts=50, emotional_only=False)
    assert len(calm) > len(propose_drafts(found, min_frequency=1, n_drafts=50))
    known = [question.sentence for question in questions]
    everything_known = find_matters(questions, embeddings=embeddings, lexicon=lexicon, known=known)
    assert propose_drafts(everything_known, min_frequency=1, n_drafts=50) == []


def test_vectors_are_cosines_and_silent_for_unknown_words(embeddings: Embeddings, processor: TextProcessor) -> None:
    sentences = [processor.process(text) for text in (*BURST, "zzz qqq", *CALM)]
    vectors = sentence_vectors(embeddings, sentences)
    lengths = np.linalg.norm(vectors, axis=1)
    assert not vectors[len(BURST)].any()
    np.testing.assert_allclose(np.delete(lengths, len(BURST)), 1.0, atol=1e-5)
    alone = sentence_vectors(embeddings, sentences[:1], background=sentences[1:])
    np.testing.assert_allclose(alone[0], vectors[0], atol=1e-5)


def draft(**changes: object) -> Draft:
    values = {
        "id": "0a1b2c3d",
        "topic": "misleading_promotion",
        "emotions": ("anger",),
        "question": "旧机上门回收被当面压价气死了",
        "paraphrases": ("估好的价到门口就变了", "师傅张口砍掉一半", "说好抵五百只给八十", "线上线下两个价坑人"),
        "hard_negatives": ("旧机回收怎么预约", "回收一般给多少钱"),
        "reply": REPLY,
    }
    return Draft.model_validate({**values, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"topic": ""}, "topic ''"),
        ({"topic": "weather"}, "'weather'"),
        ({"emotions": ("other",)}, "'other'"),
        ({"reply": ""}, "reply"),
        ({"reply": "马上到账" + REPLY}, "promise"),
        ({"paraphrases": ()}, "paraphrases: 0"),
        ({"hard_negatives": ()}, "hard negatives: 0"),
    ],
)
def test_only_a_complete_draft_can_be_approved(taxonomy: Taxonomy, changes: dict[str, object], said: str) -> None:
    problems = draft_problems(draft(**changes), taxonomy)
    assert bool(problems) == bool(said)
    assert said in "; ".join(problems)


def test_a_folder_of_drafts_keeps_what_reviewers_did(tmp_path: Path) -> None:
    folder = DraftFolder(tmp_path / "drafts")
    assert folder.add([draft(), draft(id="0b000000", frequency=9)]) == 2
    assert [d.id for d in folder.all()] == ["0b000000", "0a1b2c3d"]
    folder.change("0a1", status="rejected")
    assert folder.add([draft()]) == 0
    assert folder.get("0a1b2c3d").status == "rejected"
    with pytest.raises(ContentError, match="2 in .* begin so"):
        folder.get("0")
    with pytest.raises(ContentError, match="question"):
        folder.change("0a1b2c3d", question="两\n行")
    assert folder.get("0a1b2c3d").question == draft().question


def test_one_at_a_time_changes_a_draft_and_its_holder_more_than_once(tmp_path: Path) -> None:
    folder = DraftFolder(tmp_path / "drafts")
    folder.add([draft()])
    # The same object, as in the threads of the service, and another one, as on the command line.
    others = [
        threading.Thread(target=one.change, args=("0a1b2c3d",), kwargs={"frequency": 7})
        for one in (folder, DraftFolder(folder.folder))
    ]
    with folder.locked():
        for other in others:
            other.start()
        folder.change("0a1b2c3d", status="rejected")
        others[0].join(timeout=0.3)
        assert all(other.is_alive() for other in others)
        assert folder.get("0a1b2c3d").frequency == 1
    for other in others:
        other.join(timeout=30)
    assert (folder.get("0a1b2c3d").status, folder.get("0a1b2c3d").frequency) == ("rejected", 7)


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="0 in"):
        DraftFolder(tmp_path / "drafts").change("0a1b2c3d", status="rejected")
    assert not (tmp_path / "drafts").exists()


def test_coverage_worked_by_hand() -> None:
    table = dict(coverage_table([5, 3, 1, 1]))
    assert (table[0.5], table[0.8], table[0.9], table[1.0]) == (1, 2, 3, 4)
    assert coverage_table([]) == []
    assert coverage_picture([5, 3, 1, 1]).startswith("<svg")
    assert coverage_picture([]).endswith("</svg>\n")
