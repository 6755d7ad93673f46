"""The four stages in a row: the only room that knows them all (paper, 2); stage 2's loop asks `further`.

Each step is a function of a tile's build folder, so that the command line, a test and a worker on another
machine run the same code; what a step has finished is not made again.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import again, imagery, landcover, mosaic, scene_list
from pipeline.bear import AT_ONCE, Bear
from pipeline.being_read import forget, never_read
from pipeline.build import CANDIDATES, Build, series
from pipeline.catalog import is_answered, open_catalog
from pipeline.catalog.scene import Scene
from pipeline.drawn import Drawn, keep_drawn, split_drawn
from pipeline.errors import NoScenes, SourceError, TransientSourceError
from pipeline.further import ASKED_TO_CLEAR, further_scene
from pipeline.older import fill_figures, fill_holes
from pipeline.product_item import write_item
from pipeline.raster import BANDS
from pipeline.reports import write_build_report, write_revision_report
from pipeline.scene_list import SceneList
from pipeline.storage import read_json, require_space, write_json

log = logging.getLogger(__name__)

MOST_ASKED = 3


def make_scene_list(
    build: Build,
    catalog: str,
    neighbour_datatakes: Sequence[frozenset[str]] = (),
    overrides: Mapping[str, Any] | None = None,
    bear: Bear = AT_ONCE,
) -> SceneList:
    """Stage 1: ask the catalog, look at all previews, choose the minimum list.

    Args:
        build: the tile, its settings and folder.
        catalog: STAC API address, static STAC catalog, or folder of SAFE products.
        neighbour_datatakes: the datatakes of each finished neighbour's list, where agreement is wanted.
        overrides: what a reviewer asked: {"exclude": [id], "force": [id], "start": date, "end": date}, and
            what was drawn, "mask" and "classes" (see `Drawn.of`).
        bear: which previews may be missing, and whether a catalog that answers nonsense is given up at once.

    Raises:
        NoScenes: no candidate, or nothing clear; the candidates and reasons are written all the same.
        UsageError: what was drawn cannot be used.
        SourceError: the catalog cannot be used.
        ModelError: the settings pin weights of a network that are not there.
    """
    asked, drawn = split_drawn(overrides or {})
    with build.step("scene_list"):
        build.networks.check()
        keep_drawn(build.folder, drawn)
        source = open_catalog(catalog, build.settings.level)
        start, end = asked.get("start") or build.settings.start, asked.get("end") or build.settings.end
        try:
            found = source.search(build.tile.name, start, end, build.settings.max_cloud)
        except SourceError as error:
            bear.or_later(error)
            raise
        rejected = [list(item) for item in getattr(source, "rejected", [])]
        write_json(
            build.folder / CANDIDATES,
            {
                "scenes": [scene.to_json() for scene in found],
                "rejected": rejected,
                "overrides": _plain(asked),
                "neighbour_datatakes": [sorted(takes) for takes in neighbour_datatakes],
            },
        )
        if not found:
            raise NoScenes(
                f"No scene of {build.tile.name} from {start} to {end} with at most "
                f"{build.settings.max_cloud:g} % cloud was found in {catalog}{_rejected(rejected)}."
            )
        takes = neighbour_datatakes if build.settings.agree_datatakes else ()
        listed = scene_list.choose(
            found,
            build.tile,
            build.settings,
            build.folder,
            neighbour_datatakes=takes,
            overrides=asked,
            networks=build.networks,
            bear=bear,
        )
        return series_first(build, listed)


def series_first(build: Build, listed: SceneList) -> SceneList:
    """The list with the scenes of the landcover series first: they come whole, others fill what is open."""
    ordered = listed.with_first(series(listed, build.settings))
    ordered.write(build.folder)
    if ordered != listed:
        scene_list.redraw(ordered, build.folder, build.candidates())
    return ordered


def fetch(build: Build, bear: Bear | None = None) -> list[str]:
    """Stage 2: fetch the scenes of the list and of the landcover series; those already there are left alone.

    The scenes of the series come whole. One that serves the mosaic alone and can be read by blocks comes
    where those before it leave ground open, so only once they are masked: `next_scene` asks for it then. A
    scene that cannot be read is set aside: the list is made again without it, and the report tells it.

    Args:
        build: with its scene list.
        bear: what a scene is set aside for: silence only where the source answers for others. None is for
            nonsense alone, at once.

    Returns:
        The ids of the scenes that are there now.

    Raises:
        TransientSourceError: the source did not answer; worth another try.
        SourceError: not one scene could be read.
    """
    require_space(build.folder, 4 * _scene_bytes(build))
    with build.step("imagery"):
        while True:
            try:
                asked = _orders(build)
                for order in imagery.due(asked, build.folder):
                    scene = order.scene
                    imagery.fetch(
                        scene, build.tile, build.settings, build.folder, order.before, surely=order.surely
                    )
                return _mark_fetched(build, asked)
            except SourceError as error:
                (bear or Bear(silence=False)).or_later(error)
                if isinstance(error, TransientSourceError) and not _others_answer(build, scene):
                    raise
                _set_aside(build, scene, error)


def set_ended_aside(build: Build, least: int) -> list[str]:
    """Set those scenes aside of which no process has come to the end, as `fetch` does with a broken one.

    Args:
        build: with its scene list.
        least: how many processes must have ended at a scene.

    Returns:
        The ids of the scenes that were set aside.

    Raises:
        SourceError: no scene is left.
    """
    found = []
    for scene_id, times in never_read(build.folder, least).items():
        if scene := build.candidates().get(scene_id):
            _set_aside(build, scene, SourceError(f"{times} processes that read it ended without a word."))
            found.append(scene_id)
        forget(build.folder, scene_id)
    return found


def _orders(build: Build) -> list[imagery.Order]:
    """What is to be fetched, in order; what is not hazy of the list covers ground for those behind it."""
    covering = [item.id for item in build.scene_list().chosen if not item.hazy]
    series = [scene.id for scene in build.series()]
    return imagery.orders(build.wanted(), series, covering, build.notes().get(ASKED_TO_CLEAR, []))


def _mark_fetched(build: Build, asked: Sequence[imagery.Order]) -> list[str]:
    """Note in the list what share of each scene came; gives the ids of those that are there."""
    there = imagery.shares(asked, build.folder)
    build.scene_list().with_fetched(there).write(build.folder)
    return list(there)


def mask(build: Build) -> None:
    """Stage 2: the full-resolution cloud mask and the 8-bit view of every scene that is there."""
    with build.step("imagery"):
        build.networks.check()
        whole, drawn = build.series(), Drawn.read(build.folder)
        for order in _orders(build):
            if order.filled(build.folder):
                scene = order.scene
                imagery.mask(
                    scene,
                    build.tile,
                    build.settings,
                    build.folder,
                    whole=scene in whole,
                    networks=build.networks,
                    drawn=drawn.masked_in(scene.id),
                )


def next_scene(build: Build) -> str | None:
    """Stage 2's loop: the scene to be fetched next, which is in the list by then; None when there is none.

    First come those of the list that had to wait for the masks of others; once all are masked, see `further`.
    """
    with build.step("imagery"):
        waiting = [order.scene.id for order in _orders(build) if not order.filled(build.folder)]
        if waiting:
            return waiting[0]
        return further_scene(build)


def fetch_and_mask(build: Build, tell: Callable[[str], None] = log.info) -> None:
    """Stage 2 whole: fetch, mask, and again while a further scene is needed."""
    while True:
        tell(f"fetching {len(build.wanted())} scenes")
        fetch(build)
        tell("masking clouds at full resolution")
        mask(build)
        if next_scene(build) is None:
            return


def compose(build: Build) -> dict[str, Any]:
    """Stage 3, the tile alone: the cloud-free composite of the list's scenes, with its provenance."""
    with build.step("mosaic"):
        chosen = build.scene_list().chosen
        if not build.is_made("composite.tif", "composite"):
            hazy = {item.id for item in chosen if item.hazy}
            scenes = build.scenes_of(chosen)
            others = [scene for scene in build.wanted() if scene not in scenes]
            figures = mosaic.compose(scenes, build.tile, build.settings, build.folder, hazy, others)
            build.note(composite=figures)
        return build.notes()["composite"]


