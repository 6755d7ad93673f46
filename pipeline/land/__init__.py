"""Which tiles of the Sentinel-2 grid exist, and how much land each holds."""

from pipeline.land.limits import LandLimits
from pipeline.land.table import LandTile, existing_tiles, tiles_of_land

__all__ = ["LandLimits", "LandTile", "existing_tiles", "tiles_of_land"]
