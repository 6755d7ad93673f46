"""What gunicorn does at its start and when a process ends, for the counts that web processes share.

`gunicorn -c webapp/gunicorn.py webapp.wsgi:application`; all else stays on the command line.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from prometheus_client import multiprocess

MEMORY = Path("/dev/shm")
FOLDER = "PROMETHEUS_MULTIPROC_DIR"

is_own = FOLDER not in os.environ
if is_own:
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="earthquilt-metrics-", dir=where)


def child_exit(server: Any, worker: Any) -> None:
    """Let go of what tells of a process that is no more; its counts stay."""
    multiprocess.mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    """Leave nothing behind."""
    if is_own:
        shutil.rmtree(os.environ[FOLDER], ignore_errors=True)
