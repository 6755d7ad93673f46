"""Child processes that never outlive the script that started them."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from script.lib.places import ROOT

PR_SET_PDEATHSIG = 1
SECONDS_TO_END = 8
libc = ctypes.CDLL(None)


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the script as Ctrl-C does."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def shield() -> None:
    """Ignore a second Ctrl-C while the script is putting things away."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def end_with_parent() -> None:
    """Have the kernel end this child when the script that started it is killed."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Children:
    """Processes in groups of their own, ended together with all that they started."""

    def __init__(self, log_folder: Path):
        self.log_folder = log_folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        """Start a process whose output goes into `NAME.log`."""
        self.log_folder.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("wb") as log:
            self.running[name] = subprocess.Popen(
                command, cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=end_with_parent,
            )  # fmt: skip

    def log(self, name: str) -> Path:
        return self.log_folder / f"{name}.log"

    def ended(self) -> dict[str, int]:
        """The exit status of each process that is no longer there."""
        polled = {name: child.poll() for name, child in self.running.items()}
        return {name: status for name, status in polled.items() if status is not None}

    def stop(self, *names: str) -> None:
        """End the named processes (all if none is named), by force where they take too long."""
        chosen = {name: self.running.pop(name) for name in names or list(self.running)}
        for child in chosen.values():
            signal_group(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + SECONDS_TO_END
        for child in chosen.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
            signal_group(child.pid, signal.SIGKILL)
            child.wait()


def signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
