import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from script.lib import account, env_file, packages
from script.lib.redis_server import answers
from script.lib.services import Services

pytestmark = pytest.mark.skipif(
    packages.postgres_bin() is None or shutil.which("redis-server") is None,
    reason="PostgreSQL with PostGIS and Redis are not installed (script/setup installs them)",
)


@pytest.fixture
def services(tmp_path, request):
    """Services of a made-up checkout whose path has a space, not durable unless said otherwise."""
    checkout = tmp_path / "a check out"
    local = checkout / ".local"
    local.mkdir(parents=True)
    services = Services(getattr(request, "param", "test"), local, checkout)
    yield services
    services.stop()
    shutil.rmtree(account.outside_folder(checkout), ignore_errors=True)


def ask(services, statement):
    values = env_file.read(services.env_path)
    postgres, _ = services.parts()
    return postgres.sql(int(values["POSTGRES_PORT"]), values["POSTGRES_PASSWORD"], "earthquilt", statement)


def test_they_start_with_postgis_and_a_second_start_finds_them_running(services):
    assert services.start()
    assert ask(services, "SELECT ST_X(ST_Point(7, 46))") == "7"
    assert ask(services, "SHOW server_encoding") == "UTF8"
    assert not services.start()
    assert services.is_running()


def test_nobody_gets_in_without_the_password(services):
    services.start()
    values = env_file.read(services.env_path)
    query = [services.parts()[0].binary("psql"), "-w", "-h", "127.0.0.1", "-p", values["POSTGRES_PORT"]]
    refused = subprocess.run([*query, "-U", "earthquilt", "-d", "earthquilt", "-c", "SELECT 1"], check=False)
    assert refused.returncode != 0
    assert not answers(int(values["REDIS_PORT"]), "guessed")


@pytest.mark.parametrize("services", ["services"], indirect=True)
def test_after_a_kill_they_start_again_with_what_was_stored(services):
    services.start()
    ask(services, "CREATE TABLE kept AS SELECT 41 + 1 AS answer")
    postgres, redis = services.parts()
    os.kill(int(postgres.pid_lines()[0]), signal.SIGKILL)
    os.kill(redis.pid(), signal.SIGKILL)
    assert services.start()
    assert ask(services, "SELECT answer FROM kept") == "42"


def test_a_pid_file_that_names_a_strangers_process_is_no_hindrance(services):
    services.start()
    services.stop()
    postgres, _ = services.parts()
    pid_file = postgres.data / "postmaster.pid"
    subprocess.run(
        [*account.prefix(), "sh", "-c", 'printf "%s\\n" 1 "$1" 0 5432 > "$0"', pid_file, postgres.data],
        cwd="/", check=True,
    )  # fmt: skip
    assert postgres.port() is None
    assert services.start()
    assert ask(services, "SELECT 1") == "1"


def test_ports_that_others_took_are_chosen_again(services):
    services.start()
    before = env_file.read(services.env_path)
    services.stop()
    with socket.socket() as first, socket.socket() as second:
        for taker, key in ((first, "POSTGRES_PORT"), (second, "REDIS_PORT")):
            taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taker.bind(("127.0.0.1", int(before[key])))
            taker.listen()
        services.start()
        after = env_file.read(services.env_path)
        assert after["POSTGRES_PORT"] != before["POSTGRES_PORT"]
        assert after["REDIS_PORT"] != before["REDIS_PORT"]
        assert after["POSTGRES_PASSWORD"] == before["POSTGRES_PASSWORD"]
        assert ask(services, "SELECT 1") == "1"


def test_two_checkouts_run_beside_each_other(services, tmp_path):
    other = Services("test", tmp_path / "other" / ".local", tmp_path / "other")
    other.local.mkdir(parents=True)
    try:
        services.start()
        other.start()
        ask(services, "CREATE TABLE here (x int)")
        assert ask(other, "SELECT to_regclass('here') IS NULL") == "t"
        other.stop()
        assert services.is_running()
    finally:
        other.stop()
        shutil.rmtree(account.outside_folder(other.checkout), ignore_errors=True)


def test_a_folder_that_a_stranger_made_in_var_tmp_is_refused(tmp_path):
    (tmp_path / "target").mkdir()
    link = tmp_path / "earthquilt-0-abc"
    link.symlink_to(tmp_path / "target")
    with pytest.raises(Exception, match="remove it"):
        account.make_own(link)


def test_the_folder_outside_differs_by_checkout():
    assert account.outside_folder(Path("/a")) != account.outside_folder(Path("/b"))
