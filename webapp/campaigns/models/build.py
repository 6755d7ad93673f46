"""Builds, the scenes they looked at, and what reviewers asked of them."""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.gis.db import models
from django.db import connection, transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pipeline.drawn import differ_in_classes_alone
from webapp import storage
from webapp.accounts import roles
from webapp.campaigns.models.campaign import Campaign, CampaignTile
from webapp.campaigns.models.event import Stateful
from webapp.campaigns.states import ACTIVE, BUILD_MOVES, BuildStatus, Stage, TileStatus

if TYPE_CHECKING:
    from webapp.accounts.models import User


class LeasedQuerySet(models.QuerySet):
    """Work that one worker at a time may do."""

    def free(self) -> "LeasedQuerySet":
        """Waiting or running, and no worker holds it (by the database's clock)."""
        return self.filter(status__in=ACTIVE).filter(Q(lease_until__isnull=True) | Q(lease_until__lt=Now()))

    def visible_to(self, user: Any) -> "LeasedQuerySet":
        """The desk sees all; customers what belongs to the tiles of the orders they see."""
        if roles.sees_everything(user):
            return self
        if not user.is_authenticated:
            return self.none()
        return self.filter(campaign_tile__in=user.visible_orders().values("tiles"))


# Unlike other clocks of a machine it goes on while that is suspended, and nobody sets it.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def lease_clock() -> float:
    """Seconds of the clock by which a process knows how long ago it made sure of a lease."""
    return time.clock_gettime(CLOCK)


class Leased(Stateful):
    """A row whose work is claimed by compare and swap, with a lease and a fencing number.

    Attributes:
        lease_until: nobody else may claim it before (database clock); also the time of the next try.
        fence: grows with each claim; results of an older claim are not taken.
        attempts: claims of the present stage that were not followed by a result.
        tries: how many of these failed by which kind of fault, see `retries`.
    """

    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    fence = models.PositiveBigIntegerField(default=0, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)
    tries = models.JSONField(default=dict, blank=True, editable=False)
    error = models.TextField(blank=True, help_text="one sentence")
    report = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = LeasedQuerySet.as_manager()

    # When this process last asked for the claim that it has, by `lease_clock`.
    held_since = float("-inf")
    # What must be in the database as the object has it for a claim to count.
    CLAIMED_AS = ("fence",)

    class Meta:
        """No table of its own."""

        abstract = True

    def claim(self) -> bool:
        """Take the work, if nobody else holds it; the object is up to date afterwards."""
        known, asked = [getattr(self, name) for name in self.CLAIMED_AS], lease_clock()
        with transaction.atomic(savepoint=False):
            rows = type(self).objects.raw(self._claim(), [settings.LEASE_SECONDS, self.pk, *known])
            taken = next(iter(rows), None)
            if taken is None:
                return False
            before = self.status
            for field in self._meta.concrete_fields:
                setattr(self, field.attname, getattr(taken, field.attname))
            if before != self.status:
                self.remember(before, self.status)
        self.held_since = asked
        return True

    @classmethod
    def _claim(cls) -> str:
        """One statement that takes work nobody holds and gives its row: of two that try, one gets it."""
        # An UPDATE of the ORM gives no rows back. Names are the model's alone, values are parameters.
        same = " AND ".join(f"{connection.ops.quote_name(name)} = %s" for name in cls.CLAIMED_AS)
        return f"""
            UPDATE {connection.ops.quote_name(cls._meta.db_table)}
            SET status = 'running', fence = fence + 1, attempts = attempts + 1,
                lease_until = STATEMENT_TIMESTAMP() + %s * INTERVAL '1 second',
                started_at = COALESCE(started_at, STATEMENT_TIMESTAMP())
            WHERE status IN ('waiting', 'running') AND id = %s AND {same}
                AND (lease_until IS NULL OR lease_until < STATEMENT_TIMESTAMP())
            RETURNING *"""

    def renew(self) -> bool:
        """Keep the lease; False where another worker has taken the work over."""
        return self._renewed()

    def _renewed(self, **values: Any) -> bool:
        asked, until = lease_clock(), Now() + timedelta(seconds=settings.LEASE_SECONDS)
        if not self._held().update(lease_until=until, **values):
            return False
        self.held_since = asked
        return True

    def release(self, **values: Any) -> bool:
        """Give the work back with changed fields; False where another worker has taken it over."""
        values = {"lease_until": None, **values}
        if not self._held().update(**values):
            return False
        self.know(values)
        return True

    def finish(self, to: str, text: str = "", **values: Any) -> bool:
        """End the work in a state, if the claim still holds."""
        held = {"fence": self.fence, "status": "running"}
        return self.move_where(held, to, text, lease_until=None, finished_at=Now(), **values)

    def _held(self) -> models.QuerySet:
        return type(self).objects.filter(pk=self.pk, fence=self.fence, status="running")

    @property
    def campaign_id(self) -> int:
        """The campaign's key."""
        return self.campaign_tile.campaign_id

    @property
    def campaign(self) -> Campaign:
        """The campaign."""
        return self.campaign_tile.campaign

    @property
    def tile_name(self) -> str:
        """The tile's name."""
        return self.campaign_tile.tile_id

    @property
    def path(self) -> Path:
        """The folder of its products on this machine; see `bring`."""
        return storage.place_of(self.folder)

    def bring(self, *names: str) -> Path:
        """Have products on this machine, by name or pattern, all where none is named; gives their folder.

        Raises:
            StorageError: they cannot be had.
        """
        return storage.root().bring(self.folder, names or ("*",))

    def address(self, name: str) -> str | None:
        """What GDAL opens to read a product in parts; None where it is not there."""
        return storage.root().address(self.folder, name)

    def source(self, name: str) -> str:
        """What GDAL opens to read a product in parts, without asking whether it is there."""
        return storage.root().source(self.folder, name)

    def has(self, name: str) -> bool:
        """Whether a product is there."""
        return storage.root().size(self.folder, name) is not None

    @classmethod
    def next_number(cls, tile: CampaignTile) -> int:
        """The next free number of a tile."""
        return (cls.objects.filter(campaign_tile=tile).aggregate(last=Max("number"))["last"] or 0) + 1


