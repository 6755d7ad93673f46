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

from script.lib.packages import last_line
from script.lib.places import ROOT
from script.lib.say import Trouble, say

PR_SET_PDEATHSIG = 1
SECONDS_TO_END = (2, 6)
POLL_SECONDS = 0.2
STAYING = ("server", "worker-1", "worker-2")
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

    def log(self, name: str) -> Path:
        return self.log_folder / f"{name}.log"

    def start(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        """Start a process; standard output goes to `NAME.out`, the rest to `NAME.log`."""
        self.log_folder.mkdir(parents=True, exist_ok=True)
        whole = dict(environment) | {"PYTHONUNBUFFERED": "1"}
        with self.log(name).open("wb") as log, self.log(name).with_suffix(".out").open("wb") as out:
            self.running[name] = subprocess.Popen(
                command, cwd=ROOT, env=whole, stdin=subprocess.DEVNULL,
                stdout=out, stderr=log, start_new_session=True, preexec_fn=end_with_parent,
            )  # fmt: skip
        self.log(name).with_suffix(".group").write_text(str(self.running[name].pid))

    def finish(self, name: str, show: bool = False) -> str:
        """Wait until the process has ended well, with its lines shown as they come where asked.

        Returns:
            Its standard output.

        Raises:
            Trouble: it failed, or another child ended meanwhile that was to stay.
        """
        shown = [Tail(self.log(name)), Tail(self.log(name).with_suffix(".out"))] if show else []
        child = self.running[name]
        while child.poll() is None:
            self.check(besides=name)
            time.sleep(POLL_SECONDS)
            for tail in shown:
                tail.show(name)
        del self.running[name]
        for tail in shown:
            tail.show(name)
        if child.returncode:
            raise Trouble(f"`{name}` failed: {last_line(self.log(name).read_text(errors='replace'))}")
        return self.log(name).with_suffix(".out").read_text()

    def run(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str]) -> str:
        """Start a process and wait for its end."""
        self.start(name, command, environment)
        return self.finish(name)

    def check(self, besides: str = "") -> None:
        """Tell of a child that ended though it was to stay."""
        for name, child in self.running.items():
            status = child.poll()
            if status is not None and (status or name in STAYING) and name != besides:
                raise Trouble(f"{name} ended with status {status}: see {self.log(name)}.")

    def stop(self) -> None:
        """End all, by force those that take too long."""
        children = list(self.running.values())
        self.running.clear()
        # A worker lets its stage end at the first signal, and gives it back at the second.
        for seconds in SECONDS_TO_END:
            for child in children:
                signal_group(child.pid, signal.SIGTERM)
            deadline = time.monotonic() + seconds
            for child in children:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(max(0.0, deadline - time.monotonic()))
        for child in children:
            signal_group(child.pid, signal.SIGKILL)
            child.wait()


def end_leftovers(log_folder: Path, root: Path = ROOT) -> None:
    """End what a script that was killed has left of its children's groups."""
    groups = {path.read_text() for path in log_folder.glob("*.group")}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            group = (folder / "stat").read_text().rsplit(")", 1)[1].split()[2]
            # The number may be somebody else's by now, who then works in another folder.
            if group in groups and (folder / "cwd").readlink() == root:
                os.kill(int(folder.name), signal.SIGKILL)
        except OSError:
            continue


class Tail:
    """The lines that a growing file has got since it was last looked at."""

    def __init__(self, path: Path):
        self.path = path
        self.read = 0

    def show(self, name: str) -> None:
        with self.path.open("rb") as file:
            file.seek(self.read)
            lines = file.read().split(b"\n")
        self.read += sum(len(line) + 1 for line in lines[:-1])
        for line in lines[:-1]:
            say(f"    {name}: {line.decode(errors='replace')}")


def signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
