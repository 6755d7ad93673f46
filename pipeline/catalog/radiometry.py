"""From a source's metadata to reflectance = DN * scale + offset; read, never guessed.

Since processing baseline 04.00 products carry DN shifted by +1000, so that dark pixels do not fall below 0;
the shift must be taken off once. The sensing date is no sign of it: archives are reprocessed.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import SourceError

QUANTIFICATION = 10_000
SHIFTED_SINCE = (4, 0)
SHIFT = -1000


@dataclass(frozen=True)
class Radiometry:
    """How the DN of one band become reflectance; `nodata` is the DN that means empty."""

    scale: float
    offset: float
    nodata: int = 0


def baseline_number(baseline: str) -> tuple[int, int]:
    """A processing baseline such as "05.09" as a pair that can be compared.

    Raises:
        SourceError: the text is no baseline.
    """
    major, _, minor = baseline.partition(".")
    if not (major.isdigit() and minor.isdigit()):
        raise SourceError(f"The processing baseline {baseline!r} is no number such as 05.09.")
    return int(major), int(minor)


def from_product(
    quantification: float, add_offset: float | None, baseline: str, nodata: int = 0
) -> Radiometry:
    """Radiometry of a SAFE product: reflectance = (DN + add_offset) / quantification.

    Args:
        quantification: QUANTIFICATION_VALUE or BOA_QUANTIFICATION_VALUE.
        add_offset: RADIO_ADD_OFFSET or BOA_ADD_OFFSET of the band, DN; None where the product lists none.
        baseline: processing baseline; from 04.00 on the product must list its offsets.
        nodata: DN of the special value NODATA.

    Raises:
        SourceError: the offset that the baseline calls for is missing, or the quantification is not above 0.
    """
    if not quantification > 0:
        raise SourceError(f"The quantification value {quantification} is not above 0.")
    if add_offset is None and baseline_number(baseline) >= SHIFTED_SINCE:
        raise SourceError(f"The product of baseline {baseline} states no radiometric offset.")
    return Radiometry(1 / quantification, (add_offset or 0) / quantification, nodata)


def from_item(properties: Mapping[str, Any], asset: Mapping[str, Any]) -> Radiometry:
    """Radiometry of one band of a STAC item.

    In this order: `earthsearch:boa_offset_applied` true means offset 0, whatever `raster:bands` lists; else
    scale and offset of `raster:bands` (or of `bands` in STAC 1.1); else DN / 10000 with the offset of the
    processing baseline (-1000 from 04.00 on), which is how Planetary Computer serves its unchanged DN.

    Raises:
        SourceError: the item states neither.
    """
    stated = _stated(asset)
    baseline = baseline_of(properties)
    scale = _number(stated, "scale")
    nodata = int(_number(stated, "nodata") or 0)
    applied = properties.get("earthsearch:boa_offset_applied") is True
    if scale is not None:
        offset = 0.0 if applied else _number(stated, "offset") or 0.0
        return Radiometry(scale, offset, nodata)
    if applied:
        return Radiometry(1 / QUANTIFICATION, 0.0, nodata)
    if baseline is None:
        raise SourceError("It states neither scale and offset (raster:bands) nor its processing baseline.")
    shift = SHIFT if baseline_number(baseline) >= SHIFTED_SINCE else 0
    return Radiometry(1 / QUANTIFICATION, shift / QUANTIFICATION, nodata)


def baseline_of(properties: Mapping[str, Any]) -> str | None:
    """The processing baseline that a STAC item states, if any."""
    stated = properties.get("s2:processing_baseline") or properties.get("processing:version")
    return str(stated) if stated else None


def _stated(asset: Mapping[str, Any]) -> dict[str, Any]:
    """Scale, offset and nodata of an asset: from `raster:bands`, else `bands`, else its own fields."""
    bands = asset.get("raster:bands") or asset.get("bands") or [{}]
    fields = {**asset, **bands[0]}
    return {name: fields.get(name, fields.get(f"raster:{name}")) for name in ("scale", "offset", "nodata")}


def _number(stated: Mapping[str, Any], name: str) -> float | None:
    value = stated[name]
    if value is None or value == "nan":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise SourceError(f"Its {name} {value!r} is no number.")
    if name == "scale" and value <= 0:
        raise SourceError(f"Its scale {value} is not above 0.")
    return float(value)
