"""What a customer may ask of a delivery."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pyproj import CRS
from pyproj.exceptions import CRSError

from pipeline.errors import UsageError
from pipeline.words import sentence

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
        names = ", ".join(LAYERS)
        if unknown:
            told = sentence(
                "There is no layer %(layer)r: choose among %(names)s.", layer=unknown[0], names=names
            )
            raise UsageError(told, "layers")
        if not self.layers:
            raise UsageError(
                sentence("A delivery needs a layer: choose among %(names)s.", names=names), "layers"
            )
        if self.format not in FORMATS:
            raise UsageError(
                sentence(
                    "There is no format %(format)r: choose %(names)s.",
                    format=self.format,
                    names=" or ".join(FORMATS),
                ),
                "format",
            )
        if not 0 <= self.mapping_unit <= MOST_HECTARES:
            raise UsageError(
                sentence(
                    "The smallest mapping unit lies between 0 and %(most)s ha, not %(mapping_unit)s.",
                    most=f"{MOST_HECTARES:g}",
                    mapping_unit=f"{self.mapping_unit:g}",
                ),
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
            raise UsageError(
                sentence("There is no option %(name)r of a delivery.", name=unknown[0]), unknown[0]
            )
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
            sentence(
                "The projection %(name)r is unknown: write utm, web-mercator or EPSG:CODE.", name=name[:40]
            ),
            "projection",
        )
    try:
        crs = CRS.from_epsg(int(number))
    except CRSError as error:
        raise UsageError(
            sentence("EPSG has no reference system %(number)s.", number=number), "projection"
        ) from error
    if not (crs.is_projected or crs.is_geographic) or len(crs.axis_info) != 2:
        raise UsageError(
            sentence(
                "%(name)s (EPSG:%(number)s) is no plane that a map can be drawn in.",
                name=crs.name,
                number=number,
            ),
            "projection",
        )
