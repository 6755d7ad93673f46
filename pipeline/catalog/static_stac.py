"""A static STAC catalog on disk: catalog.json, its children and items, or an item collection."""

import json
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.catalog.acquisitions import Product
from pipeline.catalog.catalog import Catalog, Offer
from pipeline.catalog.hrefs import is_remote, resolve
from pipeline.catalog.stac import Item, item_product, item_tile
from pipeline.errors import SourceError
from pipeline.grid import Tile

MOST_BYTES = 16 * 2**20


class StaticCatalog(Catalog):
    """The items below a catalog.json; local files must lie in its folder, bands may lie at http(s) too."""

    def __init__(self, path: Path, level: str) -> None:
        super().__init__(str(path), level)
        self.path = path.resolve()
        self.root = self.path.parent

    def offers(self, tile: Tile, start: date, end: date) -> Iterator[Offer]:
        """The items of the tile, and those that name no tile (they are told as rejected)."""
        for path, item in self._items(self.path, set()):
            if item_tile(item) in (tile.name, None):
                yield str(item.get("id", path.name)), partial(self._product, path, item)

    def _product(self, path: Path, item: Item) -> Product:
        return item_product(item, partial(resolve, base=str(path), root=self.root))

    def _items(self, path: Path, seen: set[Path]) -> Iterator[tuple[Path, Item]]:
        if path in seen:
            return
        seen.add(path)
        content = self._load(path)
        if content.get("type") == "Feature":
            yield path, content
        elif content.get("type") == "FeatureCollection":
            yield from ((path, item) for item in content.get("features", []))
        elif content.get("type") in ("Catalog", "Collection"):
            for linked in self._linked(path, content):
                yield from self._items(linked, seen)
        else:
            raise SourceError(
                f"{path} is no STAC catalog, collection or item: its type is {content.get('type')!r}."
            )

    def _linked(self, path: Path, content: dict[str, Any]) -> Iterator[Path]:
        for link in content.get("links", []):
            if link.get("rel") in ("child", "item"):
                target = resolve(str(link.get("href", "")), str(path), self.root)
                if is_remote(target):
                    raise SourceError(f"{path} links to {target}: a static catalog must be whole on disk.")
                yield Path(target)

    def _load(self, path: Path) -> dict[str, Any]:
        try:
            if path.stat().st_size > MOST_BYTES:
                raise SourceError(
                    f"{path} is larger than {MOST_BYTES // 2**20} MiB and cannot be a STAC document."
                )
            content = json.loads(path.read_bytes())
        except OSError as error:
            raise SourceError(f"The STAC document {path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise SourceError(f"The STAC document {path} is not valid JSON: {error}.") from error
        if not isinstance(content, dict):
            raise SourceError(f"The STAC document {path} is no JSON object.")
        return content
