"""From rings as a file has them to valid polygons in degrees, and what was repaired on the way."""

import numpy as np
import pyproj
import shapely
from shapely import MultiPolygon, Polygon
from shapely.affinity import translate
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from pipeline.area import check_area
from pipeline.area_files.found import FIELD, Found, Limits
from pipeline.errors import UsageError
from pipeline.words import counted, sentence

# A straight edge of 5 km in a projection leaves the one between its ends in degrees by about half a metre.
EDGE_METRES = 5_000
MOST_EDGES = 4_000
WGS84 = pyproj.CRS("OGC:CRS84")


def repaired(found: Found, limits: Limits) -> tuple[MultiPolygon, str, list[str]]:
    """The area of what was found.

    Returns:
        The area (valid, longitudes -180..180), the name of the reference system, and a sentence per repair.

    Raises:
        UsageError: there is no polygon, too much, or what nobody can repair.
    """
    notes = list(found.repairs)
    polygons = [rings for rings in found.polygons if rings and len(rings[0])]
    _check(polygons, found, limits)
    if found.others:
        notes.append(
            counted("%(count)s point or line left out.", "%(count)s points or lines left out.", found.others)
        )
    polygons = _closed(polygons, notes)
    crs, polygons = _in_degrees(polygons, found.crs, notes)
    polygons = _crossing(polygons, notes)
    area = only_polygons(wrapped(_valid(polygons, notes)))
    if area.is_empty:
        raise UsageError(sentence("The area is empty: its outline has no ground inside."), FIELD)
    check_area(area)
    return area, crs.name, notes


def wrapped(area: BaseGeometry) -> BaseGeometry:
    """The parts beyond +-180 degrees moved to the other side."""
    worlds = [(box(-180 + shift, -90, 180 + shift, 90), -shift) for shift in (-360, 0, 360)]
    moved = [translate(area.intersection(world), xoff=back) for world, back in worlds]
    return shapely.union_all([part for part in moved if not part.is_empty and part.area > 0])


def only_polygons(area: BaseGeometry) -> MultiPolygon:
    """Without lines and points, which are no ground."""
    parts = [part for part in getattr(area, "geoms", [area]) if isinstance(part, Polygon) and part.area > 0]
    return MultiPolygon(parts)


def _check(polygons: list[list[np.ndarray]], found: Found, limits: Limits) -> None:
    if not polygons:
        if found.others:
            told = counted(
                "The %(kind)s holds only %(count)s point or line: an area is made of polygons.",
                "The %(kind)s holds only %(count)s points or lines: an area is made of polygons.",
                found.others,
                kind=found.kind,
            )
        else:
            told = sentence("The %(kind)s holds no polygon: an area is made of polygons.", kind=found.kind)
        raise UsageError(told, FIELD)
    vertices = sum(len(ring) for rings in polygons for ring in rings)
    if vertices > limits.most_vertices:
        raise UsageError(
            sentence(
                "The area has %(vertices)s vertices; %(most_vertices)s are allowed: simplify it.",
                vertices=f"{vertices:,}",
                most_vertices=f"{limits.most_vertices:,}",
            ),
            FIELD,
        )
    if not all(np.isfinite(ring).all() for rings in polygons for ring in rings):
        raise UsageError(sentence("The area has a coordinate that is no number."), FIELD)


def _closed(polygons: list[list[np.ndarray]], notes: list[str]) -> list[list[np.ndarray]]:
    """All rings closed; those of fewer than three corners are dropped."""
    opened = dropped = 0
    kept = []
    for rings in polygons:
        good = []
        for number, ring in enumerate(rings):
            if len(np.unique(ring, axis=0)) < 3:
                dropped += 1
                if number == 0:
                    break
                continue
            if not np.array_equal(ring[0], ring[-1]):
                opened += 1
                ring = np.vstack([ring, ring[:1]])
            good.append(ring)
        kept += [good] if good else []
    if opened:
        notes.append(
            counted(
                "%(count)s ring was not closed and closed.",
                "%(count)s rings were not closed and closed.",
                opened,
            )
        )
    if dropped:
        notes.append(
            counted(
                "%(count)s ring of fewer than three corners left out.",
                "%(count)s rings of fewer than three corners left out.",
                dropped,
            )
        )
    if not kept:
        raise UsageError(sentence("The area is empty: its outline has no ground inside."), FIELD)
    return kept


def _in_degrees(
    polygons: list[list[np.ndarray]], name: str, notes: list[str]
) -> tuple[pyproj.CRS, list[list[np.ndarray]]]:
    if not name:
        west, south, east, north = _bounds(polygons)
        if west < -360 or east > 360 or south < -180 or north > 180:
            raise UsageError(
                sentence(
                    "The file does not say in which reference system it is (a Shapefile has a .prj for "
                    "that), and %(west)s, %(south)s are no degrees.",
                    west=f"{west:g}",
                    south=f"{south:g}",
                ),
                FIELD,
            )
        notes.append(
            sentence("No reference system is named: longitude and latitude in degrees (WGS 84) were assumed.")
        )
    try:
        crs = pyproj.CRS(name) if name else WGS84
    except pyproj.exceptions.CRSError as error:
        raise UsageError(
            sentence("The reference system %(name)r is not known.", name=name[:80]), FIELD
        ) from error
    if crs.is_geographic:
        polygons = _unswapped(polygons, notes)
    if crs.equals(WGS84, ignore_axis_order=True):
        return crs, polygons
    return crs, _moved(polygons, crs, notes)


