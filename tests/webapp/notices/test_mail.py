"""Letters to a real SMTP server on loopback."""

import email
import email.policy

import pytest
from aiosmtpd.controller import Controller

from script.lib.ports import free_port
from webapp.notices.jobs import run_notice
from webapp.notices.models import Notice

pytestmark = pytest.mark.django_db


class Mailbox:
    """Keeps letters; answers RCPT as it is told."""

    def __init__(self):
        self.letters, self.refusal = [], None

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.letters.append(
            (envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default))
        )
        return "250 OK"


@pytest.fixture
def mailbox(settings):
    found = Mailbox()
    controller = Controller(found, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = controller.hostname, controller.port
    yield found
    controller.stop()


def letters():
    return Notice.objects.filter(endpoint=None)


def test_a_ready_order_comes_as_text_and_html(order, mailbox):
    notice = letters().get()
    run_notice(notice.pk)
    [(to, letter)] = mailbox.letters
    assert to == ["customer@example.org"] and letter["From"] == "Earthquilt <maps@example.org>"
    assert letter["Subject"] == f"Order {order.pk} is ready"
    assert letter["Message-ID"] == f"<{notice.uid.hex}@example.org>"
    assert letter["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        text = letter.get_body((kind,)).get_content()
        assert f"https://maps.example.org/orders/{order.pk}/" in text
        assert "https://maps.example.org/notices/" in text and f"All tiles of order {order.pk}" in text
    notice.refresh_from_db()
    assert notice.status == "sent"


def test_what_failed_is_told_with_why_and_without_markup_of_others(alps, customer, mailbox, order):
    order.status = "running"
    type(order).objects.filter(pk=order.pk).update(status="running")
    order.move("failed", "x", status_text="33TWL failed: <b>broken</b> & gone")
    run_notice(letters().get(kind="order.failed").pk)
    [(_, letter)] = mailbox.letters
    assert "33TWL failed: <b>broken</b> & gone" in letter.get_body(("plain",)).get_content()
    html = letter.get_body(("html",)).get_content()
    assert "&lt;b&gt;broken&lt;/b&gt; &amp; gone" in html and "<b>broken" not in html


def test_a_mail_server_that_is_away_is_tried_again(order, mailbox, settings):
    settings.EMAIL_PORT, port = 1, settings.EMAIL_PORT
    notice = letters().get()
    run_notice(notice.pk)
    notice.refresh_from_db()
    assert notice.status == "waiting" and "did not take it" in notice.last_answer
    settings.EMAIL_PORT = port
    Notice.objects.update(next_try_at="2020-01-01T00:00Z")
    run_notice(notice.pk)
    notice.refresh_from_db()
    assert notice.status == "sent" and len(mailbox.letters) == 1


@pytest.mark.parametrize(("refusal", "status"), [("450 later", "waiting"), ("550 unknown", "failed")])
def test_a_mailbox_that_does_not_exist_is_given_up_at_once(order, mailbox, refusal, status):
    mailbox.refusal = refusal
    notice = letters().get()
    run_notice(notice.pk)
    notice.refresh_from_db()
    assert notice.status == status and refusal in notice.last_answer and mailbox.letters == []
