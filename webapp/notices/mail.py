"""Notices as letters, with text and HTML."""

import json
import smtplib
import time
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from pipeline.public_http import Answer
from webapp.notices import kinds
from webapp.notices.models import Notice

TAKEN = 250
# What an SMTP server says of a mailbox that it will never know.
NEVER = range(500, 600)


def send(notice: Notice) -> Answer:
    """Send a letter; gives the answer of the mail server, as HTTP's statuses have it where it is for good."""
    began = time.monotonic()
    try:
        letter_of(notice).send()
    except smtplib.SMTPRecipientsRefused as error:
        code, told = next(iter(error.recipients.values()))
        status = 410 if code in NEVER else None
        return Answer(status, f"{code} {told.decode(errors='replace')}", time.monotonic() - began)
    except (smtplib.SMTPException, OSError) as error:
        return Answer(None, f"The mail server did not take it: {error}.", time.monotonic() - began)
    return Answer(TAKEN, _("The mail server took it."), time.monotonic() - began)


def letter_of(notice: Notice) -> EmailMultiAlternatives:
    """The letter of a notice, the same in each try."""
    data = json.loads(notice.body)["data"]
    subject, lines = words(notice.kind, data)
    context = {
        "subject": subject,
        "lines": lines,
        "link": data.get("order", {}).get("links", {}).get("page")
        or settings.PUBLIC_URL + reverse("notices"),
        "choice": settings.PUBLIC_URL + reverse("notices"),
    }
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    letter = EmailMultiAlternatives(
        subject,
        render_to_string("notices/letter.txt", context),
        to=[notice.recipient.email],
        # Sent twice, it is one message to programs of mail.
        headers={"Message-ID": f"<{notice.uid.hex}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    letter.attach_alternative(render_to_string("notices/letter.html", context), "text/html")
    return letter


def words(kind: str, data: dict[str, Any]) -> tuple[str, list[str]]:
    """Subject and sentences of a letter."""
    order, delivery = data.get("order", {}), data.get("delivery", {})
    told = {"order": order.get("id"), "number": delivery.get("number")}
    told |= {"day": str(delivery.get("remove_after") or "")[:10]}
    told |= {"url": data.get("endpoint", {}).get("url"), "answer": data.get("endpoint", {}).get("answer")}
    texts = {
        kinds.ORDER_READY: (
            _("Order %(order)s is ready"),
            _("All tiles of order %(order)s are finished. Say on its page which files you want."),
        ),
        kinds.ORDER_FAILED: (
            _("Order %(order)s failed"),
            _("Order %(order)s could not be finished."),
        ),
        kinds.ORDER_CANCELLED: (
            _("Order %(order)s was cancelled"),
            _("Order %(order)s was cancelled by the people who run this service."),
        ),
        kinds.DELIVERY_READY: (
            _("Files of order %(order)s are ready"),
            _("Delivery %(number)s of order %(order)s can be downloaded from its page until %(day)s."),
        ),
        kinds.DELIVERY_FAILED: (
            _("Files of order %(order)s could not be made"),
            _("Delivery %(number)s of order %(order)s could not be made."),
        ),
        kinds.DELIVERY_EXPIRING: (
            _("Files of order %(order)s will be removed on %(day)s"),
            _(
                "The files of delivery %(number)s of order %(order)s will be removed on %(day)s. "
                "Download them before, or have them made again on the order's page."
            ),
        ),
        kinds.WEBHOOK_FAILED: (
            _("A webhook of order %(order)s was given up"),
            _("%(url)s did not take a notice of order %(order)s, and no further try is made: %(answer)s"),
        ),
    }
    subject, first = texts[kind]
    why = delivery.get("error") or order.get("status_text") if kind != kinds.WEBHOOK_FAILED else ""
    return subject % told, [first % told, *([str(why)] if why else [])]
