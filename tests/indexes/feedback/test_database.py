"""The database itself: migrations, a schema that is not ours, places that cannot be used, and a full disk."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from indexes.errors import StoreError
from indexes.feedback.database import open_engine
from indexes.feedback.store import FeedbackStore
from indexes.feedback.tables import metadata
from tests.indexes.feedback.samples import answered, mark, rating


def test_the_migrations_make_the_tables_that_the_store_uses(url: str) -> None:
    engine = open_engine(url, create=True)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_sqlite_keeps_a_log_and_syncs_it(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}", create=True)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2  # FULL
    engine.dispose()


def test_another_schema_is_refused_until_migrated(url: str) -> None:
    FeedbackStore.open(url).close()
    mark(url, "0000")
    with pytest.raises(StoreError, match="its schema is 0000, not 0001"):
        FeedbackStore.open(url, create=False)


def test_a_schema_of_another_release_is_the_stores_fault(url: str) -> None:
    FeedbackStore.open(url).close()
    mark(url, "9999")
    with pytest.raises(StoreError, match="its schema is 9999, from which there is no way to 0001") as caught:
        FeedbackStore.open(url)
    assert "\n" not in str(caught.value)
    mark(url, "0001")
    FeedbackStore.open(url).close()


def test_reading_makes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "none" / "x.sqlite3"
    with pytest.raises(StoreError, match="no such file"):
        FeedbackStore.open(f"sqlite:///{path}", create=False)
    assert not path.parent.exists()


def test_places_that_cannot_be_used_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "other").write_text("not a database, but long enough to be read as the header of one" * 20)
    places = [
        f"sqlite:///{tmp_path / 'file' / 'x'}",
        f"sqlite:///{tmp_path}",
        f"sqlite:///{tmp_path / 'other'}",
        f"postgresql://somebody:secret@/nothing?host={tmp_path}",
    ]
    for place in places:
        with pytest.raises(StoreError) as caught:
            FeedbackStore.open(place)
        assert "\n" not in str(caught.value)
        assert "secret" not in str(caught.value)
        assert not caught.value.full


def test_a_full_disk_is_said_and_nothing_stored_is_lost(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(500_000))
    store = FeedbackStore.open(f"sqlite:///{small_disk / 'x.sqlite3'}")
    stored = fill(store)
    assert sum(mix.answers for mix in store.tallies().mixes) == stored > 10
    ballast.unlink()
    assert store.write([answered("again"), rating(request_id="again")]) == [True, True]
    store.close()


def fill(store: FeedbackStore) -> int:
    """Write until the disk is full; how many answers went in."""
    for number in range(10_000):
        try:
            store.write([answered(f"r{number}", text="很" * 2000)])
        except StoreError as error:
            if not error.full:
                raise
            return number
    pytest.fail("the disk never became full")


def test_sqlites_own_limit_is_a_full_disk_too(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}", create=True)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA max_page_count = 20"))
    with pytest.raises(StoreError, match="full") as caught:
        FeedbackStore(engine).write([answered(f"r{number}", text="很" * 2000) for number in range(50)])
    assert caught.value.full
    engine.dispose()
