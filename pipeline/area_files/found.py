"""What is found in an area file, and how much may be."""

from dataclasses import dataclass, field

import numpy as np
from shapely import MultiPolygon

FIELD = "aoi"


@dataclass(frozen=True)
class Limits:
    """How much an area file may hold, and what reading it may take.

    Attributes:
        most_bytes: size of the file.
        most_unpacked: bytes of what an archive holds, unpacked.
        most_members: files in an archive.
        most_vertices: of all polygons together.
        seconds: processor time of the reading process, and half its time by the clock.
        memory: bytes of address space of the reading process.
    """

    most_bytes: int = 16 * 2**20
    most_unpacked: int = 64 * 2**20
    most_members: int = 200
    most_vertices: int = 50_000
    seconds: int = 20
    memory: int = 2 * 2**30


@dataclass
class Found:
    """Rings as a file has them.

    Attributes:
        kind: the format, in words.
        polygons: for each polygon its rings, the outer one first; a ring is float64 (n, 2), as written.
        others: points and lines that were left out.
        crs: what pyproj takes; "" where the file names none.
        repairs: sentences.
    """

    kind: str
    polygons: list[list[np.ndarray]] = field(default_factory=list)
    others: int = 0
    crs: str = "OGC:CRS84"
    repairs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AreaFile:
    """An area that was read.

    Attributes:
        area: longitude and latitude on WGS 84, valid, cut at the antimeridian.
        kind: the format, in words.
        crs: the reference system it was written in.
        repairs: what was repaired, one sentence each.
    """

    area: MultiPolygon
    kind: str
    crs: str
    repairs: tuple[str, ...]
