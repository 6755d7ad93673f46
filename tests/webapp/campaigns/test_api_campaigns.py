import base64
from dataclasses import fields

import pytest
from rest_framework.test import APIClient

from pipeline.settings import CampaignSettings
from tests.webapp.products import SETTINGS
from webapp.campaigns.models import Campaign

pytestmark = pytest.mark.django_db

NEW = {"name": "Summer", "catalog": "https://example.org/stac", "settings": SETTINGS, "is_public": True}


def problem(answer):
    assert set(answer.json()) == {"error"} and set(answer.json()["error"]) == {"code", "message", "field"}
    return answer.json()["error"]


def test_anonymous_sees_public_campaigns_only(as_, alps, secret):
    assert [row["slug"] for row in as_().get("/api/campaigns/").json()["results"]] == ["alps"]
    assert as_().get("/api/campaigns/alps/").json()["settings"]["resolution"] == 60


@pytest.mark.parametrize(
    ("role", "status"), [("reviewer", 200), ("operator", 200), ("customer", 404), ("stranger", 404)]
)
def test_no_right_to_see_is_not_there(as_, secret, person, role, status):
    answer = as_(person("somebody", role)).get("/api/campaigns/secret/")
    assert answer.status_code == status
    if status == 404:
        assert problem(answer)["code"] == "not_found"


def test_the_source_is_shown_to_those_who_work_with_it(as_, alps, operator, customer):
    assert as_(operator).get("/api/campaigns/alps/").json()["catalog"] == "/data"
    assert "catalog" not in as_(customer).get("/api/campaigns/alps/").json()
    assert "catalog" not in as_().get("/api/campaigns/alps/").json()


def test_operators_make_campaigns(as_, operator):
    answer = as_(operator).post("/api/campaigns/", NEW)
    assert answer.status_code == 201, answer.json()
    made = Campaign.objects.get(slug=answer.json()["slug"])
    assert made.owner == operator and made.settings["series"] == 3


@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), ("stranger", 403), ("customer", 403), ("reviewer", 403)]
)
def test_others_make_no_campaigns(as_, person, role, status):
    answer = as_(person("somebody", role) if role else None).post("/api/campaigns/", NEW)
    assert answer.status_code == status and problem(answer)["message"]
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start": "2023-09-01"}, "settings.end"),
        ({"start": "yesterday"}, "settings.start"),
        ({"resolution": 7}, "settings.resolution"),
        ({"max_cloud": 101}, "settings.max_cloud"),
        ({"colour": "red"}, "settings.colour"),
        ({"networks": {"cloud": "9.9"}}, "settings.networks"),
        ({"networks": {"cirrus": "1.0.0"}}, "settings.networks"),
        ({"networks": 5}, "settings.networks"),
        ({"margin": "x"}, "settings.margin"),
        ({"least_gain": -1}, "settings.least_gain"),
        ({"clear_dates": 1.5}, "settings.clear_dates"),
        ({"series": 1_000_000_000}, "settings.series"),
        ({"agree_datatakes": "no"}, "settings.agree_datatakes"),
        ({"max_cloud": [1]}, "settings.max_cloud"),
        ({"tone": {"name": "own"}}, "settings.tone"),
        ({"target_date": "2022-08-15"}, "settings.target_date"),
        ({"fill_start": "2022-08-01"}, "settings.fill_end"),
        ({"fill_end": "2022-08-01"}, "settings.fill_start"),
        ({"fill_start": "2022-08-01", "fill_end": "2022-07-01"}, "settings.fill_end"),
        ({"fill_start": "2022-08-01", "fill_end": "2023-08-01"}, "settings.fill_end"),
        ({"fill_start": "2024-08-01", "fill_end": "2024-08-31"}, "settings.fill_end"),
        ({"fill_start": "once", "fill_end": "2022-08-31"}, "settings.fill_start"),
    ],
)
def test_impossible_settings_name_their_field(as_, operator, change, field):
    answer = as_(operator).post("/api/campaigns/", {**NEW, "settings": SETTINGS | change})
    assert answer.status_code == 400 and problem(answer)["field"] == field


