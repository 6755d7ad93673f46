"""The history of tiles: who did what when, from which scenes and models, and what changed between builds."""

from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.difference import COMPARED, Difference, difference
from webapp.campaigns.models import Build, Campaign, CampaignTile, Revision
from webapp.campaigns.serializers import GeometryField
from webapp.campaigns.words import in_records
from webapp.review.models import Defect, Review

COLUMNS = (
    "campaign", "tile", "revision", "build", "verdict", "reason", "words", "reviewer", "at", "answered_by",
    "wishes", "defects", "scenes", "models", "coverage", "residual_cloud", "seam_score",
)  # fmt: skip
FIGURES = ("coverage", "residual_cloud", "seam_score")


def reviews_of(campaign: Campaign, tile: str | None = None) -> Iterator[Review]:
    """The verdicts of a campaign or one of its tiles, the oldest first, with what their rows tell."""
    rows = Review.objects.filter(revision__campaign_tile__campaign=campaign).order_by("id")
    if tile:
        rows = rows.filter(revision__campaign_tile__tile=tile)
    rows = rows.select_related("reviewer", "successor", "revision__build", "revision__campaign_tile__tile")
    return rows.prefetch_related("overrides", "defects", "revision__build__scenes").iterator(500)


def row_of(campaign: Campaign, review: Review) -> dict[str, Any]:
    """A verdict as a row of the export."""
    revision, build = review.revision, review.revision.build
    scenes = sorted((s for s in build.scenes.all() if s.rank), key=lambda s: s.rank) if build else []
    models = (build.report if build else {}).get("models", {})
    return {
        "campaign": campaign.slug,
        "tile": revision.tile_name,
        "revision": revision.number,
        "build": build.number if build else None,
        "verdict": review.verdict,
        "reason": review.reason,
        "words": review.words,
        "reviewer": review.reviewer.get_username(),
        "at": review.created_at.isoformat(),
        "answered_by": review.successor.number if review.successor else None,
        "wishes": _wishes(review),
        "defects": len(review.defects.all()),
        "scenes": " ".join(scene.scene_id for scene in scenes),
        "models": " ".join(f"{name}={version}" for name, version in sorted(models.items())),
        **{name: revision.report.get(name) for name in FIGURES},
    }


def _wishes(review: Review) -> str:
    with in_records():
        return "; ".join(str(wish.get_kind_display()) for wish in review.overrides.all())


def features_of(campaign: Campaign, reviews: Iterable[Review]) -> Iterator[dict[str, Any]]:
    """The verdicts as GeoJSON features on their tiles, each followed by the defects that were drawn."""
    shown = GeometryField()
    for review in reviews:
        row = row_of(campaign, review)
        footprint = review.revision.campaign_tile.tile.footprint
        yield {"type": "Feature", "geometry": shown.to_representation(footprint), "properties": row}
        for defect in review.defects.all():
            yield {
                "type": "Feature",
                "geometry": shown.to_representation(defect.outline),
                "properties": _defect(row, defect),
            }


def _defect(row: dict[str, Any], defect: Defect) -> dict[str, Any]:
    kept = {name: row[name] for name in ("campaign", "tile", "revision", "build", "reviewer", "at")}
    return kept | {"defect": defect.kind, "class": defect.code, "words": defect.words}


def builds_of(tile: CampaignTile) -> list[Build]:
    """The builds of a tile, the newest first, with their scenes."""
    return list(tile.builds.order_by("-number").prefetch_related("scenes"))


def change_between(before: Revision, after: Revision) -> Difference:
    """What changed from one revision of a tile to another, read from their files.

    Raises:
        SourceError: the files of one are gone.
    """
    return difference(before.bring(*COMPARED), after.bring(*COMPARED))
