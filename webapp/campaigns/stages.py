"""The stages of a build and of a revision as calls of the pipeline, which is imported only here and late."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from pipeline.bear import Bear
from pipeline.errors import EarthquiltError
from pipeline.settings import parse_date
from pipeline.storage import read_json, require_permit
from webapp import storage
from webapp.campaigns import retries
from webapp.campaigns.agreement import others_waiting, with_settled_list
from webapp.campaigns.models import Build, Revision, Scene
from webapp.campaigns.networks import store
from webapp.campaigns.recording import recorded
from webapp.campaigns.rings import names_around, names_within
from webapp.campaigns.states import Stage

log = logging.getLogger(__name__)

LIST = "scene_list.json"
BALANCED = ("balance.npz",)
BLENDED = (
    *BALANCED, "composite.tif", "provenance.tif", "probabilities.tif", "fill.tif", "fill_provenance.tif",
    "fill.json", LIST, "report.json",
)  # fmt: skip
OF_A_MOSAIC = ("mosaic.tif", "web/mosaic.tif", "report.json")
# One worker may have been ended at a scene by anything.
LEAST_ENDED = 2
Result = tuple[Stage, dict[str, Any]]


def scene_list(build: Build) -> Result:
    """Stage 1; the candidates are recorded also where none serves."""
    from pipeline import chain

    build.campaign.keep_networks()
    try:
        chain.make_scene_list(
            work_of(build),
            build.campaign.catalog,
            neighbour_datatakes(build),
            asked_of(build.overrides),
            bear(build),
        )
    finally:
        record_scenes(build)
    return (Stage.AGREE if build.campaign.pipeline_settings.agree_datatakes else Stage.FETCH), {}


def agree(build: Build) -> Result:
    """Stage 1 for all builds of the block that wait with this one, beside the lists that stay.

    Where their lists cannot be chosen together, each keeps its own, and its report tells.
    """
    from pipeline import several

    others = others_waiting(build)
    members = [build, *others]
    own = {one.tile_name for one in members}
    settled = with_settled_list(build.campaign, names_around(own, 1) - own)
    with storage.working_all([one.folder for one in others], require_permit):
        works = [work_of(one) for one in members]
        for one in settled:
            one.bring(LIST)
        try:
            several.agree(works, [work_of(one) for one in settled])
        except EarthquiltError as error:
            log.warning("The scene lists of %s were not chosen together: %s", ", ".join(sorted(own)), error)
            for work in works:
                work.add(warnings=[f"The list was not chosen together with the neighbours': {error}"])
    for one in members:
        record_scenes(one)
    return Stage.FETCH, {"together": others}


def fetch(build: Build) -> Result:
    """Stage 2: the files of the scenes."""
    from pipeline import chain

    work = work_of(build)
    without_what_ends_workers(build, work)
    chain.fetch(work, bear(build))
    return Stage.MASK, {}


def mask(build: Build) -> Result:
    """Stage 2: the masks; back to fetching while a further scene is needed."""
    from pipeline import chain

    work = work_of(build)
    without_what_ends_workers(build, work)
    chain.mask(work)
    added = chain.next_scene(work)
    record_scenes(build)
    return (Stage.FETCH if added else Stage.COMPOSE), {}


def compose(build: Build) -> Result:
    """Stage 3, the tile alone; its holes come next where the campaign fills them."""
    from pipeline import chain

    work = work_of(build)
    chain.compose(work)
    return (Stage.FILL if work.settings.fill_range else Stage.CLASSIFY), {}


def fill(build: Build) -> Result:
    """Stages 1 to 3 once more for the holes, on the campaign's older range."""
    from pipeline.older import fill_holes

    fill_holes(work_of(build), build.campaign.catalog, bear=bear(build))
    return Stage.CLASSIFY, {}


def classify(build: Build) -> Result:
    """Stage 4, the tile alone; ends the build with its report.

    A build that begins here takes the rest over from the tile's current one, or goes back to the first stage
    where that one's files are gone.
    """
    from pipeline import chain

    if not (build.path / LIST).exists() and not take_over(build):
        return Stage.SCENE_LIST, {}
    report = chain.classify(work_of(build))
    record_scenes(build)
    return Stage.DONE, {"report": report}


STAGES: dict[str, Callable[[Build], Result]] = {
    Stage.SCENE_LIST: scene_list,
    Stage.AGREE: agree,
    Stage.FETCH: fetch,
    Stage.MASK: mask,
    Stage.COMPOSE: compose,
    Stage.FILL: fill,
    Stage.CLASSIFY: classify,
}


def bear(build: Build) -> Bear:
    """What a try of a build goes on without: nothing while there is another, since sources recover."""
    is_last = retries.is_last(build)
    return Bear(silence=is_last, nonsense=is_last)


