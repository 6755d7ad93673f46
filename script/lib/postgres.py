"""A private PostGIS cluster: a folder, a port of 127.0.0.1, a password."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from script.lib import account, packages
from script.lib.say import Trouble

# A hundred workers have one each, and one more now and then for the lease of a long stage.
CONNECTIONS = "-c max_connections=300"
NAME = "earthquilt"
START_ATTEMPTS = 5
SILENT = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)


@dataclass(frozen=True)
class Postgres:
    """One cluster.

    `durable` is off for tests only: a crash of the machine may then lose the data.
    """

    folder: Path
    durable: bool = True

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    def binary(self, name: str) -> str:
        binaries = packages.postgres_bin()
        if binaries is None:
            raise Trouble("PostgreSQL with PostGIS is not installed: run script/setup.")
        return str(binaries / name)

    def command(self, name: str, *arguments: str | Path, **options) -> subprocess.CompletedProcess[str]:
        line = [*account.prefix(), self.binary(name), *map(str, arguments)]
        # The database's user may not be able to enter the folder that the person is in.
        options = {"cwd": "/", "text": True, "capture_output": True, "check": False} | options
        return subprocess.run(line, **options)

    def is_made(self) -> bool:
        return self.command("pg_controldata", self.data).returncode == 0

    def identity(self) -> str:
        """The number that initdb gave the cluster; another cluster has another."""
        told = self.command("pg_controldata", self.data, env=os.environ | {"LC_ALL": "C"}).stdout
        return next(line.split()[-1] for line in told.splitlines() if "system identifier" in line)

    def make(self, password: str) -> None:
        """Make the cluster; nobody gets in without the password."""
        account.give_to_database(self.folder)
        with account.secret_file(self.folder, password) as file:
            made = self.command(
                "initdb", "-D", self.data, "-U", NAME, "--auth=scram-sha-256", "--pwfile", file,
                "-E", "UTF8", "--locale=C.UTF-8", *([] if self.durable else ["--no-sync"]),
            )  # fmt: skip
        if made.returncode:
            raise Trouble(f"The database could not be made: {packages.last_line(made.stderr)}")

    def pid_lines(self) -> list[str]:
        read = subprocess.run(
            [*account.prefix(), "cat", str(self.data / "postmaster.pid")],
            cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        return read.stdout.splitlines() if read.returncode == 0 else []

    def port(self) -> int | None:
        """The port it listens on, None where it is not running (one that was killed leaves its pid file)."""
        lines = self.pid_lines()
        if len(lines) < 4 or not is_server_of(int(lines[0]), self.data):
            return None
        return int(lines[3])

    def start(self, port: int) -> None:
        """Start it on `port`; a pid file left by a killed server is put away."""
        if self.pid_lines() and self.port() is None:
            subprocess.run(
                [*account.prefix(), "rm", "-f", str(self.data / "postmaster.pid")], cwd="/", check=True
            )
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= {CONNECTIONS}"
        if not self.durable:
            settings += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        for attempt in range(START_ATTEMPTS):
            # A file, not a pipe: the server would hold a pipe open for as long as it lives.
            started = self.command(
                "pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "60", "-o", settings, "start",
                capture_output=False, **SILENT,
            )  # fmt: skip
            if started.returncode == 0:
                return
            # After a kill, memory that the old server's children still hold is free a moment later.
            time.sleep(attempt + 1)
        raise Trouble(f"The database did not start: see {self.log}.")

    def stop(self) -> None:
        if self.port() is not None:
            self.command("pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", "60", "stop")

    def make_database(self, port: int, password: str) -> None:
        """Make the database with PostGIS in it, where it is not there yet."""
        if not self.sql(port, password, "postgres", f"SELECT 1 FROM pg_database WHERE datname = '{NAME}'"):
            self.sql(port, password, "postgres", f"CREATE DATABASE {NAME}")
        self.sql(port, password, NAME, "CREATE EXTENSION IF NOT EXISTS postgis")

    def sql(self, port: int, password: str, database: str, statement: str) -> str:
        """Run one statement and give what it printed."""
        done = subprocess.run(
            [self.binary("psql"), "-h", "127.0.0.1", "-p", str(port), "-U", NAME, "-d", database,
             "-Xqtw", "-v", "ON_ERROR_STOP=1", "-c", statement],
            env=os.environ | {"PGPASSWORD": password}, cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Trouble(f"The database refused `{statement}`: {packages.last_line(done.stderr)}")
        return done.stdout.strip()


def is_server_of(pid: int, data: Path) -> bool:
    """Whether the process is the PostgreSQL server of this data folder, and not one that got its number."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(data) in words
