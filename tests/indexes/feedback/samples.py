"""Answers and ratings for tests."""

from typing import Any

from sqlalchemy import create_engine, text

from indexes.feedback.entries import Answered, Rating
from indexes.feedback.tables import metadata


def answered(request_id: str, session: str = "session:s", **fields: Any) -> Answered:
    """An answer with ordinary values, or with `fields`."""
    values: dict[str, Any] = {
        "at": 100.0,
        "arm": "comfort",
        "emotion": "anger",
        "probability": 0.9,
        "topic": "no_shipment",
        "strategy": "knowledge",
        "versions": {"emotion": "e1", "reranker": None},
        "degraded": (),
    }
    return Answered(request_id=request_id, session=session, **(values | fields))


def rating(satisfaction: int = 1, **fields: Any) -> Rating:
    """A rating."""
    return Rating(satisfaction=satisfaction, **({"at": 200.0} | fields))


def clear(url: str) -> None:
    """Take everything out of the database."""
    engine = create_engine(url)
    with engine.begin() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    engine.dispose()


def mark(url: str, revision: str) -> None:
    """Let the database say that its schema is another one."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    engine.dispose()
