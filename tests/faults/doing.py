"""The faults: each is done once, at a moment that the seed chose, and tells what it did."""

import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from script.lib.places import PYTHON, ROOT
from tests.faults.place import PACE, Place
from tests.faults.source import MOODS, Source
from tests.faults.web import Web

STAGES = ("scene_list", "agree", "fetch", "mask", "compose", "classify", "revision")
LEASE = int(PACE["LEASE_SECONDS"])
LOOKED_AT_SECONDS = 15
HOUR, DAY = 3600, 86400
TAIL_BYTES = 20_000
BEGUN = re.compile(r"webapp\.\S+\.run_\w+\(\d+\) \(((?:build|revision)-\S+)\)")
ENDED = re.compile(r"Successfully completed|exception raised while executing|started with PID")


@dataclass
class Ground:
    """What faults are done to, and what was done.

    Attributes:
        damaged: products whose bytes were changed, still to be found by the system.
    """

    at: Place
    source: Source
    random: random.Random
    is_over: Callable[[], bool]
    products: Callable[[], list[Path]]
    web: Web
    damaged: list[Path] = field(default_factory=list)

    def wait(self, condition: Callable[[], object], seconds: float = LOOKED_AT_SECONDS) -> bool:
        """Wait for a condition; False where it did not come, or the campaign was over first."""
        deadline = time.monotonic() + seconds
        looked = time.monotonic()
        while not condition():
            now = time.monotonic()
            if now > deadline or (now - looked > 1 and self.is_over()):
                return False
            looked = now if now - looked > 1 else looked
            time.sleep(0.003)
        return True

    def worker(self) -> int:
        return self.random.choice(sorted(self.at.workers))


def jobs(at: Place) -> dict[int, str]:
    """What workers do, by the number of the worker, as their logs tell."""
    found = {number: under_way(at.folder / f"worker-{number}.log") for number in at.workers}
    return {number: job for number, job in found.items() if job}


def under_way(log: Path) -> str:
    """The name of the job that the end of a worker's log tells of, "" where it has ended."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        text = file.read().decode(errors="replace")
    begun = list(BEGUN.finditer(text))
    return begun[-1][1] if begun and not ENDED.search(text, begun[-1].end()) else ""


def stage_of(job: str) -> str:
    """The stage that a job's name tells."""
    parts = job.split("-")
    return parts[2] if parts[0] == "build" else parts[0]


def kill(at: Place, number: int) -> None:
    at.workers[number].kill()
    at.workers[number].wait()


def kill_in_stage(on: Ground) -> str | None:
    """Kill a worker in the midst of a stage."""
    stage = on.random.choice(STAGES)
    hit: dict[int, str] = {}

    def busy() -> bool:
        hit.update({number: job for number, job in jobs(on.at).items() if stage_of(job) == stage})
        return bool(hit)

    if not on.wait(busy, 8):
        return kill_any(on)
    time.sleep(on.random.random() * 0.5)
    number = min(hit)
    kill(on.at, number)
    return f"worker {number} in {hit[number]}"


def kill_any(on: Ground) -> str | None:
    """Kill a worker, whatever it does."""
    number = on.worker()
    job = jobs(on.at).get(number)
    if job is None:
        return None
    kill(on.at, number)
    return f"worker {number} in {job}"


def kill_in_write(on: Ground) -> str | None:
    """Kill a worker while it has a file under way."""
    wanted = on.random.choice(("", "reflectance", "cloud", "composite", "provenance", "probab", "mosaic"))
    hit: list[tuple[int, Path]] = []

    def writes() -> bool:
        for number in on.at.workers:
            path = on.at.writing(number)
            if path and wanted in path.name:
                hit.append((number, path))
                return True
        return False

    if not on.wait(writes, 8):
        return None
    number, path = hit[0]
    time.sleep(on.random.random() * 0.02)
    kill(on.at, number)
    return f"worker {number} in {path.name}"


def redis_restart(on: Ground) -> str:
    """Kill Redis and start it with what it had saved."""
    on.at.kill_redis(forget=False)
    time.sleep(on.random.random() * 2)
    on.at.start_redis()
    return "with its data"


def redis_lost(on: Ground) -> str:
    """Kill Redis and start it empty."""
    on.at.kill_redis(forget=True)
    time.sleep(on.random.random() * 2)
    on.at.start_redis()
    return "without its data"


def postgres_restart(on: Ground) -> str:
    """End PostgreSQL's connections, or let it crash, and start it again."""
    mode = on.random.choice(("fast", "immediate"))
    on.at.stop_postgres(mode)
    time.sleep(on.random.random() * 2)
    on.at.start_postgres()
    return mode


