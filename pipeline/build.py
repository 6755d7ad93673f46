"""A build's folder: its scene list, the scenes it wants, and the figures kept between its steps."""

import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.catalog.scene import Scene
from pipeline.errors import StorageError, UsageError
from pipeline.grid import Tile
from pipeline.memory import give_back
from pipeline.networks import Chosen
from pipeline.scene_list import Candidate, SceneList
from pipeline.settings import CampaignSettings
from pipeline.storage import read_json, write_json

CANDIDATES = "candidates.json"
WORK = "work.json"
REQUEST = "request.json"
RECORDS = (REQUEST, WORK, CANDIDATES)


@dataclass(frozen=True)
class Build:
    """One run of the stages for a tile.

    Attributes:
        tile: what is built.
        settings: of the campaign.
        folder: where the products go.
        models: folder of the weights that were registered; None = only those that ship.
    """

    tile: Tile
    settings: CampaignSettings
    folder: Path
    models: Path | None = None

    @property
    def networks(self) -> Chosen:
        """The networks that it is built with."""
        return Chosen(self.settings.networks, self.models)

    def scene_list(self) -> SceneList:
        """The scene list as it stands."""
        return SceneList.from_json(read_json(self.folder / "scene_list.json"))

    def candidates(self) -> dict[str, Scene]:
        """The scenes that the catalog offered, by id."""
        return {item["id"]: Scene.from_json(item) for item in read_json(self.folder / CANDIDATES)["scenes"]}

    def datatakes(self) -> frozenset[str]:
        """The datatakes of the list's scenes."""
        return frozenset(item.datatake for item in self.scene_list().chosen)

    def wanted(self) -> list[Scene]:
        """The scenes to fetch: those of the list by rank, then the others of the landcover series."""
        scenes, listed = self.candidates(), self.scene_list()
        ranked = [item.id for item in listed.chosen]
        others = [name for name in series(listed, self.settings) if name not in ranked]
        return [scenes[name] for name in (*ranked, *others)]

    def scenes_of(self, listed: Sequence[Candidate]) -> list[Scene]:
        """The scenes of some entries of the list."""
        scenes = self.candidates()
        return [scenes[item.id] for item in listed]

    def series(self) -> list[Scene]:
        """The scenes of the landcover series, which are fetched whole: those of the list by rank first."""
        scenes = self.candidates()
        return [scenes[name] for name in series(self.scene_list(), self.settings)]

    def note(self, **figures: Any) -> None:
        """Keep figures of a step for the report; one of the same name is replaced."""
        write_json(self.folder / WORK, self.notes() | figures)

    def add(self, **figures: Any) -> None:
        """Add to the figures kept: numbers add up (also inside a dict), lists are joined."""
        notes = self.notes()
        self.note(**{name: _joined(notes.get(name), value) for name, value in figures.items()})

    def notes(self) -> dict[str, Any]:
        """The figures kept so far."""
        path = self.folder / WORK
        return read_json(path) if path.exists() else {}

    def is_made(self, product: str, figures: str) -> bool:
        """Whether a step has ended: its figures are kept last, so a file alone is a killed process's."""
        return (self.folder / product).exists() and figures in self.notes()

    @contextmanager
    def step(self, stage: str) -> Iterator[None]:
        """Time a step and keep its seconds and the peak memory of the process, or the error that ended it."""
        started = time.monotonic()
        try:
            yield
        except Exception as error:
            with suppress(StorageError):
                self.note(error={"stage": stage, "text": f"{type(error).__name__}: {error}"})
            raise
        if "error" in (notes := self.notes()):
            notes.pop("error")
            write_json(self.folder / WORK, notes)
        self.add(seconds={stage: round(time.monotonic() - started, 3)}, peak_memory_mib=[peak_memory_mib()])
        give_back()


def begin(
    tile: Tile,
    settings: CampaignSettings,
    folder: Path,
    catalog: str,
    resume: bool,
    models: Path | None = None,
) -> Build:
    """Begin a tile's build in a folder, or go on with one of the same request.

    A request that pinned no networks is gone on with whatever the settings pin, and settings that pin none
    go on with a request that pinned those that ship.

    Raises:
        UsageError: products are there already and `resume` is False, or they are of another request.
    """
    settings = settings.of_tile(tile)
    asked = {"settings": settings.to_json(), "catalog": catalog}
    pinned = Chosen(settings.networks, models).pinned()
    request = folder / REQUEST
    if any(path.name not in RECORDS for path in folder.glob("*")) and request.exists():
        if not resume:
            raise UsageError(
                f"{folder} already holds products: give --resume to go on with them, or another --out.", "out"
            )
        if not _same_request(read_json(request), asked, pinned):
            raise UsageError(f"{folder} was made with other settings: choose another --out.", "out")
    else:
        for name in RECORDS:
            (folder / name).unlink(missing_ok=True)
    write_json(request, asked)
    return Build(tile, settings, folder, models)


def _same_request(known: dict[str, Any], asked: dict[str, Any], pinned: dict[str, str]) -> bool:
    networks = known["settings"].get("networks") and pinned
    return known == asked or known == asked | {"settings": asked["settings"] | {"networks": networks}}


def series(listed: SceneList, settings: CampaignSettings) -> list[str]:
    """The landcover series: the clearest of the list and, where there is room, of the others.

    One counts as much clearer as it is further (in shares of the range) from the dates already in, so that
    the series spreads over the range. What stage 2 added to the list does not change it.

    Returns:
        Ids: those of the list by rank, then the others.
    """
    first = [item for item in listed.chosen if not item.added]
    taken = first if len(first) <= settings.series else _clearest(first, [], settings)
    excluded = set(listed.excluded)
    others = [
        item
        for item in listed.candidates
        if item not in first and not item.hazy and item.clear_share > 0 and item.id not in excluded
    ]
    return [
        item.id
        for item in (*sorted(taken, key=lambda item: item.rank or 0), *_clearest(others, taken, settings))
    ]


def _clearest(
    candidates: Sequence[Candidate], taken: Sequence[Candidate], settings: CampaignSettings
) -> list[Candidate]:
    """Candidates that fill the series up, each at least a day from those in it."""
    span = max((settings.end - settings.start).days, 1)
    left, found = list(candidates), list[Candidate]()
    while left and len(taken) + len(found) < settings.series:
        known = (*taken, *found)
        best = max(left, key=partial(_worth, known, span))
        left.remove(best)
        if _spread(best, known) >= 1:
            found.append(best)
    return found


def _worth(taken: Sequence[Candidate], span: int, item: Candidate) -> tuple[bool, float, str]:
    return not item.hazy, item.clear_share * (0.5 + min(_spread(item, taken) / span, 1.0)), item.id


def peak_memory_mib() -> float:
    """Most memory that this process held so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def _joined(old: Any, new: Any) -> Any:
    if old is None:
        return new
    if isinstance(old, dict):
        return old | {name: _joined(old.get(name), value) for name, value in new.items()}
    if isinstance(old, list):
        return old + [item for item in new if item not in old]
    return round(old + new, 3)


def _spread(item: Candidate, taken: Sequence[Candidate]) -> int:
    return min((abs((item.datetime.date() - other.datetime.date()).days) for other in taken), default=10**6)
