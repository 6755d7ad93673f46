"""Dynamic World's expert tiles: land cover drawn by hand on Sentinel-2 at 10 m, 5 km a tile, labels alone."""

import re
from functools import partial
from math import floor
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from pipeline.errors import SourceError
from pipeline.image import open_image
from pipeline.raster import geobox_of, opened
from pipeline.training.datasets import IGNORE, Sample
from pipeline.training.datasets.labels import lookup, network_table
from pipeline.training.datasets.patches import Patch, PatchSource, read_codes
from pipeline.training.datasets.places import TRAIN

LICENCE = (
    "Dynamic World training data, CC BY 4.0, Tait et al. 2021 (doi:10.1594/PANGAEA.933475): produced for the "
    "Dynamic World Project by National Geographic Society in partnership with Google and the World Resources "
    "Institute."
)
TABLE: dict[int, tuple[int, ...]] = {
    1: (1,),  # water
    2: (3,),  # trees
    3: (2,),  # grass
    4: (1, 2),  # flooded vegetation
    5: (2,),  # crops
    6: (2, 3),  # scrub
    7: (4, 5),  # built area
    8: (6,),  # bare ground
    9: (),  # snow and ice
}
"""Code -> the landcover classes that it may be; 0 (not marked) and 10 (cloud) are ignored."""

LABELS, PICTURES = "Experts", "images"
NAME = re.compile(r"dw_(-?[0-9.]+)_(-?[0-9.]+)-(\d{8})\.tif$")


def dynamic_world(folder: Path, name: str, crop: int, split: str = TRAIN) -> PatchSource:
    """Open the set.

    Args:
        folder: with `Experts/**/dw_DEGREES_DEGREES-YYYYMMDD.tif` as published, and `images/` with the
            reflectance of each tile under the same name and on the same grid (R, G, B, NIR, see
            `open_image`), which is not published with the labels.
        name: network: "water", "vegetation" or "buildings" (of which built ground is left out).
        crop: side of a crop in pixels.
        split: of the places, one for each degree of longitude and latitude.

    Raises:
        UsageError: the network does not tell landcover.
        SourceError: there are no tiles, or no pictures.
    """
    told = network_table(name, TABLE)
    tiles = sorted(path for path in (folder / LABELS).rglob("dw_*.tif") if NAME.search(path.name))
    if not tiles:
        raise SourceError(f"There are no tiles dw_DEGREES_DEGREES-YYYYMMDD.tif under {folder / LABELS}.")
    patches = [
        Patch(_place(path), partial(_read, folder / PICTURES / path.name, path, told))
        for path in tiles
        if (folder / PICTURES / path.name).is_file()
    ]
    if not patches:
        raise SourceError(
            f"None of the {len(tiles)} tiles has a picture: put the Sentinel-2 reflectance of the first at "
            f"{folder / PICTURES / tiles[0].name}."
        )
    return PatchSource("Dynamic World", LICENCE, patches, crop, split)


def _place(path: Path) -> str:
    match = NAME.search(path.name)
    assert match is not None
    first, second = (floor(float(text)) for text in match.groups()[:2])
    return f"Dynamic World {first} {second}"


def _read(picture: Path, labels: Path, told: dict[int, int]) -> Sample:
    with open_image(picture) as image:
        with opened(labels) as dataset:
            grid = geobox_of(dataset)
        rows, cols = image.geobox.shape.yx
        same = grid.shape == image.geobox.shape and grid.affine.almost_equals(image.geobox.affine, 1e-3)
        if not same:
            raise SourceError(f"{picture} lies on another grid than its labels {labels}.")
        reflectance = image.read(Window(0, 0, cols, rows))
    codes = lookup(read_codes(labels), told, IGNORE)
    return Sample(reflectance, np.where(np.isnan(reflectance[0]), np.uint8(IGNORE), codes))
