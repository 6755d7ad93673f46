"""Earthquilt's pipeline: from Sentinel-2 scenes to a seamless mosaic and a six-class landcover map."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from importlib import import_module
from pathlib import Path

import shapely
from shapely import wkt
from shapely.geometry.base import BaseGeometry
from tqdm import tqdm

from pipeline.area import refuse_crossing
from pipeline.errors import UsageError
from pipeline.grid import Tile, tiles_of
from pipeline.networks.command import add_network_arguments, pins_asked
from pipeline.settings import LEVELS, SOUTHERN, CampaignSettings, parse_date
from pipeline.settings_told import WORDS
from pipeline.storage import read_json
from pipeline.tone.curve import CURVES, Tone

FIT = "fit"
MOST_TILES = 400

DEFAULTS = {item.name: item.default for item in fields(CampaignSettings)}
# Settings that are one number, or yes or no, by name: what stands for the value in the help, and what it is.
FLAGS = tuple(
    (name, metavar, WORDS[name])
    for name, metavar in (
        ("max_cloud", "P"),
        ("resolution", "M"),
        ("share", "SHARE"),
        ("clear_dates", "K"),
        ("preview_margin", "M"),
        ("agree_datatakes", ""),
        ("series", "N"),
        ("margin", "M"),
        ("least_gain", "SHARE"),
        ("most_further", "N"),
        ("clear_gain", "SHARE"),
        ("fill_hazy", ""),
    )
)


@dataclass(frozen=True)
class Command:
    """One command: what it is for, its arguments, and what runs it."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


class Progress:
    """A bar on a terminal, plain lines elsewhere."""

    def __init__(self, total: int) -> None:
        self.bar = tqdm(total=total, unit="step") if sys.stderr.isatty() else None

    def __call__(self, tile: str, step: str) -> None:
        """Tell that `step` of `tile` begins."""
        if self.bar is None:
            print(f"{tile}: {step}", file=sys.stderr, flush=True)
        else:
            self.bar.set_description(f"{tile}: {step}")
            self.bar.update()


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that `run` and the single stages share."""
    parser.add_argument("--catalog", required=True, help="STAC API, static STAC catalog, or folder of SAFE")
    parser.add_argument("--tile", action="append", default=[], metavar="T", help="a tile, such as 33TWL")
    parser.add_argument("--aoi", type=Path, help="GeoJSON file of an area, instead of tiles")
    parser.add_argument(
        "--most-tiles", type=int, default=MOST_TILES, metavar="N", help="refuse an area of more tiles"
    )
    parser.add_argument("--start", required=True, metavar="D", help="first day, YYYY-MM-DD")
    parser.add_argument("--end", required=True, metavar="D", help="last day, YYYY-MM-DD")
    parser.add_argument("--level", default="L2A", choices=LEVELS)
    parser.add_argument("--target-date", metavar="D", help=WORDS["target_date"])
    for name in SOUTHERN:
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="D", help=WORDS[name])
    parser.add_argument(
        "--fill-start", metavar="D", help="first day of an older range that shows in holes, for display only"
    )
    parser.add_argument("--fill-end", metavar="D", help="last day of the older range; before --start")
    for name, metavar, words in FLAGS:
        _add_setting(parser, name, metavar, words)
    parser.add_argument(
        "--tone", default="default", metavar="NAME|FILE|fit", help="tone curve; fit: one for this campaign"
    )
    add_network_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="products go to DIR/TILE/")
    parser.add_argument("--resume", action="store_true", help="go on with what is in DIR")


def _add_setting(parser: argparse.ArgumentParser, name: str, metavar: str, words: str) -> None:
    """A flag of a campaign's setting, of the same type and default."""
    flag, default = f"--{name.replace('_', '-')}", DEFAULTS[name]
    if default is False:
        parser.add_argument(flag, action="store_true", help=words)
    else:
        parser.add_argument(flag, type=type(default), default=default, metavar=metavar, help=words)


def settings_of(asked: argparse.Namespace) -> CampaignSettings:
    """The campaign's settings from the arguments; a tone that is to be fitted is the default one here."""
    return CampaignSettings(
        start=parse_date(asked.start, "start"),
        end=parse_date(asked.end, "end"),
        level=asked.level,
        target_date=_date(asked, "target_date"),
        south_start=_date(asked, "south_start"),
        south_end=_date(asked, "south_end"),
        south_target_date=_date(asked, "south_target_date"),
        fill_start=_date(asked, "fill_start"),
        fill_end=_date(asked, "fill_end"),
        tone="default" if asked.tone == FIT else read_tone(asked.tone),
        networks=pins_asked(asked),
        **{name: getattr(asked, name) for name, _, _ in FLAGS},
    )


def _date(asked: argparse.Namespace, name: str) -> date | None:
    """A date that need not be given."""
    text = getattr(asked, name)
    return parse_date(text, name) if text else None


