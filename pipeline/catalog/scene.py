"""A scene: one acquisition of one tile, and how its files become reflectance."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Asset:
    """One band of a scene: where it lies and its radiometry, reflectance = DN * scale + offset.

    Attributes:
        href: local path or http(s) address.
        band_index: 1-based band in the file.
        scale, offset: from the metadata; the offset is 0 where it has been applied already.
        nodata: the DN that means empty.
        checksum: multihash or "algorithm:hex" of the file, where the source tells it.
    """

    href: str
    band_index: int = 1
    scale: float = 1e-4
    offset: float = 0.0
    nodata: int = 0
    checksum: str | None = None


@dataclass(frozen=True)
class Scene:
    """One acquisition of one tile: a Level-1C or Level-2A product.

    Attributes:
        id: product id.
        tile: tile name, such as 33TWL.
        datetime: sensing time, UTC.
        level: "L1C" or "L2A".
        baseline: processing baseline, such as "05.09".
        datatake: what identifies the overpass; equal for neighbouring tiles seen in one.
        cloud_cover: percent, as the metadata says.
        assets: band name (red, green, blue, nir) to `Asset`.
        preview: path or address of a 343 x 343 picture, where there is one.
        preview_checksum: of that file, as `Asset.checksum`.
        sun_azimuth, sun_elevation: degrees, where known.
        parts: the products this one was merged from, where a datatake was split.
    """

    id: str
    tile: str
    datetime: datetime
    level: str
    baseline: str
    datatake: str
    cloud_cover: float
    assets: Mapping[str, Asset]
    preview: str | None = None
    preview_checksum: str | None = None
    sun_azimuth: float | None = None
    sun_elevation: float | None = None
    parts: tuple["Scene", ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict; `from_json` gives the same scene back."""
        content = asdict(self)
        content["datetime"] = self.datetime.isoformat()
        content["parts"] = [part.to_json() for part in self.parts]
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Scene":
        """A scene from a dict of `to_json`."""
        values = dict(content)
        values["datetime"] = datetime.fromisoformat(values["datetime"])
        values["assets"] = {band: Asset(**asset) for band, asset in values["assets"].items()}
        values["parts"] = tuple(cls.from_json(part) for part in values["parts"])
        return cls(**values)
