"""The page of mail and webhooks, and the log on the page of an order."""

import pytest

from webapp.notices.jobs import run_notice
from webapp.notices.models import Endpoint, MailChoice, Notice

pytestmark = pytest.mark.django_db


def page(client, address="/notices/"):
    return client.get(address).content.decode()


def test_the_page_is_for_who_has_signed_in(client, customer):
    assert client.get("/notices/").status_code == 302
    client.force_login(customer)
    assert "You have no endpoints yet" in page(client)


def test_an_endpoint_is_added_and_its_secret_shown_once(client, customer):
    client.force_login(customer)
    answer = client.post("/notices/", {"url": "https://hooks.example.org/", "kinds": ["order.ready"]})
    row = Endpoint.objects.get()
    assert row.secret in answer.content.decode() and row.kinds == ["order.ready"]
    assert "no-store" in answer["Cache-Control"] and row.secret not in page(client)
    answer = client.post(f"/notices/webhooks/{row.pk}/secret/")
    assert Endpoint.objects.get().secret in answer.content.decode()
    client.post(f"/notices/webhooks/{row.pk}/remove/")
    assert "https://hooks.example.org/" not in page(client).replace("placeholder", "")


def test_what_is_wrong_is_told_beside_what_was_typed(client, customer):
    client.force_login(customer)
    answer = client.post("/notices/", {"url": "https://127.0.0.1/", "kinds": ["order.failed"]})
    content = answer.content.decode()
    assert answer.status_code == 400 and "127.0.0.1 is not in the public internet." in content
    assert 'value="https://127.0.0.1/"' in content
    assert client.post("/notices/", {"url": "https://a.example.org/"}).status_code == 400


def test_mail_is_chosen(client, customer):
    client.force_login(customer)
    client.post("/notices/mail/", {"kinds": ["order.failed", "nothing"]})
    assert MailChoice.of(customer) == ["order.failed"]
    assert "Your choice of mail is kept." in page(client)


def test_endpoints_of_others_are_not_changed(client, endpoint, colleague):
    client.force_login(colleague)
    for what in ("test", "secret", "remove", "other"):
        assert client.post(f"/notices/webhooks/{endpoint.pk}/{what}/").status_code == 404
    assert client.get(f"/notices/webhooks/{endpoint.pk}/test/").status_code in (404, 405)


def test_the_page_of_an_order_has_the_log_and_a_button(client, hook, order, customer, server, settings):
    settings.NOTICE_PAUSES = []
    server.answers = [(500, b"broken <script>", {})]
    run_notice(hook.pk)
    client.force_login(customer)
    content = page(client, f"/orders/{order.pk}/")
    assert "given up" in content and "500: broken &lt;script&gt;" in content and "Send again" in content
    answer = client.post(f"/notices/{hook.pk}/again/", {"order": "1"})
    assert answer["Location"] == f"/orders/{order.pk}/"
    hook.refresh_from_db()
    assert hook.status == "waiting"
    assert "The notice is sent again." in page(client, f"/orders/{order.pk}/")


def test_others_send_nothing_again(client, hook, colleague, reviewer, order, server):
    run_notice(hook.pk)
    for person in (colleague, reviewer):
        client.force_login(person)
        assert client.post(f"/notices/{hook.pk}/again/").status_code == 404
    content = page(client, f"/orders/{order.pk}/")
    assert "/hook" not in content and "Send again" not in content
    assert Notice.objects.get(pk=hook.pk).status == "sent"
