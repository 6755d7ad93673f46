"""The web application beside the faults: asked all the time, killed at times, and never wrong."""

import os
import random
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import morecantile
from pyproj import Transformer

from script.lib import ports, server
from script.lib.places import ROOT
from script.lib.processes import end_with_parent
from tests.faults.place import Place
from tests.faults.source import GROUND

PAGES = ("/healthz", "/", "/api/campaigns/", "/stac/collections")
PAUSE_SECONDS = 0.1
# A process that was killed is there again so much later at the latest.
START_SECONDS = 45
PATIENCE_SECONDS = 60
MAP_ZOOM = 11


@dataclass
class Web:
    """Gunicorn with two processes, started again when it ends, and somebody who asks it.

    Attributes:
        at: where it runs.
        tiles: addresses of map tiles, each with the bytes that it must answer with.
        answers: how often each status came, "none" where there was no answer.
        wrong: what must not be, in words.
        killed: when it was killed last, by `time.monotonic`.
    """

    at: Place
    port: int = field(default_factory=lambda: ports.keep_or_choose(None))
    tiles: dict[str, bytes] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: set[str] = field(default_factory=set)
    killed: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start gunicorn."""
        line = server.command("127.0.0.1", self.port, processes=2, threads=2)
        self.killed = time.monotonic()
        with (self.at.folder / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                line, cwd=ROOT, env=dict(self.at.environment),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=end_with_parent,
            )  # fmt: skip

    def keep(self) -> None:
        """Start it again whenever it has ended, as a service manager does."""
        while not self.stopping.wait(0.3):
            if self.process is not None and self.process.poll() is not None:
                self.start()

    def kill(self, chance: random.Random) -> str:
        """Kill all of it, or one of the processes that answer."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.killed = time.monotonic()
        if children and chance.random() < 0.5:
            os.kill(int(chance.choice(children)), signal.SIGKILL)
            return "one of the processes that answer"
        self.process.kill()
        self.process.wait()
        return "all of it"

    def answer(self, address: str) -> tuple[str, bytes]:
        """The status and the body of one answer; "none" where there was no whole one."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{address}", timeout=PATIENCE_SECONDS
            ) as found:
                return str(found.status), found.read()
        except urllib.error.HTTPError as error:
            return str(error.code), error.read()
        except (OSError, HTTPException) as error:
            return "none", str(error).encode()

    def ask(self) -> None:
        """Ask for one address after the other, and note what must not be."""
        while not self.stopping.wait(PAUSE_SECONDS):
            for address in (*PAGES, *self.tiles):
                began = time.monotonic()
                status, body = self.answer(address)
                self.answers[status] += 1
                if status == "none" and began < self.killed + START_SECONDS:
                    continue
                if status not in ("200", "503"):
                    self.wrong.add(f"{address} was answered with {status}: {body[:200]!r}")
                elif status == "200" and address in self.tiles and body != self.tiles[address]:
                    self.wrong.add(f"{address} showed other bytes")

    def show(self, campaign) -> None:
        """Publish a finished campaign, and learn what its map tiles look like from its own files alone."""
        from webapp.campaigns.models import Edition, Revision

        type(campaign).objects.filter(pk=campaign.pk).update(is_public=True)
        Edition.publish(campaign)
        shown = Revision.objects.filter(campaign_tile__campaign=campaign, status="current")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while shown.filter(has_web_copies=False).exists():
            if time.monotonic() > deadline:
                self.wrong.add(f"{campaign.slug} has no web copies after {PATIENCE_SECONDS} s")
                return
            time.sleep(0.2)
        for layer, kind in (("rgb", "png"), ("landcover", "png")):
            address = f"/tiles/{campaign.slug}/latest/{layer}/{place_of_ground()}.{kind}"
            status, body = self.answer(address)
            if status != "200":
                self.wrong.add(f"{address} was answered with {status}: {body[:200]!r}")
            self.tiles[address] = body


def place_of_ground() -> str:
    """The map tile in the middle of the ground of the scenes, as Z/X/Y."""
    west, south, east, north = GROUND
    longitude, latitude = Transformer.from_crs(32633, 4326, always_xy=True).transform(
        (west + east) / 2, (south + north) / 2
    )
    tile = morecantile.tms.get("WebMercatorQuad").tile(longitude, latitude, MAP_ZOOM)
    return f"{tile.z}/{tile.x}/{tile.y}"


@contextmanager
def served(at: Place) -> Iterator[Web]:
    """The web application, which answers when the block begins, until it ends."""
    web = Web(at)
    web.start()
    deadline = time.monotonic() + START_SECONDS
    while web.answer("/healthz")[0] != "200" and time.monotonic() < deadline:
        time.sleep(0.3)
    threads = [threading.Thread(target=step, daemon=True) for step in (web.keep, web.ask)]
    for thread in threads:
        thread.start()
    try:
        yield web
    finally:
        web.stopping.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        if web.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(web.process.pid, signal.SIGKILL)
            web.process.wait()
