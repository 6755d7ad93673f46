"""Assessments of accuracy: asked for, drawn by a worker, labelled by people, and what comes out."""

import secrets
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext

from pipeline.accuracy import Accuracy, Estimate, accuracy
from pipeline.errors import EarthquiltError, UsageError
from pipeline.landcover.classes import CLASSES
from pipeline.sampling import draw_sample
from webapp.campaigns.models import Campaign, Revision
from webapp.campaigns.queue import hint
from webapp.campaigns.states import RevisionStatus
from webapp.problems import Refused
from webapp.review.models import Assessment, SamplePoint
from webapp.told import told as told_in_words

if TYPE_CHECKING:
    from webapp.accounts.models import User
    from webapp.orders.models import Order

CODES = len(CLASSES)
MOST_POINTS = 10_000
TAKEN_TOGETHER = 3
QUEUE_OF_SAMPLE = "cpu"


@transaction.atomic
def begin(
    campaign: Campaign, points: int, least: int, by: "User", order: "Order | None" = None
) -> Assessment:
    """Ask for a sample over the current landcover of a campaign or an order; a worker draws it.

    Raises:
        UsageError: too many points, or nothing is finished there.
    """
    if not 2 <= points <= MOST_POINTS:
        raise UsageError(
            gettext("A sample has 2 to %(most)s points, not %(points)s.")
            % {"most": MOST_POINTS, "points": points},
            "points",
        )
    rows = Revision.objects.filter(campaign_tile__campaign=campaign, status=RevisionStatus.CURRENT)
    if order is not None:
        rows = rows.filter(campaign_tile__in=order.tiles.all())
    if not rows.exists():
        raise UsageError(gettext("There is no finished tile to assess."), "campaign")
    made = Assessment.objects.create(
        campaign=campaign, order=order, wanted=points, least=least, seed=secrets.randbits(48), by=by
    )
    made.revisions.set(rows)
    hint_sample(made)
    return made


def hint_sample(assessment: Assessment) -> None:
    """Tell the workers, once the transaction is over, that a sample is to be drawn."""
    name = f"sample-{assessment.pk}"
    hint(QUEUE_OF_SAMPLE, "webapp.review.sample.run_sample", assessment.pk, name)


def run_sample(key: int) -> None:
    """Draw the sample of an assessment, unless that is done; the job that RQ runs."""
    found = Assessment.objects.filter(pk=key, status=Assessment.Status.DRAWING).first()
    if found is None:
        return
    try:
        draw(found)
    except EarthquiltError as error:
        Assessment.objects.filter(pk=key).update(status=Assessment.Status.FAILED, error=str(error))


def draw(assessment: Assessment) -> None:
    """Draw the points; where two workers do it at once, one of them counts.

    Raises:
        UsageError: the map shows nothing there, or the points are too few for its classes.
        SourceError: a map cannot be read.
    """
    revisions = {one.tile_name: one for one in assessment.revisions.select_related("campaign_tile")}
    product = "landcover.tif"
    maps = {name: revision.bring(product) / product for name, revision in revisions.items()}
    order = assessment.order
    within = shapely.from_wkb(bytes(order.aoi.wkb)) if order else None
    found = draw_sample(maps, assessment.wanted, assessment.least, assessment.seed, within)
    with transaction.atomic():
        values = {"pixels": dict(found.pixels), "pixel_area": found.area, "status": Assessment.Status.OPEN}
        due = Assessment.objects.filter(pk=assessment.pk, status=Assessment.Status.DRAWING)
        if due.update(**values):
            SamplePoint.objects.bulk_create(
                SamplePoint(
                    assessment=assessment,
                    revision=revisions[point.tile],
                    number=number,
                    lon=point.lon,
                    lat=point.lat,
                    mapped=point.code,
                )
                for number, point in enumerate(found.points, start=1)
            )


@transaction.atomic
def take_points(user: "User", assessment: Assessment, count: int = TAKEN_TOGETHER) -> list[SamplePoint]:
    """The next points for a person to label, held for a while so that nobody else gets them."""
    rows = SamplePoint.objects.filter(assessment=assessment).unlabelled().free_for(user)
    found = list(
        rows.select_related("revision__build__campaign_tile")
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("number")[:count]
    )
    SamplePoint.objects.filter(pk__in=[point.pk for point in found]).update(
        held_by=user, held_until=Now() + settings.REVIEW_HOLD
    )
    return found


def label(user: "User", point: SamplePoint, code: int | None) -> None:
    """Say what a point is; None where nobody can tell. One's own label may be changed.

    Raises:
        Refused: another person labelled it, or holds it.
    """
    mine = SamplePoint.objects.filter(pk=point.pk).filter(labelled_by=user)
    free = SamplePoint.objects.filter(pk=point.pk).unlabelled().free_for(user)
    values: dict[str, Any] = {"label": code, "labelled_by": user, "labelled_at": Now()}
    if not (free.update(**values) or mine.update(**values)):
        raise Refused(
            gettext("Another reviewer has labelled point %(number)s, or is looking at it.")
            % {"number": point.number}
        )


def matrix_of(assessment: Assessment) -> np.ndarray:
    """The points by the map's class (rows) and by what people say they are (columns), int64 (6, 6)."""
    counts = np.zeros((CODES, CODES), np.int64)
    for mapped, told in assessment.points.filter(label__isnull=False).values_list("mapped", "label"):
        counts[mapped - 1, told - 1] += 1
    return counts


def result_of(assessment: Assessment) -> dict[str, Any]:
    """What an assessment tells, ready for JSON; accuracy is None with a sentence while it cannot be told."""
    counts = matrix_of(assessment)
    pixels = [int(assessment.pixels.get(str(item.code), 0)) for item in CLASSES]
    labelled = assessment.points.filter(labelled_at__isnull=False).count()
    told: dict[str, Any] = {
        "classes": [item.name for item in CLASSES],
        "counts": counts.tolist(),
        "mapped_km2": [count * assessment.pixel_area / 1e6 for count in pixels],
        "points": assessment.points.count(),
        "labelled": labelled,
        "unknown": labelled - int(counts.sum()),
    }
    try:
        found = accuracy(counts, pixels)
    except UsageError as error:
        return told | {"accuracy": None, "why_not": told_in_words(error)}
    return told | {"accuracy": _shown(found, sum(pixels) * assessment.pixel_area / 1e6)}


def _shown(found: Accuracy, km2: float) -> dict[str, Any]:
    def both(estimate: Estimate | None) -> dict[str, float] | None:
        return None if estimate is None else {"value": estimate.value, "margin": estimate.margin}

    return {
        "overall": both(found.overall),
        "users": [both(one) for one in found.users],
        "producers": [both(one) for one in found.producers],
        "km2": [both(one.times(km2)) for one in found.shares],
        "proportions": found.proportions.tolist(),
    }
