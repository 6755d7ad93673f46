"""Admin pages of campaigns and what belongs to them; states change by jobs and reviews, not here."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.gis.geos import GEOSGeometry
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pipeline.errors import EarthquiltError, UsageError
from pipeline.land import LandLimits
from webapp.campaigns import models
from webapp.campaigns.services import rebuild, withdraw
from webapp.campaigns.settings_form import NETWORKS, TOLD, SettingsForm
from webapp.campaigns.wanting import names_of_land, want_all
from webapp.told import told


class MadeElsewhere:
    """Rows that only the application makes."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False


class ReadOnlyAdmin(MadeElsewhere, admin.ModelAdmin):
    """Rows that are looked at only."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False


def extent_of(area: GEOSGeometry) -> str:
    """West, south, east, north of an area in degrees; a map would be fetched from servers of strangers."""
    return ", ".join(f"{value:.4f}" for value in area.extent)


@admin.register(models.GridTile)
class GridTileAdmin(ReadOnlyAdmin):
    """Tiles of the grid."""

    list_display = ("name", "zone", "epsg")
    search_fields = ("name",)
    fields = ("name", "zone", "epsg", "extent")

    @admin.display(description=_("Extent"))
    def extent(self, tile: models.GridTile) -> str:
        """Where it lies."""
        return extent_of(tile.footprint)


@admin.register(models.Campaign)
class CampaignAdmin(admin.ModelAdmin):
    """Campaigns; settings, source and slug are fixed with the first build."""

    list_display = ("name", "slug", "is_public", "owner", "created_at")
    search_fields = ("name", "slug")
    actions = ["publish", "want_land"]
    form = SettingsForm

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type:
        """With a field for each setting, until these are fixed."""
        if obj and obj.has_builds:
            kwargs["form"] = ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[tuple[str | None, dict[str, Any]]]:
        """The campaign, then its settings."""
        own = ["name", "slug", "catalog", "is_public", "owner"]
        if obj and obj.has_builds:
            return [(None, {"fields": [*own, "settings"]})]
        return [
            (None, {"fields": own}),
            (gettext("Settings, fixed with the first build"), {"fields": list(TOLD)}),
            (gettext("Networks, fixed too: their weights"), {"fields": list(NETWORKS)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What cannot be changed any more."""
        return ("slug", "catalog", "settings") if obj and obj.has_builds else ()

    @admin.action(description=_("Publish the next edition"))
    def publish(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Publish the chosen campaigns, and tell of those that cannot be."""
        for campaign in queryset:
            try:
                edition = models.Edition.publish(campaign, request.user)
                self.message_user(request, gettext("%(edition)s is published.") % {"edition": edition})
            except EarthquiltError as error:
                self.message_user(request, told(error), messages.ERROR)

    @admin.action(description=_("Want all land"))
    def want_land(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Ask for the tiles of all land, without polar regions and very small islands."""
        names = names_of_land(LandLimits())
        for campaign in queryset:
            new = want_all(campaign, names, request.user)
            self.message_user(
                request,
                gettext("%(campaign)s has the %(tiles)s tiles of all land; %(new)s are new.")
                % {"campaign": campaign, "tiles": len(names), "new": new},
            )


@admin.register(models.CampaignTile)
class CampaignTileAdmin(ReadOnlyAdmin):
    """Tiles of campaigns."""

    list_display = ("tile_id", "campaign", "status", "current_build", "current_revision", "changed_at")
    list_filter = ("status", "campaign")
    list_select_related = (
        "campaign",
        "current_build__campaign_tile__campaign",
        "current_revision__campaign_tile__campaign",
    )
    search_fields = ("tile__name",)
    actions = ["build_again"]

    @admin.action(description=_("Build again"))
    def build_again(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Begin another build of the chosen tiles."""
        for tile in queryset:
            self.message_user(
                request, gettext("%(build)s is under way.") % {"build": rebuild(tile, request.user)}
            )


@admin.register(models.Build, models.Revision)
class WorkAdmin(ReadOnlyAdmin):
    """Builds and revisions."""

    list_display = ("__str__", "status", "error", "created_at", "finished_at")
    list_filter = ("status", "campaign_tile__campaign")
    list_select_related = ("campaign_tile__campaign",)
    search_fields = ("campaign_tile__tile__name",)


@admin.register(models.Scene)
class SceneAdmin(ReadOnlyAdmin):
    """Candidates of builds."""

    list_display = (
        "scene_id",
        "build_id",
        "datetime",
        "cloud_cover",
        "clear_share",
        "hazy",
        "chosen",
        "rank",
    )
    search_fields = ("scene_id",)


@admin.register(models.Edition)
class EditionAdmin(ReadOnlyAdmin):
    """Editions."""

    list_display = ("campaign", "number", "published_at", "published_by")


@admin.register(models.EditionTile)
class EditionTileAdmin(ReadOnlyAdmin):
    """The tables of editions."""

    list_display = ("edition_id", "tile_id", "revision_id")


@admin.register(models.Override)
class OverrideAdmin(ReadOnlyAdmin):
    """What reviewers asked."""

    list_display = ("campaign_tile", "kind", "content", "by", "created_at")
    list_select_related = ("campaign_tile__campaign", "by")
    actions = ["take_back"]

    @admin.action(description=_("Withdraw, and build again without"))
    def take_back(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Take back the chosen ones, and tell of those without which the others leave no day."""
        for override in queryset:
            try:
                self.message_user(
                    request,
                    gettext("%(build)s is under way.") % {"build": withdraw(override, by=request.user)},
                )
            except UsageError as error:
                self.message_user(
                    request,
                    gettext("%(override)s stays: %(error)s") % {"override": override, "error": told(error)},
                    messages.ERROR,
                )


@admin.register(models.Event)
class EventAdmin(ReadOnlyAdmin):
    """The history."""

    list_display = ("at", "subject", "subject_id", "tile_name", "before", "after", "by", "text")
    list_filter = ("subject", "after", "campaign")
    search_fields = ("tile_name", "text")
    list_select_related = ("by",)
