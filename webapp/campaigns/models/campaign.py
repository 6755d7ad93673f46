"""Campaigns and their tiles."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings as site
from django.contrib.gis.db import models
from django.contrib.gis.geos import GEOSGeometry
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Now
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pipeline.errors import ModelError, UsageError
from pipeline.grid import Tile
from pipeline.networks import Chosen
from pipeline.settings import CampaignSettings
from webapp import storage
from webapp.accounts import roles
from webapp.campaigns import sources
from webapp.campaigns.models.event import Event, Stateful
from webapp.campaigns.networks import chosen, keep, still_pinned
from webapp.campaigns.states import ACTIVE, DUE, TILE_MOVES, TileStatus
from webapp.told import told

if TYPE_CHECKING:
    from webapp.accounts.models import User
    from webapp.campaigns.models import Build, Edition

SLUG_LENGTH = 50
BATCH = 1000


class GridTile(models.Model):
    """A tile of the Sentinel-2 grid; rows are made when a tile is first wanted."""

    name = models.CharField(max_length=5, primary_key=True)
    zone = models.PositiveSmallIntegerField()
    epsg = models.PositiveIntegerField()
    footprint = models.MultiPolygonField(srid=4326, spatial_index=True)
    near = ArrayField(
        models.CharField(max_length=5),
        default=list,
        editable=False,
        help_text="the tiles within the rings of this one, itself among them, sorted",
    )

    RINGS = 3

    class Meta:
        """Order."""

        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def ensure(cls, tiles: list[Tile]) -> list["GridTile"]:
        """The rows of these tiles, made where they are missing."""
        names = [tile.name for tile in tiles]
        known = cls.objects.in_bulk(names)
        made = [cls.of(tile) for tile in tiles if tile.name not in known]
        cls.objects.bulk_create(made, ignore_conflicts=True, batch_size=BATCH)
        return list((known | {row.name: row for row in made}).values())

    @classmethod
    def of(cls, tile: Tile) -> "GridTile":
        """The row of a tile, not saved yet."""
        footprint = GEOSGeometry(memoryview(tile.footprint.wkb), srid=4326)
        near = sorted({tile.name, *(one.name for one in tile.ring(cls.RINGS))})
        return cls(name=tile.name, zone=tile.zone, epsg=tile.epsg, footprint=footprint, near=near)

    @property
    def grid(self) -> Tile:
        """The tile with its geometry."""
        return Tile.parse(self.name)


class CampaignQuerySet(models.QuerySet):
    """Questions about campaigns."""

    def visible_to(self, user: Any) -> "CampaignQuerySet":
        """What a person may see: public ones, their own, those of orders they see; the desk sees all."""
        if roles.sees_everything(user):
            return self
        if not user.is_authenticated:
            return self.filter(is_public=True)
        ordered = user.visible_orders().values("campaign_id")
        return self.filter(Q(is_public=True) | Q(owner=user) | Q(pk__in=ordered))


class Campaign(models.Model):
    """One edition of the mosaic: a source and the settings that are fixed with the first build."""

    slug = models.SlugField(max_length=SLUG_LENGTH, unique=True)
    name = models.CharField(max_length=100)
    catalog = models.CharField(
        max_length=500, help_text=_("a STAC API address, a static STAC catalog or a SAFE folder")
    )
    settings = models.JSONField()
    fingerprint = models.CharField(max_length=64, editable=False, db_index=True)
    is_public = models.BooleanField(default=False)
    owner = models.ForeignKey(
        site.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="campaigns"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        """Order."""

        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Check source, settings and the networks they pin, so that a form tells what is wrong with them.

        Raises:
            ValidationError: with the sentence of the pipeline.
        """
        super().clean_fields(exclude=exclude)
        if not (exclude and "catalog" in exclude):
            sources.check(self.catalog)
        if exclude and "settings" in exclude:
            return
        try:
            chosen(CampaignSettings.from_json(self.settings).networks).check()
        except (UsageError, ModelError) as error:
            raise ValidationError({"settings": told(error)}) from error

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Check the settings, pin the networks, and refuse to change what the first build has fixed.

        Raises:
            UsageError: unknown or impossible settings, or settings that are fixed.
        """
        asked = CampaignSettings.from_json(self.settings)
        known = Campaign.objects.get(pk=self.pk) if self.pk and self.has_builds else None
        asked = known.with_fixed_networks(asked) if known else pinned(asked)
        self.settings = asked.to_json()
        self.slug = self.slug or self._free_slug()
        self.fingerprint = fingerprint(self.catalog, asked)
        if known and (known.fingerprint, known.slug) != (self.fingerprint, self.slug):
            raise UsageError(
                gettext("The settings of %(slug)s are fixed since its first build: make another campaign.")
                % {"slug": self.slug},
                "settings",
            )
        super().save(*args, **kwargs)

    def with_fixed_networks(self, asked: CampaignSettings) -> CampaignSettings:
        """Settings with the networks of this campaign, which has builds.

        Raises:
            UsageError: other networks are asked for.
        """
        fixed = self.settings["networks"]
        if still_pinned(asked.networks, fixed) != fixed:
            raise UsageError(
                gettext(
                    "The networks of %(slug)s are fixed since its first build: other weights are another "
                    "campaign."
                )
                % {"slug": self.slug},
                "networks",
            )
        return replace(asked, networks=fixed)

    def _free_slug(self) -> str:
        base = slugify(self.name)[: SLUG_LENGTH - 5] or "campaign"
        taken = set(Campaign.objects.filter(slug__startswith=base).values_list("slug", flat=True))
        numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
        return next(slug for slug in (base, *numbered) if slug not in taken)

    @property
    def has_builds(self) -> bool:
        """Whether a build exists, which fixes the settings."""
        from webapp.campaigns.models import Build

        return Build.objects.filter(campaign_tile__campaign=self).exists()

    @property
    def pipeline_settings(self) -> CampaignSettings:
        """The settings as the pipeline takes them."""
        return CampaignSettings.from_json(self.settings)

    @property
    def networks(self) -> Chosen:
        """The networks that its builds use."""
        return chosen(self.pipeline_settings.networks)

    def keep_networks(self) -> None:
        """Keep its weights in the storage, so that they stay for it when another release ships others.

        Raises:
            ModelError: they are not there.
            StorageError: they cannot be copied.
        """
        keep(self.pipeline_settings.networks)

    @property
    def path(self) -> Path:
        """The folder of all its products on this machine."""
        return storage.place_of(self.slug)

    @property
    def latest_edition(self) -> "Edition | None":
        """The newest edition that stands, where one was published."""
        return self.editions.standing().order_by("-number").first()

    @transaction.atomic
    def want(self, names: list[str], by: "User | None" = None) -> list["CampaignTile"]:
        """Ask for tiles: those that are new or idle become wanted, others stay as they are."""
        GridTile.ensure([Tile.parse(name) for name in names])
        fresh = [CampaignTile(campaign=self, tile_id=name) for name in names]
        CampaignTile.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=BATCH)
        idle = self.tiles.filter(tile_id__in=names, status=TileStatus.IDLE)
        moved = list(idle.select_for_update().order_by("tile_id"))
        CampaignTile.objects.filter(pk__in=[row.pk for row in moved]).update(status=TileStatus.WANTED)
        events = [row.event(TileStatus.IDLE, TileStatus.WANTED, "wanted", by) for row in moved]
        Event.objects.bulk_create(events, batch_size=BATCH)
        return list(self.tiles.filter(tile_id__in=names).order_by("tile_id"))


def pinned(asked: CampaignSettings) -> CampaignSettings:
    """Settings that name the weights of all networks: where none are asked for, those that ship."""
    return replace(asked, networks=chosen(asked.networks).pinned())


def fingerprint(catalog: str, asked: CampaignSettings) -> str:
    """What two campaigns of one source and equal settings have in common (sha256, hex).

    Settings that change nothing do not count (`UNTOLD`), so that a campaign keeps its own when there are
    further ones.
    """
    return hashlib.sha256(json.dumps([catalog, asked.chosen()], sort_keys=True).encode()).hexdigest()


class CampaignTileQuerySet(models.QuerySet):
    """Questions about the tiles of campaigns."""

    def due(self) -> "CampaignTileQuerySet":
        """Wanted and not yet composite, empty or failed for good."""
        return self.filter(status__in=DUE)

    def shown(self) -> "CampaignTileQuerySet":
        """With what lists and maps show of a tile: stage, pending, coverage; no reports are read."""
        from webapp.campaigns.models import Build, Revision

        own = {"campaign_tile": OuterRef("pk"), "status__in": ACTIVE}
        large = [f"current_{one}__{name}" for one in ("build", "revision") for name in ("report", "files")]
        rows = self.select_related("tile", "current_build", "current_revision")
        return rows.defer("tile__near", *large).annotate(
            stage=Subquery(Build.objects.filter(**own).values("stage")[:1]),
            pending=Exists(Revision.objects.filter(**own)),
            coverage=Cast(KeyTextTransform("coverage", "current_build__report"), models.FloatField()),
        )


class CampaignTile(Stateful):
    """A tile of a campaign: how far it is, and pointers to its newest build and revision."""

    MOVES = TILE_MOVES

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="tiles")
    tile = models.ForeignKey(GridTile, models.PROTECT, related_name="campaign_tiles")
    status = models.CharField(max_length=20, choices=TileStatus, default=TileStatus.IDLE)
    status_text = models.TextField(blank=True)
    current_build = models.OneToOneField(
        "campaigns.Build", models.RESTRICT, null=True, blank=True, related_name="current_of"
    )
    current_revision = models.OneToOneField(
        "campaigns.Revision", models.RESTRICT, null=True, blank=True, related_name="current_of"
    )
    changed_at = models.DateTimeField(auto_now=True)
    is_changed = models.BooleanField(
        default=True, editable=False, help_text="nobody has looked yet at what its last change makes possible"
    )

    objects = CampaignTileQuerySet.as_manager()

    class Meta:
        """One row per campaign and tile; legal states only."""

        ordering = ["tile_id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "tile"], name="campaign_tile_once"),
            models.CheckConstraint(condition=Q(status__in=TileStatus.values), name="tile_status_legal"),
            models.CheckConstraint(
                condition=~Q(status="composite") | Q(current_build__isnull=False),
                name="tile_composite_has_build",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "status", "tile"], name="tile_by_status"),
            models.Index(fields=["campaign", "tile"], condition=Q(is_changed=True), name="tile_changed"),
            models.Index(
                fields=["campaign"],
                condition=Q(status="composite", current_revision__isnull=True),
                name="tile_without_revision",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign.slug}/{self.tile_id}"

    def move(self, to: str, text: str = "", by: "User | None" = None, **values: Any) -> bool:
        """As of `Stateful`; where others need not wait for it any more, it carries a mark until one looks."""
        changed = {} if to in DUE else {"is_changed": True}
        return super().move(to, text, by, **changed, **values)

    @property
    def tile_name(self) -> str:
        """The tile's name."""
        return self.tile_id

    @property
    def is_due(self) -> bool:
        """Whether others have to wait for it."""
        return self.status in DUE

    @property
    def figures(self) -> dict[str, Any]:
        """The report of the current revision, else of the current build, else nothing."""
        newest = self.current_revision or self.current_build
        return newest.report if newest else {}

    @property
    def active_build(self) -> "Build | None":
        """The build that waits or runs, if there is one."""
        return self.builds.filter(status__in=ACTIVE).first()

    @property
    def path(self) -> Path:
        """The folder of its builds and revisions."""
        return self.campaign.path / self.tile_id
