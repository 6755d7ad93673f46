"""The simulated scenes behind a STAC API and a file server whose mood changes."""

import hashlib
import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path

import numpy as np
import rasterio

from pipeline.simulate.files import to_cog
from pipeline.simulate.season import simulate
from pipeline.storage import read_json, write_json
from tests import mishaps
from tests.file_server import Answer, Handler

TILES = ("33TWL", "33TWM")
RESOLUTION = 120
# West, south, east, north in metres: on both tiles.
GROUND = (540_000, 5_086_000, 555_000, 5_104_000)

MOODS: dict[str, Answer] = {
    "429": mishaps.refused(429, **{"Retry-After": "1"}),
    "500": mishaps.refused(500),
    "503": mishaps.refused(503),
    "slow": mishaps.little_by_little(40_000),
    "truncated": mishaps.truncated(),
    "reset": mishaps.reset,
    "closed": mishaps.closed,
    "wrong length": mishaps.other_length,
    "wrong range": mishaps.other_range,
    "garbled": mishaps.garbled,
}


@dataclass
class Source:
    """What is served, and how badly.

    Attributes:
        folder: of the scenes.
        url: of the server.
        mood: one of `MOODS`, "flipped", or "" for the right answers.
        share: of the requests that get the mood's answer, 0..1.
        lasting: part of an address and the mood that it has for ever.
        hidden: id of a scene that the catalog does not have.
    """

    folder: Path
    seed: int
    url: str = ""
    mood: str = ""
    share: float = 0.5
    asked: int = 0
    spoilt: int = 0
    lasting: tuple[str, str] | None = None
    hidden: str = ""
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.turn = threading.Lock()

    def items(self) -> list[dict]:
        """The items of all scenes, with the addresses of their files here."""
        found = []
        for path in sorted(self.folder.glob("S2*/*.json")):
            if path.stem == self.hidden:
                continue
            item = json.loads(path.read_text()) | {"links": []}
            for asset in item["assets"].values():
                asset["href"] = f"{self.url}/{path.parent.name}/{Path(asset['href']).name}"
            found.append(item)
        return found

    def landing(self) -> dict:
        """What a STAC API says of itself."""
        return {
            "type": "Catalog", "stac_version": "1.0.0", "id": "simulated", "description": "Simulated scenes",
            "conformsTo": [
                "https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search",
            ],
            "links": [
                {"rel": "self", "href": self.url, "type": "application/json"},
                {"rel": "root", "href": self.url, "type": "application/json"},
                {"rel": "search", "href": f"{self.url}/search", "type": "application/geo+json",
                 "method": "POST"},
            ],
        }  # fmt: skip

    def found(self) -> dict:
        """The answer to a search; which of the items are of the tile and the dates is for who asked."""
        return {"type": "FeatureCollection", "features": self.items(), "links": []}

    def answer_to(self, path: str) -> Answer | None:
        """The wrong answer that a request gets; None for the right one."""
        with self.turn:
            self.asked += 1
            mood = self.mood if self.random.random() < self.share else ""
            if mood == "flipped" and not path.endswith(".tif"):
                # Nothing states what a catalog's answer must be; of files blocks or checksums do.
                mood = ""
            if self.lasting and self.lasting[0] in path:
                mood = self.lasting[1]
            self.spoilt += bool(mood)
            if mood == "flipped":
                return mishaps.one_byte_wrong(self.random.random())
        return MOODS.get(mood)

    @contextmanager
    def moody(self, mood: str, share: float) -> Iterator[None]:
        """Answer wrongly until the block ends."""
        self.share, self.mood = share, mood
        try:
            yield
        finally:
            self.mood = ""


class MoodyHandler(Handler):
    """Answers as the mood is."""

    source: Source

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.tell(json.dumps(self.source.found()).encode())

    def do_GET(self) -> None:
        path = self.source.folder / self.path.partition("?")[0].lstrip("/")
        if path == self.source.folder:
            self.tell(json.dumps(self.source.landing()).encode())
        elif not path.is_file():
            self.refuse(404)
        else:
            self.tell(path.read_bytes())

    def tell(self, content: bytes) -> None:
        """Send a content, as the mood is."""
        wrong = self.source.answer_to(self.path)
        try:
            if wrong and content:
                wrong(self, content)
            else:
                self.serve(content)
        except (ConnectionError, OSError):
            # Who asked was killed meanwhile.
            self.close_connection = True


@contextmanager
def served(folder: Path, seed: int) -> Iterator[Source]:
    """Serve a folder until the block ends."""
    source = Source(folder, seed)
    handler = type("BoundHandler", (MoodyHandler,), {"source": source, "files": source})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    source.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()


def make_scenes(folder: Path, seed: int, dates: int) -> Path:
    """Simulate the scenes, unless they are there; they show `GROUND` alone, so that a campaign is short."""
    if not (folder / "catalog.json").exists():
        simulate(folder, list(TILES), dates, RESOLUTION, seed, "stac", workers=1)
        for path in sorted(folder.glob("S2*/*.tif")):
            keep_ground(path)
        for path in sorted(folder.glob("S2*/*.json")):
            state_checksum(path)
    return folder


def state_checksum(path: Path) -> None:
    """Have an item state the checksum that its preview has now."""
    item = read_json(path)
    content = (path.parent / item["assets"]["thumbnail"]["href"]).read_bytes()
    item["assets"]["thumbnail"]["file:checksum"] = f"1220{hashlib.sha256(content).hexdigest()}"
    write_json(path, item)


def keep_ground(path: Path) -> None:
    """Empty a picture outside of `GROUND`."""
    with rasterio.open(path) as dataset:
        profile, data, transform = dataset.profile, dataset.read(), dataset.transform
    columns, rows = ~transform @ (np.array([GROUND[0], GROUND[2]]), np.array([GROUND[3], GROUND[1]]))
    inside = np.zeros(data.shape[1:], bool)
    top, bottom = (int(row) for row in np.clip(rows, 0, inside.shape[0]))
    left, right = (int(column) for column in np.clip(columns, 0, inside.shape[1]))
    inside[top:bottom, left:right] = True
    work = path.with_suffix(".work.tif")
    with rasterio.open(work, "w", **profile | {"driver": "GTiff"}) as out:
        out.write(np.where(inside, data, 0))
    to_cog(work, path)
    work.unlink()
