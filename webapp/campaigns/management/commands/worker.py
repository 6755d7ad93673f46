"""`manage.py worker`: work at the queues."""

import gc
import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from prometheus_client import start_http_server

from pipeline.errors import EarthquiltError
from webapp.campaigns.worker import make_worker


class Command(BaseCommand):
    """Run a resident worker until it is stopped."""

    help = "Runs the stages of builds and revisions; loads the networks once and keeps them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which queues, and whether to stop when they are empty."""
        parser.add_argument("--queues", nargs="+", choices=settings.QUEUES, default=list(settings.QUEUES))
        parser.add_argument(
            "--metrics-port",
            type=int,
            metavar="PORT",
            help="answer Prometheus at this port",
        )
        parser.add_argument("--metrics-host", default="127.0.0.1", help="address to answer it on (127.0.0.1)")
        parser.add_argument("--gpu", action="store_true", help="refuse to work without a GPU")
        parser.add_argument("--burst", action="store_true", help="stop when the queues are empty")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until stopped."""
        if options["gpu"]:
            self.require_gpu()
        if options["metrics_port"] is not None:
            self.answer_prometheus(options["metrics_port"], options["metrics_host"])
        # What the application consists of needs no looking through when garbage is collected.
        gc.freeze()
        try:
            make_worker(options["queues"]).work(burst=options["burst"], logging_level=None)
        except EarthquiltError as error:
            raise CommandError(str(error)) from error

    def require_gpu(self) -> None:
        """Refuse where the networks would run on the CPU."""
        from pipeline.networks.back_end import has_gpu

        if os.environ.get("EARTHQUILT_BACK_END", "torch") not in ("", "torch"):
            raise CommandError("A GPU is asked for, but EARTHQUILT_BACK_END is not torch.")
        if not has_gpu():
            raise CommandError(
                "A GPU is asked for, and torch finds none: is there a driver, is torch made for CUDA, and "
                "does CUDA_VISIBLE_DEVICES name a device that there is?"
            )

    def answer_prometheus(self, port: int, host: str) -> None:
        """Tell at a port of one's own what this process counts."""
        try:
            start_http_server(port, host)
        except (OSError, OverflowError) as error:
            raise CommandError(f"Metrics cannot be answered at {host}:{port}: {error}.") from error
