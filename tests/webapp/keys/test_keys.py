"""Keys of maps: hashed, scoped, limited, counted, revoked; each with those who may and may not."""

import json

import pytest
from redis.exceptions import ConnectionError as RedisDown

from tests.webapp import products
from tests.webapp.tileserver.test_views import INSIDE
from webapp.campaigns import web_copies
from webapp.campaigns.models import Edition
from webapp.keys import admission
from webapp.keys.admission import fits
from webapp.keys.models import KeyUse, MapKey, digest_of

TILE = f"/tiles/secret/1/rgb/{INSIDE}.webp"
PUBLIC = f"/tiles/alps/1/rgb/{INSIDE}.webp"


@pytest.fixture
def two(db, storage, queues, customer):
    """A public campaign, and a private one of the customer's, both published."""
    for slug, public in (("alps", True), ("secret", False)):
        campaign = products.make_campaign(slug, public=public)
        campaign.owner = customer
        campaign.save()
        products.make_tile(campaign, products.WEST)
        edition = Edition.publish(campaign)
        for revision in web_copies.due(edition):
            assert web_copies.make(revision)


@pytest.fixture
def make(two, as_, customer):
    def make(**scope):
        made = as_(customer).post("/api/keys/", {"name": "Ours"} | scope, format="json")
        assert made.status_code == 201, made.json()
        return made.json()

    return make


def test_a_key_is_told_once_and_kept_as_a_hash(make, as_, customer):
    made = make(name="Website")
    row = MapKey.objects.get()
    assert row.digest == digest_of(made["key"]) and made["key"].startswith(row.shown)
    assert made["key"] not in json.dumps(list(MapKey.objects.values()), default=str)
    told = as_(customer).get("/api/keys/").json()["results"]
    assert [each["name"] for each in told] == ["Website"] and "key" not in told[0]


def test_a_key_opens_what_its_owner_may_see(client, make):
    key = make()["key"]
    assert client.get(TILE).status_code == 404
    for options in (
        {"path": f"{TILE}?key={key}"},
        {"path": TILE, "headers": {"X-API-Key": key}},
        {"path": TILE, "headers": {"Authorization": f"Bearer {key}"}},
    ):
        answer = client.get(**options)
        assert answer.status_code == 200 and answer["Content-Type"] == "image/webp"
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert answer["Cache-Control"].startswith("private")
    assert client.get(f"{PUBLIC}?key={key}")["Cache-Control"] == "public, max-age=31536000, immutable"


def test_documents_carry_the_key_to_the_map_tiles(client, make):
    key = make()["key"]
    told = client.get(f"/tiles/secret/1/rgb/tilejson.json?key={key}").json()
    assert told["tiles"][0].endswith(f".webp?key={key}")
    assert f"{{TileRow}}.png?key={key}" in client.get(f"/tiles/secret/1/wmts?key={key}").content.decode()
    latest = client.get(f"/tiles/secret/latest/rgb/{INSIDE}.webp?key={key}")
    assert latest["Location"] == f"{TILE}?key={key}"
    assert client.get(f"/tiles/secret/1/products/{products.WEST}/mosaic.tif?key={key}").status_code == 200


def test_a_wrong_or_revoked_key_opens_nothing(client, make, as_, customer):
    made = make()
    assert client.get(f"{TILE}?key=eq_wrong").status_code == 401
    assert client.get(f"{PUBLIC}?key=eq_wrong").status_code == 401
    assert as_(customer).delete(f"/api/keys/{made['id']}/").status_code == 204
    answer = client.get(f"{TILE}?key={made['key']}")
    assert answer.status_code == 401 and answer.json()["error"]["code"] == "no_such_key"
    assert MapKey.objects.get().revoked_at is not None


@pytest.mark.parametrize(
    ("scope", "path", "headers", "code"),
    [
        ({"campaigns": ["alps"]}, TILE, {}, "other_campaign"),
        ({"layers": ["landcover"]}, TILE, {}, "other_layer"),
        ({"referrers": ["maps.example.org"]}, TILE, {}, "other_referrer"),
        (
            {"referrers": ["maps.example.org"]},
            TILE,
            {"Referer": "https://evil.org/maps.example.org"},
            "other_referrer",
        ),
        ({"referrers": ["*.example.org"]}, TILE, {"Referer": "https://badexample.org/"}, "other_referrer"),
    ],
)
def test_a_key_does_not_open_what_it_is_not_for(client, make, scope, path, headers, code):
    answer = client.get(f"{path}?key={make(**scope)['key']}", headers=headers)
    assert answer.status_code == 403 and answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("scope", "headers"),
    [
        ({"campaigns": ["secret", "alps"]}, {}),
        ({"layers": ["rgb"]}, {}),
        ({"referrers": ["maps.example.org"]}, {"Referer": "https://maps.example.org/page?x=1"}),
        ({"referrers": ["*.example.org"]}, {"Origin": "https://a.b.example.org:8443"}),
    ],
)
def test_a_key_opens_what_it_is_for(client, make, scope, headers):
    assert client.get(f"{TILE}?key={make(**scope)['key']}", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "scope",
    [
        {"layers": ["ndvi"]},
        {"campaigns": ["nowhere"]},
        {"referrers": ["https://example.org/"]},
        {"referrers": ["*.*"]},
        {"per_minute": 0},
        {"name": ""},
        {"referrers": "x"},
    ],
)
def test_a_scope_that_is_none_is_refused(two, as_, customer, scope):
    answer = as_(customer).post("/api/keys/", {"name": "Ours"} | scope, format="json")
    assert answer.status_code == 400 and not MapKey.objects.exists()


