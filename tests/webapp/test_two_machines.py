"""Two machines that share only the database, the queue and a bucket make what one makes in a folder."""

import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest
from django.db import connection

from pipeline.public_address import Exceptions
from pipeline.store import BucketRoot, Objects
from pipeline.store.objects import Bucket
from script.lib.places import PYTHON, ROOT
from script.lib.processes import end_with_parent
from script.lib.worker import environment as worker_environment
from tests.faults import work
from tests.faults.source import make_scenes, served
from tests.s3_server import CREDENTIALS, Trouble
from webapp.campaigns.models import Build, Revision
from webapp.campaigns.worker import SWEEP_KEY, make_worker

pytestmark = pytest.mark.django_db(transaction=True)

SEED, DATES = 9117, 2
# Far more than it takes where nobody else works.
PATIENCE_SECONDS = 600
# What the killed worker was sending, by the names of its objects.
SENDING = re.compile(r"/(cloud|image|sketch)\.[0-9a-f]{32}\.")


@pytest.fixture
def source(tmp_path, settings):
    settings.PUBLIC_ADDRESS_EXCEPTIONS = Exceptions.of(["127.0.0.1"])
    with served(make_scenes(tmp_path / "scenes", SEED, DATES), SEED) as found:
        yield found


@pytest.fixture
def in_folder(source, storage, settings, queues):
    """What one worker makes in a folder: bytes and lists by name."""
    settings.RQ_QUEUES = {name: one | {"DEFAULT_TIMEOUT": 900} for name, one in settings.RQ_QUEUES.items()}
    campaign = work.begin("In a folder", source.url)
    queues["cpu"].connection.set(SWEEP_KEY, "the test")
    make_worker(list(queues)).work(burst=True, logging_level="ERROR")
    queues["cpu"].connection.delete(SWEEP_KEY)
    assert work.is_over(campaign), work.told(campaign)
    return contents(campaign, lambda made, name: made.path / name)


def contents(campaign, path_of):
    """The bytes of each raster, and what each scene list says but how long it took, by tile and name."""
    found = {}
    for row in campaign.tiles.select_related("current_build", "current_revision"):
        for names, made in ((work.OF_BUILD, row.current_build), (work.OF_REVISION, row.current_revision)):
            for name in names:
                path = path_of(made, name)
                listed = name == "scene_list.json"
                found[row.tile_id, name] = work.digest(path) if listed else path.read_bytes()
    return found


class Machines:
    """Worker processes, each with a working copy and an empty cache of its machine."""

    def __init__(self, folder, bucket, redis):
        self.folder, self.bucket, self.redis = folder, bucket, redis
        self.running = []

    def start(self, machine, endpoint, *queues):
        base = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        values = worker_environment(base, 1) | CREDENTIALS
        values |= {
            "DATABASE_URL": address_of_database(),
            "REDIS_URL": self.redis,
            "STORAGE_URL": f"s3://{self.bucket.name}/{self.bucket.prefix}",
            "STORAGE_CACHE": str(self.folder / machine),
            "EARTHQUILT_CACHE": str(self.folder / f"{machine}-fetched"),
            "AWS_ENDPOINT_URL_S3": endpoint,
            "PUBLIC_ADDRESS_EXCEPTIONS": "127.0.0.1",
            "LEASE_SECONDS": "3",
            "SWEEP_SECONDS": "1",
            "RETRY_SECONDS": "1",
        }
        line = [PYTHON, ROOT / "manage.py", "worker", "--queues", *queues]
        with (self.folder / f"{machine}.log").open("ab") as log:
            made = subprocess.Popen(
                line, cwd=ROOT, env=values, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=end_with_parent,
            )  # fmt: skip
        self.running.append(made)
        return made

    def told(self):
        return "\n".join(path.read_text()[-3000:] for path in sorted(self.folder.glob("*.log")))


def address_of_database():
    known = connection.settings_dict
    return "postgis://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**known)


@pytest.fixture
def machines(tmp_path, s3, settings, queues, monkeypatch):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "machines"
    folder.mkdir()
    found = Machines(folder, Bucket(s3.bucket(), "products"), settings.REDIS_URL)
    yield found
    for process in found.running:
        process.kill()
        process.wait()


@contextmanager
def stopping_at(s3, pattern):
    """A server in front that never answers to an object of some name; gives its address and the event."""

    def plan(method, path, number):
        return "hang" if method == "PUT" and pattern.search(path) else "pass"

    front = Trouble(s3, plan)
    with front.serving() as url:
        yield url, front.hangs


def test_they_make_the_same_though_one_is_killed_while_it_sends(in_folder, source, machines, s3):
    campaign = work.begin("In a bucket", source.url)
    machines.start("two", s3.url, "download", "cpu")
    with stopping_at(s3, SENDING) as (endpoint, sends):
        killed = machines.start("one", endpoint, "gpu")
        assert sends.wait(PATIENCE_SECONDS), machines.told()
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
    objects = BucketRoot(Objects(machines.bucket, s3.url), machines.folder / "reader", 2**30)
    hit = [one for one in Build.objects.all() if one.status == "running" and one.stage == "mask"]
    assert hit and not any("cloud.tif" in name for one in hit for name in objects.names(one.folder))
    machines.start("one", s3.url, "gpu")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not work.is_over(campaign):
        assert time.monotonic() < deadline, f"{work.told(campaign)}\n{machines.told()}"
        time.sleep(0.2)
    objects.forget()
    assert contents(campaign, lambda made, name: objects.bring(made.folder, [name]) / name) == in_folder
    assert work.broken_rules(campaign) == []
    rows = [*Build.objects.filter(campaign_tile__campaign=campaign)]
    assert [row.number for row in rows] == [1, 1]
    assert Revision.objects.filter(campaign_tile__campaign=campaign, status="failed").count() == 0
