"""Runs of a command in a process tree of its own: seconds, processor seconds, peak memory of the tree."""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from script.lib import processes
from script.lib.packages import last_line
from script.lib.places import ROOT
from script.lib.say import Trouble, say

SAMPLE_SECONDS = 0.05
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True)
class Run:
    """One run of a task.

    Attributes:
        seconds: of the work alone, as the task counts them; starting Python and importing is left out.
        cpu: processor seconds of the whole process tree, start included.
        peak_mib: most resident memory of the whole process tree, start included.
        answer: what the task told besides.
    """

    seconds: float
    cpu: float
    peak_mib: float
    answer: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def run(command: Sequence[str | Path], environment: Mapping[str, str]) -> Run:
    """Run a task, whose last line on standard output is JSON with "seconds".

    Raises:
        Trouble: it failed.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=log,
            start_new_session=True, preexec_fn=processes.end_with_parent,
        )  # fmt: skip
        try:
            peak, usage = _watched(child)
        finally:
            processes.signal_group(child.pid, processes.signal.SIGKILL)
        told, said = _text(out), _text(log)
    if child.returncode:
        raise Trouble(f"`{Path(command[-2]).name}` failed: {last_line(said or told)}")
    answer = json.loads(last_line(told))
    return Run(answer.pop("seconds"), round(usage.ru_utime + usage.ru_stime, 2), round(peak, 1), answer)


def _watched(child: subprocess.Popen[bytes]) -> tuple[float, Any]:
    """Peak memory of a session's processes in MiB, and the resources they used, when they have ended."""
    peak = 0.0
    while True:
        ended, status, usage = os.wait4(child.pid, os.WNOHANG)
        if ended:
            child.returncode = os.waitstatus_to_exitcode(status)
            return peak, usage
        peak = max(peak, session_mib(child.pid))
        time.sleep(SAMPLE_SECONDS)


def session_mib(session: int) -> float:
    """Resident memory of all processes of a session, MiB."""
    pages = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            values = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(values[3]) == session:
            pages += int(values[21])
    return pages * PAGE_MIB


def _text(file: Any) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def paired(tasks: Mapping[str, Callable[[], Run]], runs: int) -> dict[str, list[Run]]:
    """Run the tasks after each other, again and again, the first one last in every second round."""
    found: dict[str, list[Run]] = {name: [] for name in tasks}
    for round_ in range(runs):
        for name in list(tasks) if round_ % 2 == 0 else reversed(tasks):
            done = tasks[name]()
            found[name].append(done)
            say(f"    {name}, {round_ + 1} of {runs}: {done.seconds:.1f} s, {done.peak_mib:.0f} MiB")
    return found


def median_seconds(runs: Sequence[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


def peak_mib(runs: Sequence[Run]) -> float:
    return max(run.peak_mib for run in runs)


def ratio(runs: Sequence[Run], others: Sequence[Run]) -> float:
    """Median of the ratios of the pairs."""
    return statistics.median(a.seconds / b.seconds for a, b in zip(runs, others, strict=True))


def in_json(found: Mapping[str, Sequence[Run]]) -> dict[str, list[dict[str, Any]]]:
    return {name: [run.to_json() for run in runs] for name, runs in found.items()}