class Build(Leased):
    """One run of the stages for a tile of a campaign up to its composite and probabilities."""

    MOVES = BUILD_MOVES
    CLAIMED_AS = ("fence", "stage")

    campaign_tile = models.ForeignKey(CampaignTile, models.CASCADE, related_name="builds")
    number = models.PositiveIntegerField()
    stage = models.CharField(max_length=20, choices=Stage, default=Stage.SCENE_LIST)
    status = models.CharField(max_length=20, choices=BuildStatus, default=BuildStatus.WAITING)
    folder = models.CharField(max_length=200, help_text="relative to the storage root")
    overrides = models.JSONField(default=dict, blank=True, help_text="what reviewers asked, as it was used")
    files = models.JSONField(
        default=dict, blank=True, editable=False, help_text="its products, when finished"
    )

    class Meta:
        """Numbers are unique, one build of a tile at a time, legal states only."""

        ordering = ["campaign_tile_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["campaign_tile", "number"], name="build_number_once"),
            models.UniqueConstraint(
                fields=["campaign_tile"], condition=Q(status__in=ACTIVE), name="one_active_build_per_tile"
            ),
            models.CheckConstraint(condition=Q(status__in=BuildStatus.values), name="build_status_legal"),
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="build_stage_legal"),
            models.CheckConstraint(
                condition=~Q(status="done") | Q(stage="done"), name="build_done_after_last_stage"
            ),
        ]
        indexes = [models.Index(fields=["status", "lease_until"], name="build_due")]

    def __str__(self) -> str:
        words = {"tile": self.campaign_tile, "number": self.number}
        return gettext("%(tile)s build %(number)s") % words

    def go_on(self, stage: str) -> bool:
        """Come to a stage under the same claim; False where another worker has taken the build over."""
        values = {"stage": stage, "attempts": 1, "tries": {}, "error": ""}
        if not self._renewed(**values):
            return False
        self.know(values)
        return True

    def follow(self, stage: str) -> bool:
        """Go on from agreement, which another build's job did for it; False where it came otherwise since."""
        same = Build.objects.free().filter(pk=self.pk, fence=self.fence, stage=Stage.AGREE)
        values = {"stage": stage, "attempts": 0, "tries": {}, "error": ""}
        if not same.update(**values):
            return False
        self.know(values)
        return True

    @classmethod
    @transaction.atomic
    def begin(cls, tile: CampaignTile, by: "User | None" = None, text: str = "") -> "Build":
        """Make the next build of a tile, or give the one that is under way.

        A build that still waits is replaced where reviewers have asked for something since. Where only the
        corrected classes differ from those of the tile's current build, it begins with the classification.
        """
        locked = CampaignTile.objects.select_for_update(of=("self",)).select_related("campaign")
        tile = locked.get(pk=tile.pk)
        overrides = Override.collect(tile)
        stage = Stage.SCENE_LIST
        if tile.current_build and differ_in_classes_alone(overrides, tile.current_build.overrides):
            stage = Stage.CLASSIFY
        active = tile.active_build
        if active and active.overrides == overrides:
            return active
        if active:
            active.move(
                BuildStatus.SUPERSEDED, "replaced by a build with newer overrides", by, finished_at=Now()
            )
        if not tile.campaign.has_builds:
            # Those of before networks were pinned get theirs now: the first build fixes them.
            tile.campaign.save()
        number = cls.next_number(tile)
        folder = f"{tile.campaign.slug}/{tile.tile_id}/builds/{number}"
        build = cls.objects.create(
            campaign_tile=tile, number=number, folder=folder, overrides=overrides, stage=stage
        )
        build.remember("", build.status, text, by)
        if tile.status != TileStatus.BUILDING:
            tile.move(TileStatus.BUILDING, f"build {number}", by, status_text="")
        return build

    @classmethod
    def begin_all(cls, tiles: Collection[CampaignTile]) -> list["Build"]:
        """Begin the next build of each of some wanted tiles of one campaign, as `begin` does.

        Those that had none before and of which nothing was asked are begun together, the others one by one.
        """
        with transaction.atomic(savepoint=False):
            fresh = CampaignTile.objects.filter(
                pk__in=[tile.pk for tile in tiles],
                status=TileStatus.WANTED,
                current_build=None,
                builds=None,
                overrides=None,
            )
            keys = set(fresh.select_for_update(of=("self",)).values_list("pk", flat=True))
            others = [cls.begin(tile) for tile in tiles if tile.pk not in keys]
            return [*cls._begin_first([tile for tile in tiles if tile.pk in keys]), *others]

    @classmethod
    def _begin_first(cls, tiles: Sequence[CampaignTile]) -> list["Build"]:
        """The first builds of tiles that are locked."""
        if not tiles:
            return []
        campaign = tiles[0].campaign
        if not campaign.has_builds:
            campaign.save()
        folder = f"{campaign.slug}/%s/builds/1"
        made = [cls(campaign_tile=tile, number=1, folder=folder % tile.tile_id) for tile in tiles]
        cls.objects.bulk_create(made)
        cls.remember_all(made, "")
        values = {"status": TileStatus.BUILDING, "status_text": ""}
        CampaignTile.objects.filter(pk__in=[tile.pk for tile in tiles]).update(**values)
        for tile in tiles:
            tile.know(values)
        CampaignTile.remember_all(tiles, TileStatus.WANTED, lambda tile: "build 1")
        return made


