"""Holes that nothing of the campaign covers, filled from its older range for display only.

A part of the chain: stages 1 to 3 once more, on the holes of a finished composite. The composite, its
provenance and the landcover stay as they are.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import imagery, mosaic, scene_list
from pipeline.bear import AT_ONCE, Bear
from pipeline.build import CANDIDATES, Build
from pipeline.catalog import open_catalog
from pipeline.catalog.scene import Scene
from pipeline.errors import NoScenes, SourceError
from pipeline.received import counted
from pipeline.scene_list import Look, Overrides, SceneList
from pipeline.settings import CampaignSettings
from pipeline.storage import read_json, write_json

FOLDER = "fill"
FIGURES = "fill.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Holes:
    """The holes of a build's composite and the older scenes for them.

    Attributes:
        build: the build, composed.
        settings: of the campaign; one clear date is enough.
        folder: of the older scenes' list, candidates and previews.
    """

    build: Build
    settings: CampaignSettings
    folder: Path

    @classmethod
    def of(cls, build: Build) -> "Holes":
        """The holes of a build."""
        return cls(build, replace(build.settings, clear_dates=1), build.folder / FOLDER)

    @property
    def share(self) -> float:
        """Their share of the tile."""
        return float(self.build.notes()["composite"]["holes"])

    def covering(self) -> list[Scene]:
        """The build's own scenes that fill its composite, by rank."""
        scenes, fill_hazy = self.build.candidates(), self.settings.fill_hazy
        return [scenes[item.id] for item in self.build.scene_list().chosen if fill_hazy or not item.hazy]

    def older(self) -> list[Scene]:
        """The older scenes chosen, by rank."""
        known = self.candidates()
        return [known[item.id] for item in SceneList.read(self.folder).chosen][: mosaic.MOST_OLDER]

    def candidates(self) -> dict[str, Scene]:
        """What the catalog has in the older range, by id."""
        return {item["id"]: Scene.from_json(item) for item in read_json(self.folder / CANDIDATES)["scenes"]}

    def coverage(self, older: Sequence[Scene] = ()) -> imagery.Coverage:
        """What the build's scenes, and older ones behind them, leave open."""
        return imagery.coverage([*self.covering(), *older], self.build.tile, self.settings, self.build.folder)


def fill_holes(
    build: Build, catalog: str, tell: Callable[[str], None] = log.info, bear: Bear | None = None
) -> dict[str, Any] | None:
    """Fill the holes of a composite from the older range, where the campaign has one.

    Scenes are chosen as in stage 1, by what their previews show of the holes: the fewest, and of those the
    nearest to the campaign's first day; one that the build has already is no candidate. They are fetched
    where they are needed and masked as in stage 2, which also asks for a further one. That no scene serves,
    or that one cannot be read, is a warning of the build and not an error.

    Args:
        build: composed.
        catalog: as of `chain.make_scene_list`.
        tell: called with what is being done.
        bear: which previews may be missing and what a scene is set aside for. None: any preview; a scene that
            cannot be used, but not one whose source is silent.

    Returns:
        None where the campaign has no older range. Else "start" and "end" of it, "holes" and "share" (filled)
        as shares of the tile, and "scenes" with id, datetime, rank and share; kept in fill.json.

    Raises:
        TransientSourceError: the source did not answer; worth another try.
        SourceError: the catalog cannot be used.
    """
    if build.settings.fill_range is None:
        return None
    if not (build.folder / FIGURES).exists():
        first, last = build.settings.fill_range
        with build.step("fill"):
            found = _filled(Holes.of(build), catalog, tell, bear)
        write_json(build.folder / FIGURES, {"start": str(first), "end": str(last), **found})
    return fill_figures(build.folder)


def fill_figures(folder: Path) -> dict[str, Any] | None:
    """What `fill_holes` kept in a build's folder; None where there is nothing."""
    path = Path(folder) / FIGURES
    return read_json(path) if path.exists() else None


