"""A worker whose work hangs where Python cannot interrupt it ends, so that its tile is another's."""

import os
import subprocess

import pytest

from script.lib.places import PYTHON, ROOT
from webapp.campaigns import worker as workers
from webapp.campaigns.worker import make_worker

SET_UP = """
import django, threading, time
django.setup()
from webapp.campaigns import hung, lease
from webapp.campaigns.models import Build, Campaign, CampaignTile, Revision
from webapp.campaigns.models.build import lease_clock

class Renewed:
    held_since = property(lambda self: lease_clock())
    def renew(self):
        print("renewed", flush=True)
        return True

class Work(Renewed, Build):
    class Meta:
        proxy, app_label = True, "campaigns"
    def __str__(self):
        return "Alps 33TWL build 7"

work = Work(stage="mask")
"""
HANGS_IN_A_STAGE = """
lock = threading.Lock()
with lease.kept(work):
    lock.acquire()
    lock.acquire()
"""
# Each stage has its own time: together they take far more than one may.
GOES_ON = """
for stage in ("mask", "compose", "classify"):
    with lease.kept(work):
        time.sleep(2.0)
print("ended", flush=True)
"""
HOLDS_PYTHON = """
import ctypes
with hung.ended_when_stuck(1.0):
    ctypes.PyDLL(None).sleep(120)
"""


def run(code):
    """What a process of its own comes to in which a stage may take 3 s, and how it ended."""
    times = {"STAGE_TIMEOUT": "2", "HUNG_SECONDS": "1", "LEASE_SECONDS": "1"}
    environment = dict(os.environ) | {"DJANGO_SETTINGS_MODULE": "webapp.settings"} | times
    return subprocess.run(
        [str(PYTHON), "-c", SET_UP + code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_stage_that_hangs_ends_its_process_and_is_told():
    found = run(HANGS_IN_A_STAGE)
    assert found.returncode == os.EX_SOFTWARE, found.stderr
    assert "renewed" in found.stdout
    assert "ERROR" in found.stderr and "Alps 33TWL build 7, stage mask, hangs" in found.stderr
    assert "lock.acquire" in found.stderr or "<string>" in found.stderr, "where it hangs is told"


def test_stages_under_one_claim_have_their_own_time():
    found = run(GOES_ON)
    assert found.returncode == 0 and found.stdout.endswith("ended\n"), found.stderr


def test_a_call_that_lets_no_thread_go_on_ends_its_process_too():
    found = run(HOLDS_PYTHON)
    assert found.returncode == 1 and "Timeout" in found.stderr


@pytest.mark.django_db(transaction=True)
def test_every_job_of_a_worker_has_an_end(queues, settings, monkeypatch):
    settings.HUNG_SECONDS = 7
    given, before = [], workers.ended_when_stuck
    monkeypatch.setattr(workers, "ended_when_stuck", lambda seconds: given.append(seconds) or before(seconds))
    monkeypatch.setattr(workers.ResidentWorker, "load_networks", lambda self: None)
    queues["cpu"].enqueue("webapp.campaigns.jobs.run_pyramid", 0)
    make_worker(["cpu"]).work(burst=True, logging_level="ERROR")
    assert set(given) == {queues["cpu"]._default_timeout + 2 * 7}