class Scene(models.Model):
    """A candidate of a build: what stage 1 and 2 thought of one acquisition."""

    build = models.ForeignKey(Build, models.CASCADE, related_name="scenes")
    scene_id = models.CharField(max_length=200)
    datetime = models.DateTimeField()
    cloud_cover = models.FloatField(null=True, help_text="percent, as the metadata says")
    clear_share = models.FloatField(null=True, help_text="0..1, as the preview shows")
    hazy = models.BooleanField(default=False)
    chosen = models.BooleanField(default=False)
    rank = models.PositiveIntegerField(null=True, help_text="the number in provenance.tif")
    reason = models.TextField(blank=True)

    TOLD = ("datetime", "cloud_cover", "clear_share", "hazy", "chosen", "rank", "reason")

    class Meta:
        """Each scene once per build."""

        ordering = ["build_id", F("rank").asc(nulls_last=True), "datetime"]
        constraints = [models.UniqueConstraint(fields=["build", "scene_id"], name="scene_once_per_build")]

    def __str__(self) -> str:
        return self.scene_id

    @classmethod
    def record(cls, build: Build, candidates: Sequence[Mapping[str, Any]]) -> None:
        """Write the candidates of a scene list in place of those known; those that stay are left alone."""
        told = [{"scene_id": item["id"]} | {name: item.get(name) for name in cls.TOLD} for item in candidates]
        with transaction.atomic(savepoint=False), connection.cursor() as cursor:
            cursor.execute(cls._remove_others(), [build.pk, [item["id"] for item in candidates]])
            cursor.execute(cls._write_changed(), [build.pk, json.dumps(told, default=str)])

    @classmethod
    def _remove_others(cls) -> str:
        return f"DELETE FROM {cls._meta.db_table} WHERE build_id = %s AND scene_id <> ALL (%s::varchar[])"

    @classmethod
    def _write_changed(cls) -> str:
        """One statement that takes entries as JSON; the ORM cannot leave out rows that stay as they are."""
        table, names = cls._meta.db_table, ", ".join(cls.TOLD)
        changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in cls.TOLD)
        before = ", ".join(f"{table}.{name}" for name in cls.TOLD)
        after = ", ".join(f"EXCLUDED.{name}" for name in cls.TOLD)
        return f"""
            INSERT INTO {table} (build_id, scene_id, {names})
            SELECT %s, scene_id, datetime, cloud_cover, clear_share, COALESCE(hazy, false),
                COALESCE(chosen, false), rank, COALESCE(reason, '')
            FROM jsonb_populate_recordset(NULL::{table}, %s)
            ON CONFLICT (build_id, scene_id) DO UPDATE SET {changed}
            WHERE ({before}) IS DISTINCT FROM ({after})"""


