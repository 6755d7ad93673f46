"""What the first map tile of a process would wait for: picture formats, GDAL's drivers, projections."""

import numpy as np
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from pipeline.web_copy import WEB_MERCATOR, mercator_boxes
from webapp.tileserver.render import CONTENT_TYPES, empty_tile


def get_ready() -> None:
    """Load what map tiles are read and encoded with; needs no file and no database."""
    for fmt in CONTENT_TYPES:
        empty_tile(fmt)
    grid = {"width": 1, "height": 1, "crs": WEB_MERCATOR, "transform": from_origin(0, 0, 1, 1)}
    with MemoryFile() as memory:
        with memory.open(driver="GTiff", count=1, dtype="uint8", **grid) as written:
            written.write(np.ones((1, 1, 1), np.uint8))
        with memory.open() as dataset:
            mercator_boxes(dataset)
