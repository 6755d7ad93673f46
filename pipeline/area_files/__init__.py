"""Areas of interest from the files people have: GeoJSON, zipped Shapefile, KML, KMZ, GeoPackage."""

from pipeline.area_files.bounded import read_bounded
from pipeline.area_files.found import AreaFile, Limits
from pipeline.area_files.read import read_area_file

__all__ = ["AreaFile", "Limits", "read_area_file", "read_bounded"]