def classify(build: Build) -> dict[str, Any]:
    """Stage 4, the tile alone: the classes of each date of the series and the probabilities of all."""
    with build.step("landcover"):
        build.networks.check()
        scenes = build.series()
        if not build.is_made("probabilities.tif", "landcover"):
            for scene in scenes:
                landcover.classify_scene(scene, build.tile, build.settings, build.folder, build.networks)
            haze = {item.id: item.haze_score for item in build.scene_list().candidates}
            figures = landcover.fuse(
                scenes,
                build.tile,
                build.settings,
                build.folder,
                haze,
                networks=build.networks,
                corrected=Drawn.read(build.folder).classes,
            )
            build.note(landcover=figures)
    return finish_build(build)


def finish_build(build: Build) -> dict[str, Any]:
    """Write the build's report.json from the figures that its steps kept."""
    traffic = imagery.traffic(build.folder)
    if again.TAKEN_FROM in build.notes():
        traffic |= {"bytes_fetched": 0, "bytes_received": 0}
    return write_build_report(build, traffic, fill_figures(build.folder))


def blend_mosaic(build: Build, builds: Mapping[str, Path]) -> dict[str, Any]:
    """Stage 3 with the neighbours: the mosaic, balanced, blended, then toned; arguments as `revise`."""
    with build.step("blend"):
        blended = mosaic.blend(build.tile, builds, build.settings, build.folder)
        build.note(blended=blended)
    return blended


