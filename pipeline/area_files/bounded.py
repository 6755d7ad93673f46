"""Reading an area file in a process of its own, with limits on time and memory."""

from dataclasses import asdict

import shapely

from pipeline import bounded
from pipeline.area_files.found import FIELD, AreaFile, Limits
from pipeline.area_files.kinds import too_large
from pipeline.bounded import Bounds
from pipeline.errors import UsageError
from pipeline.words import from_json, sentence

TOO_MUCH = sentence("Reading the file took too much time or memory: simplify the outline.")


def read_bounded(content: bytes, limits: Limits | None = None) -> AreaFile:
    """Read an area of a stranger: in a process that has no secret, and that ends at its limits.

    Raises:
        UsageError: what is wrong, in one sentence; `bounded.Busy`: too many are being read.
    """
    limits = limits or Limits()
    if len(content) > limits.most_bytes:
        raise too_large(len(content), limits)
    bounds = Bounds(limits.seconds, limits.memory, 2 * limits.most_unpacked)
    answer = bounded.run("pipeline.area_files.child", asdict(limits), content, bounds)
    if answer is None:
        raise UsageError(TOO_MUCH, FIELD)
    if "error" in answer:
        raise UsageError(from_json(answer["error"]), FIELD)
    area = shapely.from_wkb(answer["area"])
    return AreaFile(area, answer["kind"], answer["crs"], tuple(map(from_json, answer["repairs"])))
