"""What every source of scenes has in common: the search for the scenes of one tile."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import date

from pipeline.allowed import allowed
from pipeline.catalog.acquisitions import Product, acquisitions
from pipeline.catalog.scene import Scene
from pipeline.errors import SourceError, TransientSourceError, UsageError
from pipeline.grid import Tile

Offer = tuple[str, Callable[[], Product]]


class Catalog(ABC):
    """A source of scenes, all of one level.

    Attributes:
        address: where it is, as given.
        level: "L1C" or "L2A"; products of the other level are no candidates.
        rejected: (id, reason) of what the last search met and could not use.
    """

    def __init__(self, address: str, level: str) -> None:
        self.address = address
        self.level = level
        self.rejected: list[tuple[str, str]] = []

    @abstractmethod
    def offers(self, tile: Tile, start: date, end: date) -> Iterator[Offer]:
        """What the source has for a tile: (id, function that reads the product).

        It may offer too much, never too little.

        Raises:
            SourceError: the source itself cannot be used.
        """

    def search(self, tile: str, start: date, end: date, max_cloud: float) -> list[Scene]:
        """The scenes of a tile from `start` to `end`, both days included (UTC).

        Reprocessings of one acquisition count once and split granules are merged, before the cloud cover is
        looked at. What cannot be used is left out and told in `rejected`.

        Args:
            tile: name, such as 33TWL.
            start: first day.
            end: last day.
            max_cloud: most cloud cover, percent.

        Returns:
            Scenes sorted by (datetime, id).

        Raises:
            UsageError: an unknown tile, dates the wrong way round, a cloud cover outside 0..100.
            SourceError: the catalog cannot be read; TransientSourceError: it may be read later.
        """
        if end < start:
            raise UsageError(f"The end date {end} lies before the start date {start}.", "end")
        if not 0 <= max_cloud <= 100:
            raise UsageError(
                f"The most cloud cover must lie in 0 to 100 percent, not {max_cloud}.", "max_cloud"
            )
        wanted = Tile.parse(tile)
        self.rejected = []
        products = [
            product
            for product in self._products(wanted, start, end)
            if product.scene.tile == wanted.name and start <= product.scene.datetime.date() <= end
        ]
        return [scene for scene in acquisitions(self._of_level(products)) if scene.cloud_cover <= max_cloud]

    def _products(self, tile: Tile, start: date, end: date) -> Iterator[Product]:
        for identity, read in self.offers(tile, start, end):
            try:
                product = read()
                allowed().require_scene(product.scene)
                yield product
            except TransientSourceError:
                raise
            except SourceError as error:
                self.rejected.append((identity, str(error)))

    def _of_level(self, products: list[Product]) -> Iterator[Product]:
        for product in products:
            scene = product.scene
            if scene.level == self.level:
                yield product
            else:
                reason = f"It is {scene.level}; this search is for {self.level}, and levels are not mixed."
                self.rejected.append((scene.id, reason))
