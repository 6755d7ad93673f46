"""An undisturbed campaign, then disturbed ones until so many faults were done; see docs/faults.md."""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import django

from script.lib.processes import interruptible
from script.lib.say import say
from tests.faults.doing import FAULTS, Ground, choose
from tests.faults.place import Place, begin_work, place
from tests.faults.source import Source, make_scenes, served
from tests.faults.web import Web
from tests.faults.web import served as web_served

DATES = 4
MOST_IN_A_ROUND = 20
END_SECONDS = 600


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=200, help="how many (200)")
    parser.add_argument("--seed", type=int, default=8701)
    parser.add_argument("--dates", type=int, default=DATES, help="passes of the simulated season")
    parser.add_argument("--minutes", type=float, default=600, help="begin no further campaign after so many")
    parser.add_argument("--only", nargs="+", choices=list(FAULTS), help="these kinds alone")
    parser.add_argument("--lasting", action="store_true", help="the second suite: a scene that stays broken")
    parser.add_argument("--scenes", type=Path, help="folder of scenes made before with this seed")
    parser.add_argument("--keep", type=Path, help="folder for the logs, kept")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run; 0 where all was as it must be."""
    asked = parse(arguments)
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="earthquilt-faults-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        began = time.monotonic()
        pace = {"MOST_ATTEMPTS": "3"} if asked.lasting else {}
        with interruptible(), place(folder, **pace) as at:
            say(f"services after {time.monotonic() - began:.1f} s")
            scenes = make_scenes(asked.scenes or folder / "scenes", asked.seed, asked.dates)
            with served(scenes, asked.seed) as source:
                os.environ.update(at.environment)
                django.setup()
                if asked.lasting:
                    from tests.faults.lasting import compare

                    return compare(at, source)
                with web_served(at) as web:
                    return Run(asked, at, source, web).all()
    finally:
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)


def parting(one: str, other: str, around: int = 60) -> str:
    """Where two texts begin to differ."""
    place = next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
    first, end = max(place - around, 0), place + around
    return f"{one[first:end]!r} in place of {other[first:end]!r}"


class Run:
    """One seed's faults."""

    def __init__(self, asked: argparse.Namespace, at: Place, source: Source, web: Web) -> None:
        self.asked = asked
        self.at = at
        self.source = source
        self.web = web
        self.random = random.Random(asked.seed)
        self.began = time.monotonic()
        self.done: Counter[str] = Counter()
        self.trouble: list[str] = []

    def all(self) -> int:
        from tests.faults import work

        work.forget_all()
        begin_work(self.at)
        calm = work.begin("Undisturbed", self.source.url)
        work.wait_for_end(calm, END_SECONDS)
        self.trouble += work.broken_rules(calm)
        self.wanted, self.claims = work.products(calm), work.claims(calm)
        self.tell(f"undisturbed: {self.claims} claims, {len(self.wanted)} files {self.trouble or ''}")
        self.web.show(calm)
        rounds = 0
        while not self.trouble and sum(self.done.values()) < self.asked.faults:
            if time.monotonic() - self.began > 60 * self.asked.minutes:
                break
            rounds += 1
            self.one(f"Disturbed {rounds}")
        self.tell(f"{sum(self.done.values())} faults in {rounds} campaigns, seed {self.asked.seed}:")
        for name, count in sorted(self.done.items()):
            self.tell(f"  {name}: {count}")
        self.tell(f"  answers of the web application: {dict(sorted(self.web.answers.items()))}")
        for line in self.trouble:
            self.tell(f"NOT AS IT MUST BE: {line}")
        return 1 if self.trouble else 0

    def one(self, name: str) -> None:
        """One campaign with faults until it is over, and what it came to."""
        from tests.faults import work

        campaign = work.asked(lambda: work.begin(name, self.source.url))
        self.at.offsets.clear()
        on = Ground(
            self.at, self.source, self.random, lambda: work.asked(lambda: work.is_over(campaign)),
            lambda: work.asked(lambda: work.finished(campaign)), self.web,
        )  # fmt: skip
        before, self.explained = sum(self.done.values()), 0
        while not on.is_over() and sum(self.done.values()) - before < MOST_IN_A_ROUND:
            if sum(self.done.values()) >= self.asked.faults:
                break
            time.sleep(self.random.random() * 2)
            self.do(on)
        faults = sum(self.done.values()) - before
        try:
            work.wait_for_end(campaign, END_SECONDS)
            self.mend(campaign)
            work.wait_for_end(campaign, END_SECONDS)
        except TimeoutError as error:
            self.trouble.append(str(error))
            return
        self.check(campaign, faults)

    def mend(self, campaign) -> None:
        """Have the system look for damaged products; what it finds is made again."""
        told = self.at.manage("verify", campaign.slug, "--mend")
        self.mended = int(told.splitlines()[-1].split()[0])

    def do(self, on: Ground) -> None:
        """Do the next fault, and tell."""
        name = self.random.choice(self.asked.only) if self.asked.only else choose(on)
        told = FAULTS[name].do(on)
        if told is not None:
            self.done[name] += 1
            self.explained += FAULTS[name].begun
            self.tell(f"{sum(self.done.values()):4d} {name}: {told}")

    def check(self, campaign, faults: int) -> None:
        """Look at what a campaign came to."""
        from tests.faults import work

        trouble = work.broken_rules(campaign)
        found = work.products(campaign)
        trouble += [
            f"{campaign.slug}: {name} differs: {parting(found[name], self.wanted[name])}"
            for name in found
            if found[name] != self.wanted[name]
        ]
        most = (1 + self.mended) * self.claims + self.explained
        claims = work.claims(campaign)
        if claims > most:
            trouble.append(
                f"{campaign.slug}: {claims} claims with {faults} faults, at most {most} are needed"
            )
        builds = sum(row.builds.count() for row in campaign.tiles.all())
        if builds > len(campaign.tiles.all()) + self.mended:
            trouble.append(f"{campaign.slug}: {builds} builds")
        trouble += self.left_over(lambda: work.orphans(campaign))
        trouble += sorted(self.web.wrong)
        self.trouble += trouble
        if not trouble:
            # The storage is small, so that it can be filled. Whoever tidies it may write there just now.
            shutil.rmtree(campaign.path, ignore_errors=True)
        self.tell(
            f"{campaign.slug}: {faults} faults, {claims} claims, {'; '.join(trouble) or 'as undisturbed'}"
        )

    def left_over(self, find: Callable[[], list[str]]) -> list[str]:
        """The orphans that are still there after the grace time and a sweep."""
        deadline = time.monotonic() + 2 * int(self.at.environment["ORPHAN_SECONDS"])
        while (found := find()) and time.monotonic() < deadline:
            time.sleep(1)
        return [f"orphan {path}" for path in found]

    def tell(self, line: str) -> None:
        say(f"{time.monotonic() - self.began:7.1f} s  {line}")
        sys.stdout.flush()