def without_what_ends_workers(build: Build, work: Any) -> None:
    """Before the last try that may be interrupted, set those scenes aside at which workers ended before.

    Once one is set aside the tries are counted anew: the others may be read in peace.
    """
    from pipeline import chain

    most = settings.MOST_ATTEMPTS
    is_last = 1 < most <= retries.interruptions(build)
    if is_last and chain.set_ended_aside(work, min(LEAST_ENDED, most - 1)):
        recorded(lambda: build.go_on(build.stage))


def take_over(build: Build) -> bool:
    """Give a build what the tile's current one has besides its classes; False where that is gone."""
    from pipeline import again

    earlier = build.campaign_tile.current_build
    if earlier is None:
        return False
    earlier.bring()
    if not again.can_take_over(work_of(earlier)):
        return False
    again.take_over(work_of(build), work_of(earlier), build.overrides)
    return True


def revise(revision: Revision, current: Revision | None = None) -> dict[str, Any]:
    """Stages 3 and 4 with the neighbours, and the overview for the low zooms; gives the report.

    The mosaic is not made again where the tile's current revision shows the same.
    """
    from pipeline import chain, pyramid

    folders = folders_of(revision)
    same = current is not None and shows_the_same_mosaic(revision, current)
    before = current.bring(*OF_A_MOSAIC) if current is not None and same else None
    report = chain.revise(work_of(revision), folders, before)
    pyramid.write_overview(revision.campaign_tile.tile.grid, revision.path, revision.build.path)
    return report


def shows_the_same(revision: Revision, current: Revision) -> bool:
    """Whether a revision would show what the tile's current one shows, to the bit.

    That is so where the composites of the tile and its neighbours are the same builds, and their corrections,
    which depend on further tiles, come out as they were: they are rounded.
    """
    near = names_within(revision.tile_name, 1)
    now, before = builds_of(revision), builds_of(current)
    return all(now.get(name) == before.get(name) for name in near) and balance_stays(revision, current)


def shows_the_same_mosaic(revision: Revision, current: Revision) -> bool:
    """Whether a revision would have the mosaic of the tile's current one, to the bit."""
    from pipeline import again

    if not current.has("mosaic.tif"):
        return False
    now, before = (folders_of(one, again.OF_THE_MOSAIC) for one in (revision, current))
    tile = revision.campaign_tile.tile.grid
    return again.same_composites(tile, now, before) and balance_stays(revision, current)


def balance_stays(revision: Revision, current: Revision) -> bool:
    """Whether the corrections of a revision's composites come out as those of the current one did."""
    from pipeline import mosaic

    known = current.report.get("mosaic", {}).get("balance")
    folders = folders_of(revision, BALANCED)
    found = mosaic.corrections(revision.campaign_tile.tile.grid, folders)
    return known == {name: one.to_json() for name, one in found.items()}


def builds_of(revision: Revision) -> dict[str, Build]:
    """The builds that a revision is made from, by tile name."""
    rows = revision.builds.select_related("campaign_tile").defer("report", "files")
    return {build.tile_name: build for build in rows}


def folders_of(
    revision: Revision, near: Sequence[str] = BLENDED, far: Sequence[str] = BALANCED
) -> dict[str, Path]:
    """The folders of the builds that a revision is made from, by tile name.

    Args:
        revision: whose.
        near: the products that are read of the tile's own build and its neighbours'.
        far: those of tiles further away.
    """
    around = names_within(revision.tile_name, 1)
    return {
        name: build.bring(*(near if name in around else far)) for name, build in builds_of(revision).items()
    }


def work_of(item: Build | Revision) -> Any:
    """What the pipeline calls a build: tile, settings, folder, and where registered weights lie."""
    from pipeline.build import Build as Work

    tile = item.campaign_tile.tile.grid
    return Work(tile, item.campaign.pipeline_settings.of_tile(tile), item.path, store().folder)


def asked_of(overrides: dict[str, Any]) -> dict[str, Any]:
    """The overrides with their dates as dates."""
    dates = {name: parse_date(overrides[name], name) for name in ("start", "end") if name in overrides}
    return {**overrides, **dates}


def neighbour_datatakes(build: Build) -> list[frozenset[str]]:
    """The datatakes of the neighbours' lists that stay, by tile name, where the campaign wants agreement."""
    if not build.campaign.pipeline_settings.agree_datatakes:
        return []
    near = names_within(build.tile_name, 1) - {build.tile_name}
    settled = with_settled_list(build.campaign, near)
    lists = [read_json(one.bring(LIST) / LIST) for one in settled]
    return [frozenset(item["datatake"] for item in listed["scenes"] if item["chosen"]) for listed in lists]


def record_scenes(build: Build) -> None:
    """Bring the candidates in the database up to date with the build's scene list, where there is one."""
    path = build.path / LIST
    if path.exists():
        scenes = read_json(path)["scenes"]
        recorded(lambda: Scene.record(build, scenes))
