"""Reads and encodes map tiles with rio-tiler alone: `python -m script.lib.bench.bare_rio_tiler FILE`.

Takes `[[z, x, y], ...]` from standard input, writes milliseconds of each; the file is opened once, as WebP.
"""

import json
import sys
import time

import rasterio
from rio_tiler.errors import TileOutsideBounds
from rio_tiler.io import Reader


def main(path: str) -> None:
    milliseconds = []
    with rasterio.open(path) as dataset, Reader(path, dataset=dataset) as reader:
        for z, x, y in json.load(sys.stdin):
            began = time.perf_counter()
            try:
                reader.tile(x, y, z, indexes=(1, 2, 3)).render(img_format="WEBP")
            except TileOutsideBounds:
                continue
            milliseconds.append((time.perf_counter() - began) * 1000)
    print(json.dumps(milliseconds))


if __name__ == "__main__":
    main(sys.argv[1])
