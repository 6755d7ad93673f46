"""How campaigns and what belongs to them look in the API."""

from webapp.campaigns.serializers.campaigns import (
    CampaignSerializer,
    EditionSerializer,
    EditionTileSerializer,
    EventSerializer,
    WeightsSerializer,
    WithdrawalSerializer,
)
from webapp.campaigns.serializers.fields import GeometryField, nullable
from webapp.campaigns.serializers.tiles import (
    BoxQuery,
    NumberedSerializer,
    TileDetailSerializer,
    TilePropertiesSerializer,
    TileSerializer,
    TilesSerializer,
)
from webapp.campaigns.serializers.work import (
    BuildDetailSerializer,
    BuildSerializer,
    RevisionDetailSerializer,
    RevisionSerializer,
    SceneSerializer,
    WorkQuery,
)

__all__ = [
    "BoxQuery",
    "BuildDetailSerializer",
    "BuildSerializer",
    "CampaignSerializer",
    "EditionSerializer",
    "EditionTileSerializer",
    "EventSerializer",
    "GeometryField",
    "NumberedSerializer",
    "RevisionDetailSerializer",
    "RevisionSerializer",
    "SceneSerializer",
    "TileDetailSerializer",
    "TilePropertiesSerializer",
    "TileSerializer",
    "TilesSerializer",
    "WeightsSerializer",
    "WithdrawalSerializer",
    "WorkQuery",
    "nullable",
]