def _bounds(polygons: list[list[np.ndarray]]) -> tuple[float, float, float, float]:
    points = np.vstack([rings[0] for rings in polygons])
    return (*points.min(axis=0), *points.max(axis=0))


def _unswapped(polygons: list[list[np.ndarray]], notes: list[str]) -> list[list[np.ndarray]]:
    """Longitude first, where the second number is beyond what a latitude can be."""
    west, south, east, north = _bounds(polygons)
    if (south < -90 or north > 90) and west >= -90 and east <= 90 and south >= -360 and north <= 360:
        notes.append(sentence("Latitude came before longitude; they were swapped."))
        return [[ring[:, ::-1] for ring in rings] for rings in polygons]
    if west < -360 or east > 360 or south < -90 or north > 90:
        raise UsageError(
            sentence(
                "The area reaches from %(west)s, %(south)s to %(east)s, %(north)s: these are no "
                "longitudes and latitudes in degrees.",
                west=f"{west:g}",
                south=f"{south:g}",
                east=f"{east:g}",
                north=f"{north:g}",
            ),
            FIELD,
        )
    return polygons


def _moved(polygons: list[list[np.ndarray]], crs: pyproj.CRS, notes: list[str]) -> list[list[np.ndarray]]:
    """From another reference system, its straight edges kept straight in that system."""
    try:
        to_degrees = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise UsageError(
            sentence("There is no way from %(name)s to WGS 84.", name=crs.name), FIELD
        ) from error
    step = 0.0
    if crs.is_projected:
        whole = sum(float(np.hypot(*np.diff(ring, axis=0).T).sum()) for rings in polygons for ring in rings)
        step = max(EDGE_METRES / crs.axis_info[0].unit_conversion_factor, whole / MOST_EDGES)
    moved = []
    for rings in polygons:
        lines = [shapely.segmentize(shapely.LineString(ring), step) if step else ring for ring in rings]
        points = [shapely.get_coordinates(line) if step else line for line in lines]
        moved.append([np.column_stack(to_degrees.transform(ring[:, 0], ring[:, 1])) for ring in points])
    if not all(np.isfinite(ring).all() for rings in moved for ring in rings):
        raise UsageError(sentence("The area lies where %(name)s cannot be used.", name=crs.name), FIELD)
    notes.append(
        sentence("It was moved from %(system)s to longitude and latitude (WGS 84).", system=crs.name)
    )
    return moved


def _crossing(polygons: list[list[np.ndarray]], notes: list[str]) -> list[list[np.ndarray]]:
    """Outlines that jump from one side of the antimeridian to the other, made to run on beyond it."""
    crossing = 0
    kept = []
    for rings in polygons:
        if not any((np.abs(np.diff(ring[:, 0])) > 180).any() for ring in rings):
            kept.append(rings)
            continue
        crossing += 1
        shell, *holes = [np.column_stack([np.unwrap(ring[:, 0], period=360), ring[:, 1]]) for ring in rings]
        if abs(shell[0, 0] - shell[-1, 0]) > 1e-9:
            raise UsageError(sentence("The area goes around a pole, where the grid ends."), FIELD)
        middle = (shell[:, 0].min() + shell[:, 0].max()) / 2
        shifts = [360 * round((middle - hole[:, 0].mean()) / 360) for hole in holes]
        kept.append(
            [shell, *(hole + np.array([shift, 0]) for hole, shift in zip(holes, shifts, strict=True))]
        )
    if crossing:
        notes.append(sentence("The outline crosses the antimeridian; it was cut there."))
    west, _, east, _ = _bounds(kept)
    widest = max(float(np.ptp(rings[0][:, 0])) for rings in kept)
    if widest > 180 or west < -540 or east > 540:
        raise UsageError(
            sentence(
                "The area spans %(widest)s degrees of longitude: take a smaller one.", widest=f"{widest:.0f}"
            ),
            FIELD,
        )
    return kept


def _valid(polygons: list[list[np.ndarray]], notes: list[str]) -> BaseGeometry:
    parts, broken = [], []
    for rings in polygons:
        part = Polygon(rings[0], rings[1:])
        if not part.is_valid:
            broken.append(explain_validity(part).rstrip("]").partition("["))
            part = shapely.make_valid(part, method="structure", keep_collapsed=False)
        parts.append(part)
    if broken:
        reason, _, place = broken[0]
        where = ", ".join(f"{float(number):g}" for number in place.split()[:2])
        values = {"place": where, "reason": reason.lower()}
        if len(broken) == 1:
            notes.append(sentence("The outline was repaired at %(place)s (%(reason)s).", **values))
        else:
            notes.append(
                counted(
                    "The outline was repaired at %(place)s (%(reason)s), and %(count)s more outlines.",
                    "The outline was repaired at %(place)s (%(reason)s), and %(count)s more outlines.",
                    len(broken) - 1,
                    **values,
                )
            )
    return shapely.union_all(parts)
