"""How far a campaign is, what is stuck and why, and how fast the reviewers are."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from webapp.campaigns.models import Build, Campaign, CampaignTile, Event, Revision
from webapp.campaigns.standing import standings
from webapp.campaigns.states import ACTIVE, ReviewStatus, RevisionStatus, TileStatus
from webapp.review.models import QueueEntry, Review

LOOKS = {
    "idle": _("not asked for"),
    "building": _("being built"),
    "blending": _("waiting for its neighbours"),
    "made": _("to review"),
    "approved": _("approved"),
    "rejected": _("rejected"),
    "empty": _("no land or no data"),
    "failed": _("failed"),
}
RATE_DAYS = 7
STUCK_AFTER = timedelta(hours=6)


@dataclass(frozen=True)
class Stuck:
    """A tile that does not go on by itself.

    Attributes:
        tile: its name.
        build: key of the build to look at; None where there is none.
        why: a sentence.
        since: when it changed last.
    """

    tile: str
    build: int | None
    why: str
    since: datetime


def looks_of(campaign: Campaign) -> dict[str, str]:
    """Where each tile of a campaign is, by name: a key of `LOOKS`."""
    tiles = list(campaign.tiles.select_related("current_revision").defer("current_revision__report"))
    known = standings(tiles)
    return {tile.tile_id: _look(tile, known[tile.pk].phase) for tile in tiles}


def _look(tile: CampaignTile, phase: str) -> str:
    if phase != "done" or tile.current_revision is None:
        return phase if phase != "done" else "blending"
    status = tile.current_revision.review_status
    return "made" if status == ReviewStatus.UNREVIEWED else str(status)


def progress_of(campaign: Campaign, looks: dict[str, str]) -> dict[str, Any]:
    """Numbers of a campaign: tiles by look, what is settled, the rate so far and when it will be done by it.

    Settled is what is approved or empty. The rate is that of approvals over the last `RATE_DAYS` days, or
    since the first of them where that is later, but a day at least; None before the first.
    """
    counts = Counter(looks.values())
    wanted = sum(counts.values()) - counts["idle"]
    settled = counts["approved"] + counts["empty"]
    rate = rate_of(campaign)
    left = wanted - settled
    return {
        "counts": [
            {"look": look, "words": words, "count": counts[look]}
            for look, words in LOOKS.items()
            if counts[look]
        ],
        "wanted": wanted,
        "settled": settled,
        "left": left,
        "share": settled / wanted if wanted else None,
        "rate": rate,
        "days_left": left / rate if rate and left else (0 if not left else None),
    }


def rate_of(campaign: Campaign) -> float | None:
    """Approvals a day over the last days; None before the first."""
    now = timezone.now()
    rows = Event.objects.filter(campaign=campaign, subject="revision", after=ReviewStatus.APPROVED)
    begun = now - timedelta(days=RATE_DAYS)
    recent = rows.filter(at__gte=begun).aggregate(first=Min("at"), count=Count("pk"))
    if not recent["count"]:
        return None
    older = rows.filter(at__lt=begun).exists()
    days = RATE_DAYS if older else max((now - recent["first"]).total_seconds() / 86_400, 1.0)
    return recent["count"] / days


def stuck_of(campaign: Campaign) -> list[Stuck]:
    """What does not go on by itself, the longest first: failures, unanswered rejections, long waits."""
    found = [*_failed(campaign), *_unanswered(campaign), *_slow(campaign)]
    return sorted(found, key=lambda one: one.since)


def _failed(campaign: Campaign) -> list[Stuck]:
    rows = [
        Stuck(
            one.tile_id, one.current_build_id, one.status_text or gettext("Its build failed."), one.changed_at
        )
        for one in campaign.tiles.filter(status=TileStatus.FAILED)
    ]
    revisions = Revision.objects.filter(campaign_tile__campaign=campaign, status=RevisionStatus.FAILED)
    newer = Revision.objects.filter(campaign_tile=OuterRef("campaign_tile"), number__gt=OuterRef("number"))
    for one in revisions.filter(~Exists(newer)).select_related("campaign_tile"):
        since = one.finished_at or one.created_at
        rows.append(Stuck(one.tile_name, one.build_id, one.error or gettext("Its revision failed."), since))
    return rows


def _unanswered(campaign: Campaign) -> list[Stuck]:
    """Rejected tiles of which no build is under way: an operator has to decide."""
    active = Build.objects.filter(campaign_tile=OuterRef("campaign_tile"), status__in=ACTIVE)
    rows = Revision.objects.filter(
        ~Exists(active),
        campaign_tile__campaign=campaign,
        status=RevisionStatus.CURRENT,
        review_status=ReviewStatus.REJECTED,
    )
    found = []
    for one in rows.select_related("campaign_tile").prefetch_related("reviews"):
        review = max(one.reviews.all(), key=lambda item: item.pk, default=None)
        since = review.created_at if review else one.created_at
        if review:
            told = gettext("Rejected (%(reason)s), and nothing is built.")
            told %= {"reason": review.get_reason_display()}
        else:
            told = gettext("Rejected without a reason, and nothing is built.")
        found.append(Stuck(one.tile_name, one.build_id, told, since))
    return found


def _slow(campaign: Campaign) -> list[Stuck]:
    """Builds and revisions at which nothing has happened for long, with their last trouble."""
    before = timezone.now() - STUCK_AFTER
    found = []
    for model in (Build, Revision):
        rows = model.objects.filter(campaign_tile__campaign=campaign, status__in=ACTIVE)
        for one in rows.filter(created_at__lt=before).select_related("campaign_tile"):
            what = one.get_stage_display().lower() if isinstance(one, Build) else gettext("blend")
            if one.error:
                why = gettext("Waits at %(stage)s for long: %(error)s") % {"stage": what, "error": one.error}
            else:
                why = gettext("Waits at %(stage)s for long.") % {"stage": what}
            key = one.pk if isinstance(one, Build) else one.build_id
            found.append(Stuck(one.tile_name, key, why, one.created_at))
    return found


def reviewers_of(campaign: Campaign) -> list[dict[str, Any]]:
    """Each reviewer's verdicts in a day, in the last days and in all, and the usual minutes of one."""
    now = timezone.now()
    rows = Review.objects.filter(revision__campaign_tile__campaign=campaign).values("reviewer__username")
    counted = rows.annotate(
        total=Count("pk"),
        week=Count("pk", filter=Q(created_at__gte=now - timedelta(days=RATE_DAYS))),
        day=Count("pk", filter=Q(created_at__gte=now - timedelta(days=1))),
        rejected=Count("pk", filter=Q(verdict="reject")),
        last=Max("created_at"),
    )
    minutes = _minutes(campaign)
    return [
        {
            "name": row["reviewer__username"],
            "minutes": minutes.get(row["reviewer__username"]),
            **{key: row[key] for key in ("total", "week", "day", "rejected", "last")},
        }
        for row in counted.order_by("-week", "reviewer__username")
    ]


def _minutes(campaign: Campaign) -> dict[str, float]:
    """The median minutes from taking a tile to its verdict, by reviewer."""
    rows = QueueEntry.objects.filter(
        revision__campaign_tile__campaign=campaign, done_at__isnull=False, held_since__isnull=False
    )
    spent: dict[str, list[float]] = {}
    for name, since, done in rows.values_list("held_by__username", "held_since", "done_at"):
        if name:
            spent.setdefault(name, []).append((done - since).total_seconds() / 60)
    return {name: median(values) for name, values in spent.items()}
