"""All states in one place, and which may follow which."""

from collections.abc import Mapping

from django.db import models
from django.utils.translation import gettext_lazy as _


class TileStatus(models.TextChoices):
    """How far a tile of a campaign is."""

    IDLE = "idle", _("Idle")
    WANTED = "wanted", _("Wanted")
    BUILDING = "building", _("Building")
    COMPOSITE = "composite", _("Composite")
    EMPTY = "empty", _("Empty")
    FAILED = "failed", _("Failed")


class BuildStatus(models.TextChoices):
    """How far a build is."""

    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    EMPTY = "empty", _("Empty")
    FAILED = "failed", _("Failed")
    SUPERSEDED = "superseded", _("Superseded")


class Stage(models.TextChoices):
    """The next thing that a build needs."""

    SCENE_LIST = "scene_list", _("Scene List")
    AGREE = "agree", _("Agree")
    FETCH = "fetch", _("Fetch")
    MASK = "mask", _("Mask")
    COMPOSE = "compose", _("Compose")
    FILL = "fill", _("Fill")
    CLASSIFY = "classify", _("Classify")
    DONE = "done", _("Done")


class RevisionStatus(models.TextChoices):
    """How far a revision is."""

    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    CURRENT = "current", _("Current")
    SUPERSEDED = "superseded", _("Superseded")
    FAILED = "failed", _("Failed")


class ReviewStatus(models.TextChoices):
    """What the desk thinks of a revision."""

    UNREVIEWED = "unreviewed", _("Unreviewed")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")


class OrderStatus(models.TextChoices):
    """How far an order is."""

    PLACED = "placed", _("Placed")
    RUNNING = "running", _("Running")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class EditionStatus(models.TextChoices):
    """An edition exists only as published, and may be taken back."""

    PUBLISHED = "published", _("Published")
    WITHDRAWN = "withdrawn", _("Withdrawn")


DUE = (TileStatus.WANTED, TileStatus.BUILDING)
ACTIVE = ("waiting", "running")
OPEN_ORDERS = (OrderStatus.PLACED, OrderStatus.RUNNING)

TILE_MOVES: Mapping[str, tuple[str, ...]] = {
    "idle": ("wanted",),
    "wanted": ("building", "idle"),
    "building": ("composite", "empty", "failed", "wanted", "idle"),
    "composite": ("wanted", "building"),
    "empty": ("wanted", "building"),
    "failed": ("wanted", "building"),
}
BUILD_MOVES: Mapping[str, tuple[str, ...]] = {
    "waiting": ("running", "superseded", "failed"),
    "running": ("done", "empty", "failed", "superseded"),
    "done": ("superseded",),
    "empty": ("superseded",),
    "failed": ("superseded",),
    "superseded": (),
}
REVISION_MOVES: Mapping[str, tuple[str, ...]] = {
    "waiting": ("running", "superseded", "failed"),
    "running": ("current", "failed", "superseded"),
    "current": ("superseded",),
    "failed": ("superseded",),
    "superseded": (),
}
ORDER_MOVES: Mapping[str, tuple[str, ...]] = {
    "placed": ("running", "ready", "failed", "cancelled"),
    "running": ("ready", "failed", "cancelled"),
    "ready": (),
    "failed": ("running",),
    "cancelled": (),
}

QUEUE_OF_STAGE: Mapping[str, str] = {
    Stage.SCENE_LIST: "download",
    Stage.AGREE: "cpu",
    Stage.FETCH: "download",
    Stage.MASK: "gpu",
    Stage.COMPOSE: "cpu",
    Stage.FILL: "gpu",
    Stage.CLASSIFY: "gpu",
}
QUEUE_OF_REVISION = "cpu"
QUEUE_OF_PYRAMID = "cpu"
QUEUE_OF_WEB_COPIES = "later"
