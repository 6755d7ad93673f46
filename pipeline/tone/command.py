"""`python -m pipeline tone`: fit a tone curve to a campaign or to images, or measure one on them."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline.commands import read_tone, tiles_asked
from pipeline.errors import UsageError
from pipeline.grid import Tile
from pipeline.settings import CampaignSettings, parse_date
from pipeline.storage import read_json, write_json
from pipeline.tone.contrast import Crossings, Picture, measure
from pipeline.tone.curve import Tone, load_tone
from pipeline.tone.fit import fit_tone
from pipeline.tone.sample import sample_campaign, sample_images

TONE_FILE = "tone.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `tone`."""
    parser.add_argument("--image", type=Path, action="append", default=[], help="an R,G,B,NIR image")
    parser.add_argument(
        "--mask", type=Path, action="append", default=[], help="an image's cloud mask, 0 = clear; else ours"
    )
    parser.add_argument("--catalog", help="instead of images: STAC API, static STAC catalog, folder of SAFE")
    parser.add_argument("--tile", action="append", default=[], metavar="T", help="a tile, such as 33TWL")
    parser.add_argument("--aoi", type=Path, help="GeoJSON file of an area, instead of tiles")
    parser.add_argument("--start", metavar="D", help="first day, YYYY-MM-DD")
    parser.add_argument("--end", metavar="D", help="last day, YYYY-MM-DD")
    parser.add_argument("--max-cloud", type=float, default=80.0, metavar="P", help="percent")
    parser.add_argument("--resolution", type=int, default=10, metavar="M", help="metres; divides 60")
    parser.add_argument("--level", default="L2A", choices=("L1C", "L2A"))
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the fitted table goes, JSON")
    parser.add_argument("--measure", metavar="NAME|FILE", help="measure this curve instead of fitting one")


def run(asked: argparse.Namespace) -> None:
    """Write the fitted table where it is wanted, and print the figures of the curve on the sample."""
    crossings = Crossings.of(_sample(asked))
    curve = load_tone(read_tone(asked.measure)) if asked.measure else fit_tone(crossings)
    if asked.out:
        write_json(asked.out, curve.to_json())
    figures: dict[str, Any] = measure(curve, crossings).to_json()
    print(json.dumps(figures, indent=2))
    for shortcoming in figures["shortcomings"]:
        print(shortcoming, file=sys.stderr)


def campaign_tone(
    catalog: str,
    tiles: Sequence[Tile],
    settings: CampaignSettings,
    folder: Path,
    tell: Callable[[str], None] = lambda line: None,
    models: Path | None = None,
) -> Tone:
    """The one table of a campaign: that in folder/tone.json, else fitted to a sample and kept there.

    Arguments as `sample_campaign`.

    Raises:
        NoScenes: there is hardly any clear ground to fit to.
        UsageError: the table in the folder is broken.
    """
    kept = Path(folder) / TONE_FILE
    if not kept.exists():
        crossings = Crossings.of(sample_campaign(catalog, tiles, settings, tell, models))
        write_json(kept, fit_tone(crossings).to_json())
    return Tone.from_json(read_json(kept))


def _sample(asked: argparse.Namespace) -> list[Picture]:
    if asked.image:
        return sample_images(asked.image, asked.mask)
    for name in ("catalog", "start", "end"):
        if getattr(asked, name) is None:
            raise UsageError(f"Give --image, or --catalog with --tile, --start and --end: no --{name}.", name)
    settings = CampaignSettings(
        start=parse_date(asked.start, "start"),
        end=parse_date(asked.end, "end"),
        max_cloud=asked.max_cloud,
        resolution=asked.resolution,
        level=asked.level,
    )
    return sample_campaign(asked.catalog, tiles_asked(asked), settings, _tell)


def _tell(scene: str) -> None:
    print(f"reading {scene}", file=sys.stderr, flush=True)
