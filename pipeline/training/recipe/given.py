"""The scene that labels are drawn onto: a SAFE product, a STAC item, or any R, G, B, NIR image."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import shapely
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from pipeline.catalog import Scene
from pipeline.catalog.hrefs import resolve
from pipeline.catalog.safe import read_safe
from pipeline.catalog.stac import item_product
from pipeline.errors import SourceError, UsageError
from pipeline.grid import SIZE, tiles_of
from pipeline.image import Image, open_image, open_scene


@dataclass(frozen=True)
class Given:
    """An open scene.

    Attributes:
        id: of the scene, or the image's name.
        date: day of the acquisition.
        place: name of the tile, of an image the one under its centre.
        level: "L1C", "L2A", or "" where an image does not tell.
        image: its grid, and reflectance by windows.
    """

    id: str
    date: date
    place: str
    level: str
    image: Image


@contextmanager
def given_scene(path: Path, day: date | None = None, resolution: float | None = None) -> Iterator[Given]:
    """Open a scene.

    Args:
        path: folder of a SAFE product; JSON file of a STAC item whose bands lie in its folder or at http(s);
            or a raster that `open_image` reads.
        day: of the acquisition, needed where the raster does not tell it.
        resolution: metres, where a SAFE product or a STAC item is to be read coarser than it is.

    Raises:
        SourceError: the scene cannot be read.
        UsageError: the day of an image is not given, an image is asked for at another resolution, or one
            that does not divide the tile.
    """
    if resolution is not None and (resolution <= 0 or SIZE % resolution):
        raise UsageError(f"A resolution of {resolution:g} m does not divide the tile.", "resolution")
    if path.is_dir() or path.suffix.lower() == ".json":
        scene = read_safe(path).scene if path.is_dir() else _item(path)
        with open_scene(scene, resolution) as image:
            yield Given(scene.id, scene.datetime.date(), scene.tile, scene.level, image)
        return
    if day is None:
        raise UsageError(f"Say with --date on which day {path} was taken.", "date")
    if resolution is not None:
        raise UsageError(
            "Only a SAFE product or a STAC item can be read at another --resolution.", "resolution"
        )
    with open_image(path) as image:
        yield Given(path.stem, day, _tile_under(image.geobox), "", image)


def _tile_under(geobox: GeoBox) -> str:
    """The tile under the centre of a grid."""
    if geobox.crs is None:
        raise SourceError("The scene has no coordinate system.")
    left, bottom, right, top = geobox.boundingbox.bbox
    into = Transformer.from_crs(str(geobox.crs), 4326, always_xy=True)
    centre = shapely.Point(into.transform((left + right) / 2, (bottom + top) / 2))
    return tiles_of(centre.buffer(1e-6))[0].name


def _item(path: Path) -> Scene:
    try:
        item = json.loads(path.read_bytes())
    except OSError as error:
        raise SourceError(f"The STAC item {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SourceError(f"The STAC item {path} is not valid JSON: {error}.") from error
    if not isinstance(item, dict) or item.get("type") != "Feature":
        raise SourceError(f"{path} is no STAC item.")
    return item_product(item, partial(resolve, base=str(path.resolve()), root=path.resolve().parent)).scene
