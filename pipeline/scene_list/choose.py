"""Stage 1: from candidates to the minimum cloud-free scene list (paper, 2.1)."""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.bear import AT_ONCE, Bear
from pipeline.catalog.scene import Scene
from pipeline.errors import NoScenes, SourceError, UsageError
from pipeline.grid import Tile
from pipeline.networks import SHIPPED, Chosen
from pipeline.received import counted
from pipeline.scene_list.choice import Choice, days_between, unusable
from pipeline.scene_list.masks import Look, look, remembered, write_masks
from pipeline.scene_list.model import SceneList
from pipeline.scene_list.objective import Problem
from pipeline.scene_list.overrides import Overrides
from pipeline.scene_list.picture import draw
from pipeline.scene_list.solve import solve
from pipeline.settings import CampaignSettings

log = logging.getLogger(__name__)

TIME_LIMIT = 15.0


def choose(
    candidates: Sequence[Scene],
    tile: Tile,
    settings: CampaignSettings,
    folder: Path,
    neighbour_datatakes: Sequence[Collection[str]] = (),
    overrides: Overrides | Mapping[str, Any] | None = None,
    *,
    networks: Chosen = SHIPPED,
    time_limit: float = TIME_LIMIT,
    bear: Bear = AT_ONCE,
) -> SceneList:
    """Look at all previews and choose the minimum list; write it, the masks and `scene_list.png`.

    Args:
        candidates: the scenes of the date range, in any order.
        tile: their tile.
        settings: share, clear dates, target date, margin of the previews, haze fill.
        folder: of the build.
        neighbour_datatakes: the datatakes of each neighbour's list, which are constants here.
        overrides: what a reviewer asked.
        networks: of the campaign.
        time_limit: seconds for the search; where it does not end, the list carries its bounds.
        bear: which previews may be missing; else TransientSourceError is raised.

    Raises:
        NoScenes: no candidate, or nothing clear; the candidates with their reasons are written all the same.
        UsageError: a scene to be forced in is no candidate, or the overrides contradict each other.
        SourceError: the preview of a scene to be forced in cannot be read.
    """
    with counted(folder) as http:
        ordered = sorted(candidates, key=lambda scene: (scene.datetime, scene.id))
        looks = look(ordered, http=http, networks=networks, bear=bear)
    return choose_among(looks, tile, settings, folder, neighbour_datatakes, overrides, time_limit=time_limit)


def choose_among(
    looks: Sequence[Look],
    tile: Tile,
    settings: CampaignSettings,
    folder: Path,
    neighbour_datatakes: Sequence[Collection[str]] = (),
    overrides: Overrides | Mapping[str, Any] | None = None,
    *,
    time_limit: float = TIME_LIMIT,
) -> SceneList:
    """Choose among candidates whose previews have been looked at; other arguments and errors as `choose`."""
    began = time.monotonic()
    asked = Overrides.of(overrides)
    looks = sorted(looks, key=lambda one: (one.scene.datetime, one.scene.id))
    _check_forced(looks, asked)
    target = asked.target_date or settings.target
    problem = problem_of(looks, settings, target, neighbour_datatakes, asked)
    solution = solve(problem, time_limit) if problem is not None and problem.coverable else None
    write_masks(folder, looks)
    choice = Choice(looks, asked, target, problem, solution)
    return write_list(choice, tile, settings, folder, time.monotonic() - began)


def write_list(
    choice: Choice, tile: Tile, settings: CampaignSettings, folder: Path, seconds: float
) -> SceneList:
    """Write a choice as `scene_list.json` and `scene_list.png`.

    Raises:
        NoScenes: nothing was chosen; the candidates with their reasons are written all the same.
    """
    listed = _listed(choice, tile, settings, seconds)
    listed.write(folder)
    draw(listed, choice.looks, folder)
    if choice.solution is None:
        raise NoScenes(_nothing(listed))
    _tell(listed)
    return listed


