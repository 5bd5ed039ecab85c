"""Feedback stores to test with: SQLite files, and databases of a real PostgreSQL server where the system has one."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from indexes.feedback.store import FeedbackStore
from tests.indexes.feedback.samples import clear


def postgres_programs() -> Path | None:
    """Where `initdb` and `pg_ctl` lie: on the path, or where Debian's package `postgresql` puts them."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((place for place in reversed(places) if (place / "pg_ctl").exists()), None)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of our own on a socket in a folder of its own."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    # The server refuses to run as root; its package makes a user for it.
    user = "postgres" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="anwei-postgres-"))
    if user:
        shutil.chown(folder, user)
    settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, user=user, check=True, stdout=subprocess.DEVNULL, timeout=60, cwd=folder)

    try:
        run("initdb", "--auth=trust", "--username=anwei", "--encoding=UTF8", "--no-sync")
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", settings, "start")
        try:
            yield f"postgresql://anwei@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_store_url(postgres_url: str) -> str:
    """A database for the store tests."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE feedback")
    return postgres_url.replace("/postgres?", "/feedback?")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'feedback.sqlite3'}"
    found: str = request.getfixturevalue("postgres_store_url")
    clear(found)
    return found


@pytest.fixture
def store(url: str) -> Iterator[FeedbackStore]:
    """An empty store of either kind."""
    opened = FeedbackStore.open(url)
    yield opened
    opened.close()
