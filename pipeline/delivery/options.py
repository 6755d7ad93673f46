"""What a customer may ask of a delivery."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pyproj import CRS
from pyproj.exceptions import CRSError

from pipeline.errors import UsageError

RASTERS = ("mosaic", "landcover", "provenance", "confidence")
VECTORS = "vectors"
LAYERS = (*RASTERS, VECTORS)
FORMATS = ("cog", "png")
UTM = "utm"
NAMED = {UTM: UTM, "web-mercator": "EPSG:3857"}
MOST_HECTARES = 1000.0


@dataclass(frozen=True)
class DeliveryOptions:
    """What is delivered, and how.

    Attributes:
        layers: any of `LAYERS`; "vectors" are polygons of the landcover in a GeoPackage.
        format: of the rasters, "cog" or "png" (with a world file).
        projection: "utm" (the zone of the tile, or the one with most of the area), "web-mercator" or
            "EPSG:CODE".
        per_tile: one file for each tile in place of one for the area.
        mapping_unit: hectares; patches of the landcover that are smaller take the class of their largest
            neighbour. 0 leaves it as it is.
        unreviewed: also deliver tiles that nobody has approved.
        incomplete: deliver what is there although tiles of the order have failed.
    """

    layers: tuple[str, ...] = ("mosaic", "landcover")
    format: str = "cog"
    projection: str = UTM
    per_tile: bool = False
    mapping_unit: float = 0.0
    unreviewed: bool = False
    incomplete: bool = False

    def __post_init__(self) -> None:
        unknown = [name for name in self.layers if name not in LAYERS]
        if unknown or not self.layers:
            told = f"There is no layer {unknown[0]!r}" if unknown else "A delivery needs a layer"
            raise UsageError(f"{told}: choose among {', '.join(LAYERS)}.", "layers")
        if self.format not in FORMATS:
            raise UsageError(f"There is no format {self.format!r}: choose {' or '.join(FORMATS)}.", "format")
        if not 0 <= self.mapping_unit <= MOST_HECTARES:
            raise UsageError(
                f"The smallest mapping unit lies between 0 and {MOST_HECTARES:g} ha, "
                f"not {self.mapping_unit:g}.",
                "mapping_unit",
            )
        if self.projection != UTM:
            _check_projection(self.projection)

    @property
    def crs(self) -> CRS | None:
        """The reference system asked for; None for the UTM zone of the tiles."""
        return (
            None
            if self.projection == UTM
            else CRS.from_user_input(NAMED.get(self.projection, self.projection))
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "DeliveryOptions":
        """The options of a decoded JSON object; what is missing is as by default.

        Raises:
            UsageError: an unknown or impossible option; `field` is its name.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(content) - known)
        if unknown:
            raise UsageError(f"There is no option {unknown[0]!r} of a delivery.", unknown[0])
        given = dict(content)
        if "layers" in given:
            wanted = set(given["layers"])
            given["layers"] = tuple(name for name in LAYERS if name in wanted) + tuple(wanted - set(LAYERS))
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """The options, ready for JSON."""
        return asdict(self) | {"layers": list(self.layers)}


def _check_projection(name: str) -> None:
    """Refuse what is no two-dimensional map projection or grid of degrees by its EPSG code."""
    code = NAMED.get(name, name)
    authority, _, number = code.partition(":")
    if authority.upper() != "EPSG" or not number.isdecimal() or len(number) > 6:
        raise UsageError(
            f"The projection {name[:40]!r} is unknown: write utm, web-mercator or EPSG:CODE.", "projection"
        )
    try:
        crs = CRS.from_epsg(int(number))
    except CRSError as error:
        raise UsageError(f"EPSG has no reference system {number}.", "projection") from error
    if not (crs.is_projected or crs.is_geographic) or len(crs.axis_info) != 2:
        raise UsageError(f"{crs.name} (EPSG:{number}) is no plane that a map can be drawn in.", "projection")
