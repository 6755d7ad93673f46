"""What other tools do with the same scenes; runs in their environment and knows nothing of the pipeline.

As `tasks.py`: `python -m script.lib.bench.peer_tasks NAME ARGUMENTS-AS-JSON` prints one line of JSON.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import rasterio

BANDS = {"red": "B04", "green": "B03", "blue": "B02", "nir": "B08"}
CLEAR, NO_DATA = 0, 255


def read_items(paths: Sequence[str], masks: dict[str, str]) -> list[pystac.Item]:
    """STAC items with absolute paths, their bands under both names, and the mask as an asset `cloud`."""
    items = []
    for path in paths:
        item = pystac.Item.from_file(path).make_asset_hrefs_absolute()
        for name, band in BANDS.items():
            item.add_asset(band, item.assets[name].clone())
        place = {name: value for name, value in item.assets["red"].extra_fields.items() if "proj:" in name}
        item.add_asset("cloud", pystac.Asset(masks[item.id], media_type="image/tiff", extra_fields=place))
        items.append(item)
    return items


def odc_median(
    paths: Sequence[str], masks: dict[str, str], crs: str, resolution: float, bounds: list[float],
    chunk: int, threads: int, target: str,
) -> dict[str, Any]:  # fmt: skip
    """`odc.stac.load` by chunks, masked, the median over time, written as a compressed GeoTIFF.

    The median of a chunk is numbagg's, several times as fast as numpy's, which dask takes by itself.
    """
    import dask.array
    import numbagg
    import odc.stac
    from odc.geo.geobox import GeoBox

    dask.config.set(scheduler="threads", num_workers=threads)
    geobox = GeoBox.from_bbox(bounds, crs=crs, resolution=resolution)
    # Compiled before the clock runs, as ours is.
    numbagg.nanmedian(np.zeros((4, 2, 2, 2), np.float32), axis=-1)
    began = time.perf_counter()
    loaded = odc.stac.load(
        read_items(paths, masks), bands=[*BANDS, "cloud"], geobox=geobox, groupby="id",
        chunks={"x": chunk, "y": chunk}, resampling="nearest",
    )  # fmt: skip
    clear = loaded["cloud"] == CLEAR
    pixels = loaded[list(BANDS)].to_array("band")
    masked = pixels.where(clear & (pixels > 0)).transpose("band", "y", "x", "time").data
    median = masked.map_blocks(lambda chunk: numbagg.nanmedian(chunk, axis=-1), drop_axis=3, dtype="float32")
    _write(dask.array.nan_to_num(median).astype("uint16").compute(), geobox, target)
    return {"seconds": time.perf_counter() - began}


def _write(pixels: np.ndarray, geobox: Any, target: str) -> None:
    profile = {"driver": "GTiff", "count": len(pixels), "dtype": "uint16", "nodata": 0, "tiled": True,
               "blockxsize": 512, "blockysize": 512, "compress": "deflate", "zlevel": 1, "predictor": 2,
               "height": geobox.shape[0], "width": geobox.shape[1], "crs": str(geobox.crs),
               "transform": geobox.affine, "BIGTIFF": "IF_SAFER"}  # fmt: skip
    with rasterio.open(target, "w", **profile) as out:
        out.write(pixels)


def s2mosaic(paths: Sequence[str], masks: dict[str, str], method: str, target: str) -> dict[str, Any]:
    """`s2mosaic.mosaic_core.download_bands_pool`, then its `export_tif`, with the masks given."""
    import pandas as pd

    mosaic_core, helpers = _s2mosaic_without_its_network()
    items = read_items(paths, masks)
    mosaic_core.get_masks = lambda item, **_: _masks(masks[item.id])
    scenes = pd.DataFrame({"item": items})
    began = time.perf_counter()
    whole = np.ones((10_980, 10_980), bool)
    bands = list(BANDS.values())
    mosaic, profile = mosaic_core.download_bands_pool(
        sorted_scenes=scenes, required_bands=bands, coverage_mask=whole, no_data_threshold=None,
        mosaic_method=method,
    )  # fmt: skip
    helpers.export_tif(mosaic, profile, Path(target), bands, 0)
    return {"seconds": time.perf_counter() - began}


def _s2mosaic_without_its_network() -> tuple[Any, Any]:
    """Import its modules without the network for cloud masks, which takes no part here."""
    import types

    sys.modules["omnicloudmask"] = types.ModuleType("omnicloudmask")
    sys.modules["omnicloudmask"].predict_from_array = None  # type: ignore[attr-defined]
    from s2mosaic import helpers, mosaic_core

    return mosaic_core, helpers


def _masks(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Where a scene is clear, and where it has data, as its own `get_masks` tells."""
    with rasterio.open(path) as mask:
        codes = mask.read(1)
    return codes == CLEAR, codes != NO_DATA


TASKS: dict[str, Callable[..., dict[str, Any]]] = {"odc-median": odc_median, "s2mosaic": s2mosaic}


def main(name: str, arguments: str) -> None:
    print(json.dumps(TASKS[name](**json.loads(arguments))))


if __name__ == "__main__":
    main(*sys.argv[1:])
