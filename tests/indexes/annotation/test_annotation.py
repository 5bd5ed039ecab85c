"""Annotation: what is chosen, how it travels through tools, and what three people's labels say together."""

import json
from pathlib import Path

import numpy as np
import pytest

from indexes.annotation.formats import (
    Format,
    Labels,
    export_tasks,
    import_labels,
    labelstudio_config,
    read_labels,
    write_labels,
)
from indexes.annotation.merge import fleiss_kappa, merge_labels, training_pairs_of
from indexes.annotation.tasks import Task, choices, pair_tasks, read_tasks, select_tasks, write_tasks
from indexes.content.lexicon import Lexicon
from indexes.content.lexicon_words import EmotionWord
from indexes.content.source import ContentError
from indexes.content.splits import query_split
from indexes.content.taxonomy import Taxonomy
from indexes.mining.questions import Question
from indexes.recall import HybridRecall
from models.text.segment import TextProcessor

LABELS = ("anger", "anxious", "other")
TASKS = [
    Task(id="t1", kind="emotion", text='他说"好",就走', suggestion="anger"),
    Task(id="t2", kind="emotion", text="在吗"),
]


def questions(processor: TextProcessor, n: int) -> list[Question]:
    texts = [f"第{i}单气死了" if i % 4 == 0 else f"第{i}单到哪了" for i in range(n)]
    return [Question(text, processor.process(text), 1) for text in texts]


def test_suspicious_sentences_and_a_share_of_plain_ones_are_selected(processor: TextProcessor) -> None:
    words = [EmotionWord(word="气死了", emotion="anger", strength=3)]
    lexicon = Lexicon(emotion_words=words, topic_words=[], modifiers=[])
    asked = questions(processor, 80)
    tasks = select_tasks(asked, lexicon, kind="emotion", size=20, plain_share=0.25)
    assert [task.suggestion for task in tasks].count("anger") == 15
    assert [task.suggestion for task in tasks].count("") == 5
    assert tasks == select_tasks(asked, lexicon, kind="emotion", size=20, plain_share=0.25)
    assert tasks != select_tasks(asked, lexicon, kind="emotion", size=20, plain_share=0.25, seed=1)
    assert len(select_tasks(asked, lexicon, kind="emotion", size=1000, plain_share=0.2)) == 80


def test_pairs_are_questions_with_their_best_candidates(built_index: Path, processor: TextProcessor) -> None:
    recall = HybridRecall.open(built_index, encoder=None, segmenter=processor.version, top_k=3, depth=50)
    asked = [Question(text, processor.process(text), 1) for text in ("退款一直不到账", "快递停在中转站")]
    tasks = pair_tasks(asked, recall, n_questions=5)
    assert {task.text for task in tasks} == {"退款一直不到账", "快递停在中转站"}
    assert all(task.other for task in tasks)
    first = next(task for task in tasks if task.text == "快递停在中转站")
    assert first.other == "快递卡在中转站不动了，急用啊"


def test_tasks_are_stored_and_choices_follow_from_their_kind(tmp_path: Path, taxonomy: Taxonomy) -> None:
    write_tasks(tmp_path / "tasks.jsonl", TASKS)
    assert read_tasks(tmp_path / "tasks.jsonl") == TASKS
    assert choices("match", taxonomy) == ("1", "0")
    assert choices("emotion", taxonomy)[-1] == choices("topic", taxonomy)[-1] == "other"
    write_tasks(tmp_path / "twice.jsonl", [TASKS[0], TASKS[0]])
    with pytest.raises(ContentError, match="t1 is given twice"):
        read_tasks(tmp_path / "twice.jsonl")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(ContentError, match="no tasks in it"):
        read_tasks(tmp_path / "empty.jsonl")


def labelled(form: Format, labels: Labels) -> str:
    """What a tool gives back for the exported tasks, in its own form."""
    exported = export_tasks(TASKS, form)
    if form == "labelstudio":
        items = json.loads(exported)
        for number, item in enumerate(items):
            choice = {"type": "choices", "value": {"choices": [labels[item["data"]["task"]]]}}
            item |= {"id": number, "annotations": [{"was_cancelled": False, "result": [choice]}]}
        return json.dumps(items[::-1])
    if form == "doccano":
        rows = [json.loads(line) for line in exported.splitlines()]
        return "".join(json.dumps(row | {"id": 7, "label": [labels[row["task"]]]}) + "\n" for row in rows)
    head, *rows = exported.splitlines()
    return "\n".join([head, *(row + labels[row.split(",")[0]] for row in rows)]) + "\n"


