"""Estimating and placing orders: one code for the API, the pages and the commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.gis.geos import GEOSGeometry
from django.db import transaction
from django.utils.translation import gettext
from shapely import MultiPolygon, union_all
from shapely.geometry.base import BaseGeometry

from pipeline.errors import UsageError
from pipeline.grid import Tile, tiles_of
from pipeline.settings import CampaignSettings
from webapp.campaigns.advance import advance, lock
from webapp.campaigns.models import Campaign, fingerprint, pinned
from webapp.campaigns.states import BuildStatus, OrderStatus
from webapp.orders.aoi import area_km2, check_size
from webapp.orders.models import Order
from webapp.orders.quotas import quota_told, take
from webapp.orders.quotes import quoted

if TYPE_CHECKING:
    from webapp.accounts.models import User

TILE_KM2 = 100 * 100


@dataclass(frozen=True)
class Area:
    """What an order covers: its outline and the tiles it needs."""

    outline: MultiPolygon
    tiles: tuple[str, ...]

    @classmethod
    def of_outline(cls, outline: MultiPolygon) -> "Area":
        """The area of an outline.

        Raises:
            UsageError: the grid cannot serve it.
        """
        most = int(2 * settings.AOI_MOST_KM2 / TILE_KM2) + 50
        return cls(outline, tuple(tile.name for tile in tiles_of(outline, most=most)))

    @classmethod
    def of_tiles(cls, names: Sequence[str]) -> "Area":
        """The area of whole tiles.

        Raises:
            UsageError: a name is none of the grid's, or there are too many.
        """
        tiles = sorted({Tile.parse(name) for name in names}, key=lambda tile: tile.name)
        if not tiles:
            raise UsageError(gettext("An order needs an area or tiles."), "aoi")
        outline = polygons(union_all([tile.footprint for tile in tiles]))
        check_size(outline)
        return cls(outline, tuple(tile.name for tile in tiles))


def polygons(area: BaseGeometry) -> MultiPolygon:
    """A polygon or multipolygon as a multipolygon."""
    return area if isinstance(area, MultiPolygon) else MultiPolygon([area])


def estimate(area: Area, campaign: Campaign | None) -> dict[str, Any]:
    """What an order would mean, whoever places it.

    Returns:
        "area_km2", "tiles" (names), "share_built" (share of the tiles that have a mosaic already, 0..1),
        "price" and "expected_hours" (see `quotes`).
    """
    built = 0
    if campaign is not None:
        built = campaign.tiles.filter(tile_id__in=area.tiles, current_revision__isnull=False).count()
    figures = {
        "area_km2": round(area_km2(area.outline), 1),
        "tiles": list(area.tiles),
        "share_built": round(built / len(area.tiles), 4),
    }
    return quoted(figures, campaign)


def quote(area: Area, campaign: Campaign | None, reader: Any) -> dict[str, Any]:
    """An estimate, and what the order would leave of the quota of the reader's organisation.

    Returns:
        As `estimate`, and "quota" (see `quotas.quota_told`); None where no quota binds the reader.
    """
    figures = estimate(area, campaign)
    return figures | {"quota": quota_told(reader, figures["area_km2"])}


@transaction.atomic
def place(customer: "User", campaign: Campaign, area: Area) -> Order:
    """Place an order: its tiles become wanted and what is possible begins.

    Raises:
        QuotaError: the organisation of the customer has not as much left this month.
    """
    figures = estimate(area, campaign)
    organisation, moment = take(customer, figures["area_km2"])
    aoi = GEOSGeometry(memoryview(area.outline.wkb), srid=4326)
    order = Order.objects.create(
        customer=customer,
        organisation=organisation,
        campaign=campaign,
        aoi=aoi,
        estimate=figures,
        created_at=moment,
    )
    order.remember("", order.status, f"{len(area.tiles)} tiles", customer)
    # Before any tile, as all who hold both take them in this order.
    lock(campaign)
    order.tiles.set(campaign.want(list(area.tiles), customer))
    advance(campaign, area.tiles)
    order.refresh_from_db()
    # Work that is under way tells those who wait for it when it begins.
    at_work = order.tiles.filter(builds__status=BuildStatus.RUNNING).order_by("tile_id").first()
    if at_work and order.status == OrderStatus.PLACED:
        order.move(OrderStatus.RUNNING, f"{at_work.tile_id} has begun")
    return order


def campaign_of(
    catalog: str,
    wanted: CampaignSettings,
    customer: "User",
    name: str = "",
    is_public: bool = False,
) -> Campaign:
    """The campaign of a source and settings that the customer may see, or a new one of the customer's own.

    One that a member of an organisation has made is nobody's own: it is seen by way of the orders on it.

    Raises:
        UsageError: the catalog is a local path at which there is nothing.
    """
    catalog = catalog_address(catalog)
    # Campaigns of before networks were pinned are known by the settings as they stand.
    same = {fingerprint(catalog, one) for one in (wanted, pinned(wanted))}
    known = Campaign.objects.visible_to(customer).filter(fingerprint__in=same)
    if is_public:
        known = known.filter(is_public=True)
    found = known.order_by("pk").first()
    if found:
        return found
    name = name or f"{wanted.start} to {wanted.end}"
    return Campaign.objects.create(
        name=name,
        catalog=catalog,
        settings=wanted.to_json(),
        is_public=is_public,
        owner=None if customer.organisation_id else customer,
    )


def catalog_address(catalog: str) -> str:
    """An address as it stands, a local path made absolute.

    Raises:
        UsageError: nothing is at the path.
    """
    if not catalog:
        raise UsageError(
            gettext("The catalog is missing: give a STAC API, a catalog.json or a folder."), "catalog"
        )
    if "://" in catalog:
        return catalog
    path = Path(catalog).expanduser().resolve()
    if not path.exists():
        raise UsageError(gettext("There is no catalog at %(path)s.") % {"path": path}, "catalog")
    return str(path)
