"""The containers' commands of Redis, web server and worker run, and are well by their own checks."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from script.lib import ports
from script.lib.places import ROOT
from tests.docker.test_images import COMPOSE, DOCKERFILE, filled

WAIT_SECONDS = 60


class Service:
    """A service of the Compose file as a process of this machine, with other ports and folders."""

    def __init__(self, name, port, folder, changes):
        self.service = yaml.safe_load(COMPOSE.read_text())["services"][name]
        self.port, self.folder, self.changes = port, folder, changes
        given = {key: value for key, value in self.service["environment"].items() if value is not None}
        self.environment = {key: self.here(filled(value)) for key, value in given.items()}
        self.environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment |= {key: value for key, value in changes.items() if key in given}
        self.log = folder / f"{name}.log"

    def here(self, text):
        return re.sub(r"(?<![\w.])/(?=storage|scenes)", f"{self.folder}/", text)

    def line(self, words, theirs, further):
        """Words of a command with this machine's port in place of the container's, and further options."""
        here = [filled(word).replace("0.0.0.0", "127.0.0.1") for word in words]
        program, *rest = [word.replace(str(theirs), str(self.port)) if theirs else word for word in here]
        return [program, *further, *rest]

    def start(self, words, theirs=0, further=()):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.line(words, theirs, further),
                cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        return self

    def is_well(self, theirs=0, further=()):
        """What its own health check says as soon as that ends well."""
        words = self.service["healthcheck"]["test"]
        assert words[0] == "CMD"
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            asked = subprocess.run(
                self.line(words[1:], theirs, further),
                cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if asked.returncode == 0:
                return asked.stdout.strip()
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, asked.stderr + self.log.read_text()
            time.sleep(0.3)

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None


@pytest.fixture
def run(tmp_path, stac_database):
    """Starts a service by name; all end with the test."""
    (tmp_path / "storage").mkdir()
    running = []

    def start(name, words, theirs=0, further=(), **changes):
        made = Service(name, ports.free_port(), tmp_path, changes)
        running.append(made)
        return made.start(words, theirs, [word.replace("PORT", str(made.port)) for word in further])

    yield start
    for one in running:
        one.stop()


def test_redis_web_server_and_worker_run_and_are_well(run, stac_database, tmp_path):
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    own = ["--port", "PORT", "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    queue = run("queue", services["queue"]["command"], further=own)
    assert queue.is_well(further=["-p", str(queue.port)]) == "PONG"

    given = {"DATABASE_URL": stac_database, "REDIS_URL": f"redis://:word@127.0.0.1:{queue.port}/0"}
    command = json.loads(re.search(r"^CMD (.*)$", DOCKERFILE.read_text(), re.MULTILINE)[1])
    assert "command" not in services["web"], "the image's own command is the web server's"
    web = run("web", command, 8000, **given)
    worker = run("worker", services["worker"]["command"], 9100, **given)
    web.is_well(8000)
    worker.is_well(9100)
    assert web.stop() == 0 and worker.stop() == 0
