"""The scene list of a tile: every candidate, what was chosen, why, and how well that is proven."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import StorageError, UsageError
from pipeline.scene_list.masks import read_masks
from pipeline.storage import read_json, write_json

FILE = "scene_list.json"


@dataclass(frozen=True)
class Candidate:
    """One scene of the date range.

    Attributes:
        id: product id.
        datetime: sensing time, UTC.
        cloud_cover: percent, as the source's metadata says.
        clear_share: share of the tile that its preview shows clear, 0..1; 0 where it could not be read.
        hazy: whether the haze network calls it hazy.
        chosen: whether it is used.
        rank: 1, 2, ... in the order of use; None where it is not used.
        reason: why it is in or out, in words.
        haze_score: probability of haze, 0..1.
        datatake: what identifies the overpass.
        days: |date - target| in whole days.
        readable: whether its preview could be read.
        added: whether stage 2 fetched it besides, used or not.
        fetched: the share of its blocks that stage 2 fetched; below 1 the scene is partial, None before.
    """

    id: str
    datetime: datetime
    cloud_cover: float
    clear_share: float
    hazy: bool
    chosen: bool
    rank: int | None
    reason: str
    haze_score: float | None = None
    datatake: str = ""
    days: int = 0
    readable: bool = True
    added: bool = False
    fetched: float | None = None


@dataclass(frozen=True)
class Next:
    """A candidate that is not used yet and the share of the tile that it would clear besides."""

    candidate: Candidate
    gain: float

    @property
    def id(self) -> str:
        """The scene's id."""
        return self.candidate.id