def read_tone(text: str) -> str | Tone:
    """The name of a tone curve, or the table in a JSON file.

    Raises:
        UsageError: it is neither.
    """
    if text in CURVES:
        return text
    if not Path(text).is_file():
        raise UsageError(f"There is no tone curve and no file {text!r}.", "tone")
    return Tone.from_json(read_json(Path(text)))


def tiles_asked(asked: argparse.Namespace) -> list[Tile]:
    """The tiles named, or those of the area."""
    if asked.aoi:
        return tiles_of(read_area(asked.aoi), asked.most_tiles)
    if not asked.tile:
        raise UsageError("Name at least one --tile, or give an --aoi.", "tile")
    return sorted({Tile.parse(name) for name in asked.tile}, key=lambda tile: tile.name)


def read_area(path: Path) -> BaseGeometry:
    """The union of the polygons of a GeoJSON (or WKT) file.

    Raises:
        UsageError: the file is missing or holds no polygon, or an outline crosses itself.
    """
    try:
        text = path.read_text()
        area = wkt.loads(text) if path.suffix == ".wkt" else shapely.from_geojson(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "aoi") from error
    except (shapely.errors.ShapelyError, UnicodeDecodeError) as error:
        kind = "WKT" if path.suffix == ".wkt" else "GeoJSON"
        raise UsageError(f"{path} holds no {kind} geometry that can be read.", "aoi") from error
    refuse_crossing(area)
    return shapely.unary_union(area)


def add_tiles_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `tiles`."""
    parser.add_argument("--aoi", type=Path, required=True, help="GeoJSON file of an area")


def run_tiles(asked: argparse.Namespace) -> None:
    """The grid tiles of an area, one a line."""
    for tile in tiles_of(read_area(asked.aoi)):
        print(tile.name)


def elsewhere(module: str, help: str, arguments: str = "add_arguments", run: str = "run") -> Command:
    """A command that a room brings along; the room is imported when the command is used."""
    return Command(
        help,
        lambda parser: getattr(import_module(module), arguments)(parser),
        lambda asked: getattr(import_module(module), run)(asked),
    )


def stages(help: str, run: str) -> Command:
    """A command of `run_command.py`: all share the arguments of `run`."""
    return Command(
        help, add_run_arguments, lambda asked: getattr(import_module("pipeline.run_command"), run)(asked)
    )


COMMANDS: dict[str, Command] = {
    "run": stages("all four stages for the tiles, blended with each other", "run_all"),
    "scene-list": stages("stage 1 alone: the scene list", "run_scene_list"),
    "imagery": stages("stage 2 alone: imagery and cloud masks", "run_imagery"),
    "mosaic": stages("stage 3 alone: composite, and mosaic blended with the neighbours", "run_mosaic"),
    "landcover": stages("stage 4 alone: landcover, blended like the mosaic", "run_landcover"),
    "cloud-mask": elsewhere(
        "pipeline.imagery.command", "the cloud mask of any R,G,B,NIR image or SAFE product"
    ),
    "classify": elsewhere(
        "pipeline.landcover.command", "the landcover of one image, or fused over several dates"
    ),
    "check-balance": elsewhere(
        "pipeline.balance_check", "how well finished tiles meet, on ground left out of the fit"
    ),
    "check-seams": elsewhere(
        "pipeline.assessment.tiles_command", "how finished tiles meet: their seams, and versions in two zones"
    ),
    "draw-seams": elsewhere(
        "pipeline.assessment.picture", "a picture of finished tiles before and after balance and blending"
    ),
    "settings": elsewhere("pipeline.settings_told", "the settings of a campaign, as a table"),
    "tiles": Command("the grid tiles of an area", add_tiles_arguments, run_tiles),
    "tone": elsewhere(
        "pipeline.tone.command", "fit a tone curve to a campaign or to images, or measure one on them"
    ),
    "simulate": elsewhere(
        "pipeline.simulate.command", "scenes of a made-up surface, with the truth beside them"
    ),
    "assess": elsewhere(
        "pipeline.assessment.command", "measure a finished composite, against a truth where there is one"
    ),
    "labels": elsewhere(
        "pipeline.training.recipe.command",
        "six-class labels on a scene, from ESA WorldCover and OpenStreetMap",
    ),
    "register": elsewhere(
        "pipeline.networks.command",
        "keep weights of one's own for campaigns, checked",
        "add_register_arguments",
        "run_register",
    ),
    "models": elsewhere(
        "pipeline.networks.command",
        "the weights that a campaign can pin",
        "add_models_arguments",
        "run_models",
    ),
    "train": elsewhere("pipeline.training.command", "train a network", "add_train_arguments", "run_train"),
    "evaluate": elsewhere(
        "pipeline.training.evaluate_command", "measure a network", "add_evaluate_arguments", "run_evaluate"
    ),
    "calibrate": elsewhere(
        "pipeline.training.evaluate_command",
        "make a network's probabilities mean what they say",
        "add_calibrate_arguments",
        "run_calibrate",
    ),
    "fit-fusion": elsewhere(
        "pipeline.training.fusion_command",
        "fit the weights that dates are fused with",
        "add_fusion_arguments",
        "run_fusion",
    ),
}
