"""Counts of several web processes are told together, and a worker tells its own at a port."""

import os
import subprocess
import sys
import urllib.request

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from script.lib import ports
from script.lib.places import ROOT
from webapp.campaigns.management.commands import worker

COUNT = "from webapp.metrics import MAP_TILES; MAP_TILES.labels('made').observe(0.02)"
TELL = """
from prometheus_client import generate_latest
from webapp.metrics import registry
print(generate_latest(registry()).decode())
"""
SERVE = """
import os
import webapp.gunicorn
print(os.environ[webapp.gunicorn.FOLDER])
webapp.gunicorn.on_exit(None)
print(os.path.exists(os.environ[webapp.gunicorn.FOLDER]))
"""


def run(line, folder=None):
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    environment |= {"PROMETHEUS_MULTIPROC_DIR": str(folder)} if folder else {}
    done = subprocess.run(
        [sys.executable, "-c", line], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_garbage_is_collected_without_the_application():
    line = (
        "import gc, webapp.wsgi, webapp.gunicorn; webapp.gunicorn.post_worker_init(None);"
        "print(gc.get_freeze_count(), len(gc.get_objects()))"
    )
    frozen, left = map(int, run(line).split())
    assert frozen > 100_000 and left < frozen / 100


def test_processes_that_share_a_folder_are_told_together(tmp_path):
    run(COUNT, tmp_path)
    run(COUNT, tmp_path)
    assert 'earthquilt_map_tile_seconds_count{source="made"} 2.0\n' in run(TELL, tmp_path)


def test_the_servers_processes_share_a_folder_of_its_own():
    folder, is_left = run(SERVE).split()
    assert "earthquilt-metrics-" in folder and is_left == "False"


class Stopped(Exception):
    """The worker of a test does not work."""


def test_a_worker_answers_prometheus_at_its_port(monkeypatch):
    port = ports.free_port()
    found = []

    def look(queues):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
            found.append(reply.read().decode())
        raise Stopped

    monkeypatch.setattr(worker, "make_worker", look)
    with pytest.raises(Stopped):
        call_command("worker", "--queues", "cpu", "--metrics-port", str(port))
    assert "earthquilt_stage_seconds" in found[0]
    with pytest.raises(CommandError, match=f"127.0.0.1:{port}"):
        call_command("worker", "--queues", "cpu", "--metrics-port", str(port))
