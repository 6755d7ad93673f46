"""What reviewers draw, and what follows from it."""

import pytest
import shapely

from pipeline.drawn import Drawn
from tests.webapp.products import WEST, make_scenes
from webapp.campaigns.models import Build, Override, Revision
from webapp.campaigns.stages import asked_of
from webapp.review.models import Defect, Review

REVIEWS = "/api/reviews/"
FIRST = f"S2A_{WEST}_20230815"

pytestmark = pytest.mark.django_db


def square(west=15.5, south=45.5, size=0.1):
    ring = [
        [west, south],
        [west + size, south],
        [west + size, south + size],
        [west, south + size],
        [west, south],
    ]
    return {"type": "Polygon", "coordinates": [ring]}


def drawn(kind="cloud", **more):
    return {"kind": kind, "geometry": square(), **more}


def reject(client, *drawings, **more):
    revision = Revision.objects.get(status="current", campaign_tile__tile_id=WEST)
    content = {"revision": revision.pk, "verdict": "reject", "reason": "cloud", "drawings": drawings, **more}
    return client.post(REVIEWS, content)


@pytest.mark.parametrize("kind", ["cloud", "shadow", "haze"])
def test_a_drawn_cloud_is_masked_in_the_scenes_that_show_there(as_, alps, reviewer, kind):
    answer = reject(as_(reviewer), drawn(kind))
    assert answer.status_code == 201, answer.json()
    assert answer.json()["defects"][0]["asks"] == "mask an area" and answer.json()["successor"] == 2
    build = Build.objects.get(number=2)
    (area,) = build.overrides["mask"]
    assert area["scenes"] == [FIRST]
    assert Drawn.of(asked_of(build.overrides)).masked_in(FIRST)[0].outline.area == pytest.approx(
        0.01, rel=1e-3
    )


def test_a_wrong_class_is_corrected_in_the_next_build(as_, alps, reviewer):
    assert reject(as_(reviewer), drawn("classes", code=5)).status_code == 201
    (area,) = Build.objects.get(number=2).overrides["classes"]
    assert area["class"] == 5 and Defect.objects.get().code == 5


@pytest.mark.parametrize("kind", ["seam", "hole", "other"])
def test_other_defects_are_kept_and_ask_for_nothing(as_, alps, reviewer, kind):
    answer = reject(as_(reviewer), drawn(kind, words="Here."))
    assert answer.status_code == 201 and answer.json()["successor"] is None
    assert Build.objects.count() == 1 and not Override.objects.exists()
    assert (Defect.objects.get().kind, Defect.objects.get().words) == (kind, "Here.")


def test_several_wishes_and_drawings_begin_one_build(as_, alps, reviewer, operator):
    wishes = [{"kind": "exclude", "scene": FIRST}, {"kind": "dates", "end": "2023-08-20"}]
    answer = reject(as_(reviewer), drawn(), drawn("seam"), drawn("classes", code=1), overrides=wishes)
    assert answer.status_code == 201
    asked = Build.objects.get(number=2).overrides
    assert asked["exclude"] == [FIRST] and asked["end"] == "2023-08-20"
    assert len(asked["mask"]) == len(asked["classes"]) == 1
    review = Review.objects.get()
    assert review.overrides.count() == 4
    assert [d.override and d.override.kind for d in review.defects.all()] == ["mask", None, "classes"]
    answer = as_(operator).post(f"{REVIEWS}{review.pk}/withdraw/")
    assert answer.status_code == 201 and answer.json()["overrides"] == {}
    assert review.defects.count() == 3


def test_masks_of_earlier_rejections_stay(as_, alps, reviewer):
    reject(as_(reviewer), drawn())
    tile = alps.tiles.get()
    Build.objects.get(number=2).move("failed")
    tile.refresh_from_db()
    assert reject(as_(reviewer), {"kind": "cloud", "geometry": square(15.6)}).status_code == 201
    assert len(Build.objects.get(number=3).overrides["mask"]) == 2


def test_a_brush_is_as_wide_as_told(as_, alps, reviewer):
    line = {"type": "LineString", "coordinates": [[15.5, 45.5], [15.6, 45.5]]}
    assert reject(as_(reviewer), {"kind": "seam", "geometry": line, "width": 600}).status_code == 201
    outline = Defect.objects.get().outline.transform(32633, clone=True)
    assert outline.area == pytest.approx(7_811 * 600 + 3.14 * 300**2, rel=0.01)


def test_what_lies_outside_the_tile_is_cut_off(as_, alps, reviewer):
    assert reject(as_(reviewer), {"kind": "seam", "geometry": square(14.5, 45.5, 1.0)}).status_code == 201
    west = Defect.objects.get().outline.extent[0]
    assert 14.98 < west < 15.01


def test_a_polygon_that_crosses_itself_is_mended(as_, alps, reviewer):
    bow = {
        "type": "Polygon",
        "coordinates": [[[15.5, 45.5], [15.6, 45.6], [15.6, 45.5], [15.5, 45.6], [15.5, 45.5]]],
    }
    assert reject(as_(reviewer), {"kind": "seam", "geometry": bow}).status_code == 201
    assert shapely.from_wkb(bytes(Defect.objects.get().outline.wkb)).is_valid


@pytest.mark.parametrize(
    ("drawing", "field"),
    [
        ({"kind": "cloud", "geometry": {"type": "Nothing"}}, "drawings.0.geometry"),
        ({"kind": "cloud", "geometry": "no"}, "drawings.0.geometry"),
        ({"kind": "cloud", "geometry": square(20)}, "drawings.0.geometry"),
        ({"kind": "cloud", "geometry": {"type": "Point", "coordinates": [15.5, 45.5]}}, "drawings.0.width"),
        ({"kind": "classes", "geometry": square()}, "drawings.0.code"),
        ({"kind": "classes", "geometry": square(), "code": 7}, "drawings.0.code"),
        ({"kind": "cloud", "geometry": square(), "code": 3}, "drawings.0.code"),
        ({"kind": "ufo", "geometry": square()}, "drawings.0.kind"),
        ({"kind": "cloud"}, "drawings.0.geometry"),
    ],
)
def test_what_cannot_be_drawn_names_its_field(as_, alps, reviewer, drawing, field):
    answer = reject(as_(reviewer), drawing)
    assert answer.status_code == 400 and answer.json()["error"]["field"] == field
    assert not Review.objects.exists() and not Override.objects.exists()


def test_an_approval_has_no_drawings(as_, alps, reviewer):
    answer = reject(as_(reviewer), drawn(), verdict="approve", reason="")
    assert answer.status_code == 400


def test_old_defects_come_back_with_the_new_build(as_, alps, reviewer):
    make_scenes(alps.tiles.get())
    reject(as_(reviewer), drawn(words="A thin one."))
    desk = as_(reviewer).get(f"/api/desk/{alps.tiles.get().current_build_id}/").json()
    (defect,) = desk["reviews"][0]["defects"]
    assert defect["kind"] == "cloud" and defect["words"] == "A thin one."
    assert defect["geometry"]["type"] == "MultiPolygon"
