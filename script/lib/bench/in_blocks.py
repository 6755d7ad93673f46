"""Simulated COGs laid out anew in blocks of another size; the pixels stay."""

import time
from pathlib import Path
from typing import Any

from rasterio.shutil import copy as copy_raster

from pipeline.storage import whole_file


def in_blocks(source: str, target: str, side: int) -> dict[str, Any]:
    """Write the bands of a static catalog's scenes as COGs as the simulator does, in blocks of `side` pixels.

    Args:
        source: folder of the catalog.
        target: folder for the same files in the same places.
        side: of a block, pixels, a multiple of 16.
    """
    began = time.perf_counter()
    options = {"compress": "deflate", "level": 1, "predictor": "yes", "blocksize": side}
    options |= {"overviews": "ignore_existing", "overview_resampling": "average"}
    for path in sorted(Path(source).glob("*/B*.tif")):
        with whole_file(Path(target) / path.parent.name / path.name) as beside:
            copy_raster(path, beside, driver="COG", **options)
    return {"seconds": time.perf_counter() - began}
