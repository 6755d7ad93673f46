"""A STAC API, such as Earth Search or Planetary Computer, through pystac-client; no account needed."""

from collections.abc import Iterator
from datetime import date
from functools import partial

from pystac import STACError
from pystac_client import Client
from pystac_client.errors import ClientTypeError
from pystac_client.exceptions import APIError
from pystac_client.warnings import DoesNotConformTo
from shapely.geometry import mapping

from pipeline.catalog.catalog import Catalog, Offer
from pipeline.catalog.hrefs import resolve
from pipeline.catalog.http import Http
from pipeline.catalog.stac import item_product, item_tile
from pipeline.errors import SourceError, TransientSourceError
from pipeline.grid import Tile

COLLECTIONS = {"L2A": "sentinel-2-l2a", "L1C": "sentinel-2-l1c"}
PAGE = 100
# Its own errors for what is no catalog and announces no item search, and what Python throws in it where JSON
# of another shape is taken for a catalog: it checks neither fields nor types.
NO_API = (
    APIError,
    ClientTypeError,
    DoesNotConformTo,
    STACError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    # A search that is said to be at a path is looked for there.
    OSError,
)


class StacApi(Catalog):
    """The collection `sentinel-2-l2a` (or `sentinel-2-l1c`) of a STAC API.

    The server is asked by footprint and dates; tile, level and cloud cover are checked here, since servers
    differ in what they can filter by.
    """

    def __init__(self, address: str, level: str, http: Http | None = None) -> None:
        super().__init__(address, level)
        self.http = http or Http()

    def offers(self, tile: Tile, start: date, end: date) -> Iterator[Offer]:
        """The items of the tile, and those that name no tile (they are told as rejected)."""
        for item in self._items(tile, start, end):
            if item_tile(item) in (tile.name, None):
                base = next(
                    (link["href"] for link in item.get("links", []) if link.get("rel") == "self"),
                    self.address,
                )
                yield str(item.get("id")), partial(item_product, item, partial(resolve, base=base, root=None))

    def _items(self, tile: Tile, start: date, end: date) -> list[dict]:
        try:
            client = Client.open(self.address, stac_io=self.http.stac_io())
            search = client.search(
                collections=[COLLECTIONS[self.level]],
                intersects=mapping(tile.footprint),
                datetime=f"{start}T00:00:00Z/{end}T23:59:59.999Z",
                limit=PAGE,
            )
            return list(search.items_as_dicts())
        except TransientSourceError as error:
            raise TransientSourceError(
                f"The STAC API at {self.address} cannot be reached now: {error}"
            ) from error
        except SourceError as error:
            raise SourceError(f"The STAC API at {self.address} cannot be searched: {error}") from error
        except NO_API as error:
            raise SourceError(
                f"{self.address} does not answer as a STAC API with item search ({error})."
            ) from error
