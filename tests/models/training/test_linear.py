"""The linear classifier: learns its rows, answers labels it never saw last, and is the same every time."""

from models.text.sentence import Sentence
from models.training.linear import LinearParams, train_linear


def test_it_learns_32_rows(labelled: list[tuple[Sentence, str]]) -> None:
    labels = ["never", "slow_delivery", "other"]
    model = train_linear(labelled, labels=labels, params=LinearParams(c=10.0))
    scores = model.scores([sentence for sentence, _ in labelled])
    assert scores.shape == (32, 3)
    assert [labels[column] for column in scores.argmax(axis=1)] == [label for _, label in labelled]
    assert (scores[:, 0] < scores[:, 1:].min(axis=1)).all()
    again = train_linear(labelled, labels=labels, params=LinearParams(c=10.0))
    assert (again.scores([labelled[0][0]]) == scores[:1]).all()
    assert model.scores([]).shape == (0, 3)


def test_three_labels(labelled: list[tuple[Sentence, str]]) -> None:
    rows = [*labelled, (Sentence("你好", ("你好",)), "hello"), (Sentence("你好呀", ("你好", "呀")), "hello")]
    model = train_linear(rows, labels=["hello", "other", "slow_delivery"], params=LinearParams(c=10.0))
    assert model.scores([rows[-1][0]]).argmax() == 0