def fill_disk(on: Ground) -> str | None:
    """Fill the storage for some seconds; where it is no file system of its own, limit a worker's files."""
    seconds = 2 + 3 * on.random.random()
    if not on.at.is_mounted:
        return limit_files(on, seconds)
    filler = on.at.storage / ".filler"
    try:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(2**20))
        with filler.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(512))
        time.sleep(seconds)
    finally:
        filler.unlink(missing_ok=True)
    return f"for {seconds:.1f} s"


def limit_files(on: Ground, seconds: float) -> str:
    """Let a worker write no file longer than 64 KiB for some seconds."""
    import resource

    number = on.worker()
    pid = on.at.workers[number].pid
    with suppress(OSError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (2**16, hard))
        time.sleep(seconds)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    return f"files of worker {number} limited for {seconds:.1f} s"


def bad_source(on: Ground) -> str | None:
    """Let the source answer wrongly for some seconds."""
    mood = on.random.choice((*MOODS, "flipped"))
    share, seconds = on.random.choice((0.3, 0.7, 1.0)), 2 + 4 * on.random.random()
    before = on.source.spoilt
    with on.source.moody(mood, share):
        if not on.wait(lambda: on.source.spoilt > before):
            return None
        time.sleep(seconds)
    return f"{mood}, {share:.0%} for {seconds:.1f} s, {on.source.spoilt - before} answers"


def freeze(on: Ground) -> str | None:
    """Stop a worker that is at work past its lease, until another may have taken over, and let it wake."""
    hit: dict[int, str] = {}

    def busy() -> bool:
        hit.update(jobs(on.at))
        return bool(hit)

    if not on.wait(busy, 8):
        return None
    number = on.random.choice(sorted(hit))
    worker = on.at.workers[number]
    time.sleep(on.random.random())
    worker.send_signal(signal.SIGSTOP)
    time.sleep(LEASE + 2 + 3 * on.random.random())
    worker.send_signal(signal.SIGCONT)
    return f"worker {number} in {hit[number]}"


def two_sweeps(on: Ground) -> str:
    """Sweep twice at the same time."""
    line = [PYTHON, ROOT / "manage.py", "sweep"]
    silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    running = [subprocess.Popen(line, cwd=ROOT, env=dict(on.at.environment), **silent) for _ in range(2)]
    return f"ended with {[one.wait() for one in running]}"


def clocks_apart(on: Ground) -> str | None:
    """Start a worker anew with a clock that is hours or days off."""
    if on.at.clock is None:
        return None
    number = on.worker()
    on.at.offsets[number] = offset = on.random.choice((-3 * DAY, -2 * HOUR, 2 * HOUR, 3 * DAY, 0))
    kill(on.at, number)
    return f"worker {number} by {offset} s"


def kill_web(on: Ground) -> str:
    """Kill the web application, or one of its processes."""
    return on.web.kill(on.random)


def damage_product(on: Ground) -> str | None:
    """Cut a finished product, or change a byte of it."""
    found = [path for path in on.products() if path.exists()]
    if not found:
        return None
    path = on.random.choice(found)
    content = bytearray(path.read_bytes())
    how = on.random.choice(("cut", "flipped"))
    place = on.random.randrange(len(content))
    # In place: what another name of the same file shows is damaged as well.
    with path.open("r+b") as file:
        if how == "cut":
            file.truncate(place)
        else:
            file.seek(place)
            file.write(bytes([content[place] ^ 1 << on.random.randrange(8)]))
            os.fsync(file.fileno())
    on.damaged.append(path)
    return f"{path.relative_to(on.at.storage)} {how} at {place} of {len(content)}"


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        do: does it once; None where it hit nothing.
        weight: how often it comes beside others.
        begun: how often all workers together may begin work again. What lasts up to 6 s meets the tries of
            both that follow after 1, 2 and 4 s; what ends one process, the one work that it had.
    """

    do: Callable[[Ground], str | None]
    weight: int
    begun: int = 1


FAULTS: dict[str, Kind] = {
    "worker killed in a stage": Kind(kill_in_stage, 6),
    "worker killed in a write": Kind(kill_in_write, 5),
    "Redis killed, data kept": Kind(redis_restart, 2),
    "Redis killed, data lost": Kind(redis_lost, 2),
    "PostgreSQL restarted": Kind(postgres_restart, 3, begun=2),
    "disk full": Kind(fill_disk, 3, begun=6),
    "source answers wrongly": Kind(bad_source, 5, begun=6),
    "worker frozen past its lease": Kind(freeze, 3),
    "two sweeps at once": Kind(two_sweeps, 1, begun=0),
    "clocks apart": Kind(clocks_apart, 2),
    "web process killed": Kind(kill_web, 2, begun=0),
    "finished product damaged": Kind(damage_product, 2, begun=0),
}


def choose(on: Ground) -> str:
    """The name of the next fault."""
    names = list(FAULTS)
    return on.random.choices(names, [FAULTS[name].weight for name in names])[0]


def in_background(step: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=step, daemon=True)
    thread.start()
    return thread
