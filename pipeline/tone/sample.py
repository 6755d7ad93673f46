"""A sample of a campaign's ground, from which its tone curve is fitted."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.errors import NoScenes, UsageError
from pipeline.evidence import CLEAR, NO_DATA, margin_pixels, sureness
from pipeline.grid import Tile
from pipeline.image import Image, open_image
from pipeline.networks import SHIPPED, Chosen
from pipeline.raster import decode, encode, filled, geobox_of, opened
from pipeline.settings import CampaignSettings
from pipeline.tone.contrast import Picture

if TYPE_CHECKING:
    from pipeline.catalog import Scene

NETWORK = "cloud"
SCENES = 12
PLACES = 4
SIDE = 256
LEAST_CLEAR = 10_000

Read = Callable[[Window], NDArray[np.uint16]]


def sample_campaign(
    catalog: str,
    tiles: Sequence[Tile],
    settings: CampaignSettings,
    tell: Callable[[str], None] = lambda line: None,
    models: Path | None = None,
) -> list[Picture]:
    """Windows of the least cloudy scenes of a campaign, with their clear ground.

    At most 12 scenes, shared among tiles that lie evenly in the list, each read at the campaign's resolution
    in 4 x 4 windows of 256 pixels. The same catalog, tiles and settings give the same sample.

    Args:
        catalog: STAC API address, static STAC catalog, or folder of SAFE products.
        tiles: of the campaign.
        settings: of the campaign; its tone is not looked at.
        tell: called with the id of each scene that is read.
        models: folder of the weights that were registered; None = only those that ship.

    Raises:
        NoScenes: there are no scenes, or hardly any clear ground in them.
        SourceError: the catalog or a scene cannot be read.
    """
    from pipeline.catalog import open_catalog

    source, networks = open_catalog(catalog, settings.level), Chosen(settings.networks, models)
    chosen = _evenly(sorted(tiles, key=lambda tile: tile.name), SCENES)
    found: list[Picture] = []
    for tile in chosen:
        own = settings.of_tile(tile)
        scenes = source.search(tile.name, own.start, own.end, own.max_cloud)
        clearest = sorted(scenes, key=lambda scene: (scene.cloud_cover, scene.id))
        for scene in clearest[: SCENES // len(chosen)]:
            tell(scene.id)
            found += _of_scene(scene, tile.geobox(settings.resolution), settings.margin, networks)
    _check(found, f"the scenes of {', '.join(tile.name for tile in chosen)} in {catalog}")
    return found


def _of_scene(scene: "Scene", geobox: GeoBox, margin: float, networks: Chosen) -> list[Picture]:
    """The windows of a scene; of one far away only the blocks below them come, where its files are COGs."""
    from pipeline.catalog import Wanted, any_remote, bring, bring_part, by_blocks, scene_reader

    with TemporaryDirectory(prefix="earthquilt-tone-") as folder:
        if by_blocks(scene):
            cells = np.zeros(geobox.shape.yx, bool)
            for window in places(geobox.shape.yx):
                cells[window.toslices()] = True
            scene = bring_part(scene, Wanted(cells, geobox), geobox, Path(folder)).scene
        elif any_remote(scene):
            scene = bring(scene, Path(folder)).scene
        with scene_reader(scene, geobox) as reader:
            return list(_pictures(reader.read, geobox, margin, networks))


def sample_images(paths: Sequence[Path], masks: Sequence[Path] = ()) -> list[Picture]:
    """Windows of R, G, B, NIR images with their clear ground; images as `open_image` takes them.

    Args:
        paths: the images.
        masks: their cloud masks on the same grids, 0 = clear; where there are none, the network masks.

    Raises:
        NoScenes: there is hardly any clear ground in them.
        SourceError: an image or a mask cannot be read.
        UsageError: an image has no way to reflectance; the masks do not fit the images.
    """
    if masks and len(masks) != len(paths):
        raise UsageError(f"There are {len(masks)} masks for {len(paths)} images.", "mask")
    found: list[Picture] = []
    given: Sequence[Path | None] = masks or [None] * len(paths)
    for path, mask in zip(paths, given, strict=True):
        with open_image(path) as image:
            if mask is None:
                found += _pictures(partial(_stored, image), image.geobox, CampaignSettings.margin)
            else:
                found += _masked(image, mask)
    _check(found, ", ".join(str(path) for path in paths))
    return found


def places(shape: tuple[int, int]) -> Iterator[Window]:
    """4 x 4 windows of at most 256 pixels, each in the middle of its sixteenth of a raster."""
    for top, height in _spans(shape[0]):
        for left, width in _spans(shape[1]):
            yield Window(left, top, width, height)


def _spans(length: int) -> list[tuple[int, int]]:
    edges = [length * part // PLACES for part in range(PLACES + 1)]
    parts = [(start + end, min(SIDE, end - start)) for start, end in pairwise(edges) if end > start]
    return [((doubled - size) // 2, size) for doubled, size in parts]


def _pictures(read: Read, geobox: GeoBox, margin: float, networks: Chosen = SHIPPED) -> Iterator[Picture]:
    """The windows with their clear ground: what lies within the margin of cloud or shadow is none."""
    network = networks.load(NETWORK)
    pixels = margin_pixels(margin, abs(geobox.affine.a))
    for window in places(geobox.shape.yx):
        stored = read(window)
        if filled(stored).any():
            classes = network.probabilities(decode(stored)).argmax(axis=0)
            mask = np.where(filled(stored), classes, NO_DATA).astype(np.uint8)
            yield Picture(stored, sureness(mask, pixels) == CLEAR)


def _masked(image: Image, mask: Path) -> Iterator[Picture]:
    with opened(mask) as codes:
        if geobox_of(codes) != image.geobox:
            raise UsageError(f"{mask} does not lie on the grid of its image.", "mask")
        for window in places(image.geobox.shape.yx):
            yield Picture(_stored(image, window), codes.read(1, window=window) == 0)


def _stored(image: Image, window: Window) -> NDArray[np.uint16]:
    return encode(image.read(window))


def _evenly(tiles: Sequence[Tile], most: int) -> list[Tile]:
    places = np.linspace(0, len(tiles) - 1, min(most, len(tiles))).round().astype(int)
    return [tiles[place] for place in places]


def _check(pictures: Sequence[Picture], where: str) -> None:
    clear = sum(int(picture.clear.sum()) for picture in pictures)
    if clear < LEAST_CLEAR:
        raise NoScenes(f"A tone curve needs {LEAST_CLEAR} clear pixels; there are {clear} in {where}.")
