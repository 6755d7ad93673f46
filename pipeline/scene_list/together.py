"""Stage 1 for tiles made together: lists agree on their datatakes as far as that costs no scene."""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.catalog.scene import Scene
from pipeline.grid import Tile
from pipeline.scene_list.choice import Choice
from pipeline.scene_list.choose import problem_of, write_list
from pipeline.scene_list.masks import Look, remembered
from pipeline.scene_list.model import SceneList
from pipeline.scene_list.objective import Problem
from pipeline.scene_list.overrides import Overrides
from pipeline.scene_list.reduce import Instance, merge
from pipeline.scene_list.region import Region, RegionSolution, solve_region
from pipeline.scene_list.second import Second, best_and_second
from pipeline.scene_list.solve import Solution
from pipeline.settings import CampaignSettings

log = logging.getLogger(__name__)

TIME_LIMIT = 120.0
SECONDS_FOR_SECOND = 30.0


@dataclass(frozen=True)
class Member:
    """A tile whose list was chosen for itself and is to agree with the others.

    Attributes:
        tile: the tile.
        folder: of its build, with the list and the masks.
        scenes: its candidates.
        finished: the datatakes of each neighbour's list that stays as it is.
        overrides: what a reviewer asked.
    """

    tile: Tile
    folder: Path
    scenes: Sequence[Scene]
    finished: Sequence[Collection[str]] = ()
    overrides: Mapping[str, Any] | None = None


def choose_together(
    members: Sequence[Member], settings: CampaignSettings, *, time_limit: float = TIME_LIMIT
) -> dict[str, SceneList]:
    """Choose the lists of neighbouring tiles anew, together, from the masks kept; write them.

    Args:
        members: tiles of which each has something coverable.
        settings: of their campaign.
        time_limit: seconds for the region; where the search does not end, the lists carry its bounds.

    Returns:
        The list of each tile by name; its proof has the region's under "region".
    """
    began = time.monotonic()
    asked = {one.tile.name: _Asked.of(one, settings) for one in members}
    names = {one.tile.name: {near.name for near in one.tile.neighbours()} for one in members}
    pairs = [(one, other) for one in sorted(asked) for other in sorted(asked) if one < other in names[one]]
    takes = {name: one.datatakes for name, one in asked.items()}
    region = Region({name: one.problem for name, one in asked.items()}, takes, pairs)
    found = solve_region(region, time_limit)
    found, others = _with_others(region, found)
    log.info("%d scene lists together: %s", len(members), found.to_json())
    seconds = (time.monotonic() - began) / len(members)
    return {
        name: _written(one, _beside(name, region, found.chosen), found, others[name], settings, seconds)
        for name, one in asked.items()
    }


@dataclass(frozen=True)
class _Asked:
    member: Member
    looks: Sequence[Look]
    problem: Problem

    @classmethod
    def of(cls, member: Member, settings: CampaignSettings) -> "_Asked":
        known = {one.id: one.haze_score for one in SceneList.read(member.folder).candidates}
        looks = remembered(member.folder, member.scenes, known)
        asked = Overrides.of(member.overrides)
        problem = problem_of(looks, settings, asked.target_date or settings.target, member.finished, asked)
        assert problem is not None
        return cls(member, looks, problem)

    @property
    def datatakes(self) -> list[str]:
        """Of the problem's candidates, in their order."""
        takes = {one.scene.id: one.scene.datatake for one in self.looks}
        return [takes[scene_id] for scene_id in self.problem.ids]


def _with_others(region: Region, found: RegionSolution) -> tuple[RegionSolution, dict[str, Second | None]]:
    """The second-best list of each tile beside the others' lists; one that proves better is taken instead."""
    deadline = time.monotonic() + SECONDS_FOR_SECOND
    chosen, others = dict(found.chosen), {}
    waiting = sorted(region.problems)
    while waiting:
        name = waiting.pop(0)
        problem = _beside(name, region, chosen)
        seconds = max(deadline - time.monotonic(), 0.0) / (len(waiting) + 1)
        best, others[name] = best_and_second(
            problem, Instance.of(problem), chosen[name], seconds, proven=found.optimal
        )
        if tuple(sorted(best)) != chosen[name]:
            chosen[name] = tuple(sorted(best))
            waiting += [other for other in region.near(name) if other not in waiting]
    return replace(found, chosen=chosen, cost=region.cost(chosen)), others


def _beside(name: str, region: Region, chosen: Mapping[str, Sequence[int]]) -> Problem:
    """A tile's problem with its neighbours' lists as constants, so that it explains itself like any other."""
    problem, takes = region.problems[name], region.datatakes
    near = region.near(name)
    beside = [{takes[other][place] for place in chosen[other]} for other in near]
    matches = np.array([[take in theirs for theirs in beside] for take in takes[name]], bool)
    matches = np.concatenate([problem.matches, matches.reshape(len(problem.ids), len(near))], axis=1)
    return replace(problem, matches=matches)


def _written(
    one: _Asked,
    problem: Problem,
    found: RegionSolution,
    second: Second | None,
    settings: CampaignSettings,
    seconds: float,
) -> SceneList:
    """A tile's list as its scene list."""
    member = one.member
    solution = _solution(problem, found, member.tile.name, second)
    overrides = Overrides.of(member.overrides)
    target = overrides.target_date or settings.target
    choice = Choice(one.looks, overrides, target, problem, solution)
    return write_list(choice, member.tile, settings, member.folder, seconds)


def _solution(problem: Problem, found: RegionSolution, name: str, second: Second | None) -> Solution:
    chosen = found.chosen[name]
    cost = problem.cost(chosen)
    bounds = cost[:4] if found.optimal else (found.least[name], None, None, None)
    patterns = len(merge(problem.shown).weights)
    return Solution(
        chosen, cost, bounds, found.optimal, "region", patterns, 0, found.seconds, second, found.to_json()
    )
