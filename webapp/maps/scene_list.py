"""How a tile's scenes were chosen: the stacked previews and every candidate's reason, for the desk."""

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from pipeline.errors import EarthquiltError
from pipeline.storage import read_json
from webapp.accounts import roles
from webapp.campaigns.models import Build, CampaignTile
from webapp.maps.proof import sentences_of

LIST, PICTURE = "scene_list.json", "scene_list.png"


@require_safe
def tile_scene_list(request: HttpRequest, slug: str, tile: str) -> HttpResponse:
    """Show the scene list of a tile's current build, or of its newest, as a fragment of the page.

    Raises:
        Http404: there is no such tile, or the person may not see its scene list.
    """
    found = get_object_or_404(_tiles(request), campaign__slug=slug, tile_id=tile)
    build = found.current_build or found.builds.order_by("-number").first()
    context: dict[str, Any] = {"slug": slug, "tile": tile, "build": build}
    if build:
        partial = set(build.report.get("partial_scenes", ()))
        scenes = list(build.scenes.all())
        context |= {
            "scenes": scenes,
            "partial": {scene.scene_id for scene in scenes} & partial,
            "has_picture": build.has(PICTURE),
            "proof": _proof(build),
        }
    return render(request, "maps/_scene_list.html", context)


@require_safe
def scene_list_picture(request: HttpRequest, slug: str, tile: str, number: int) -> HttpResponseBase:
    """The picture of a build's stacked previews with their masks.

    Raises:
        Http404: there is no such build or picture, or the person may not see it.
    """
    found = get_object_or_404(_tiles(request), campaign__slug=slug, tile_id=tile)
    build = get_object_or_404(Build, campaign_tile=found, number=number)
    try:
        path = build.bring(PICTURE) / PICTURE
        file, stat = path.open("rb"), path.stat()
    except FileNotFoundError:
        raise Http404 from None
    response = FileResponse(file, content_type="image/png")
    response["ETag"] = quote_etag(f"{build.pk}-{stat.st_mtime_ns:x}-{stat.st_size:x}")
    response["Cache-Control"] = "private, no-cache"
    return get_conditional_response(request, etag=response["ETag"], response=response)


def _proof(build: Build) -> list[str]:
    """The sentences on a build's proof; none where its list is gone or of another time."""
    try:
        return sentences_of(read_json(build.bring(LIST) / LIST))
    except (EarthquiltError, KeyError, TypeError):
        return []


def _tiles(request: HttpRequest) -> QuerySet[CampaignTile]:
    """All tiles, or none for those who do not see everything."""
    tiles = CampaignTile.objects.select_related("campaign", "current_build")
    return tiles if roles.sees_everything(request.user) else tiles.none()
