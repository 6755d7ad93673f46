"""How orders look in the API."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from pipeline.delivery import options
from pipeline.errors import UsageError
from pipeline.settings import SOUTHERN, CampaignSettings
from webapp.campaigns.models import Campaign
from webapp.campaigns.serializers import GeometryField
from webapp.campaigns.states import OrderStatus
from webapp.orders.aoi import read_aoi
from webapp.orders.downloads import address_of, expiry
from webapp.orders.models import Delivery, Order
from webapp.orders.services import Area, campaign_of
from webapp.orders.uploads import read_upload
from webapp.told import told

OWN_SETTINGS = ("start", "end", "max_cloud", "resolution")


def _fitting(content: dict[str, Any]) -> dict[str, Any]:
    """Settings without those dates of the campaign that do not go with the order's own.

    Holes stay empty where these reach back into the range for them, and the last day is the target again
    where the campaign's lies outside.
    """
    start, end = str(content["start"]), str(content["end"])
    last, target = content.get("fill_end"), content.get("target_date")
    fill = {"fill_start": None, "fill_end": None} if last is not None and last >= start else {}
    aim = {"target_date": None} if target is not None and not start <= target <= end else {}
    return content | fill | aim


def _without_southern(own: dict[str, Any]) -> dict[str, Any]:
    """Dates of an order's own count in both hemispheres."""
    return dict.fromkeys(SOUTHERN) if own.keys() & {"start", "end"} else {}


def check_file(value: Any) -> bytes:
    """The content of an uploaded file.

    Raises:
        ValidationError: it is too large.
    """
    if value.size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20
        raise serializers.ValidationError(
            gettext("The file has %(size)s bytes; up to %(most)s MiB are taken.")
            % {"size": value.size, "most": most}
        )
    return value.read()


class AreaSerializer(serializers.Serializer):
    """An area and the campaign it is asked of; one of `aoi`, `file`, `tiles`.

    With dates, cloud cover or resolution of its own, the order goes to a campaign of that source with these.
    """

    campaign = serializers.SlugField(help_text="slug of a campaign that you may see")
    aoi = serializers.JSONField(required=False, help_text="GeoJSON: geometry, feature or feature collection")
    file = serializers.FileField(
        required=False, help_text="GeoJSON, zipped Shapefile, KML, KMZ or GeoPackage"
    )
    tiles = serializers.ListField(
        child=serializers.CharField(max_length=6), required=False, max_length=2000, help_text="whole tiles"
    )
    start = serializers.DateField(required=False)
    end = serializers.DateField(required=False)
    max_cloud = serializers.FloatField(required=False)
    resolution = serializers.IntegerField(required=False)

    def validate_file(self, value: Any) -> bytes:
        """The content of the file, if it is not too large."""
        return check_file(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one way of giving the area; a campaign that the person may see."""
        given = [name for name in ("aoi", "file", "tiles") if attrs.get(name)]
        if len(given) != 1:
            raise serializers.ValidationError({"aoi": gettext("Give the area once: as aoi, file or tiles.")})
        user = self.context["request"].user
        campaign = Campaign.objects.visible_to(user).filter(slug=attrs["campaign"]).first()
        if campaign is None:
            raise serializers.ValidationError(
                {"campaign": gettext("There is no campaign '%(slug)s'.") % {"slug": attrs["campaign"]}}
            )
        wanted = self._settings(attrs, campaign)
        return {**attrs, "campaign": campaign, "settings": wanted, "area": self._area(attrs, given[0])}

    def _settings(self, attrs: dict[str, Any], campaign: Campaign) -> CampaignSettings:
        """The campaign's settings with those of the order's own."""
        own = {name: attrs[name] for name in OWN_SETTINGS if name in attrs}
        own |= _without_southern(own)
        try:
            return CampaignSettings.from_json(_fitting({**campaign.settings, **own}))
        except UsageError as error:
            raise serializers.ValidationError({error.field or "campaign": told(error)}) from error

    def _area(self, attrs: dict[str, Any], given: str) -> Area:
        try:
            if given == "tiles":
                return Area.of_tiles(attrs["tiles"])
            outline = read_upload(attrs["file"]).area if given == "file" else read_aoi(attrs["aoi"])
            return Area.of_outline(outline)
        except UsageError as error:
            raise serializers.ValidationError({given: told(error)}) from error

    def wanted_campaign(self) -> Campaign:
        """The campaign, or the one of the same source with the settings given."""
        campaign: Campaign = self.validated_data["campaign"]
        wanted: CampaignSettings = self.validated_data["settings"]
        if wanted == campaign.pipeline_settings:
            return campaign
        return campaign_of(campaign.catalog, wanted, self.context["request"].user)


class PriceSerializer(serializers.Serializer):
    """A price by the operator's tariff."""

    amount = serializers.CharField()
    currency = serializers.CharField()


class FiguresSerializer(serializers.Serializer):
    """One figure of a quota; limit and left are null where there is no limit."""

    used = serializers.FloatField()
    limit = serializers.FloatField(allow_null=True)
    left = serializers.FloatField(allow_null=True)


class QuotaSerializer(serializers.Serializer):
    """What an organisation may order in this calendar month (UTC), and has ordered."""

    organisation = serializers.CharField()
    km2 = FiguresSerializer()
    orders = FiguresSerializer()
    renews_at = serializers.DateTimeField()


class FittingQuotaSerializer(QuotaSerializer):
    """The same beside a quote."""

    problem = serializers.CharField(
        help_text="why the order does not fit, as a sentence; empty where it does"
    )


class EstimateSerializer(serializers.Serializer):
    """What an order would mean."""

    area_km2 = serializers.FloatField()
    tiles = serializers.ListField(child=serializers.CharField())
    share_built = serializers.FloatField(help_text="share of the tiles that have a mosaic already, 0..1")
    price = PriceSerializer(required=False, allow_null=True, help_text="null where there is no tariff")
    expected_hours = serializers.FloatField(
        required=False, allow_null=True, help_text="by the rate so far; null before the first build"
    )


class QuoteSerializer(EstimateSerializer):
    """The same for who asks."""

    quota = FittingQuotaSerializer(allow_null=True, help_text="of your organisation; null without one")


class ProgressSerializer(serializers.Serializer):
    """How far an order is."""

    tiles = serializers.IntegerField()
    finished = serializers.IntegerField()
    share = serializers.FloatField(help_text="0..1")
    phases = serializers.DictField(child=serializers.IntegerField(), help_text="number of tiles by phase")


class TileProgressSerializer(serializers.Serializer):
    """How far a tile of an order is."""

    tile = serializers.CharField()
    phase = serializers.CharField(help_text="idle, building, blending, done, empty or failed")
    stage = serializers.CharField(help_text="of the build under way, or blending; empty where nothing is")
    at_work = serializers.BooleanField(help_text="whether a worker is at it, or it waits for one")
    step = serializers.IntegerField(help_text="how many steps are behind it")
    steps = serializers.IntegerField()
    review = serializers.CharField(
        help_text="of its mosaic: unreviewed, approved, rejected; empty without one"
    )
    text = serializers.CharField(help_text="a sentence, where there is something to tell")


class OrderQuery(serializers.Serializer):
    """Which orders."""

    whose = serializers.ChoiceField(
        ("mine", "organisation"), required=False, help_text="those that you placed, or your organisation's"
    )

    campaign = serializers.SlugField(required=False)
    status = serializers.ChoiceField(OrderStatus.choices, required=False)


class OrderSerializer(serializers.ModelSerializer):
    """An order."""

    campaign = serializers.CharField(source="campaign.slug", read_only=True)
    customer = serializers.CharField(source="customer.username", read_only=True)
    organisation = serializers.CharField(source="organisation.name", read_only=True, default=None)
    aoi = GeometryField(read_only=True)
    tiles = serializers.SlugRelatedField("tile_id", many=True, read_only=True)
    estimate = EstimateSerializer(read_only=True)
    progress = serializers.SerializerMethodField()

    class Meta:
        """Fields."""

        model = Order
        fields = (
            "id",
            "campaign",
            "customer",
            "organisation",
            "status",
            "status_text",
            "aoi",
            "tiles",
            "estimate",
            "progress",
            "created_at",
            "finished_at",
        )

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, order: Order) -> dict[str, Any]:
        """From standings that the view has read for all orders, where it has."""
        known = self.context.get("standings")
        return order.progress() if known is None else order.progress_in(known)


