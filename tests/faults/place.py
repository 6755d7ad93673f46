"""The services, the storage and the processes that faults are done to."""

import os
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from script.lib.places import PYTHON, ROOT
from script.lib.postgres import Postgres
from script.lib.processes import end_with_parent
from script.lib.redis_server import Redis
from script.lib.services import Services
from script.lib.worker import environment as worker_environment

STORAGE_MIB = 2048
QUEUES = (("gpu", "cpu", "download"), ("download", "cpu", "gpu"))
# Short, so that a run takes minutes in place of days; how often work may be lost is what the harness chooses.
PACE = {
    "LEASE_SECONDS": "6",
    "SWEEP_SECONDS": "2",
    "RETRY_SECONDS": "1",
    "MOST_ATTEMPTS": "60",
    "ORPHAN_SECONDS": "20",
}


@dataclass
class Place:
    """All that runs: PostGIS, Redis, a storage of limited size, and workers that are started again.

    Attributes:
        folder: for logs and storage.
        environment: of every process.
        is_mounted: whether the storage is a file system of its own, which can be filled.
        clock: a library that sets the wall clock of a process apart; None without a C compiler.
        offsets: seconds by which the clocks of workers are apart, by their numbers.
    """

    folder: Path
    services: Services
    environment: Mapping[str, str]
    is_mounted: bool
    clock: Path | None
    workers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=dict)
    starts: int = 0
    stopping: bool = False

    @property
    def storage(self) -> Path:
        return Path(self.environment["STORAGE_URL"])

    @property
    def postgres(self) -> Postgres:
        return self.services.parts()[0]

    @property
    def redis(self) -> Redis:
        return self.services.parts()[1]

    def start_worker(self, number: int) -> None:
        """Start a worker, with its clock set apart where that was asked."""
        values = worker_environment(self.environment, 1)
        if offset := self.offsets.get(number):
            values |= {"LD_PRELOAD": str(self.clock), "CLOCK_OFFSET": str(offset)}
        line = [PYTHON, ROOT / "manage.py", "worker", "--queues", *QUEUES[number % len(QUEUES)]]
        with (self.folder / f"worker-{number}.log").open("ab") as log:
            self.workers[number] = subprocess.Popen(
                line, cwd=ROOT, env=values, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=end_with_parent,
            )  # fmt: skip
        self.starts += 1

    def keep_workers(self) -> None:
        """Start those again that have ended, as a service manager does."""
        while not self.stopping:
            for number, worker in list(self.workers.items()):
                if worker.poll() is not None and not self.stopping:
                    self.start_worker(number)
            time.sleep(0.3)

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Run a command of manage.py; gives what it printed."""
        done = subprocess.run(
            [PYTHON, ROOT / "manage.py", *arguments], cwd=ROOT, env=dict(self.environment), check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout

    def values(self) -> dict[str, str]:
        return self.services.made_values()

    def start_redis(self) -> None:
        values = self.values()
        self.redis.start(int(values["REDIS_PORT"]), values["REDIS_PASSWORD"])

    def kill_redis(self, *, forget: bool) -> None:
        """Kill Redis, with what it keeps on disk where asked."""
        if pid := self.redis.pid():
            os.kill(pid, signal.SIGKILL)
            while self.redis.pid() == pid and Path(f"/proc/{pid}").exists():
                time.sleep(0.02)
        if forget:
            (self.redis.folder / "dump.rdb").unlink(missing_ok=True)

    def stop_postgres(self, mode: str) -> None:
        """Stop PostgreSQL: "fast" ends its connections, "immediate" is a crash."""
        self.postgres.command("pg_ctl", "-D", self.postgres.data, "-m", mode, "-w", "-t", "60", "stop")

    def start_postgres(self) -> None:
        self.postgres.start(int(self.values()["POSTGRES_PORT"]))

    def writing(self, number: int) -> Path | None:
        """A file under way that a worker holds open in the storage."""
        worker = self.workers[number]
        with suppress(OSError):
            for link in Path(f"/proc/{worker.pid}/fd").iterdir():
                with suppress(OSError):
                    target = link.readlink()
                    if target.is_relative_to(self.storage) and ".part" in target.name:
                        return target
        return None

    def stop_workers(self) -> None:
        self.stopping = True
        for worker in self.workers.values():
            with suppress(ProcessLookupError):
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()


@contextmanager
def storage(folder: Path, mib: int = STORAGE_MIB) -> Iterator[bool]:
    """A folder as a file system of its own, where this user may mount one; tells whether it is one."""
    folder.mkdir(parents=True)
    mounted = False
    if os.geteuid() == 0:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "earthquilt-faults", folder],
            check=False, capture_output=True,
        )  # fmt: skip
        mounted = done.returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def clock(folder: Path) -> Path | None:
    """Compile `clock.c`; None where there is no compiler.

    libfaketime cannot: in Python 3.11 either `time.sleep` fails or waits for threads never end.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    made = folder / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", made, source], check=True)
    return made


@contextmanager
def place(folder: Path, **pace: str) -> Iterator[Place]:
    """Services with an empty database, a storage, and no worker yet; all ends with the block."""
    services = Services("faults")
    with ExitStack() as stack:
        is_mounted = stack.enter_context(storage(folder / "storage"))
        services.start()
        stack.callback(services.stop)
        values = services.environment() | PACE | pace
        values |= {
            "STORAGE_URL": str(folder / "storage"),
            "EARTHQUILT_CACHE": str(folder / "storage" / ".cache"),
            "SECRET_KEY": secrets.token_hex(24),
            "PYTHONUNBUFFERED": "1",
            "PUBLIC_ADDRESS_EXCEPTIONS": "127.0.0.1",
        }
        found = Place(folder, services, dict(os.environ) | values, is_mounted, clock(folder))
        stack.callback(found.stop_workers)
        found.manage("migrate", "--verbosity", "0")
        found.kill_redis(forget=True)
        found.start_redis()
        yield found


def begin_work(at: Place) -> None:
    """Start the workers, and see to it that there are workers from now on."""
    for number in range(len(QUEUES)):
        at.start_worker(number)
    threading.Thread(target=at.keep_workers, daemon=True).start()
