"""PostgreSQL's own tools on the application's database: dump, restore, and what tables hold."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, transaction

from pipeline.errors import StorageError

INSTALLED = Path("/usr/lib/postgresql")
# Tables of extensions (PostGIS) come with them.
TABLES = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relname
"""
OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
"""


def tables() -> list[str]:
    """The tables of the application, sorted; none in a new database."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return [name for (name,) in cursor.fetchall()]


def counts() -> dict[str, int]:
    """How many rows each table has."""
    found = {}
    with connection.cursor() as cursor:
        for name in tables():
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(name)}")
            found[name] = cursor.fetchone()[0]
    return found


def version() -> str:
    """The server's version, as `15.8`."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0])


def others() -> int:
    """How many other connections the application's user has to this database."""
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)
        return int(cursor.fetchone()[0])


@contextmanager
def snapshot() -> Iterator[str]:
    """One state of the database for all questions of the block; gives its name for `pg_dump`."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor.fetchone()[0]


def dump(path: Path, state: str) -> None:
    """Dump the database in PostgreSQL's custom format, as it was in a snapshot.

    Raises:
        StorageError: with what `pg_dump` said.
    """
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={state}", f"--file={path}"]
    done = subprocess.run(
        [tool("pg_dump"), *options], env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StorageError(f"The database could not be dumped: {told_by(done.stderr)}")


def restore(path: Path, replaced: list[str]) -> None:
    """Load a dump in one transaction, in the place of some tables: all of it, or nothing has changed.

    Raises:
        StorageError: with what PostgreSQL said.
    """
    connection.close()
    loader = subprocess.Popen(
        [tool("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null", "--file=-"],
        env=environment(), stdin=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert loader.stdin is not None
    read = None
    try:
        loader.stdin.write(b"BEGIN; SET LOCAL client_min_messages = warning;\n")
        for name in replaced:
            loader.stdin.write(f"DROP TABLE {connection.ops.quote_name(name)} CASCADE;\n".encode())
        loader.stdin.flush()
        read = subprocess.run(
            [tool("pg_restore"), "--no-owner", "--no-privileges", "--no-comments", "--file=-", str(path)],
            stdout=loader.stdin, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
        if read.returncode == 0:
            loader.stdin.write(b"COMMIT;\n")
    except BrokenPipeError:
        # The loader has ended by an error, which it tells.
        pass
    said = loader.communicate()[1]
    if loader.returncode or read is None or read.returncode:
        told = told_by((said or (read.stderr if read else b"")).decode(errors="replace"))
        raise StorageError(f"The dump {path} could not be loaded, the database is as it was: {told}")


def tool(name: str) -> str:
    """A program of PostgreSQL: of the newest version that is installed, else the one on the path.

    Raises:
        StorageError: there is none.
    """
    versions = sorted((int(one.name), one) for one in INSTALLED.glob("*") if one.name.isdigit())
    installed = [str(one / "bin" / name) for _, one in reversed(versions) if (one / "bin" / name).exists()]
    found = installed[0] if installed else shutil.which(name)
    if found is None:
        raise StorageError(f"There is no {name}: install the package postgresql-client.")
    return found


def environment() -> dict[str, str]:
    """The environment with the database's address as PostgreSQL's programs read it."""
    known = connection.settings_dict
    values = {f"PG{key}": str(known[name]) for key, name in
              (("HOST", "HOST"), ("PORT", "PORT"), ("USER", "USER"), ("PASSWORD", "PASSWORD"),
               ("DATABASE", "NAME"))}  # fmt: skip
    return dict(os.environ) | {key: value for key, value in values.items() if value}


def told_by(text: str) -> str:
    """Why a program failed, in the line that says so."""
    lines = [line for line in text.strip().splitlines() if line.strip()] or ["it said nothing."]
    return next((line for line in lines if "error" in line.lower()), lines[-1])