class DeliveryOptionsSerializer(serializers.Serializer):
    """What is delivered, and how; what is missing is as by default."""

    layers = serializers.ListField(
        child=serializers.CharField(), required=False, help_text=f"of {', '.join(options.LAYERS)}"
    )
    format = serializers.CharField(required=False, help_text=" or ".join(options.FORMATS))
    projection = serializers.CharField(
        required=False, max_length=20, help_text="utm, web-mercator or EPSG:CODE"
    )
    per_tile = serializers.BooleanField(required=False)
    mapping_unit = serializers.FloatField(required=False, help_text="hectares")
    unreviewed = serializers.BooleanField(required=False)
    incomplete = serializers.BooleanField(
        required=False, help_text="of an order that failed in part: the tiles that are good"
    )


class FileSerializer(serializers.Serializer):
    """A file of a delivery."""

    name = serializers.CharField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField(allow_blank=True)
    url = serializers.CharField(help_text="works until the delivery's `links_until`")


class DeliverySerializer(serializers.ModelSerializer):
    """A delivery; its links are made anew with each answer."""

    options = DeliveryOptionsSerializer(read_only=True)
    files = serializers.SerializerMethodField()
    zip = serializers.SerializerMethodField()
    links_until = serializers.SerializerMethodField()

    class Meta:
        """Fields."""

        model = Delivery
        fields = (
            "number",
            "status",
            "step",
            "error",
            "options",
            "report",
            "files",
            "zip",
            "links_until",
            "remove_after",
            "created_at",
            "finished_at",
        )

    @extend_schema_field(FileSerializer(many=True))
    def get_files(self, delivery: Delivery) -> list[dict[str, Any]]:
        """The files with their links."""
        listed = delivery.manifest.get("files", []) if delivery.status == "ready" else []
        return [one | {"url": self._link(delivery, one["name"])} for one in listed]

    def get_zip(self, delivery: Delivery) -> str | None:
        """All files as one."""
        return self._link(delivery) if delivery.status == "ready" else None

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_links_until(self, delivery: Delivery) -> Any:
        """When the links of this answer end."""
        return expiry() if delivery.status == "ready" else None

    def _link(self, delivery: Delivery, name: str | None = None) -> str:
        return self.context["request"].build_absolute_uri(address_of(delivery, name))