def test_an_older_range_for_holes_is_a_setting_like_others(as_, operator):
    older = {"fill_start": "2022-06-01", "fill_end": "2023-07-31"}
    answer = as_(operator).post("/api/campaigns/", {**NEW, "settings": SETTINGS | older})
    assert answer.status_code == 201, answer.json()
    assert older.items() <= answer.json()["settings"].items()
    made = Campaign.objects.get(slug=answer.json()["slug"])
    assert str(made.pipeline_settings.fill_end) == "2023-07-31"
    plain = as_(operator).post("/api/campaigns/", NEW).json()["settings"]
    assert plain["fill_start"] is None and plain["fill_end"] is None


def test_the_schema_tells_each_setting_with_its_range(as_, db):
    schema = as_().get("/api/schema/", {"format": "json"}).json()["components"]["schemas"]
    for name in ("Campaign", "CampaignRequest", "PatchedCampaignRequest"):
        told = schema[name]["properties"]["settings"]
        assert set(told["properties"]) == {item.name for item in fields(CampaignSettings)}
        assert told["required"] == ["start", "end"] and told["additionalProperties"] is False
        assert told["properties"]["share"] == {
            "type": "number",
            "minimum": 0.01,
            "maximum": 1,
            "default": 0.999,
            "description": "share of the coverable ground to cover",
        }
        assert told["properties"]["clear_dates"]["type"] == "integer"
        assert told["properties"]["level"]["enum"] == ["L1C", "L2A"]
        assert told["properties"]["target_date"]["nullable"] is True
        assert all(one["description"] for one in told["properties"].values())


@pytest.mark.parametrize("wrong", [None, [], "all", {}, {"start": "2023-08-01"}, {"start": 5, "end": 6}])
def test_settings_of_another_kind_are_refused(as_, operator, wrong):
    answer = as_(operator).post("/api/campaigns/", {**NEW, "settings": wrong})
    assert answer.status_code == 400 and problem(answer)["field"].startswith("settings")


def test_settings_are_fixed_after_the_first_build(as_, operator, alps):
    answer = as_(operator).patch("/api/campaigns/alps/", {"settings": SETTINGS | {"max_cloud": 5}})
    assert answer.status_code == 400 and problem(answer)["field"] == "settings"
    assert as_(operator).patch("/api/campaigns/alps/", {"is_public": False}).status_code == 200
    assert as_().get("/api/campaigns/alps/").status_code == 404


@pytest.mark.parametrize("method", ["put", "delete"])
def test_other_methods_are_refused(as_, operator, alps, method):
    answer = getattr(as_(operator), method)("/api/campaigns/alps/")
    assert answer.status_code == 405 and problem(answer)["code"] == "method_not_allowed"


@pytest.mark.parametrize("slug", ["nothing", "ALPS", "a%00b", "x" * 80])
def test_what_is_not_there_is_a_problem_too(as_, alps, slug):
    answer = as_().get(f"/api/campaigns/{slug}/")
    assert answer.status_code == 404 and problem(answer)["code"] == "not_found"


def test_broken_json_is_a_problem(as_, operator):
    answer = as_(operator).post("/api/campaigns/", "{", content_type="application/json")
    assert answer.status_code == 400 and problem(answer)["code"] == "parse_error"


def test_unknown_addresses_of_the_api_are_a_problem(as_):
    assert problem(as_().get("/api/nothing/"))["code"] == "not_found"


def test_the_latest_edition_is_told(as_, operator, alps):
    assert as_().get("/api/campaigns/alps/").json()["latest_edition"] is None
    as_(operator).post("/api/campaigns/alps/editions/")
    assert as_().get("/api/campaigns/alps/").json()["latest_edition"] == 1


def test_me(as_, operator):
    assert as_().get("/api/me/").json() == {"username": None, "roles": [], "organisation": None}
    assert as_(operator).get("/api/me/").json() == {
        "username": "operator",
        "roles": ["operator"],
        "organisation": None,
    }


def test_basic_authentication_works_for_programs(client, operator, secret):
    def status(password):
        word = base64.b64encode(f"operator:{password}".encode()).decode()
        return client.get("/api/campaigns/secret/", headers={"authorization": f"Basic {word}"}).status_code

    assert status("pass") == 200 and status("wrong") == 401


def test_a_session_needs_the_csrf_token(operator):
    client = APIClient(enforce_csrf_checks=True)
    client.login(username="operator", password="pass")
    assert client.post("/api/campaigns/", NEW).status_code == 403
