"""`python -m pipeline cloud-mask`: the full-resolution cloud mask of any image."""

import argparse
from pathlib import Path

from pipeline.image import open_image, parse_stretch
from pipeline.imagery.mask import write_mask_of
from pipeline.networks.command import add_network_arguments, networks_asked


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `cloud-mask`."""
    parser.add_argument("image", type=Path, metavar="IMAGE", help="R,G,B,NIR GeoTIFF, or a SAFE product")
    parser.add_argument("--out", type=Path, required=True, metavar="MASK", help="0 clear, 1 cloud, 2 shadow")
    add_network_arguments(parser)
    parser.add_argument("--stretch", metavar="LO,HI", help="reflectances of the levels 1 and 255 of 8 bits")


def run(asked: argparse.Namespace) -> None:
    """Write the mask."""
    stretch = parse_stretch(asked.stretch) if asked.stretch else None
    networks = networks_asked(asked)
    with open_image(asked.image, stretch) as image:
        write_mask_of(image, asked.out, networks)
