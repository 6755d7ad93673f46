"""The page "Use this map": lines that work, keys made in place, a chart."""

import re

import pytest

from tests.webapp.tileserver.test_views import INSIDE
from webapp.campaigns.models import Edition
from webapp.keys.models import KeyUse, MapKey

PROGRAMS = ("QGIS", "ArcGIS Pro", "ArcGIS Online", "Leaflet", "MapLibre", "OpenLayers", "GDAL", "curl")


@pytest.fixture
def secret_edition(secret, customer):
    secret.owner = customer
    secret.save()
    return Edition.publish(secret)


@pytest.fixture
def public_edition(alps):
    return Edition.publish(alps)


def test_lines_of_a_public_map_need_no_key_and_their_addresses_answer(client, public_edition):
    page = client.get("/use/alps/latest/?layer=landcover").content.decode()
    lines = re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.S)
    assert all(f"<dt>{program}" in page for program in PROGRAMS) and len(lines) >= len(PROGRAMS)
    assert "key=" not in "".join(lines)
    z, x, y = INSIDE.split("/")
    words = {"z": z, "x": x, "y": y, "level": z, "col": x, "row": y}
    for line in lines:
        found = re.search(r"http://testserver(/tiles/alps/1/[^\s,&?]*?\.(?:webp|png|json|xml))", line)
        address = found[1]
        for name, value in words.items():
            address = address.replace(f"{{{name}}}", value)
        assert client.get(address).status_code == 200, line


def test_a_private_map_is_for_those_who_may_see_it(client, as_, secret_edition, customer, colleague):
    assert client.get("/use/secret/1/").status_code == 404
    assert as_(colleague).get("/use/secret/1/").status_code == 404
    client.force_login(customer)
    page = client.get("/use/secret/1/").content.decode()
    assert "key=YOUR_KEY" in page and "needs a key" in page


def test_a_key_made_in_place_is_shown_once_and_carried_by_the_lines(client, secret_edition, customer):
    client.force_login(customer)
    form = {
        "name": "Website",
        "layers": ["rgb"],
        "referrers": "maps.example.org, *.example.org",
        "per_minute": "60",
    }
    page = client.post("/use/secret/1/keys/", form).content.decode()
    key = re.search(r'<code id="made">(eq_[^<]+)</code>', page)[1]
    assert page.count(key) > 5
    row = MapKey.objects.get()
    assert [each.slug for each in row.campaigns.all()] == ["secret"]
    assert (row.layers, row.per_minute) == (["rgb"], 60)
    assert row.referrers == ["maps.example.org", "*.example.org"]
    assert key not in client.get("/use/secret/1/").content.decode()
    shown = client.get(
        f"/tiles/secret/1/rgb/{INSIDE}.webp?key={key}", headers={"Referer": "https://maps.example.org/"}
    )
    assert shown.status_code == 200


def test_what_is_wrong_with_a_key_is_told_beside_what_was_written(client, secret_edition, customer):
    client.force_login(customer)
    answer = client.post("/use/secret/1/keys/", {"name": "Website", "referrers": "https://x/"})
    page = answer.content.decode()
    assert answer.status_code == 400 and "is no host" in page and 'value="Website"' in page
    assert not MapKey.objects.exists()


def test_strangers_are_sent_to_sign_in_and_make_nothing(client, public_edition):
    assert "Sign in" in client.get("/use/alps/1/").content.decode()
    assert client.post("/use/alps/1/keys/", {"name": "x"}).status_code == 302
    assert not MapKey.objects.exists()


def test_the_chart_shows_the_days_of_each_key(client, public_edition, customer):
    from django.utils import timezone

    row, _ = MapKey.make(customer, "Website")
    KeyUse.add(row.pk, timezone.now().date(), 30, 10)
    client.force_login(customer)
    page = client.get("/use/alps/1/").content.decode()
    assert "30 answered, 10 refused" in page and 'height="45.0"' in page and 'height="15.0"' in page
    assert "Today 30 and 10" in page


def test_one_revokes_ones_own_keys_only(client, as_, public_edition, customer, colleague):
    row, _ = MapKey.make(customer, "Website")
    address = f"/use/alps/1/keys/{row.pk}/revoke/"
    assert as_(colleague).post(address).status_code == 404
    client.force_login(customer)
    assert client.post(address).status_code == 302
    row.refresh_from_db()
    assert row.revoked_at and "revoked" in client.get("/use/alps/1/").content.decode()


def test_names_cannot_bring_markup_into_the_page(client, public_edition, customer):
    MapKey.make(customer, "<script>alert(1)</script>")
    client.force_login(customer)
    assert "<script>alert(1)" not in client.get("/use/alps/1/").content.decode()


def test_there_is_no_page_of_what_is_not_published(client, alps, secret):
    for path in ("alps/latest", "alps/1", "alps/newest", "nowhere/1"):
        assert client.get(f"/use/{path}/").status_code == 404
