"""A choice made: ranks of the chosen scenes, and in words why each candidate is in or out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from pipeline.catalog.scene import Scene
from pipeline.scene_list.masks import Look
from pipeline.scene_list.model import Candidate
from pipeline.scene_list.objective import Problem
from pipeline.scene_list.overrides import Overrides
from pipeline.scene_list.solve import Solution


@dataclass(frozen=True)
class Choice:
    """The candidates, what was asked, and what came out.

    Attributes:
        looks: all candidates.
        asked: the reviewer's overrides.
        target: the date that scenes should be near to.
        problem: built from the usable candidates; None where there is none.
        solution: None where nothing can be covered.
    """

    looks: Sequence[Look]
    asked: Overrides
    target: date
    problem: Problem | None
    solution: Solution | None

    @property
    def coverable_share(self) -> float:
        """Share of the tile that the usable candidates together show clear."""
        return float(self.problem.clear.any(axis=0).mean()) if self.problem else 0.0

    @cached_property
    def reached(self) -> float:
        """Share of the coverable pixels that the chosen scenes cover."""
        if self.problem is None or self.solution is None:
            return 0.0
        return self.problem.covered(self.solution.chosen) / self.problem.coverable

    def candidates(self) -> tuple[Candidate, ...]:
        """All candidates with rank and reason."""
        ranks = self.ranks()
        return tuple(self._candidate(one, ranks.get(one.scene.id)) for one in self.looks)

    def ranks(self) -> dict[str, int]:
        """Rank by scene id: best dates first, hazy scenes that were forced in last."""
        if self.problem is None or self.solution is None:
            return {}
        problem = self.problem
        hazy = {one.scene.id for one in self.looks if one.hazy}

        def key(one: int) -> tuple[bool, int, int, str]:
            clear = int(problem.clear[one].sum())
            return problem.ids[one] in hazy, int(problem.days[one]), -clear, problem.ids[one]

        return {problem.ids[one]: rank for rank, one in enumerate(sorted(self.solution.chosen, key=key), 1)}

    def reason(self, one: Look) -> str:
        """Why a candidate is in or out."""
        out = unusable(one, self.asked)
        if out is not None or self.problem is None or self.solution is None:
            return out or "shows no clear pixel"
        place = self.problem.ids.index(one.scene.id)
        if place in self.solution.chosen:
            return self._reason_in(self.problem, self.solution, place, one)
        return self._reason_out(self.problem, self.solution, place)

    def _reason_in(self, problem: Problem, solution: Solution, place: int, one: Look) -> str:
        coverable = int(problem.clear.any(axis=0).sum())
        days = int(problem.days[place])
        words = [f"covers {percent(problem.clear[place].sum() / coverable, 1)} alone"]
        if days == problem.days[list(solution.chosen)].min():
            words.append(f"nearest to {self.target.isoformat()}")
        else:
            words.append(f"{days} days from {self.target.isoformat()}")
        if one.scene.id in self.asked.force:
            haze = f" though hazy (score {one.haze_score:.2f})" if one.hazy else ""
            words.append(f"forced in by a reviewer{haze}")
        return ", ".join(words + _lost_without(problem, solution.chosen, place))

    def _reason_out(self, problem: Problem, solution: Solution, place: int) -> str:
        if not problem.clear[place].any():
            return "shows no clear pixel"
        times = problem.shown[list(solution.chosen)].sum(axis=0)
        pixels = np.count_nonzero(problem.shown[place] & (times < problem.wanted))
        if pixels == 0:
            return "no clear pixel that the chosen scenes lack"
        gain = percent(pixels / problem.coverable)
        return f"not needed: would add {gain} to the {percent(self.reached)} of the chosen scenes"

    def _candidate(self, one: Look, rank: int | None) -> Candidate:
        return Candidate(
            id=one.scene.id,
            datetime=one.scene.datetime,
            cloud_cover=one.scene.cloud_cover,
            clear_share=round(float(one.clear.mean()), 6) if one.clear is not None else 0.0,
            hazy=one.hazy,
            chosen=rank is not None,
            rank=rank,
            reason=self.reason(one),
            haze_score=round(one.haze_score, 4) if one.haze_score is not None else None,
            datatake=one.scene.datatake,
            days=days_between(one.scene, self.target),
            readable=one.clear is not None,
        )


def _lost_without(problem: Problem, chosen: Sequence[int], place: int) -> list[str]:
    """What the list would lose without one of its scenes; nothing where there is no other."""
    others = tuple(one for one in chosen if one != place)
    if not others:
        return []
    share = percent(problem.covered(others) / problem.coverable)
    often = f" of the {problem.wanted} clear dates wanted" if problem.wanted > 1 else ""
    words = [f"without it the list would cover {share}{often}"]
    lost = problem.strangers(others) - problem.strangers(tuple(chosen))
    if lost:
        neighbours = "1 neighbour" if lost == 1 else f"{lost} neighbours"
        words.append(f"and share no datatake with {neighbours}")
    return [" ".join(words)]


def percent(share: float, digits: int = 2) -> str:
    """A share of 0..1 in percent; what is not none or all is told as neither."""
    least = 10.0**-digits
    if 0 < 100 * share < least:
        return f"less than {least:.{digits}f} %"
    if 100 - least / 2 <= 100 * share < 100:
        return f"more than {100 - least:.{digits}f} %"
    return f"{100 * share:.{digits}f} %"


def unusable(one: Look, asked: Overrides) -> str | None:
    """Why a candidate may not be chosen whatever it shows; None where it may."""
    if one.clear is None:
        return f"preview could not be read: {one.problem}"
    if one.scene.id in asked.force:
        return None
    if one.scene.id in asked.exclude:
        return "excluded by a reviewer"
    if not asked.allow(one.scene.datetime.date()):
        return "outside the dates that a reviewer asked for"
    if one.hazy:
        return f"hazy (score {one.haze_score:.2f})"
    return None


def days_between(scene: Scene, target: date) -> int:
    """|date - target| in whole days."""
    return abs((scene.datetime.date() - target).days)
