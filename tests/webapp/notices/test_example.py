"""The receiver that docs/orders.md shows, as it stands there."""

import re
import select
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from script.lib.ports import free_port
from tests.conftest import ROOT
from webapp.notices.jobs import run_notice
from webapp.notices.models import Endpoint, Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(customer, loopback):
    """The example as a process, and an endpoint that leads to it."""
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/orders.md").read_text(), re.DOTALL)
    port = free_port()
    endpoint, secret = Endpoint.make(customer, f"http://127.0.0.1:{port}/", ["order.ready"])
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={"WEBHOOK_SECRET": secret, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    yield process, endpoint
    process.kill()
    process.wait()


def sent(notice):
    """Send, until the process listens."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        Notice.objects.filter(pk=notice.pk).update(
            status="waiting", attempts=0, next_try_at=timezone.now() - timedelta(seconds=5)
        )
        run_notice(notice.pk)
        notice.refresh_from_db()
        if notice.tries.first().status_code:
            return notice
        time.sleep(0.2)
    raise AssertionError(notice.last_answer)


def test_the_receiver_of_the_docs_takes_what_is_signed_and_nothing_else(shown, order):
    process, endpoint = shown
    notice = Notice.objects.get(endpoint=endpoint)
    assert sent(notice).status == "sent" and notice.tries.first().status_code == 204
    assert select.select([process.stdout], [], [], 10)[0]
    assert process.stdout.readline().decode() == f"order.ready {order.pk}\n"
    endpoint.renew_secret()
    assert sent(notice).status == "sent"
    endpoint.renew_secret()
    assert sent(notice).status == "waiting" and notice.tries.first().status_code == 401
