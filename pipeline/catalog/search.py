"""The catalog at an address: a STAC API, a static STAC catalog, or a folder of SAFE products."""

from pathlib import Path

from pipeline.allowed import allowed
from pipeline.catalog.catalog import Catalog
from pipeline.catalog.hrefs import is_remote
from pipeline.catalog.safe import SafeFolder
from pipeline.catalog.stac_api import StacApi
from pipeline.catalog.static_stac import StaticCatalog
from pipeline.errors import UsageError

LEVELS = ("L1C", "L2A")


def open_catalog(address: str | Path, level: str = "L2A") -> Catalog:
    """The catalog at an address.

    Args:
        address: http(s) address of a STAC API; path of a static STAC catalog (.json); a folder with
            catalog.json in it, or of SAFE products, or a SAFE product itself.
        level: "L1C" or "L2A".

    Raises:
        UsageError: there is nothing at the address that could be a catalog, or no such level; this process
            may not read it (see `Allowed`).
    """
    if level not in LEVELS:
        raise UsageError(f"The level must be L1C or L2A, not {level!r}.", "level")
    text = str(address)
    allowed().require(text)
    if is_remote(text):
        return StacApi(text, level)
    path = Path(text)
    if path.is_dir():
        listed = path / "catalog.json"
        return StaticCatalog(listed, level) if listed.is_file() else SafeFolder(path, level)
    if path.suffix.lower() == ".json" and path.is_file():
        return StaticCatalog(path, level)
    raise UsageError(
        f"There is no catalog at {text}: give the address of a STAC API, a STAC catalog.json, "
        "or a folder of SAFE products.",
        "catalog",
    )
