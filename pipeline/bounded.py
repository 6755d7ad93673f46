"""Work on what strangers send, in a process of its own that has no secret and ends at its limits."""

import json
import os
import resource
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.words import sentence

ROOT = Path(__file__).resolve().parents[1]
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PROJ_DATA", "VIRTUAL_ENV")
# Each takes a processor and up to 2 GiB for a moment.
AT_ONCE = threading.BoundedSemaphore(2)
WAIT_SECONDS = 20


class Busy(UsageError):
    """Others are at work; `WAIT_SECONDS` is when to ask again."""

    code = "throttled"
    http_status = 429


@dataclass(frozen=True)
class Bounds:
    """What a process may take.

    Attributes:
        seconds: of processor time, and half its time by the clock.
        memory: bytes of address space.
        written: bytes of each file that it writes.
    """

    seconds: int = 10
    memory: int = 2 * 2**30
    written: int = 0


def run(module: str, asked: Any, content: bytes, bounds: Bounds) -> Any:
    """Run a module of ours on bytes of a stranger.

    Args:
        module: calls `limited` first, then writes its answer to standard output.
        asked: what it is told besides, JSON.
        content: what it reads.
        bounds: of the process.

    Returns:
        Its answer, JSON; None where it came to its limits or broke down.

    Raises:
        Busy: too many are at it.
    """
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if not AT_ONCE.acquire(timeout=WAIT_SECONDS):
        raise Busy(sentence("Other areas are being read: try again in a minute."))
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, json.dumps(asdict(bounds)), json.dumps(asked)],
            input=content,
            capture_output=True,
            env=environment,
            cwd=ROOT,
            timeout=2 * bounds.seconds,
            check=False,
        )
        return json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None
    finally:
        AT_ONCE.release()


def limited() -> Any:
    """Set the limits of this process, which `run` has started; gives what it was asked.

    To be called before anything is loaded that takes memory.
    """
    bounds, asked = (json.loads(text) for text in sys.argv[1:3])
    resource.setrlimit(resource.RLIMIT_CPU, (bounds["seconds"], bounds["seconds"] + 1))
    resource.setrlimit(resource.RLIMIT_AS, (bounds["memory"], bounds["memory"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (bounds["written"], bounds["written"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return asked
