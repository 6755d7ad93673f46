"""Reading an area file, whatever its kind."""

from pipeline.area_files.found import AreaFile, Limits
from pipeline.area_files.kinds import kind_of
from pipeline.area_files.repair import repaired
from pipeline.area_files.stored import read_stored
from pipeline.area_files.written import read_geojson, read_kml


def read_area_file(content: bytes, limits: Limits | None = None) -> AreaFile:
    """Read an area in this process; what strangers send goes through `read_bounded`.

    Raises:
        UsageError: what is wrong, in one sentence.
    """
    limits = limits or Limits()
    kind, parts = kind_of(content, limits)
    if kind == "geojson":
        found = read_geojson(parts["area.geojson"])
    elif kind == "kml":
        found = read_kml(parts["area.kml"])
    else:
        found = read_stored(kind, parts, limits)
    area, crs, repairs = repaired(found, limits)
    return AreaFile(area, found.kind, crs, tuple(repairs))