def choose_again(
    scenes: Sequence[Scene],
    tile: Tile,
    settings: CampaignSettings,
    folder: Path,
    neighbour_datatakes: Sequence[Collection[str]] = (),
    overrides: Overrides | Mapping[str, Any] | None = None,
) -> SceneList:
    """Choose among fewer scenes than the list in the folder has, from the masks kept; errors as `choose`.

    Args:
        scenes: those left of its candidates.
        tile: their tile.
        settings: as of `choose`.
        folder: of the build.
        neighbour_datatakes: as of `choose`.
        overrides: as of `choose`.
    """
    known = {one.id: one.haze_score for one in SceneList.read(folder).candidates}
    looks = remembered(folder, scenes, known)
    return choose_among(looks, tile, settings, folder, neighbour_datatakes, overrides)


def redraw(listed: SceneList, folder: Path, scenes: Mapping[str, Scene]) -> None:
    """Draw `scene_list.png` again after ranks have changed, from what the folder keeps."""
    known = {one.id: one.haze_score for one in listed.candidates}
    draw(listed, remembered(folder, [scenes[one.id] for one in listed.candidates], known), folder)


def _check_forced(looks: Sequence[Look], asked: Overrides) -> None:
    known = {one.scene.id: one for one in looks}
    for scene_id in sorted(asked.force):
        if scene_id not in known:
            raise UsageError(f"The scene {scene_id} cannot be forced in: it is no candidate.", "force")
        if known[scene_id].clear is None:
            raise SourceError(f"The scene {scene_id} cannot be forced in: {known[scene_id].problem}")


def problem_of(
    looks: Sequence[Look],
    settings: CampaignSettings,
    target: date,
    neighbour_datatakes: Sequence[Collection[str]],
    asked: Overrides,
) -> Problem | None:
    """The problem of the usable candidates; None where there is none."""
    usable = sorted((one for one in looks if unusable(one, asked) is None), key=lambda one: one.scene.id)
    if not usable:
        return None
    ids = tuple(one.scene.id for one in usable)
    matches = [[one.scene.datatake in takes for takes in neighbour_datatakes] for one in usable]
    return Problem(
        ids=ids,
        clear=np.stack([one.clear.ravel() for one in usable if one.clear is not None]),
        days=np.array([days_between(one.scene, target) for one in usable]),
        matches=np.array(matches, dtype=bool).reshape(len(ids), len(neighbour_datatakes)),
        share=settings.share,
        wanted=settings.clear_dates,
        forced=tuple(index for index, scene_id in enumerate(ids) if scene_id in asked.force),
        sure=_sure(usable, settings.preview_margin),
    )


def _sure(usable: Sequence[Look], margin: float) -> np.ndarray | None:
    return np.stack([one.sure(margin).ravel() for one in usable]) if margin > 0 else None


def _listed(choice: Choice, tile: Tile, settings: CampaignSettings, seconds: float) -> SceneList:
    return SceneList(
        tile=tile.name,
        target_date=choice.target.isoformat(),
        candidates=choice.candidates(),
        share=settings.share,
        clear_dates=settings.clear_dates,
        coverable_share=round(choice.coverable_share, 6),
        reached=round(choice.reached, 6),
        proof=choice.solution.to_json() if choice.solution is not None else {},
        seconds=round(seconds, 3),
        excluded=tuple(sorted(choice.asked.exclude)),
        fill_hazy=settings.fill_hazy,
        preview_margin=settings.preview_margin,
    )


def _nothing(listed: SceneList) -> str:
    """The sentence for a tile that no scene can serve."""
    count = len(listed.candidates)
    if count == 0:
        return f"There is no candidate scene of {listed.tile}."
    if all("no clear pixel" in one.reason for one in listed.candidates):
        return f"None of the {count} scenes of {listed.tile} shows a clear pixel."
    named = "; ".join(f"{one.id} {one.reason}".rstrip(".") for one in listed.candidates[:3])
    more = f"; and {count - 3} more" if count > 3 else ""
    return f"None of the {count} scenes of {listed.tile} can be used: {named}{more}."


def _tell(listed: SceneList) -> None:
    log.info(
        "%s: %d of %d scenes chosen, %.2f %% of the coverable pixels, %s",
        listed.tile,
        len(listed.chosen),
        len(listed.candidates),
        100 * listed.reached,
        "proven best" if listed.proof["optimal"] else "not proven best within the time limit",
    )
    if listed.unreadable:
        log.warning(
            "%s: %d of %d previews could not be read", listed.tile, listed.unreadable, len(listed.candidates)
        )
