"""What `run` and the commands of the single stages do."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from pipeline import chain, several
from pipeline.build import Build, begin
from pipeline.commands import FIT, Progress, settings_of, tiles_asked
from pipeline.errors import StorageError
from pipeline.grid import Tile
from pipeline.networks.command import networks_asked
from pipeline.older import fill_holes
from pipeline.settings import CampaignSettings
from pipeline.tone.command import campaign_tone

STEPS_PER_TILE = 6


def run_all(asked: argparse.Namespace) -> None:
    """All four stages for the tiles, blended with each other."""
    tiles, settings = _campaign(asked)
    progress = Progress(STEPS_PER_TILE * len(tiles))
    how = {"resume": asked.resume, "models": asked.models}
    reports = several.run(asked.catalog, tiles, settings, asked.out, tell=progress, **how)
    for name, report in reports.items():
        print(f"{name}: {len(report['scenes'])} scenes, {report['coverage']:.3%} covered, {asked.out / name}")
        for warning in report["warnings"]:
            print(f"{name}: {warning}", file=sys.stderr)


def run_scene_list(asked: argparse.Namespace) -> None:
    """Stage 1 for the tiles: the lists that `run` would make."""
    builds, progress = _builds(asked)
    failures = several.make_lists(builds, asked.catalog, progress)
    made = [name for name in builds if name not in failures]
    several.tell_failures(failures, made)
    for name in made:
        print(f"{name}: " + ", ".join(item.id for item in builds[name].scene_list().chosen))


def run_imagery(asked: argparse.Namespace) -> None:
    """Stage 2 for the tiles, on their scene lists."""
    builds, progress = _builds(asked)
    for name, build in builds.items():
        _needs(build, "scene_list.json", "scene-list")
        progress(name, "fetching and masking")
        chain.fetch_and_mask(build)


def run_mosaic(asked: argparse.Namespace) -> None:
    """Stage 3 for the tiles, on their imagery."""
    builds, progress = _builds(asked)
    for name, build in builds.items():
        _needs(build, "scene_list.json", "imagery")
        progress(name, "fusing the composite")
        chain.compose(build)
        fill_holes(build, asked.catalog)
    for name, build in builds.items():
        progress(name, "blending with its neighbours")
        chain.blend_mosaic(build, {other: item.folder for other, item in builds.items()})


def run_landcover(asked: argparse.Namespace) -> None:
    """Stage 4 for the tiles, on their imagery and composites."""
    builds, progress = _builds(asked)
    for name, build in builds.items():
        _needs(build, "composite.tif", "mosaic")
        progress(name, "classifying the landcover")
        chain.classify(build)
    for name, build in builds.items():
        progress(name, "blending with its neighbours")
        chain.revise(build, {other: item.folder for other, item in builds.items()})


def _campaign(asked: argparse.Namespace) -> tuple[list[Tile], CampaignSettings]:
    """The tiles and the settings: all networks pinned, and the tone curve fitted where that was asked."""
    tiles, settings = tiles_asked(asked), settings_of(asked)
    settings = replace(settings, networks=networks_asked(asked).pinned())
    if asked.tone == FIT:
        tone = campaign_tone(asked.catalog, tiles, settings, asked.out, models=asked.models)
        settings = replace(settings, tone=tone)
    return tiles, settings


def _builds(asked: argparse.Namespace) -> tuple[dict[str, Build], Progress]:
    tiles, settings = _campaign(asked)
    builds = {
        tile.name: begin(tile, settings, asked.out / tile.name, asked.catalog, True, asked.models)
        for tile in tiles
    }
    return builds, Progress(2 * len(tiles))


def _needs(build: Build, product: str, stage: str) -> None:
    path: Path = build.folder / product
    if not path.exists():
        raise StorageError(f"{path} is missing: run `{stage}` with the same arguments first.")
