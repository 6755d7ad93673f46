"""Which land a campaign of all land leaves out."""

from dataclasses import dataclass

from pipeline.errors import UsageError
from pipeline.settings import Allowed
from pipeline.words import sentence

LATITUDES = Allowed(-80, 84, "degrees")
BODIES = Allowed(0, 1_000_000, "km²")


@dataclass(frozen=True)
class LandLimits:
    """Land without polar regions and very small islands.

    Attributes:
        north, south: degrees; a tile whose centre lies beyond is left out.
        island_km2: land of which no island or continent in the tile has this area is left out.
    """

    north: float = 75.0
    south: float = -60.0
    island_km2: float = 100.0

    def __post_init__(self) -> None:
        """Refuse limits out of range.

        Raises:
            UsageError: naming the limit.
        """
        for name, allowed in (("north", LATITUDES), ("south", LATITUDES), ("island_km2", BODIES)):
            allowed.check(name, getattr(self, name))
        if self.north <= self.south:
            raise UsageError(
                sentence(
                    "No land is left: the northern limit %(north)s lies south of %(south)s.",
                    north=f"{self.north:g}",
                    south=f"{self.south:g}",
                ),
                "north",
            )
