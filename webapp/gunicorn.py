"""What gunicorn does at its start and when a process ends, for the counts that web processes share; its logs.

`gunicorn -c webapp/gunicorn.py webapp.wsgi:application`; all else stays on the command line.
"""

import gc
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger
from prometheus_client import multiprocess

MEMORY = Path("/dev/shm")
FOLDER = "PROMETHEUS_MULTIPROC_DIR"

is_own = FOLDER not in os.environ
if is_own:
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="earthquilt-metrics-", dir=where)


class Lines(logging.Formatter):
    """Lines as gunicorn writes them, which tell whole addresses, without the keys in these."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        # This file is read before the project can be imported.
        from pipeline.redaction import redacted

        return redacted(super().format(record))


class logger_class(Logger):
    """Gunicorn's own logs, without secrets."""

    def setup(self, cfg: Any) -> None:
        """Give each handler the formatter that leaves secrets out."""
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            own = handler.formatter
            handler.setFormatter(Lines(own._fmt, own.datefmt) if own else Lines())


def post_worker_init(worker: Any) -> None:
    """Leave the application itself out where garbage is collected: to look through it took 0.3 s."""
    gc.collect()
    gc.freeze()


def child_exit(server: Any, worker: Any) -> None:
    """Let go of what tells of a process that is no more; its counts stay."""
    multiprocess.mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    """Leave nothing behind."""
    if is_own:
        shutil.rmtree(os.environ[FOLDER], ignore_errors=True)
