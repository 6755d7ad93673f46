"""Reviewers' corrections as training labels, as `pipeline train --data corrections=DIR` reads them."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.grid import Tile
from pipeline.storage import write_json
from webapp.campaigns.models import Build, Campaign
from webapp.campaigns.serializers import GeometryField
from webapp.review.models import Defect

SOURCE = "Corrections of the review desk, {years}; contains modified Copernicus Sentinel data."


def export(folder: Path, campaign: Campaign | None = None) -> list[Path]:
    """Write the outlines with their right class, one file for each build that they were drawn on.

    The file names the build's folder relative to itself, so folder and storage may be moved together. A build
    whose composite is gone is left out; files of an earlier export are replaced.

    Args:
        folder: where the files go.
        campaign: only this one's.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = Defect.objects.filter(kind=Defect.Kind.CLASSES, review__revision__build__isnull=False)
    if campaign is not None:
        rows = rows.filter(review__revision__campaign_tile__campaign=campaign)
    by_build: dict[Build, list[Defect]] = {}
    for defect in rows.select_related("review__revision__build__campaign_tile__campaign").order_by("id"):
        by_build.setdefault(defect.review.revision.build, []).append(defect)
    return [
        _write(folder, build, defects) for build, defects in by_build.items() if build.has("composite.tif")
    ]


def _write(folder: Path, build: Build, defects: Iterable[Defect]) -> Path:
    slug = build.campaign.slug
    path = folder / f"{slug}-{build.tile_name}-{build.number}.geojson"
    settings = build.campaign.pipeline_settings.of_tile(Tile.parse(build.tile_name))
    years = "-".join(dict.fromkeys(str(day.year) for day in (settings.start, settings.end)))
    content: dict[str, Any] = {
        "type": "FeatureCollection",
        "build": os.path.relpath(build.bring("composite.tif").resolve(), folder.resolve()),
        "place": build.tile_name,
        "licences": [SOURCE.format(years=years)],
        "features": [_feature(defect) for defect in defects],
    }
    write_json(path, content)
    return path


def _feature(defect: Defect) -> dict[str, Any]:
    review = defect.review
    return {
        "type": "Feature",
        "geometry": GeometryField().to_representation(defect.outline),
        "properties": {
            "class": defect.code,
            "words": defect.words,
            "review": review.pk,
            "at": review.created_at.isoformat(),
        },
    }