@dataclass(frozen=True)
class SceneList:
    """The candidates of a tile with the chosen ones ranked.

    Attributes:
        tile: tile name.
        target_date: ISO date that scenes should be near to.
        candidates: all, sorted by (datetime, id).
        share: the share of the coverable pixels that was asked for.
        clear_dates: clear dates wanted for each pixel.
        coverable_share: share of the tile that all usable candidates together show clear.
        reached: share of the coverable pixels that the chosen scenes cover, each up to `clear_dates` times.
        proof: "optimal", "levels" with value and bound of each, and how it was found; empty if nothing was.
        seconds: time that choosing took, the look at the previews not counted.
        excluded: ids that a reviewer asked to leave out, sorted.
        fill_hazy: whether hazy scenes may serve where nothing clear covers.
        preview_margin: metres around the cloud of a preview in which clear ground is doubtful.
    """

    tile: str
    target_date: str
    candidates: tuple[Candidate, ...]
    share: float
    clear_dates: int = 1
    coverable_share: float = 0.0
    reached: float = 0.0
    proof: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    excluded: tuple[str, ...] = ()
    fill_hazy: bool = False
    preview_margin: float = 0.0

    @property
    def chosen(self) -> tuple[Candidate, ...]:
        """The scenes used, by rank."""
        return tuple(sorted((one for one in self.candidates if one.chosen), key=lambda one: one.rank or 0))

    @property
    def unreadable(self) -> int:
        """How many candidates fell out because their preview could not be read."""
        return sum(not one.readable for one in self.candidates)

    def candidate(self, scene_id: str) -> Candidate:
        """The candidate of an id.

        Raises:
            UsageError: there is none.
        """
        for one in self.candidates:
            if one.id == scene_id:
                return one
        raise UsageError(f"The scene {scene_id} is no candidate of tile {self.tile}.", "scene")

    def with_added(self, scene_id: str, reason: str) -> "SceneList":
        """The list with one more scene, which takes the next rank; one that is used already stays."""
        if self.candidate(scene_id).chosen:
            return self
        rank = len(self.chosen) + 1
        candidates = tuple(
            replace(one, chosen=True, rank=rank, reason=reason, added=True) if one.id == scene_id else one
            for one in self.candidates
        )
        return replace(self, candidates=candidates)

    def with_first(self, ids: Collection[str]) -> "SceneList":
        """The list with these of its scenes ranked before the others, each group in the order it has."""
        order = sorted(self.chosen, key=lambda one: (one.id not in ids, one.rank))
        ranks = {one.id: rank for rank, one in enumerate(order, start=1)}
        candidates = tuple(replace(one, rank=ranks.get(one.id)) for one in self.candidates)
        return replace(self, candidates=candidates)

    def with_fetched(self, shares: Mapping[str, float]) -> "SceneList":
        """The list with the share of their blocks that was fetched, by id of the scenes that are there."""
        candidates = tuple(replace(one, fetched=shares.get(one.id, one.fetched)) for one in self.candidates)
        return replace(self, candidates=candidates)

    def without(self, scene_id: str, reason: str) -> "SceneList":
        """The list without a scene that stage 2 added last in vain; it is not offered again."""
        candidates = tuple(
            replace(one, chosen=False, rank=None, reason=reason) if one.id == scene_id else one
            for one in self.candidates
        )
        return replace(self, candidates=candidates)

    def remaining(self, folder: Path, lacking: np.ndarray | None = None) -> list[Next]:
        """The scenes that could be fetched besides, the one that gains most first, hazy ones last.

        Args:
            folder: of the build; holds the previews' clear masks.
            lacking: (343, 343) on the preview grid, the share of each cell that is not covered yet, 0..1 or
                bool; where None, what the previews of the chosen scenes leave.
        """
        masks = read_masks(folder)
        if lacking is None:
            lacking = self._lacking(masks)
        found = [
            Next(one, float(lacking[masks[one.id]].sum(dtype=float) / lacking.size))
            for one in self.candidates
            if one.id in masks and self._open(one)
        ]
        found = [one for one in found if one.gain > 0]
        return sorted(found, key=lambda one: (one.candidate.hazy, -one.gain, one.candidate.days, one.id))

    def _open(self, one: Candidate) -> bool:
        used = one.chosen or one.added
        return not used and one.id not in self.excluded and (self.fill_hazy or not one.hazy)

    def _lacking(self, masks: Mapping[str, np.ndarray]) -> np.ndarray:
        shape = next(iter(masks.values())).shape if masks else (0, 0)
        times = np.zeros(shape, int)
        for one in self.chosen:
            times += masks[one.id]
        return times < self.clear_dates

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict; `from_json` gives the same list back."""
        content = asdict(self) | {
            "proof": dict(self.proof),
            "excluded": list(self.excluded),
            "unreadable": self.unreadable,
        }
        scenes = content.pop("candidates")
        return content | {"scenes": [one | {"datetime": one["datetime"].isoformat()} for one in scenes]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "SceneList":
        """A list from a dict of `to_json`.

        Raises:
            StorageError: the content is that of no scene list.
        """
        try:
            values = {name: value for name, value in content.items() if name not in ("scenes", "unreadable")}
            values["excluded"] = tuple(values["excluded"])
            scenes = tuple(
                Candidate(**one | {"datetime": datetime.fromisoformat(one["datetime"])})
                for one in content["scenes"]
            )
            return cls(candidates=scenes, **values)
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(f"The content is that of no scene list: {error}.") from error

    def write(self, folder: Path) -> None:
        """Write `scene_list.json` into a build's folder."""
        write_json(Path(folder) / FILE, self.to_json())

    @classmethod
    def read(cls, folder: Path) -> "SceneList":
        """Read `scene_list.json` of a build's folder.

        Raises:
            StorageError: it is missing or broken.
        """
        return cls.from_json(read_json(Path(folder) / FILE))


def best_next(listed: SceneList, folder: Path, lacking: np.ndarray | None = None) -> Next | None:
    """The best scene to fetch besides, or None where none would add a pixel; arguments as `remaining`."""
    found = listed.remaining(folder, lacking)
    return found[0] if found else None