class Override(models.Model):
    """What a reviewer asked of a tile: an input of its next build."""

    class Kind(models.TextChoices):
        """What can be asked."""

        EXCLUDE = "exclude", _("leave a scene out")
        FORCE = "force", _("use a scene")
        DATES = "dates", _("use other dates")
        MASK = "mask", _("mask an area")
        CLASSES = "classes", _("correct the class of an area")

    campaign_tile = models.ForeignKey(CampaignTile, models.CASCADE, related_name="overrides")
    kind = models.CharField(max_length=20, choices=Kind)
    content = models.JSONField(
        help_text='{"scene": ID}, {"start": D, "end": D}, {"scenes": [ID], "geometry": G} or '
        '{"class": CODE, "geometry": G}'
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """In the order in which they were asked; known kinds only."""

        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["exclude", "force", "dates", "mask", "classes"]),
                name="override_kind_legal",
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_tile}: {self.kind} {self.content}"

    @classmethod
    def collect(cls, tile: CampaignTile) -> dict[str, Any]:
        """All that was asked of a tile, as the pipeline takes it; what was asked last counts.

        Returns:
            Any of "exclude" and "force" (sorted scene ids), "start" and "end" (YYYY-MM-DD), "mask" and
            "classes" (areas in the order in which they were drawn).
        """
        scenes: dict[str, str] = {}
        asked: dict[str, Any] = {}
        for item in tile.overrides.all():
            if item.kind == cls.Kind.DATES:
                asked |= {name: item.content[name] for name in ("start", "end") if item.content.get(name)}
            elif item.kind in (cls.Kind.MASK, cls.Kind.CLASSES):
                asked.setdefault(str(item.kind), []).append(item.content)
            else:
                scenes[item.content["scene"]] = item.kind
        for kind in (cls.Kind.EXCLUDE, cls.Kind.FORCE):
            found = sorted(scene for scene, asked_for in scenes.items() if asked_for == kind)
            asked |= {str(kind.value): found} if found else {}
        return asked