def _filled(holes: Holes, catalog: str, tell: Callable[[str], None], bear: Bear | None) -> dict[str, Any]:
    nothing: dict[str, Any] = {"holes": holes.share, "share": 0.0, "scenes": []}
    if not holes.share:
        return nothing
    try:
        tell("looking at older previews for the holes")
        if not (holes.folder / "scene_list.json").exists():
            _choose(holes, catalog, bear or AT_ONCE)
        tell("fetching and masking older scenes for the holes")
        setting_aside = bear or Bear(silence=False)
        _fetch(holes, setting_aside)
        while _next(holes):
            _fetch(holes, setting_aside)
    except NoScenes as error:
        holes.build.add(warnings=[f"Holes stay empty: {error}"])
        return nothing
    tell("filling the holes")
    return mosaic.fill(holes.older(), holes.build.tile, holes.settings, holes.build.folder)


def _choose(holes: Holes, catalog: str, bear: Bear) -> None:
    """Stage 1 on the holes.

    Raises:
        NoScenes: there is no older scene, or none shows what lies in the holes.
    """
    tile, known = holes.build.tile, holes.build.candidates()
    first, last = holes.settings.fill_range or (holes.settings.start, holes.settings.end)
    found = open_catalog(catalog, holes.settings.level).search(
        tile.name, first, last, holes.settings.max_cloud
    )
    scenes = [scene for scene in found if scene.id not in known]
    write_json(holes.folder / CANDIDATES, {"scenes": [scene.to_json() for scene in scenes]})
    if not scenes:
        raise NoScenes(f"there is no older scene of {tile.name} from {first} to {last}.")
    open_ = holes.coverage().uncovered_preview > 0
    with counted(holes.folder) as http:
        seen = scene_list.look(scenes, http=http, networks=holes.build.networks, bear=bear)
    looks = [_in_holes(one, open_) for one in seen]
    scene_list.choose_among(looks, tile, holes.settings, holes.folder, overrides=_asked(holes))


def _in_holes(look: Look, open_: NDArray[np.bool_]) -> Look:
    """What a preview shows clear of the holes."""
    return look if look.clear is None else replace(look, clear=look.clear & open_)


def _asked(holes: Holes) -> Overrides:
    """Nearest to the campaign first, without what a reviewer excluded."""
    return Overrides(exclude=frozenset(holes.build.scene_list().excluded), target_date=holes.settings.start)


def _fetch(holes: Holes, bear: Bear) -> None:
    """Stage 2: bring and mask the older scenes; one that cannot be read is set aside.

    Raises:
        NoScenes: none is left.
    """
    build, settings = holes.build, holes.settings
    while True:
        before = holes.covering()
        for scene in holes.older():
            try:
                imagery.fetch(scene, build.tile, settings, build.folder, before)
                imagery.mask(scene, build.tile, settings, build.folder, networks=build.networks)
            except SourceError as error:
                bear.or_later(error)
                _set_aside(holes, scene, error)
                break
            before = [*before, scene]
        else:
            return


def _set_aside(holes: Holes, scene: Scene, error: SourceError) -> None:
    holes.build.add(warnings=[f"{scene.id} was set aside: {error}"])
    log.warning("%s was set aside: %s", scene.id, error)
    left = [one for one in holes.candidates().values() if one.id != scene.id]
    write_json(holes.folder / CANDIDATES, {"scenes": [one.to_json() for one in left]})
    if not left:
        raise NoScenes(f"no older scene of {holes.build.tile.name} could be read.")
    scene_list.choose_again(left, holes.build.tile, holes.settings, holes.folder, (), _asked(holes))


def _next(holes: Holes) -> bool:
    """Stage 2's loop: add the best further older scene, if one adds enough."""
    listed, older = SceneList.read(holes.folder), holes.older()
    best = scene_list.best_next(listed, holes.folder, holes.coverage(older).uncovered_preview)
    if best is None or best.gain < holes.settings.least_gain or len(older) == mosaic.MOST_OLDER:
        return False
    reason = f"adds {best.gain:.2%} of the tile that the older scenes before it leave open"
    listed.with_added(best.id, reason).write(holes.folder)
    return True
