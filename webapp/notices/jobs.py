"""The job that sends one notice; what is lost on the way is queued again by the sweep."""

import logging
import time
from datetime import datetime
from email.utils import parsedate_to_datetime

from django.conf import settings
from django.utils import timezone

from pipeline.public_http import Answer, Outside
from webapp.campaigns.queue import hint
from webapp.notices import kinds, mail, signing
from webapp.notices.models import Attempt, Notice

log = logging.getLogger(__name__)

# Its workers reach the internet.
QUEUE = "download"
MOST_AT_ONCE = 500
LONGEST_WAIT = 24 * 3600.0
GONE = 410


def hint_notice(notice: Notice) -> None:
    """Tell the workers, once the transaction is over, that a notice may be sent."""
    hint(QUEUE, "webapp.notices.jobs.run_notice", notice.pk, f"notice-{notice.pk}-{notice.attempts}")


def hint_due() -> int:
    """Queue the notices whose time has come; gives their number."""
    due = list(Notice.objects.due().order_by("next_try_at")[:MOST_AT_ONCE])
    for notice in due:
        hint_notice(notice)
    return len(due)


def run_notice(key: int) -> None:
    """Try to send a notice, if it is due and nobody else does."""
    notice = Notice.objects.select_related("recipient", "endpoint").filter(pk=key).first()
    if notice is None or not notice.claim():
        return
    if notice.attempts > len(settings.NOTICE_PAUSES) + 1:
        give_up(notice, "The last try was begun and never ended.")
    elif notice.endpoint is None:
        record(notice, mail.send(notice))
    else:
        record(notice, post(notice))


def post(notice: Notice) -> Answer:
    """Send a notice to its endpoint."""
    endpoint, body = notice.endpoint, notice.body.encode()
    if endpoint.removed_at or endpoint.stopped_text:
        return Answer(GONE, "The endpoint takes no notices any more.", 0.0)
    signed = signing.headers(endpoint.secrets, notice.message_id, int(time.time()), body)
    return outside().post(endpoint.url, body, signed)


def outside() -> Outside:
    """The door to the internet, with the operator's exceptions."""
    return Outside(exceptions=settings.PUBLIC_ADDRESS_EXCEPTIONS, seconds=settings.NOTICE_SECONDS)


def record(notice: Notice, answer: Answer) -> None:
    """Keep what came of a try, and decide what follows."""
    Attempt.objects.create(
        notice=notice, status_code=answer.status, text=answer.text[:500], seconds=round(answer.seconds, 3)
    )
    told = f"{answer.status}: {answer.text}" if answer.status else answer.text
    if answer.is_taken:
        notice.end(Notice.Status.SENT, told)
    elif answer.status == GONE:
        stop(notice, told)
    elif notice.is_last_try:
        give_up(notice, told)
    else:
        notice.put_off(told, asked_wait(answer.retry_after))
        log.warning("%s to %s waits: %s", notice, notice.where, told)


def stop(notice: Notice, told: str) -> None:
    """Send nothing to an endpoint any more that says it is gone (HTTP 410)."""
    if notice.endpoint and not notice.endpoint.stopped_text:
        notice.endpoint.stopped_text = "It answered that it is gone (HTTP 410)."
        notice.endpoint.save(update_fields=["stopped_text"])
    notice.end(Notice.Status.FAILED, told)


def give_up(notice: Notice, told: str) -> None:
    """End a notice that could not be sent; of an endpoint the customer is told by mail."""
    from webapp.notices.outbox import write_gave_up

    if not notice.end(Notice.Status.FAILED, told):
        return
    log.warning("%s to %s is given up: %s", notice, notice.where, told)
    notice.refresh_from_db()
    if notice.endpoint and notice.kind != kinds.WEBHOOK_TEST:
        write_gave_up(notice)


def asked_wait(retry_after: str | None) -> float:
    """Seconds that a receiver asks to be left alone, of a number or a date; a day at most."""
    if not retry_after:
        return 0.0
    try:
        seconds = float(retry_after)
    except ValueError:
        seconds = _until(retry_after)
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else 0.0


def _until(date: str) -> float:
    try:
        moment: datetime = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.get_default_timezone())
    return (aware - timezone.now()).total_seconds()
