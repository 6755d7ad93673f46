"""Stage 2's loop: which scene is fetched besides the list, by what the others' masks leave (paper, 2.2)."""

from collections.abc import Sequence

import numpy as np

from pipeline import imagery, scene_list
from pipeline.build import Build
from pipeline.drawn import Drawn, touched
from pipeline.imagery import Coverage
from pipeline.scene_list import Candidate, SceneList

PROMISED, ASKED_TO_CLEAR, ASKED_FOR_DRAWN = "promised", "asked_to_clear", "asked_for_drawn"
MOST_FOR_DRAWN = 3
# Of the ground that was masked by hand: what may stay open, and what a further scene must promise to clear.
OPEN_OF_DRAWN, LEAST_OF_DRAWN = 0.02, 0.1


def further_scene(build: Build) -> str | None:
    """The scene to be fetched next, which is in the list by then; None when there is none.

    All scenes of the list are masked. First the other scenes of the landcover series, which are there anyway,
    take ranks after the list where they help it.

    While less than the share is covered and a candidate may be expected to add at least the least gain of
    the tile, the best next one is asked for. What a preview promised may not hold at full resolution: a scene
    that was fetched and adds less than that after all is taken off the list again, and of what further ones
    promise only so much is expected as came true so far. Then come those for ground that was masked by hand,
    see `_for_drawn`, and those that promise to show clear what is in doubt, see `_to_clear`.
    """
    listed, covered = _without_useless(build, *_with_series(build, build.scene_list()))
    best = scene_list.best_next(listed, build.folder, covered.uncovered_preview)
    if (
        covered.share >= build.settings.share
        or best is None
        or _expected(build, best.gain) < build.settings.least_gain
    ):
        return _for_drawn(build, listed, covered) or _to_clear(build, listed, covered)
    asked = {best.id: {"promised": best.gain, "covered_before": covered.share}}
    build.note(**{PROMISED: build.notes().get(PROMISED, {}) | asked})
    reason = f"adds {best.gain:.2%} of the tile that the full-resolution masks of the others leave open"
    listed.with_added(best.id, reason).write(build.folder)
    return best.id


def _for_drawn(build: Build, listed: SceneList, covered: Coverage) -> str | None:
    """The scene to be fetched next, which is in the list by then, for ground that a reviewer masked.

    That is mostly too small for the least gain of the tile. At most `MOST_FOR_DRAWN` are asked for, while
    enough of the ground is open and a preview promises to clear enough of that.
    """
    areas, asked = Drawn.read(build.folder).masked, build.notes().get(ASKED_FOR_DRAWN, [])
    if not areas or len(asked) >= MOST_FOR_DRAWN:
        return None
    drawn = touched(areas, build.tile.preview_geobox())
    lacking = np.where(drawn, covered.uncovered_preview, np.float32(0))
    best = scene_list.best_next(listed, build.folder, lacking)
    open_ = float(lacking.sum())
    if best is None or open_ <= OPEN_OF_DRAWN * drawn.sum():
        return None
    if best.gain * lacking.size < LEAST_OF_DRAWN * open_:
        return None
    build.add(**{ASKED_FOR_DRAWN: [best.candidate.id]})
    reason = f"shows {best.gain:.3%} of the tile that a reviewer masked in other scenes"
    listed.with_added(best.candidate.id, reason).write(build.folder)
    return best.candidate.id


def _to_clear(build: Build, listed: SceneList, covered: Coverage) -> str | None:
    """The scene to be fetched next, which is in the list by then, for ground that none shows surely clear.

    It is the one whose preview shows most of that clear, and it is fetched where that ground is (`needed`).
    No more are asked for once the previews promise too little, or as many came as the campaign allows.
    """
    asked, settings = build.notes().get(ASKED_TO_CLEAR, []), build.settings
    last = listed.chosen[-1].id
    if last in asked and not covered.adds[last]:
        listed = listed.without(last, "fetched besides, but shows nothing clear that the others do not")
        listed.write(build.folder)
    came = [item for item in listed.candidates if item.added and item.id in asked]
    if len(came) >= settings.most_further:
        return None
    best = scene_list.best_next(listed, build.folder, covered.unclear_preview)
    if best is None or best.candidate.hazy or best.gain < settings.clear_gain:
        return None
    build.add(**{ASKED_TO_CLEAR: [best.id]})
    reason = f"shows {best.gain:.2%} of the tile clear that the others show in doubt at best"
    listed.with_added(best.id, reason).write(build.folder)
    return best.id


def _with_series(build: Build, listed: SceneList) -> tuple[SceneList, Coverage]:
    """The list with those of the series that clear ground for it, and what the list covers then.

    They are there anyway, and where the list's own masks are wrong they clear more than these tell: so the
    least gain is not asked of them.
    """
    dates = [listed.candidate(scene.id) for scene in build.series()]
    offered = [item for item in dates if not item.chosen]
    covered = _coverage(build, listed, offered)
    taken = [item for item in offered if covered.adds[item.id] > 0]
    for item in taken:
        gain = covered.adds[item.id]
        reason = f"fetched for the landcover, shows {gain:.2%} of the tile clear that no scene before it does"
        listed = listed.with_added(item.id, reason)
    if taken:
        listed.write(build.folder)
    return listed, covered if taken == offered else _coverage(build, listed)


def _without_useless(build: Build, listed: SceneList, covered: Coverage) -> tuple[SceneList, Coverage]:
    """The list without the scene asked for last if that adds too little, and what the list covers."""
    last, asked = listed.chosen[-1], build.notes().get(PROMISED, {})
    if last.id not in asked:
        return listed, covered
    gain = covered.share - asked[last.id]["covered_before"]
    build.note(**{PROMISED: asked | {last.id: asked[last.id] | {"gave": gain}}})
    if gain >= build.settings.least_gain:
        return listed, covered
    shorter = listed.without(last.id, f"fetched besides, but adds only {gain:.3%} of the tile")
    shorter.write(build.folder)
    return shorter, _coverage(build, shorter)


def _expected(build: Build, promised: float) -> float:
    """What a scene adds to the tile if its preview is as right as those of the scenes asked for before it.

    What stays open is often what the full-resolution masks take for cloud on every date, and previews do not.
    """
    told = [one for one in build.notes().get(PROMISED, {}).values() if "gave" in one]
    wanted, given = (sum(one[name] for one in told) for name in ("promised", "gave"))
    return promised * min(max(given / wanted, 0.0), 1.0) if told else promised


def _coverage(build: Build, listed: SceneList, offered: Sequence[Candidate] = ()) -> Coverage:
    scenes = build.scenes_of([*(item for item in listed.chosen if not item.hazy), *offered])
    return imagery.coverage(scenes, build.tile, build.settings, build.folder)
