"""A worker that is asked to use a GPU refuses to work without one."""

import pytest
from django.core.management import CommandError, call_command

from pipeline.networks import back_end
from webapp.campaigns.management.commands import worker


class Stopped(Exception):
    """Stands for a worker at work."""


@pytest.fixture(autouse=True)
def never_works(monkeypatch):
    def stop(queues):
        raise Stopped

    monkeypatch.setattr(worker, "make_worker", stop)
    monkeypatch.delenv("EARTHQUILT_BACK_END", raising=False)


def test_without_a_gpu_it_refuses(monkeypatch):
    monkeypatch.setattr(back_end, "has_gpu", lambda: False)
    with pytest.raises(CommandError, match="torch finds none"):
        call_command("worker", "--queues", "gpu", "--gpu")
    with pytest.raises(Stopped):
        call_command("worker", "--queues", "gpu")


def test_with_a_gpu_it_works_unless_told_to_use_the_processor(monkeypatch):
    monkeypatch.setattr(back_end, "has_gpu", lambda: True)
    with pytest.raises(Stopped):
        call_command("worker", "--queues", "gpu", "--gpu")
    monkeypatch.setenv("EARTHQUILT_BACK_END", "openvino")
    with pytest.raises(CommandError, match="EARTHQUILT_BACK_END"):
        call_command("worker", "--queues", "gpu", "--gpu")
