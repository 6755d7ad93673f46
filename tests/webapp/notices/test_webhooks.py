"""Webhooks over real sockets, verified by the library that receivers use."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from pipeline.public_address import Exceptions
from webapp.notices.jobs import asked_wait, run_notice
from webapp.notices.models import Endpoint, Notice
from webapp.notices.services import send_again

pytestmark = pytest.mark.django_db


def due_now(notice):
    Notice.objects.filter(pk=notice.pk).update(next_try_at=timezone.now() - timedelta(seconds=5))


def try_now(notice):
    due_now(notice)
    run_notice(notice.pk)
    notice.refresh_from_db()
    return notice


def waits(notice):
    return (notice.next_try_at - timezone.now()).total_seconds()


def test_a_receiver_verifies_what_it_was_sent(hook, endpoint, server, order):
    run_notice(hook.pk)
    path, headers, body = server.requests[0]
    assert path == "/hook" and headers["content-type"] == "application/json"
    found = Webhook(endpoint.secret).verify(body, headers)
    assert found["type"] == "order.ready" and found["data"]["order"]["id"] == order.pk
    for spoiled in (body.replace(b"ready", b"ruddy"), body + b" "):
        with pytest.raises(WebhookVerificationError):
            Webhook(endpoint.secret).verify(spoiled, headers)
    for name, value in (
        ("webhook-id", "msg_other"),
        ("webhook-timestamp", str(int(headers["webhook-timestamp"]) + 1)),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(endpoint.secret).verify(body, headers | {name: value})
    hook.refresh_from_db()
    assert (hook.status, hook.attempts, hook.last_answer, hook.next_try_at) == ("sent", 1, "200: ok", None)
    assert hook.tries.get().status_code == 200


def test_a_secret_that_was_replaced_still_signs_for_a_day(hook, endpoint, server):
    old = endpoint.secret
    new = endpoint.renew_secret()
    run_notice(hook.pk)
    _, headers, body = server.requests[0]
    assert old != new and Webhook(old).verify(body, headers) == Webhook(new).verify(body, headers)
    Endpoint.objects.update(old_secret_until=timezone.now() - timedelta(seconds=1))
    send_again(hook, endpoint.owner)
    run_notice(hook.pk)
    _, headers, body = server.requests[1]
    assert Webhook(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)


def test_what_is_not_taken_is_tried_again_under_the_same_id_with_growing_pauses(hook, server, settings):
    settings.NOTICE_PAUSES = [5, 300, 1800]
    server.answers = [(500, b"broken", {}), (302, b"", {"Location": "/"}), (404, b"", {}), (204, b"", {})]
    for pause, told in ((5, "500: broken"), (300, "302: "), (1800, "404: ")):
        try_now(hook)
        assert hook.status == "waiting" and pause - 3 < waits(hook) <= pause and hook.last_answer == told
    try_now(hook)
    assert hook.status == "sent" and [one.status_code for one in hook.tries.all()] == [204, 404, 302, 500]
    assert len({headers["webhook-id"] for _, headers, _ in server.requests}) == 1
    assert len({body for _, _, body in server.requests}) == 1


def test_it_is_given_up_after_the_last_try_and_the_customer_told_by_mail(hook, server, settings, order):
    settings.NOTICE_PAUSES = [1, 1]
    server.answers = [(503, b"later", {})]
    Notice.objects.exclude(pk=hook.pk).delete()
    for _ in range(5):
        try_now(hook)
    assert (hook.status, hook.attempts, len(server.requests)) == ("failed", 3, 3)
    letter = Notice.objects.get(kind="webhook.failed")
    assert letter.channel == "mail" and letter.order == order
    assert json.loads(letter.body)["data"]["endpoint"]["answer"] == "503: later"


def test_a_receiver_may_ask_to_be_left_alone(hook, server):
    server.answers = [(429, b"", {"Retry-After": "4000"})]
    try_now(hook)
    assert 3990 < waits(hook) <= 4000


def test_what_a_receiver_may_ask():
    assert asked_wait(None) == asked_wait("soon") == asked_wait("-5") == asked_wait("nan") == 0
    assert asked_wait("1e9") == asked_wait("inf") == 86400
    later = (timezone.now() + timedelta(seconds=600)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert 590 < asked_wait(later) <= 600


def test_an_endpoint_that_is_gone_is_sent_nothing_more(hook, server, endpoint, alps, customer):
    server.answers = [(410, b"", {})]
    try_now(hook)
    endpoint.refresh_from_db()
    assert hook.status == "failed" and "410" in endpoint.stopped_text
    assert endpoint not in Endpoint.objects.listening()


def test_a_worker_that_died_in_the_middle_loses_nothing(hook, server):
    assert hook.claim()
    assert not hook.claim()
    run_notice(hook.pk)
    assert server.requests == []
    try_now(hook)
    assert hook.status == "sent" and hook.attempts == 2


def test_workers_that_always_die_do_not_go_on_for_ever(hook, server, settings):
    settings.NOTICE_PAUSES = [1]
    for _ in range(2):
        due_now(hook)
        assert hook.claim()
    try_now(hook)
    assert hook.status == "failed" and "never ended" in hook.last_answer and server.requests == []


def test_two_workers_send_once(hook, server):
    run_notice(hook.pk)
    run_notice(hook.pk)
    assert len(server.requests) == 1


def test_nothing_inside_the_network_is_reached(hook, server, settings):
    settings.PUBLIC_ADDRESS_EXCEPTIONS = Exceptions()
    try_now(hook)
    assert server.connections == 0 and "must begin with https" in hook.last_answer
    for host in ("127.0.0.1", "localhost", "[::1]", "0x7f.1"):
        Endpoint.objects.update(url=f"https://{host}:{server.port}/")
        try_now(hook)
        assert server.connections == 0 and hook.tries.first().status_code is None
    assert hook.status == "waiting"


def test_a_notice_is_sent_again_by_hand(hook, server, endpoint):
    run_notice(hook.pk)
    hook.refresh_from_db()
    send_again(hook, endpoint.owner)
    assert (hook.status, hook.attempts) == ("waiting", 0)
    run_notice(hook.pk)
    first, second = (headers["webhook-id"] for _, headers, _ in server.requests)
    assert first == second


def test_an_end_of_a_try_does_not_undo_what_was_asked_meanwhile(hook, server, endpoint):
    assert hook.claim()
    Notice.objects.get(pk=hook.pk).again()
    assert not hook.end("sent", "late")
    hook.refresh_from_db()
    assert hook.status == "waiting" and hook.attempts == 0


def test_a_removed_endpoint_is_sent_nothing(hook, server, endpoint):
    endpoint.remove()
    try_now(hook)
    assert server.requests == [] and hook.status == "failed"
    endpoint.refresh_from_db()
    assert endpoint.secret == ""
