"""What a request may bring: every address that takes a body refuses what is too much, soon."""

import json
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from drf_spectacular.generators import SchemaGenerator

from tests.pipeline.test_united import lattice, scribble
from webapp.orders.models import Order

DEEP = b"[" * 100_000
NESTED = b"[" * 500 + b"]" * 500
BROKEN = [
    b"",
    b"{",
    b"\xff\xfe\x00",
    b'{"a": NaN}',
    b"[" + b"9" * 10_000 + b"]",
    b"null",
    b"17",
    b'"a"',
    DEEP,
    NESTED,
]
NAMES = {
    "slug": "alps", "tile": "33TWL", "number": "1", "id": "1", "name": "a", "build": "1",
}  # fmt: skip


def takers():
    """Method and address of everything in the API that takes a body."""
    for path, methods in SchemaGenerator().get_schema(request=None, public=True)["paths"].items():
        address = path
        for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
            address = address.replace(f"{{{name}}}", NAMES.get(name, "1"))
        for method in methods:
            if method in ("post", "put", "patch"):
                yield method, address


TAKERS = sorted(takers())


def test_the_addresses_are_those_of_the_api():
    assert len(TAKERS) > 15 and ("post", "/api/orders/") in TAKERS and ("post", "/api/areas/") in TAKERS


@pytest.mark.parametrize(("method", "address"), TAKERS)
def test_bodies_that_are_none_are_refused_at_every_address(as_, alps, operator, method, address):
    client = as_(operator)
    for body in BROKEN:
        answer = getattr(client, method)(address, body, content_type="application/json")
        assert answer.status_code < 500, (address, body[:20], answer.content[:200])
    multipart = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"\xff" * 20
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data", "text/plain", "application/xml"):
        assert getattr(client, method)(address, multipart, content_type=kind).status_code < 500


@pytest.mark.parametrize(
    ("method", "address"), [*TAKERS, ("post", "/stac/search"), ("post", "/accounts/login/")]
)
def test_a_body_larger_than_any_is_refused_before_it_is_read(client, db, settings, method, address):
    settings.BODY_MOST_BYTES = 1000
    answer = getattr(client, method)(address, b" " * 1001, content_type="application/json")
    assert answer.status_code == 413 and b"MiB" in answer.content
    if address.startswith("/api/"):
        assert answer.json()["error"]["code"] == "too_large"
    assert getattr(client, method)(address, b" " * 1000, content_type="application/json").status_code != 413


def test_a_million_corners_are_refused_before_they_are_read(as_, alps, customer):
    ring = b"[" + b"[15.1,45.1]," * 1_000_000 + b"[15.1,45.1]]"
    body = b'{"campaign": "alps", "aoi": {"type": "Polygon", "coordinates": [' + ring + b"]}}"
    begun = time.monotonic()
    assert as_(customer).post("/api/orders/", body, content_type="application/json").status_code == 413
    assert time.monotonic() - begun < 2


def test_as_many_corners_as_the_body_holds_are_told_in_their_number(as_, alps, customer):
    ring = [[15 + n / 1e6, 45] for n in range(100_000)] + [[15, 46], [15, 45]]
    asked = {"campaign": "alps", "aoi": {"type": "Polygon", "coordinates": [ring]}}
    begun = time.monotonic()
    answer = as_(customer).post("/api/orders/", asked)
    assert answer.status_code == 400 and "100,002 vertices" in answer.json()["error"]["message"]
    assert time.monotonic() - begun < 10


def test_corners_of_many_features_count_together(as_, alps, customer, settings):
    settings.AOI_MOST_VERTICES = 40
    squares = [part.__geo_interface__ for part in lattice(5)]
    features = [{"type": "Feature", "geometry": square} for square in squares]
    asked = {"campaign": "alps", "aoi": {"type": "FeatureCollection", "features": features}}
    answer = as_(customer).post("/api/orders/", asked)
    assert answer.status_code == 400 and "50 vertices" in answer.json()["error"]["message"]


@pytest.mark.parametrize("outline", [scribble(5_000), scribble(200)], ids=["5,000 corners", "200 corners"])
def test_an_area_that_crosses_itself_everywhere_is_refused_soon(as_, alps, customer, outline):
    """GEOS would work for minutes on what such an outline encloses."""
    begun = time.monotonic()
    answer = as_(customer).post("/api/orders/", {"campaign": "alps", "aoi": outline.__geo_interface__})
    assert answer.status_code == 400 and "crosses or touches itself" in answer.json()["error"]["message"]
    assert time.monotonic() - begun < 5 and not Order.objects.exists()


def test_an_area_of_strips_across_strips_ends_in_time(as_, alps, customer, monkeypatch):
    from pipeline import united

    monkeypatch.setattr(united, "BOUNDS", united.Bounds(seconds=2))
    coordinates = [part.__geo_interface__["coordinates"] for part in lattice(2_000)]
    asked = {"campaign": "alps", "aoi": {"type": "MultiPolygon", "coordinates": coordinates}}
    begun = time.monotonic()
    answer = as_(customer).post("/api/orders/", asked)
    assert answer.status_code == 400 and "simplify" in answer.json()["error"]["message"]
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "1e999", '"east"', "null", "[]", "{}", "9" * 400],
)
def test_a_coordinate_that_is_no_number_is_refused(as_, alps, customer, value):
    ring = f"[[{value}, 45], [16, 45], [16, 46], [15, 45]]"
    body = f'{{"campaign": "alps", "aoi": {{"type": "Polygon", "coordinates": [{ring}]}}}}'
    answer = as_(customer).post("/api/orders/", body, content_type="application/json")
    assert answer.status_code == 400 and not Order.objects.exists()


@pytest.mark.parametrize(
    "shape",
    [
        lambda: scribble(5_000).__geo_interface__,
        lambda: {
            "type": "Polygon",
            "coordinates": [[[15 + n / 1e6, 45] for n in range(60_000)] + [[15, 46], [15, 45]]],
        },
        lambda: {"type": "Polygon", "coordinates": [[["a", 45]]]},
        lambda: json.loads('{"type": "GeometryCollection", "geometries": [' * 200 + "]}" * 200),
    ],
    ids=["crossing", "too many", "no numbers", "deep"],
)
def test_a_search_with_a_wild_outline_is_refused_soon(client, alps, shape):
    begun = time.monotonic()
    answer = client.post("/stac/search", json.dumps({"intersects": shape()}), content_type="application/json")
    assert answer.status_code == 400 and answer.json()["field"] == "intersects"
    assert time.monotonic() - begun < 5
    assert client.post("/stac/search", DEEP, content_type="application/json").status_code == 400


def test_a_file_a_little_too_large_is_told_at_its_field_and_one_far_too_large_is_not_read(
    as_, alps, customer, settings
):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.BODY_MOST_BYTES = 2**20, 2**10
    client = as_(customer)
    told = client.post(
        "/api/areas/", {"file": SimpleUploadedFile("a.kml", b" " * (2**20 + 1))}, format="multipart"
    )
    assert told.status_code == 400 and told.json()["error"]["field"] == "file"
    told = client.post(
        "/api/areas/", {"file": SimpleUploadedFile("a.kml", b" " * (2**21 + 2**10))}, format="multipart"
    )
    assert told.status_code == 413
