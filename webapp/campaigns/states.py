"""All states in one place, and which may follow which."""

from collections.abc import Mapping

from django.db import models


class TileStatus(models.TextChoices):
    """How far a tile of a campaign is."""

    IDLE = "idle"
    WANTED = "wanted"
    BUILDING = "building"
    COMPOSITE = "composite"
    EMPTY = "empty"
    FAILED = "failed"


class BuildStatus(models.TextChoices):
    """How far a build is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    EMPTY = "empty"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class Stage(models.TextChoices):
    """The next thing that a build needs."""

    SCENE_LIST = "scene_list"
    AGREE = "agree"
    FETCH = "fetch"
    MASK = "mask"
    COMPOSE = "compose"
    FILL = "fill"
    CLASSIFY = "classify"
    DONE = "done"


class RevisionStatus(models.TextChoices):
    """How far a revision is."""

    WAITING = "waiting"
    RUNNING = "running"
    CURRENT = "current"
    SUPERSEDED = "superseded"
    FAILED = "failed"


class ReviewStatus(models.TextChoices):
    """What the desk thinks of a revision."""

    UNREVIEWED = "unreviewed"
    APPROVED = "approved"
    REJECTED = "rejected"


class OrderStatus(models.TextChoices):
    """How far an order is."""

    PLACED = "placed"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


class EditionStatus(models.TextChoices):
    """An edition exists only as published, and may be taken back."""

    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


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
