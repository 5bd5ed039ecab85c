"""Writes answers and ratings, a batch to a transaction: what `write` has returned for is on disk.

Used by the writer (`deployments.feedback`) and, for reading, by `python -m graph satisfaction`. Safe for several
processes at a time.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from indexes.feedback.database import available, open_engine
from indexes.feedback.entries import Answered, Rating, Tallies
from indexes.feedback.tables import answers, ratings
from indexes.feedback.tallies import tallies


class FeedbackStore:
    """An open store.

    Args:
        engine: A database with the newest schema, see `open`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._put_answers = _upsert(engine, answers)
        self._put_rating = _upsert(engine, ratings)

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> "FeedbackStore":
        """The store at `url`; `create` makes and migrates it.

        Raises:
            StoreError: it cannot be used.
        """
        return cls(open_engine(url, create=create))

    def write(self, entries: Sequence[Answered | Rating]) -> list[bool]:
        """Store all in one transaction: first the answers, then the ratings in their order.

        An answer replaces an earlier one with its request id, a rating the earlier one of its session.

        Returns:
            For each entry whether it was stored; False for a rating whose answer or session is not known.

        Raises:
            StoreError: nothing was stored, since the database is not usable now.
            sqlalchemy.exc.DataError: nothing was stored, since an entry cannot be.
        """
        with available(self._engine), self._writing() as connection:
            given = {e.request_id: _row(e) for e in entries if isinstance(e, Answered)}
            if given:
                # In one order everywhere, so that two writers never wait for each other's rows.
                connection.execute(self._put_answers, [given[key] for key in sorted(given)])
            known = [isinstance(e, Answered) or self._rate(connection, e) for e in entries]
            connection.commit()
        return known

    def tallies(self, *, since: float | None = None) -> Tallies:
        """What the satisfaction report is computed from; `since` (seconds since the epoch) leaves out older answers.

        Raises:
            StoreError: the database is not usable now.
        """
        with available(self._engine), self._engine.connect() as connection:
            return tallies(connection, since=since)

    def forget(self, *, before: float, most: int) -> int:
        """Delete answers and ratings older than `before` (seconds since the epoch), at most `most` answers a call.

        Returns:
            How many answers went.

        Raises:
            StoreError: the database is not usable now.
        """
        old = select(answers.c.request_id).where(answers.c.at < before).limit(most)
        with available(self._engine), self._writing() as connection:
            gone = connection.execute(delete(answers).where(answers.c.request_id.in_(old))).rowcount
            connection.execute(delete(ratings).where(ratings.c.at < before))
            connection.commit()
        return gone

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def _writing(self) -> Connection:
        return self._engine.connect().execution_options(immediate=True)

    def _rate(self, connection: Connection, rating: Rating) -> bool:
        """Store a rating under the session it is about; False if there is no such answer or session."""
        found = select(answers.c.session).limit(1)
        if rating.request_id is not None:
            found = found.where(answers.c.request_id == _clean(rating.request_id))
        if rating.session is not None:
            found = found.where(answers.c.session == _clean(rating.session))
        session = connection.execute(found).scalar_one_or_none()
        if session is None or (rating.request_id is None and rating.session is None):
            return False
        connection.execute(self._put_rating, [_row(rating) | {"session": session}])
        return True


def _row(entry: Answered | Rating) -> dict[str, Any]:
    # Not `asdict`, which copies every value deeply.
    values = {field.name: getattr(entry, field.name) for field in fields(entry)}
    return {name: _clean(value) if isinstance(value, str) else value for name, value in values.items()}


def _clean(text: str) -> str:
    # PostgreSQL keeps no NUL in a text.
    return text.replace("\0", "\ufffd")


def _upsert(engine: Engine, table: Table) -> Any:
    """`INSERT` of whole rows that replaces a row with the same key; both databases know it, each by its own name."""
    insert = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    new = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=new)
