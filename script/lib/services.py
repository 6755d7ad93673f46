"""`script/services`: the private PostGIS and Redis of this checkout.

Addresses and passwords are kept in `.local/env` (of the tests' own services in `.local/test.env`).
"""

import argparse
import os
import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from script.lib import account, env_file, ports
from script.lib.places import LOCAL, ROOT, only_one, require_own
from script.lib.postgres import NAME, Postgres
from script.lib.redis_server import Redis, answers
from script.lib.say import say

DEMO_SCENES = LOCAL / "demo" / "scenes"
# Others may lose what they committed last when the server is killed.
DURABLE = ("services", "faults")


@dataclass(frozen=True)
class Services:
    """PostGIS and Redis with their addresses: those that people use, or those of the tests."""

    name: str = "services"
    local: Path = LOCAL
    checkout: Path = ROOT

    @property
    def env_path(self) -> Path:
        return self.local / ("env" if self.name == "services" else f"{self.name}.env")

    @property
    def folder(self) -> Path:
        return account.services_folder(self.local, self.name, self.checkout)

    def parts(self) -> tuple[Postgres, Redis]:
        folder = self.folder
        return Postgres(folder / "postgres", durable=self.name in DURABLE), Redis(folder / "redis")

    def start(self) -> bool:
        """Start what is not running, on the ports of last time where they are still free.

        Returns:
            True if anything was started, False if everything was running.
        """
        require_own(self.local, self.checkout)
        with only_one(f"{self.name}-start", local=self.local):
            postgres, redis = self.parts()
            values = self.made_values()
            started = [start_postgres(postgres, values), start_redis(redis, values)]
            env_file.write(self.env_path, values | self.addresses(values))
        return any(started)

    def stop(self) -> None:
        if not self.env_path.exists():
            return
        with only_one(f"{self.name}-start", local=self.local):
            for part in self.parts():
                part.stop()

    def is_running(self) -> bool:
        if not self.env_path.exists():
            return False
        postgres, redis = self.parts()
        return postgres.port() is not None and redis.pid() is not None

    def made_values(self) -> dict[str, str]:
        """What was made at the first start and stays: passwords and the key that signs sessions."""
        made = {key: secrets.token_hex(24) for key in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY")}
        return made | env_file.read(self.env_path)

    def addresses(self, values: dict[str, str]) -> dict[str, str]:
        database = (
            f"postgis://{NAME}:{values['POSTGRES_PASSWORD']}@127.0.0.1:{values['POSTGRES_PORT']}/{NAME}"
        )
        return {
            "DATABASE_URL": database,
            "REDIS_URL": f"redis://:{values['REDIS_PASSWORD']}@127.0.0.1:{values['REDIS_PORT']}/0",
            "STORAGE_URL": str(self.local / "storage"),
        }

    def environment(self) -> dict[str, str]:
        """What the web application and its workers need to find these services."""
        values = env_file.read(self.env_path)
        return {key: values[key] for key in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "SECRET_KEY")}


def start_postgres(postgres: Postgres, values: dict[str, str]) -> bool:
    """Start the cluster, made if it is missing; its port goes into `values`."""
    if port := postgres.port():
        values["POSTGRES_PORT"] = str(port)
        return False
    if not postgres.is_made():
        postgres.make(values["POSTGRES_PASSWORD"])
    port = ports.keep_or_choose(values.get("POSTGRES_PORT"))
    values["POSTGRES_PORT"] = str(port)
    postgres.start(port)
    postgres.make_database(port, values["POSTGRES_PASSWORD"])
    return True


def start_redis(redis: Redis, values: dict[str, str]) -> bool:
    """Start Redis; its port goes into `values`."""
    known = values.get("REDIS_PORT")
    if redis.pid() and known and answers(int(known), values["REDIS_PASSWORD"]):
        return False
    redis.stop()
    values["REDIS_PORT"] = str(ports.keep_or_choose(known))
    redis.start(int(values["REDIS_PORT"]), values["REDIS_PASSWORD"])
    return True


def environment() -> dict[str, str]:
    """The environment of this process with the addresses in `.local/env`; what the person has set wins.

    Fetched files are cached below the storage, so that all workers share them (`pipeline/catalog/cache.py`),
    and scenes of the demo may be read.
    """
    values = Services().environment() if Services().env_path.exists() else {}
    values |= os.environ
    storage = urlsplit(values.get("STORAGE_URL", str(LOCAL / "storage")))
    if storage.scheme == "s3":
        # Machines that share a bucket share no cache: each keeps what it fetched.
        cache = LOCAL / "cache"
    else:
        cache = ROOT / (unquote(storage.path) if storage.scheme else storage.geturl()) / ".cache"
    return {"EARTHQUILT_CACHE": str(cache), "CATALOG_FOLDERS": str(DEMO_SCENES)} | values


def status(services: Services) -> int:
    postgres, redis = services.parts()
    port, pid = postgres.port(), redis.pid()
    say(f"PostGIS: {f'running on 127.0.0.1:{port}' if port else 'not running'} ({postgres.folder})")
    say(f"Redis: {f'running as process {pid}' if pid else 'not running'} ({redis.folder})")
    return 0 if port and pid else 3


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/services", description="The private PostGIS and Redis.")
    parser.add_argument("action", choices=["start", "stop", "status", "env"])
    parser.add_argument(
        "--of", choices=["services", "test"], default="services", help="test: those of script/test"
    )
    chosen = parser.parse_args(arguments)
    services = Services(chosen.of)
    if chosen.action == "start":
        say("Started." if services.start() else "Already running.")
    elif chosen.action == "stop":
        services.stop()
    elif chosen.action == "env":
        say("\n".join(f"export {line}" for line in services.env_path.read_text().splitlines()))
        say(f"export CATALOG_FOLDERS={shlex.quote(os.environ.get('CATALOG_FOLDERS', str(DEMO_SCENES)))}")
    if chosen.action == "env":
        return 0
    shown = status(services)
    return 0 if chosen.action == "stop" else shown
