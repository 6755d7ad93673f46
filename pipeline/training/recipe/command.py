"""`python -m pipeline labels`: six-class labels on a scene, from WorldCover and OpenStreetMap."""

import argparse
import sys
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.settings import parse_date
from pipeline.training.datasets.places import SPLITS
from pipeline.training.recipe.drawing import Rules

RULES = Rules()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `labels`."""
    parser.add_argument(
        "--worldcover", type=Path, action="append", required=True, metavar="F", help="ESA WorldCover GeoTIFF"
    )
    parser.add_argument(
        "--osm",
        type=Path,
        action="append",
        required=True,
        metavar="F",
        help="OpenStreetMap: .osm.pbf, .osm, .geojson or .gpkg",
    )
    parser.add_argument(
        "--scene", type=Path, required=True, metavar="S", help="SAFE product, STAC item, or R,G,B,NIR raster"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the labels")
    parser.add_argument("--date", metavar="D", help="day of the scene, where a raster does not tell it")
    parser.add_argument("--resolution", type=float, metavar="M", help="metres, coarser than the scene")
    parser.add_argument("--cloud", type=Path, metavar="MASK", help="its cloud mask (default: made here)")
    parser.add_argument("--worldcover-year", type=int, metavar="Y", help="where the name does not tell it")
    parser.add_argument(
        "--other-years", type=int, default=0, metavar="N", help="years that map and scene may lie apart (0)"
    )
    parser.add_argument("--place", metavar="NAME", help="of the labels (default: the tile)")
    parser.add_argument("--split", choices=SPLITS, help="of the place (default: by a hash of its name)")
    _add_rules(parser)


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--purity", type=float, default=RULES.purity, metavar="SHARE", help="least share of a pixel's class"
    )
    parser.add_argument(
        "--border", type=int, default=RULES.border, metavar="N", help="pixels left out along class borders"
    )
    parser.add_argument(
        "--plot", type=float, default=RULES.plot, metavar="M", help="metres of plot around built ground"
    )
    parser.add_argument(
        "--cloud-margin", type=float, default=RULES.cloud_margin, metavar="M", help="metres around cloud"
    )


def run(asked: argparse.Namespace) -> None:
    """Draw the labels and tell what became of the pixels."""
    from pipeline.training.recipe.writing import Job, write_labels

    if not 0.5 <= asked.purity <= 1:
        raise UsageError(f"The purity must lie in 0.5 to 1, not {asked.purity}.", "purity")
    for name in ("border", "plot", "cloud_margin", "other_years"):
        if getattr(asked, name) < 0:
            raise UsageError(f"{name.replace('_', ' ')} must not be below 0.", name)
    job = Job(
        worldcover=tuple(asked.worldcover),
        osm=tuple(asked.osm),
        scene=asked.scene,
        out=asked.out,
        day=parse_date(asked.date, "date") if asked.date else None,
        resolution=asked.resolution,
        cloud=asked.cloud,
        map_year=asked.worldcover_year,
        years_apart=asked.other_years,
        place=asked.place,
        split=asked.split,
        rules=Rules(asked.purity, asked.border, asked.plot, asked.cloud_margin),
    )
    told = write_labels(job, tell=_tell)
    for warning in told["warnings"]:
        _tell(f"warning: {warning}")
    for title in ("labelled", "left_out"):
        for name, share in told[title].items():
            _tell(f"{title.replace('_', ' ')}: {name} {100 * share:.2f} %")
    _tell(f"{asked.out}: place {told['place']}, split {told['split']}")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
