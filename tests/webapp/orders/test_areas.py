import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from shapely.geometry import box, shape

from tests.webapp.products import EAST, WEST
from webapp.campaigns.models import Build
from webapp.orders.aoi import area_km2
from webapp.orders.models import Order
from webapp.orders.places import find_places
from webapp.orders.quotes import busy_hours, expected_hours, price

pytestmark = pytest.mark.django_db

AREAS = "/api/areas/"
AREA = box(15.2, 45.3, 15.6, 45.6)


def upload(client, content, **more):
    file = SimpleUploadedFile("area", content)
    return client.post(AREAS, {"file": file, **more}, format="multipart")


def error(answer, status=400):
    assert answer.status_code == status
    return answer.json()["error"]


def kmz(outline):
    points = " ".join(f"{x},{y}" for x, y in outline)
    ring = f"<LinearRing><coordinates>{points}</coordinates></LinearRing>"
    text = f"<kml><Polygon><outerBoundaryIs>{ring}</outerBoundaryIs></Polygon></kml>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("doc.kml", text)
    return buffer.getvalue()


def test_a_file_gives_geometry_repairs_and_a_quote(as_, alps, customer, settings):
    settings.TARIFF_PER_KM2 = settings.TARIFF_PER_KM2_BUILT = Decimal("0.5")
    answer = upload(as_(customer), kmz(AREA.exterior.coords[:-1]), campaign="alps")
    assert answer.status_code == 200
    found = answer.json()
    assert shape(found["geometry"]).equals(AREA)
    assert found["kind"] == "KML" and found["repairs"] == ["1 ring was not closed and closed."]
    quote = found["quote"]
    assert quote["tiles"] == [WEST] and quote["share_built"] == 1 and quote["expected_hours"] == 0
    assert Decimal(quote["price"]["amount"]) == Decimal(str(quote["area_km2"])) / 2
    assert not Order.objects.exists()


def test_what_was_read_can_be_ordered_and_a_repaired_file_at_once(as_, alps, customer):
    bow = [(15.2, 45.3), (15.6, 45.6), (15.6, 45.3), (15.2, 45.6), (15.2, 45.3)]
    content = json.dumps({"type": "Polygon", "coordinates": [bow]}).encode()
    read = upload(as_(customer), content, campaign="alps").json()
    assert "repaired" in read["repairs"][0]
    first = as_(customer).post("/api/orders/", {"campaign": "alps", "aoi": read["geometry"]})
    file = SimpleUploadedFile("bow.geojson", content)
    second = as_(customer).post("/api/orders/", {"campaign": "alps", "file": file}, format="multipart")
    assert first.status_code == second.status_code == 201
    assert first.json()["estimate"]["area_km2"] == second.json()["estimate"]["area_km2"]


def test_a_bounding_box_is_an_area(as_, customer):
    found = as_(customer).post(AREAS, {"bbox": "15.2,45.3,15.6,45.6"}).json()
    assert shape(found["geometry"]).equals(AREA) and found["repairs"] == []
    across = as_(customer).post(AREAS, {"bbox": "179.5,10,-179.5,11"}).json()
    assert shape(across["geometry"]).area == pytest.approx(1.0) and len(across["repairs"]) == 1


@pytest.mark.parametrize(
    ("name", "tile"), [("Graz", "Graz, AT"), ("wien", "Vienna, AT"), ("Paris, us", "Paris, US")]
)
def test_a_place_is_a_square_around_it(as_, customer, name, tile):
    found = as_(customer).post(AREAS, {"place": name, "km": 40}).json()
    assert found["kind"] == f"40 km around {tile}"
    area = shape(found["geometry"])
    assert area_km2(area) == pytest.approx(1600, rel=0.01)
    place = find_places(name, 1)[0]
    assert area.centroid.x == pytest.approx(place.longitude) and area.centroid.y == pytest.approx(
        place.latitude
    )


def test_places_are_found_by_beginnings_and_without_accents(as_, customer):
    labels = [place["label"] for place in as_(customer).get("/api/places/", {"name": "zuri"}).json()]
    assert labels[0] == "Zürich, CH" and len(labels) <= 10
    assert as_(customer).get("/api/places/", {"name": "qqqqq"}).json() == []
    assert error(as_(customer).get("/api/places/"))["field"] == "name"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "file"),
        ({"bbox": "1,2,3,4", "place": "Graz"}, "file"),
        ({"bbox": "1,2,3"}, "bbox"),
        ({"bbox": "1,2,nan,4"}, "bbox"),
        ({"bbox": "1,4,3,2"}, "bbox"),
        ({"bbox": "1,2,500,4"}, "bbox"),
        ({"bbox": "-80,-60,80,60"}, "bbox"),
        ({"bbox": "10,85,11,86"}, "bbox"),
        ({"place": "Nowhere in particular"}, "place"),
        ({"place": "Graz", "km": 0}, "km"),
        ({"place": "Graz", "km": 5000}, "km"),
        ({"bbox": "1,2,3,4", "campaign": "secret"}, "campaign"),
    ],
)
def test_what_is_no_area_names_its_field(as_, customer, secret, asked, field):
    problem = error(as_(customer).post(AREAS, asked))
    assert problem["field"] == field and problem["message"].endswith(".")


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE kml [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><kml>&x;</kml>",
        b"\x89PNG",
        b"PK\x03\x04",
        b"{",
    ],
)
def test_files_that_are_no_area_are_refused_in_words(as_, customer, content):
    problem = error(upload(as_(customer), content))
    assert problem["field"] == "file" and problem["message"].endswith(".")


def test_a_file_that_is_too_large_is_refused(as_, customer, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert error(upload(as_(customer), b" " * 2000))["field"] == "file"


def test_visitors_upload_nothing(as_):
    assert as_().post(AREAS, {"bbox": "1,2,3,4"}).status_code == 401
    assert as_().get("/api/places/", {"name": "Graz"}).status_code == 401


def test_prices_follow_the_tariff(settings):
    assert price(1000, 0.5) is None
    settings.TARIFF_PER_KM2, settings.TARIFF_PER_KM2_BUILT = Decimal("0.10"), Decimal("0.02")
    settings.TARIFF_LEAST, settings.TARIFF_CURRENCY = Decimal("5"), "CHF"
    assert price(1000, 0.25) == {"amount": "80.00", "currency": "CHF"}
    assert price(1, 0) == {"amount": "5.00", "currency": "CHF"}


def test_idle_time_does_not_count_and_workers_side_by_side_count_once():
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    hour = timedelta(hours=1)
    spans = [
        (begun, begun + 2 * hour),
        (begun + hour, begun + 3 * hour),
        (begun + 20 * hour, begun + 21 * hour),
    ]
    assert busy_hours(spans) == pytest.approx(4)
    assert busy_hours([(begun, begun + 3 * hour), (begun + hour, begun + 2 * hour)]) == pytest.approx(3)


def test_the_expected_time_comes_from_the_builds_so_far(alps):
    assert expected_hours(alps, 0) == 0
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    Build.objects.update(started_at=begun, finished_at=begun + timedelta(hours=3))
    assert expected_hours(alps, 2) == 6
    alps.want([EAST])
    assert expected_hours(alps, 2) == 9
    Build.objects.all().update(started_at=None)
    assert expected_hours(alps, 2) is None