@pytest.mark.parametrize(("form", "suffix"), [("labelstudio", ".json"), ("doccano", ".jsonl"), ("csv", ".csv")])
def test_labels_come_back_to_their_tasks(tmp_path: Path, form: Format, suffix: str) -> None:
    path = tmp_path / f"anna{suffix}"
    path.write_text(labelled(form, {"t1": "anxious", "t2": "other"}), encoding="utf-8")
    labels = import_labels(path, TASKS, LABELS)
    assert labels == {"t1": "anxious", "t2": "other"}
    write_labels(tmp_path / "anna.tsv", labels)
    assert read_labels(tmp_path / "anna.tsv", TASKS, LABELS) == labels


def test_the_interface_of_label_studio_names_every_choice() -> None:
    config = labelstudio_config(TASKS, LABELS)
    assert all(f'<Choice value="{label}"/>' in config for label in LABELS)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "task,text\nt1,好\n", "columns ['task', 'text']: label must be among them"),
        ("a.csv", "task,label\nt1,anger\n", "1 of 2 tasks have no label, the first is t2"),
        ("a.csv", "task,label\nt1,angry\nt2,other\n", "a.csv:2: label 'angry': must be one of"),
        ("a.csv", "task,label\nt9,anger\n", "task 't9': not among the tasks"),
        ("a.csv", "task,label\nt1,anger\nt1,other\n", "t1 has label 'other' and 'anger'"),
        ("a.jsonl", '{"text": "x", "label": ["anger"]}\n', "task and label must be among them"),
        ("a.jsonl", '{"task": "t1", "label": ["anger", "other"]}\n', "must be exactly one"),
        ("a.json", '[{"data": {}}]', "item 1: needs data.task"),
        ("a.json", "{", "not JSON"),
        ("a.json", "{}", "must be Label Studio's list"),
        ("a.json", '[{"data": {"task": "t1"}, "annotations": [{"result": []}, {"result": []}]}]', "of 2 people"),
        ("a.xlsx", "", "ending '.xlsx'"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ContentError) as error:
        import_labels(tmp_path / name, TASKS, LABELS)
    assert said in str(error.value)


def test_fleiss_kappa_worked_by_hand() -> None:
    # Three annotators, two labels, items (3,0) (2,1) (0,3) (1,2).
    # P_i = 1, 1/3, 1, 1/3, mean 2/3; shares 6/12 and 6/12, P_e = 1/2; kappa = (2/3 - 1/2) / (1/2) = 1/3.
    assert fleiss_kappa(np.array([[3, 0], [2, 1], [0, 3], [1, 2]])) == pytest.approx(1 / 3)
    assert fleiss_kappa(np.array([[3, 0], [0, 3]])) == 1.0
    assert fleiss_kappa(np.array([[3, 0], [3, 0]])) == 1.0
    # All three differ on both items: P = 0, shares 1/3 each, P_e = 1/3; kappa = -1/2.
    assert fleiss_kappa(np.array([[1, 1, 1], [1, 1, 1]])) == pytest.approx(-0.5)


def test_two_of_three_decide_and_three_opinions_are_dropped() -> None:
    one = {"a": "anger", "b": "anger", "c": "other"}
    two = {"a": "anger", "b": "anxious", "c": "other"}
    three = {"a": "anxious", "b": "other", "c": "other"}
    agreement = merge_labels([one, two, three], LABELS)
    assert agreement.majority == {"a": "anger", "c": "other"}
    assert agreement.dropped == ("b",)
    assert agreement.confusions == {"anger | anxious": 3, "anger | other": 1, "anxious | other": 1}
    assert agreement.agrees == (1.0, 1.0, 0.5)
    with pytest.raises(ContentError, match="2 annotators; exactly 3"):
        merge_labels([one, two], LABELS)
    with pytest.raises(ContentError, match="different tasks"):
        merge_labels([one, two, {"a": "anger"}], LABELS)


def test_pairs_are_split_by_question_and_negatives_sampled() -> None:
    tasks = [Task(id=f"{q}-{c}", kind="match", text=f"问题{q}", other=f"候选{c}") for q in range(60) for c in range(5)]
    majority = {task.id: "1" if task.id.endswith("-0") else "0" for task in tasks if task.id != "0-4"}
    parts = training_pairs_of(tasks, majority)
    for split, part in parts.items():
        assert {query_split(task.text) for task in part} == {split}
        positives = sum(majority[task.id] == "1" for task in part)
        assert positives == len({task.text for task in part})
        expected = 4 * positives if split == "test" else round(1.2 * positives)
        assert len(part) - positives == expected - (split == query_split("问题0") == "test")
