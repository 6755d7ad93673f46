"""What a demo is to make, and how far it has come."""

import argparse
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from script.lib.say import Trouble

TILES = ("33UVR", "33UWR", "33UVQ", "33UWQ")
DATES = 6
SEED = 7
FIRST, LAST = date(2023, 6, 1), date(2023, 8, 31)
MAX_CLOUD, RESOLUTION = "90", "60"


@dataclass(frozen=True)
class Plan:
    """An order of simulated scenes, or of an area from a catalog; its progress is kept in a file."""

    folder: Path
    catalog: str
    area: tuple[str, ...]
    start: str
    end: str
    max_cloud: str
    resolution: str
    name: str
    simulated: bool

    @property
    def path(self) -> Path:
        wanted = (self.catalog, *self.area, self.start, self.end, self.max_cloud, self.resolution)
        digest = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:10]
        return self.folder / f"order-{digest}.json"

    def state(self) -> dict[str, Any]:
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def keep(self, **values: Any) -> None:
        """Remember how far it has come."""
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(self.state() | values))
        beside.replace(self.path)

    def allowed(self, environment: Mapping[str, str]) -> dict[str, str]:
        """What lets the workers read the very catalog that the person named, besides what they may anyway."""
        if "://" in self.catalog:
            name, more = "PUBLIC_ADDRESS_EXCEPTIONS", urlsplit(self.catalog).hostname or ""
        else:
            path = Path(self.catalog)
            name, more = "CATALOG_FOLDERS", str(path.parent if path.suffix == ".json" else path)
        return {name: ",".join(filter(None, [environment.get(name, ""), more]))}

    def wants_scenes(self) -> bool:
        return self.simulated and not self.state().get("scenes")

    def scenes_are_there(self) -> None:
        self.keep(scenes=True)

    def simulation(self) -> list[str]:
        """The module and its arguments that write the scenes."""
        tiles = [word for tile in TILES for word in ("--tile", tile)]
        return [
            "pipeline", "simulate", "--out", str(self.folder / "scenes"), *tiles, "--dates", str(DATES),
            "--resolution", self.resolution, "--seed", str(SEED), "--format", "stac",
            "--start", self.start, "--end", self.end,
        ]  # fmt: skip

    def order(self, customer: str) -> list[str]:
        """The arguments of `manage.py place_order`."""
        return [
            "--campaign-name", self.name, "--catalog", self.catalog, *self.area,
            "--start", self.start, "--end", self.end, "--max-cloud", self.max_cloud,
            "--resolution", self.resolution, "--customer", customer, "--public",
        ]  # fmt: skip


def plan(chosen: argparse.Namespace, folder: Path) -> Plan:
    """The plan of the arguments of `script/demo`."""
    max_cloud, resolution = chosen.max_cloud or MAX_CLOUD, chosen.resolution or RESOLUTION
    if chosen.catalog is None:
        area = ("--tile", *TILES)
        catalog = str(folder / "scenes" / "catalog.json")
        first, last = FIRST.isoformat(), LAST.isoformat()
        return Plan(folder, catalog, area, first, last, MAX_CLOUD, RESOLUTION, "Demo", simulated=True)
    if not chosen.aoi.is_file():
        raise Trouble(f"{chosen.aoi} is not there: --aoi wants a GeoJSON file.", status=2)
    catalog = chosen.catalog if "://" in chosen.catalog else str(Path(chosen.catalog).resolve())
    area = ("--aoi", str(chosen.aoi.resolve()))
    name = f"{chosen.aoi.stem} {chosen.start} to {chosen.end}"
    return Plan(folder, catalog, area, chosen.start, chosen.end, max_cloud, resolution, name, simulated=False)
