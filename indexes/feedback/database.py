"""The database under the feedback store: SQLite in WAL mode or PostgreSQL, by URL, brought to the newest schema.

Commits are durable: SQLite syncs its log on each of them (`synchronous=FULL`), PostgreSQL does so by itself.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from indexes.errors import StoreError

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_S = 5
# Any constant does: it keeps two writers from migrating one PostgreSQL database at the same time.
_MIGRATION_LOCK = 7_203_411
_POSTGRES_DISK_FULL = "53100"


def open_engine(url: str, *, create: bool) -> Engine:
    """An engine on an up-to-date database.

    Args:
        url: `sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`.
        create: Make what is missing and migrate; otherwise the database must be there, with the newest schema.

    Raises:
        StoreError: it cannot be reached, made or migrated, or its schema is another one.
    """
    place = make_url(url)
    engine = _sqlite(place, create=create) if place.get_backend_name() == "sqlite" else _postgres(place)
    try:
        with available(engine), engine.connect().execution_options(immediate=create) as connection, connection.begin():
            if create:
                _migrate(connection)
            _check(connection, str(engine.url))
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def available(engine: Engine) -> Iterator[None]:
    """Turn the database's own failures into `StoreError`; what is wrong with the data itself passes through."""
    try:
        yield
    except (DataError, IntegrityError):
        raise
    except DBAPIError as error:
        cause = error.orig
        full = (
            getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
            or getattr(cause, "sqlstate", None) == _POSTGRES_DISK_FULL
        )
        # The engine's URL shows its password as ***.
        message = " ".join(str(cause).split())
        raise StoreError(f"feedback store {engine.url}: {message}", full=full) from error


def _sqlite(place: URL, *, create: bool) -> Engine:
    path = Path(place.database or "")
    if create:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"feedback store {place}: {error}") from None
    elif not path.is_file():
        raise StoreError(f"feedback store {place}: no such file; it is made when the service first starts")
    engine = create_engine(place, connect_args={"timeout": _BUSY_S})

    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _: object) -> None:
        # Transactions are begun below: left to itself, the driver runs DDL outside of them.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: a reading transaction that turns to writing may fail without waiting.
        immediate = connection.get_execution_options().get("immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _postgres(place: URL) -> Engine:
    return create_engine(place, pool_pre_ping=True, connect_args={"connect_timeout": _BUSY_S})


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    settings = Config()
    settings.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    settings.attributes["connection"] = connection
    found, newest = _revision(connection), _newest()
    if found == newest:
        return
    try:
        command.upgrade(settings, "head")
    except CommandError as error:
        message = " ".join(str(error).split())
        raise StoreError(
            f"feedback store {connection.engine.url}: its schema is {found}, from which there is no way to {newest} "
            f"({message}); start the release that made it, or name another store"
        ) from error


def _check(connection: Connection, url: str) -> None:
    found, newest = _revision(connection), _newest()
    if found != newest:
        raise StoreError(f"feedback store {url}: its schema is {found}, not {newest}; start the service to migrate it")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _newest() -> str | None:
    return ScriptDirectory(str(_MIGRATIONS)).get_current_head()
