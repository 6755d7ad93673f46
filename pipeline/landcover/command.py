"""`python -m pipeline classify`: the landcover of one image, or fused over several dates of one place."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from pipeline.errors import UsageError
from pipeline.evidence import margin_pixels
from pipeline.image import Image, open_image, parse_stretch
from pipeline.landcover.blend import confidence_writer, landcover_writer
from pipeline.landcover.combine import classify, quantise
from pipeline.landcover.pool import DatePool, kinds_of
from pipeline.landcover.scenes import class_probabilities
from pipeline.networks import SHIPPED, Chosen, predict
from pipeline.networks.command import add_network_arguments, networks_asked
from pipeline.settings import CampaignSettings

CLOUD_NETWORK = "cloud"
Date = Iterator[tuple[Window, NDArray[np.uint8], NDArray[np.uint8]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `classify`."""
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="R,G,B,NIR images of one grid")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="MAP", help="class codes 1 to 6, 0 = no data"
    )
    parser.add_argument("--confidence", type=Path, metavar="FILE", help="write 0..100 too, 255 = no data")
    add_network_arguments(parser)
    parser.add_argument("--stretch", metavar="LO,HI", help="reflectances of the levels 1 and 255 of 8 bits")


def run(asked: argparse.Namespace) -> None:
    """Write the map, and the confidence where it is asked for."""
    stretch = parse_stretch(asked.stretch) if asked.stretch else None
    networks = networks_asked(asked)
    with ExitStack() as stack:
        images = [stack.enter_context(open_image(path, stretch)) for path in asked.images]
        for path, image in zip(asked.images, images, strict=True):
            if image.geobox != images[0].geobox:
                raise UsageError(f"{path} does not lie on the grid of {asked.images[0]}.", "images")
        classify_images(images, asked.out, asked.confidence, networks)


def classify_images(
    images: Sequence[Image], target: Path, confidence: Path | None = None, networks: Chosen = SHIPPED
) -> None:
    """Classify one image, or several dates pooled (see `pool`), their haze not known."""
    geobox = images[0].geobox
    margin = margin_pixels(CampaignSettings.margin, abs(geobox.affine.a))
    with ExitStack() as stack:
        out = stack.enter_context(landcover_writer(target, geobox))
        sure = stack.enter_context(confidence_writer(confidence, geobox)) if confidence else None
        for parts in zip(*(_date(image, margin, networks) for image in images), strict=True):
            window = parts[0][0]
            pool = DatePool((window.height, window.width))
            for _, probabilities, kinds in parts:
                pool.add(probabilities, kinds)
            codes, certainty = classify(*pool.result())
            out.write(codes, 1, window=window)
            if sure is not None:
                sure.write(certainty, 1, window=window)


def _date(image: Image, margin: float, networks: Chosen) -> Date:
    """Stored probabilities and kinds of view of each window of an image."""
    shape = image.geobox.shape.yx
    masks = predict(networks.load(CLOUD_NETWORK), image.read, shape)
    for (window, cloud, valid), (_, probabilities, _) in zip(
        masks, class_probabilities(image.read, shape, networks), strict=True
    ):
        mask = np.where(valid, cloud.argmax(axis=0), 255).astype(np.uint8)
        yield window, quantise(probabilities, valid), kinds_of(mask, margin)
