"""The four stages for several tiles: lists chosen together, mosaics blended with each other."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pipeline import chain, scene_list
from pipeline.build import CANDIDATES, Build, begin
from pipeline.errors import NoScenes
from pipeline.grid import Tile
from pipeline.settings import CampaignSettings
from pipeline.storage import read_json, write_json

log = logging.getLogger(__name__)


def run(
    catalog: str,
    tiles: Sequence[Tile],
    settings: CampaignSettings,
    out: Path,
    *,
    resume: bool = False,
    models: Path | None = None,
    tell: Callable[[str, str], None] = lambda tile, step: log.info("%s: %s", tile, step),
) -> dict[str, dict[str, Any]]:
    """All four stages for several tiles, blended with each other; products under out/TILE/.

    Args:
        catalog: STAC API address, static STAC catalog, or folder of SAFE products.
        tiles: what to make.
        settings: dates, cloud cover, resolution and so on.
        out: the folder of the products.
        resume: go on with what an earlier run of the same settings left.
        models: folder of the weights that were registered; None = only those that ship.
        tell: called with (tile name, what is being done).

    Returns:
        The report of each tile that has a mosaic; tiles without scenes are left out and logged.

    Raises:
        UsageError: products are there already and `resume` was not given, or they are of other settings.
        NoScenes: not one of the tiles has a usable scene.
    """
    builds = {tile.name: begin(tile, settings, out / tile.name, catalog, resume, models) for tile in tiles}
    failures = make_lists(builds, catalog, tell)
    folders: dict[str, Path] = {}
    for name, build in builds.items():
        if name in failures:
            continue
        try:
            chain.build_tile(build, catalog, tell=partial(tell, name))
        except NoScenes as error:
            failures[name] = error
            continue
        folders[name] = build.folder
    tell_failures(failures, folders)
    reports = {}
    for name in folders:
        tell(name, "blending with its neighbours")
        reports[name] = chain.revise(builds[name], folders)
    return reports


def tell_failures(failures: Mapping[str, NoScenes], made: Collection[str]) -> None:
    """Log which tiles are left out.

    Raises:
        NoScenes: nothing was made of any tile.
    """
    if failures and not made:
        raise next(iter(failures.values()))
    for name, reason in failures.items():
        log.warning("%s is left out: %s", name, reason)


def make_lists(
    builds: Mapping[str, Build], catalog: str, tell: Callable[[str, str], None]
) -> dict[str, NoScenes]:
    """Stage 1 of all tiles, together where their lists are to agree.

    Args:
        builds: by tile name; lists of those whose imagery is begun stay as they are.
        catalog: as of `run`.
        tell: as of `run`.

    Returns:
        Why tiles have no list, by name.
    """
    failures: dict[str, NoScenes] = {}
    open_, begun = [], []
    for name, build in builds.items():
        if (build.folder / "scenes").exists():
            begun.append(build)
            continue
        try:
            if not (build.folder / "scene_list.json").exists() or not build.scene_list().chosen:
                tell(name, "looking at the previews")
                chain.make_scene_list(build, catalog)
            open_.append(build)
        except NoScenes as error:
            failures[name] = error
    if open_ and len(builds) > 1 and open_[0].settings.agree_datatakes:
        tell(open_[0].tile.name, f"choosing {len(open_)} scene lists together")
        agree(open_, begun)
    return failures


def agree(builds: Sequence[Build], finished: Sequence[Build] = ()) -> None:
    """Choose the lists of several tiles anew so that neighbours share datatakes where that costs no scene.

    Args:
        builds: of one campaign, with lists of their own and nothing fetched yet.
        finished: builds whose lists stay as they are.
    """
    lists = {build.tile.name: build for build in finished}
    members = []
    for build in builds:
        near = [lists[other.name].datatakes() for other in build.tile.neighbours() if other.name in lists]
        asked = read_json(build.folder / CANDIDATES)
        write_json(build.folder / CANDIDATES, asked | {"neighbour_datatakes": [sorted(one) for one in near]})
        scenes = list(build.candidates().values())
        members.append(scene_list.Member(build.tile, build.folder, scenes, near, asked["overrides"]))
    found = scene_list.choose_together(members, builds[0].settings)
    for build in builds:
        chain.series_first(build, found[build.tile.name])