def revise(build: Build, builds: Mapping[str, Path], earlier: Path | None = None) -> dict[str, Any]:
    """Stages 3 and 4 with the neighbours: mosaic, landcover, confidence, report.json and item.json.

    Args:
        build: the tile and the folder of the revision (its build's own folder on the command line).
        builds: folders of the finished builds of the tile and of the tiles within three rings, by tile name.
        earlier: folder of a revision that shows the same mosaic, which is not made again.

    Returns:
        The report; `inputs` names what the revision was made from.
    """
    blended = again.keep_mosaic(build, earlier) if earlier else blend_mosaic(build, builds)
    with build.step("blend"):
        classes = landcover.blend(build.tile, builds, build.settings, build.folder)
    own_folder = Path(builds[build.tile.name])
    fills = {name: fill_figures(builds[name]) or {"scenes": []} for name in blended["filled_from"]}
    report = write_revision_report(build, read_json(own_folder / "report.json"), blended, classes, fills)
    chosen = SceneList.from_json(read_json(own_folder / "scene_list.json")).chosen
    write_item(build.folder, build.tile, build.settings, report, [item.datetime for item in chosen])
    return report


def build_tile(
    build: Build,
    catalog: str,
    neighbour_datatakes: Sequence[frozenset[str]] = (),
    tell: Callable[[str], None] = log.info,
) -> dict[str, Any]:
    """Stages 1 to 4 of one tile, up to its composite and probabilities; gives the report."""
    if not (build.folder / "scene_list.json").exists():
        tell("looking at the previews")
        make_scene_list(build, catalog, neighbour_datatakes)
    if not build.is_made("composite.tif", "composite"):
        fetch_and_mask(build, tell)
        tell("fusing the composite")
        compose(build)
    fill_holes(build, catalog, tell)
    tell("classifying the landcover")
    return classify(build)


def _rejected(rejected: Sequence[Sequence[str]]) -> str:
    """What was there but no candidate, as the end of a sentence."""
    if not rejected:
        return ""
    name, reason = rejected[0]
    return f"; {len(rejected)} products were no candidates, such as {name}: {reason.rstrip('.')}"


def _others_answer(build: Build, scene: Scene) -> bool:
    """Whether the source answers for one of a few other scenes, so that the fault is this scene's alone."""
    others = [one for one in build.candidates().values() if one.id != scene.id]
    return any(is_answered(one) for one in others[:MOST_ASKED])


def _set_aside(build: Build, scene: Scene, error: SourceError) -> None:
    """Leave a scene that cannot be read out of the candidates, and choose again."""
    stored = read_json(build.folder / CANDIDATES)
    left = [item for item in stored["scenes"] if item["id"] != scene.id]
    stored["rejected"].append([scene.id, str(error)])
    build.add(warnings=[f"{scene.id} was set aside: {error}"])
    log.warning("%s was set aside: %s", scene.id, error)
    if not left:
        raise error
    write_json(build.folder / CANDIDATES, stored | {"scenes": left})
    overrides = dict(stored["overrides"])
    overrides["force"] = [name for name in overrides.get("force", []) if name != scene.id]
    try:
        listed = scene_list.choose_again(
            [Scene.from_json(item) for item in left],
            build.tile,
            build.settings,
            build.folder,
            stored["neighbour_datatakes"] if build.settings.agree_datatakes else (),
            overrides,
        )
        series_first(build, listed)
    except NoScenes as nothing:
        raise error from nothing


def _scene_bytes(build: Build) -> int:
    rows, cols = build.tile.geobox(build.settings.resolution).shape
    return rows * cols * len(BANDS) * 2


def _plain(overrides: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in overrides.items()
    }