def test_nobody_makes_a_key_for_what_they_may_not_see(two, as_, colleague):
    answer = as_(colleague).post("/api/keys/", {"name": "Mine", "campaigns": ["secret"]}, format="json")
    assert answer.status_code == 400
    key = as_(colleague).post("/api/keys/", {"name": "Mine"}, format="json").json()["key"]
    assert as_().get(f"{TILE}?key={key}").status_code == 404


def test_keys_are_seen_and_changed_by_their_owner_alone(make, as_, colleague, customer):
    made = make()
    address = f"/api/keys/{made['id']}/"
    for method in ("get", "delete", "patch"):
        assert getattr(as_(colleague), method)(address).status_code == 404
        assert getattr(as_(), method)(address).status_code in (401, 403)
    assert as_().post("/api/keys/", {"name": "x"}, format="json").status_code in (401, 403)
    changed = as_(customer).patch(address, {"layers": ["nir"]}, format="json")
    assert changed.json()["layers"] == ["nir"]
    assert as_().get(f"{TILE}?key={made['key']}").status_code == 403


def test_too_many_requests_a_minute_are_refused_and_told_when_to_come_again(client, make, monkeypatch):
    monkeypatch.setattr(admission.time, "time", lambda: 1_000_000_020.0)
    key = make(per_minute=3)["key"]
    told = [client.get(f"{TILE}?key={key}").status_code for _ in range(5)]
    assert told == [200, 200, 200, 429, 429]
    answer = client.get(f"{TILE}?key={key}")
    assert 0 < int(answer["Retry-After"]) <= 60 and answer["Cache-Control"] == "no-cache"
    monkeypatch.setattr(admission.time, "time", lambda: 1_000_000_090.0)
    assert client.get(f"{TILE}?key={key}").status_code == 200


def test_a_wrong_key_costs_one_query_and_works_soon_after_it_was_made(
    db, customer, monkeypatch, django_assert_num_queries
):
    now = 1000.0
    monkeypatch.setattr(admission.time, "monotonic", lambda: now)
    token = "eq_made-later"
    with django_assert_num_queries(1):
        for _ in range(5):
            with pytest.raises(admission.Refused, match="opens nothing"):
                admission.find(token)
    row = MapKey.objects.create(owner=customer, name="Ours", shown="eq_made", digest=digest_of(token))
    with pytest.raises(admission.Refused):
        admission.find(token)
    now += 5.1
    assert admission.find(token).key == row


def test_wrong_keys_fill_no_memory(db, monkeypatch):
    monkeypatch.setattr(admission, "UNKNOWN_IN_MEMORY", 3)
    for number in range(10):
        with pytest.raises(admission.Refused):
            admission.find(f"eq_{number}")
    assert len(admission._unknown) <= 3


def test_without_redis_nobody_is_refused(client, make, monkeypatch):
    key = make(per_minute=1)["key"]

    def down(name):
        raise RedisDown("down")

    with monkeypatch.context() as patch:
        patch.setattr(admission.django_rq, "get_connection", down)
        assert [client.get(f"{TILE}?key={key}").status_code for _ in range(3)] == [200, 200, 200]


def test_the_use_of_a_key_that_is_gone_is_dropped(client, make):
    client.get(f"{TILE}?key={make()['key']}")
    MapKey.objects.all().delete()
    admission.tally.flush()
    assert not KeyUse.objects.exists()


def test_daily_use_is_counted_and_told(client, make, as_, customer):
    made = make(layers=["rgb"])
    for _ in range(4):
        client.get(f"{TILE}?key={made['key']}")
    client.get(f"/tiles/secret/1/nir/{INSIDE}.webp?key={made['key']}")
    admission.tally.flush()
    client.get(f"{TILE}?key={made['key']}")
    admission.tally.flush()
    day = KeyUse.objects.get()
    assert (day.answered, day.refused) == (5, 1)
    told = as_(customer).get(f"/api/keys/{made['id']}/use/").json()
    assert told == [{"day": day.day.isoformat(), "answered": 5, "refused": 1}]


def test_an_owner_who_left_opens_nothing(client, make, customer):
    key = make()["key"]
    customer.is_active = False
    customer.save()
    assert client.get(f"{TILE}?key={key}").status_code == 401


@pytest.mark.parametrize(
    ("pattern", "referrer", "does_fit"),
    [
        ("a.org", "https://a.org/x", True),
        ("a.org", "https://A.ORG", True),
        ("a.org", "https://b.a.org", False),
        ("*.a.org", "https://b.a.org", True),
        ("*.a.org", "https://a.org", False),
        ("a.org", "", False),
        ("a.org", "http://[", False),
        ("a.org", "https://a.org@evil.org/", False),
    ],
)
def test_hosts_are_matched_whole(pattern, referrer, does_fit):
    assert fits(pattern, referrer) is does_fit
