"""All that the workspace shows of a build, in one answer."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy

from pipeline.errors import SourceError
from webapp.accounts.models import User
from webapp.campaigns.models import Build, Scene
from webapp.campaigns.spots import SPOTS_OF, spots_of_revision
from webapp.review import queue
from webapp.review.models import QueueEntry, Review
from webapp.review.pictures import SCENE_LAYERS, Looked
from webapp.review.queue_serializers import QueueEntrySerializer
from webapp.review.serializers import DefectSerializer
from webapp.tileserver.layers import LAYERS
from webapp.tileserver.render import VERSION

MOST_OTHERS = 6
COMPARED = ("rgb", "nir", "landcover")
SPOTS = {
    "hole": gettext_lazy("hole"),
    "cloud": gettext_lazy("missed cloud suspected: brighter than other dates"),
    "shadow": gettext_lazy("missed shadow suspected: darker than other dates"),
    "seam": gettext_lazy("seam between two dates"),
    "edge": gettext_lazy("seam where a neighbouring tile begins"),
    "haze": gettext_lazy("haze suspected"),
    "change": gettext_lazy("changed since the last approval"),
    "doubt": gettext_lazy("clear, but close to cloud or shadow"),
    "classes": gettext_lazy("landcover in doubt"),
}


def desk_of(looked: Looked, user: User, context: dict[str, Any]) -> dict[str, Any]:
    """Gather what the workspace of a build shows to a reviewer.

    Args:
        looked: the build.
        user: who looks.
        context: of a serializer.
    """
    build, revision = looked.build, looked.revision
    tile = build.campaign_tile
    entry = entry_of(looked, user)
    west, south, east, north = tile.tile.footprint.extent
    return {
        "build": build.pk,
        "build_number": build.number,
        "campaign": {"slug": tile.campaign.slug, "name": tile.campaign.name},
        "tile": tile.tile_id,
        "bounds": [west, south, east, north],
        "resolution": tile.campaign.pipeline_settings.resolution,
        "revision": revision
        and {
            "id": revision.pk,
            "number": revision.number,
            "status": revision.status,
            "review_status": revision.review_status,
            "is_newest": tile.current_revision_id == revision.pk,
        },
        "newest_build": tile.current_build_id,
        "entry": entry and QueueEntrySerializer(entry, context=context).data,
        "figures": figures_of(looked),
        "layers": layers_of(looked),
        "scenes": scenes_of(looked),
        "others": others_of(looked),
        "spots": spots_of(looked, entry),
        "reviews": [review_json(review) for review in reviews_of(looked)],
        "overrides": build.overrides,
        "warnings": (revision or build).report.get("warnings", []),
    }


def entry_of(looked: Looked, user: User) -> QueueEntry | None:
    """The queue's entry of a build's revision that waits for this reviewer, or the one that has ended."""
    if looked.revision is None:
        return None
    queue.refill(looked.build.campaign)
    rows = QueueEntry.objects.filter(revision=looked.revision).select_related(*queue.RELATED)
    waiting = queue.entries(user).filter(revision=looked.revision)
    return waiting.first() or rows.order_by("id").first()


def figures_of(looked: Looked) -> dict[str, Any]:
    """The figures of the report that the head of the workspace shows."""
    report = (looked.revision or looked.build).report
    names = ("coverage", "residual_cloud", "seam_score", "models", "change")
    return {name: report.get(name) for name in names}


def layers_of(looked: Looked) -> list[dict[str, Any]]:
    """The layers of the tile that have files, with their addresses."""
    found = []
    for layer in LAYERS.values():
        if looked.paths(layer):
            address = address_of(looked, layer.name)
            found.append({**layer.describe(), "address": address, "categorical": layer.palette is not None})
    return found


def address_of(looked: Looked, layer: str, scene: Scene | None = None) -> str:
    """The address of a layer's map tiles, which changes with the revision."""
    words = {"build": looked.build.pk, "layer": layer, "z": 0, "x": 0, "y": 0}
    if scene is not None:
        words["scene"] = scene.pk
    name = "review-map-tile" if scene is None else "review-scene-tile"
    stamp = f"?r={looked.revision.pk if looked.revision else 0}-{VERSION}"
    return reverse(name, kwargs=words).removesuffix("0/0/0.webp") + "{z}/{x}/{y}.webp" + stamp


def scenes_of(looked: Looked) -> list[dict[str, Any]]:
    """The candidates, the oldest first, with the layers of those that have files."""
    return [scene_json(looked, scene) for scene in looked.build.scenes.order_by("datetime")]


def others_of(looked: Looked) -> list[dict[str, Any]]:
    """The newest other revisions of the tile, with the layers that can be compared."""
    if looked.revision is None:
        return []
    rows = looked.build.campaign_tile.revisions.exclude(pk=looked.revision.pk).exclude(report={})
    found = []
    for revision in (
        rows.filter(build__isnull=False).select_related("build").order_by("-number")[:MOST_OTHERS]
    ):
        other = Looked(revision.build, revision)
        there = {name: address_of(other, name) for name in COMPARED if other.paths(LAYERS[name])}
        found.append({"key": revision.pk, "number": revision.number, "layers": there})
    return found


def scene_json(looked: Looked, scene: Scene) -> dict[str, Any]:
    """One candidate."""
    there = [name for name, layer in SCENE_LAYERS.items() if looked.scene_paths(scene, layer)]
    return {
        "key": scene.pk,
        "id": scene.scene_id,
        "datetime": scene.datetime.isoformat(),
        "rank": scene.rank,
        "cloud_cover": scene.cloud_cover,
        "clear_share": scene.clear_share,
        "hazy": scene.hazy,
        "reason": scene.reason,
        "layers": {name: address_of(looked, name, scene) for name in there},
    }


def spots_of(looked: Looked, entry: QueueEntry | None) -> list[dict[str, Any]]:
    """Where to look, the weightiest first: as the worker that made the revision found them, or found now.

    What is found now is kept in the queue's entry.
    """
    found = entry.spots if entry is not None else None
    if found is None and looked.revision is not None:
        found = looked.revision.report.get(SPOTS_OF)
    if found is None and looked.revision is not None:
        try:
            found = spots_of_revision(looked.revision)
        except SourceError:
            found = []
        if entry is not None:
            QueueEntry.objects.filter(pk=entry.pk).update(spots=found)
    return [spot | {"words": str(SPOTS[spot["kind"]])} for spot in found or []]


def reviews_of(looked: Looked) -> list[Review]:
    """The verdicts on the tile, the newest first; those that came before the build ask what it answers."""
    rows = Review.objects.filter(revision__campaign_tile=looked.build.campaign_tile)
    rows = rows.select_related("reviewer", "revision", "successor")
    return list(rows.prefetch_related("defects__override"))


def review_json(review: Review) -> dict[str, Any]:
    """A verdict as the workspace shows it."""
    return {
        "id": review.pk,
        "revision": review.revision.number,
        "reviewer": review.reviewer.get_username(),
        "verdict": review.verdict,
        "reason": review.get_reason_display() if review.reason else "",
        "words": review.words,
        "at": review.created_at.isoformat(),
        "successor": review.successor.number if review.successor else None,
        "defects": DefectSerializer(review.defects.all(), many=True).data,
    }


def looked_at(key: int, revision: int | None = None) -> Looked | None:
    """A build by its key, with its newest revision or the one of a key."""
    related = ("campaign_tile__campaign", "campaign_tile__tile", "campaign_tile__current_revision")
    build = Build.objects.select_related(*related).filter(pk=key).first()
    return Looked.at(build, revision) if build else None
