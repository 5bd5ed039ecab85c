"""The feedback writer: receipts instead of exceptions, masking, and nothing acknowledged lost when it is killed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from configs.schema import PROJECT_ROOT
from deployments.feedback import FeedbackReplica, FeedbackWriter
from deployments.messages import Receipt
from deployments.work import Failure, Work
from indexes.errors import StoreError
from indexes.feedback.tables import answers, ratings
from models.text.personal import mask_personal
from tests.indexes.feedback.samples import answered, mark, rating


def writer_at(path: Path, keep_days: int | None = None) -> FeedbackWriter:
    return FeedbackWriter(url=f"sqlite:///{path}", mask=mask_personal, keep_days=keep_days)


def test_one_receipt_an_entry(tmp_path: Path) -> None:
    writer = writer_at(tmp_path / "x.sqlite3")
    said = writer.many([answered("r"), rating(request_id="r"), rating(request_id="nobody")])
    assert said == [Receipt.STORED, Receipt.STORED, Receipt.UNKNOWN]
    assert writer.version == "sqlite"
    assert [tally.satisfied for tally in writer.tallies(None).overall] == [1]


def test_words_are_masked_before_they_are_stored(tmp_path: Path) -> None:
    writer_at(tmp_path / "x.sqlite3").many(
        [answered("r", text="打13812345678"), rating(request_id="r", comment="我是a@b.cn")]
    )
    engine = create_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    with engine.connect() as connection:
        assert connection.execute(select(answers.c.text)).scalar_one() == "打[电话]"
        assert connection.execute(select(ratings.c.comment)).scalar_one() == "我是[邮箱]"
    engine.dispose()


@pytest.mark.parametrize("private", ["13812345678", "somebody@example.com"])
def test_a_long_sentence_is_cut_after_it_is_masked(tmp_path: Path, private: str) -> None:
    text = "很" * 493 + "，" + private + "。" * 200  # characters 495 and on: the cut goes through it
    writer_at(tmp_path / "x.sqlite3").many([answered("r", text=text)])
    engine = create_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    with engine.connect() as connection:
        kept = connection.execute(select(answers.c.text)).scalar_one()
    engine.dispose()
    assert kept == mask_personal(text)[:500]
    assert private[:4] not in kept


def test_a_store_that_is_away_is_an_outcome_and_is_tried_again(tmp_path: Path) -> None:
    place = tmp_path / "here"
    place.write_text("in the way")
    writer = writer_at(place / "x.sqlite3")
    assert writer.many([answered("r"), answered("s")]) == [Receipt.UNAVAILABLE] * 2
    with pytest.raises(StoreError):
        _ = writer.version
    with pytest.raises(StoreError):
        writer.tallies(None)
    place.unlink()
    assert writer.many([answered("r")]) == [Receipt.STORED]
    assert writer.version == "sqlite"


def test_a_store_of_another_release_is_an_outcome_until_it_is_put_right(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    writer_at(path).many([answered("r")])
    mark(f"sqlite:///{path}", "9999")
    writer = writer_at(path)
    assert writer.many([answered("s"), answered("t")]) == [Receipt.UNAVAILABLE] * 2
    with pytest.raises(StoreError, match="9999"):
        _ = writer.version
    mark(f"sqlite:///{path}", "0001")
    assert writer.many([answered("s")]) == [Receipt.STORED]


def test_a_full_disk_is_an_outcome(small_disk: Path) -> None:
    writer = writer_at(small_disk / "x.sqlite3")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(500_000))
    many = [answered(str(number), text="很" * 500) for number in range(800)]
    assert writer.many(many) == [Receipt.FULL] * 800
    with pytest.raises(StoreError, match="full"):
        _ = writer.version
    ballast.unlink()
    assert writer.many([answered("r")]) == [Receipt.STORED]
    assert writer.version == "sqlite"


def test_old_entries_are_forgotten_only_where_asked(tmp_path: Path) -> None:
    path, now = tmp_path / "x.sqlite3", time.time()
    writer_at(path).many([answered("old", at=now - 3 * 86_400), answered("new", at=now)])
    assert sum(mix.answers for mix in writer_at(path, keep_days=5).tallies(None).mixes) == 2
    forgetful = writer_at(path, keep_days=2)
    forgetful.many([answered("now", at=now)])
    assert sum(mix.answers for mix in forgetful.tallies(None).mixes) == 2


def test_more_old_entries_than_go_at_once_go_with_the_next_writes(tmp_path: Path) -> None:
    path, now = tmp_path / "x.sqlite3", time.time()
    writer_at(path).many([answered(str(number), at=now - 3 * 86_400) for number in range(20_001)])
    forgetful = writer_at(path, keep_days=2)
    left = []
    for number in range(3):
        forgetful.many([answered(f"new {number}", at=now)])
        left.append(sum(mix.answers for mix in forgetful.tallies(None).mixes))
    assert left == [10_002, 3, 3]


@pytest.mark.anyio
async def test_a_store_that_is_away_is_told_but_does_not_end_the_writer(tmp_path: Path) -> None:
    place = tmp_path / "here"
    place.write_text("in the way")
    replica = FeedbackReplica(lambda: writer_at(place / "x.sqlite3"), max_batch_size=8, max_queue=100)
    assert await replica.many([Work(answered("r"), time.time() + 10)]) == [Receipt.UNAVAILABLE]
    await replica.check_health()
    with pytest.raises(StoreError):
        await replica.describe()


@pytest.mark.anyio
async def test_an_entry_that_cannot_be_stored_fails_alone(tmp_path: Path) -> None:
    writer = writer_at(tmp_path / "x.sqlite3")
    replica = FeedbackReplica(lambda: writer, max_batch_size=8, max_queue=100)
    bad = answered("\ud800")  # not encodable
    said = await replica.many([Work(entry, time.time() + 10) for entry in (answered("a"), bad, answered("b"))])
    assert said[0] == said[2] == Receipt.STORED
    assert isinstance(said[1], Failure)
    assert (await replica.tallies(None)).mixes[0].answers == 2


CHILD = """
import sys
from deployments.feedback import FeedbackWriter
from deployments.messages import Receipt
from indexes.feedback.entries import Rating
from tests.indexes.feedback.samples import answered

writer = FeedbackWriter(url=sys.argv[1], mask=str)
number = 0
while True:
    entries = [answered(f"r{n}", f"session:r{n}") for n in range(number, number + 10)]
    writer.many(entries)
    said = writer.many([Rating(satisfaction=1, at=0.0, request_id=entry.request_id) for entry in entries])
    for entry, receipt in zip(entries, said):
        if receipt is Receipt.STORED:
            sys.stdout.write(entry.request_id + "\\n")
    sys.stdout.flush()
    number += 10
"""


def test_killing_the_writer_loses_nothing_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    child = subprocess.Popen([sys.executable, "-c", CHILD, url], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = [child.stdout.readline().strip() for _ in range(1000)]
    child.send_signal(signal.SIGKILL)
    acknowledged += child.stdout.read().split()
    child.wait()
    child.stdout.close()
    engine = create_engine(url)
    with engine.connect() as connection:
        kept = set(connection.execute(select(ratings.c.request_id)).scalars())
    engine.dispose()
    assert len(acknowledged) >= 1000
    assert set(acknowledged) <= kept
