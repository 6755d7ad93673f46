"""The API of endpoints, notices and mail."""

import pytest
from standardwebhooks import Webhook

from webapp.notices.jobs import run_notice
from webapp.notices.models import MOST_ENDPOINTS, Endpoint, Notice, all_kinds

pytestmark = pytest.mark.django_db

URL = "/api/webhooks/"


def make(client, **values):
    return client.post(URL, {"url": "https://hooks.example.org/a"} | values)


def test_an_endpoint_tells_its_secret_once(as_, customer):
    answer = make(as_(customer))
    assert answer.status_code == 201 and answer.json()["kinds"] == all_kinds()
    secret = answer.json()["secret"]
    assert secret.startswith("whsec_") and Webhook(secret)
    row = Endpoint.objects.get()
    for address in (URL, f"{URL}{row.pk}/"):
        assert secret not in as_(customer).get(address).content.decode()
    renewed = as_(customer).post(f"{URL}{row.pk}/secret/").json()["secret"]
    assert renewed != secret and Endpoint.objects.get().secrets == [renewed, secret]


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/", "https://127.0.0.1/", "https://[::1]/", "https://10.1.1.1/", "https://0x7f.1/",
        "https://2130706433/", "https://[::ffff:169.254.169.254]/", "https://me:pass@example.org/", "ftp://a.org",
        "a",
    ],
)  # fmt: skip
def test_addresses_that_are_not_used_are_refused(as_, customer, url):
    answer = make(as_(customer), url=url)
    assert answer.status_code == 400 and answer.json()["error"]["field"] == "url"
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("kinds", [[], ["order.lost"], "order.ready"])
def test_unknown_kinds_are_refused(as_, customer, kinds):
    assert make(as_(customer), kinds=kinds).status_code == 400


def test_a_person_has_some_endpoints_at_most(as_, customer):
    for _ in range(MOST_ENDPOINTS):
        assert make(as_(customer)).status_code == 201
    assert make(as_(customer)).json()["error"]["field"] == "url"
    as_(customer).delete(f"{URL}{Endpoint.objects.first().pk}/")
    assert make(as_(customer)).status_code == 201


def test_endpoints_of_others_are_not_there(as_, endpoint, colleague, operator):
    for person in (colleague, operator):
        assert as_(person).get(URL).json()["results"] == []
        for method, path in (("get", ""), ("delete", ""), ("post", "secret/"), ("post", "test/")):
            assert getattr(as_(person), method)(f"{URL}{endpoint.pk}/{path}").status_code == 404
    for path in (URL, "/api/notices/", "/api/me/mail/"):
        assert as_().get(path).status_code == 401


def test_a_test_is_sent_and_starts_a_stopped_endpoint(as_, endpoint, customer, server):
    Endpoint.objects.update(stopped_text="gone")
    answer = as_(customer).post(f"{URL}{endpoint.pk}/test/")
    assert answer.status_code == 201 and answer.json()["kind"] == "webhook.test"
    run_notice(answer.json()["id"])
    assert b'"webhook.test"' in server.requests[0][2]
    assert Endpoint.objects.get().stopped_text == ""


def test_the_log_tells_every_try(as_, hook, customer, order, server):
    server.answers = [(500, b"broken", {}), (200, b"", {})]
    run_notice(hook.pk)
    told = as_(customer).get(f"/api/notices/?order={order.pk}&status=waiting").json()["results"]
    found = next(one for one in told if one["channel"] == "webhook")
    assert found["tries"][0]["status_code"] == 500 and found["tries"][0]["text"] == "broken"
    assert found["message_id"] == hook.message_id and found["next_try_at"] and found["attempts"] == 1
    again = as_(customer).post(f"/api/notices/{hook.pk}/again/").json()
    assert (again["status"], again["attempts"]) == ("waiting", 0)
    run_notice(hook.pk)
    assert as_(customer).get(f"/api/notices/{hook.pk}/").json()["status"] == "sent"


def test_others_see_only_what_they_may(as_, hook, colleague, reviewer, operator, server):
    address = f"/api/notices/{hook.pk}/"
    assert as_(colleague).get(address).status_code == 404
    told = as_(reviewer).get(address).json()
    assert told["where"] == "127.0.0.1"
    assert as_(reviewer).post(f"{address}again/").status_code == 403
    assert as_(operator).post(f"{address}again/").status_code == 200


def test_a_notice_of_a_removed_endpoint_is_not_sent_again(as_, hook, endpoint, customer):
    endpoint.remove()
    answer = as_(customer).post(f"/api/notices/{hook.pk}/again/")
    assert answer.status_code == 400 and "was removed" in answer.json()["error"]["message"]


def test_a_choice_of_mail_is_kept(as_, customer):
    found = as_(customer).get("/api/me/mail/").json()
    assert found == {"kinds": all_kinds(), "email": "customer@example.org"}
    answer = as_(customer).put("/api/me/mail/", {"kinds": ["order.failed", "order.ready", "order.failed"]})
    assert answer.json()["kinds"] == ["order.ready", "order.failed"]
    assert as_(customer).put("/api/me/mail/", {"kinds": []}).json()["kinds"] == []
    assert as_(customer).put("/api/me/mail/", {"kinds": ["x"]}).status_code == 400
    assert not Notice.objects.exists()
