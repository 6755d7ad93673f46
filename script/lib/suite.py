"""All tests in two processes side by side: those of `pipeline/`, and all others, which share a database."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from script.lib import processes
from script.lib.places import PYTHON, ROOT
from script.lib.say import say, step

PYTEST = ["pytest", "--durations=15"]
BESIDE = ["tests/pipeline"]


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a module of `.venv`, and end it with this script."""
    with started(arguments, environment) as child:
        return child.wait()


@contextmanager
def started(
    arguments: Sequence[str], environment: Mapping[str, str], output: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A module of `.venv` that runs until the block is left, and whatever it has started."""
    child = subprocess.Popen(
        [PYTHON, "-m", *arguments], cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL,
        stdout=output, stderr=subprocess.STDOUT if output else None,
        start_new_session=True, preexec_fn=processes.end_with_parent,
    )  # fmt: skip
    try:
        yield child
    except KeyboardInterrupt:
        child.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=20)
        raise
    finally:
        if child.poll() is None:
            processes.signal_group(child.pid, signal.SIGKILL)
            child.wait()


def others(tests: Path) -> list[str]:
    """The folders of tests that do not run beside, as arguments of pytest."""
    folders = sorted({path.relative_to(tests).parts[0] for path in tests.rglob("test_*.py")})
    return [f"tests/{name}" for name in folders if f"tests/{name}" not in BESIDE]


def whole(environment: Mapping[str, str]) -> int:
    """Run all tests in two processes, each with a storage of its own.

    The output of the second is shown when both have ended.

    Returns:
        0 where both were green, else the status of the first that was not.
    """
    cache = os.fspath(ROOT / ".pytest_cache")
    with tempfile.TemporaryDirectory(prefix="earthquilt-test-") as storage, tempfile.TemporaryFile() as told:
        second = [*PYTEST, "-o", f"cache_dir={cache}/beside", *BESIDE]
        with started(second, {**environment, "STORAGE_URL": storage}, told) as beside:
            with step("pytest"):
                first = run([*PYTEST, *others(ROOT / "tests")], environment)
            with step(f"pytest {' '.join(BESIDE)}, which runs beside"):
                status = beside.wait()
                told.seek(0)
                say(told.read().decode(errors="replace"))
    return first or status
