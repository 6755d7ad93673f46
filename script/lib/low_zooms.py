"""Measures map tiles through the real view; see `script.lib.bench_low_zooms`.

Runs in `.venv`: `python -m script.lib.low_zooms FOLDER TILES ROUNDS`.
"""

import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
os.environ["ALLOWED_HOSTS"] = "testserver"
django.setup()

from django.contrib.auth.models import Group  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from script.lib import low_zooms_campaign  # noqa: E402
from script.lib.map_tiles import map_tile_at  # noqa: E402
from webapp.accounts.models import User  # noqa: E402
from webapp.campaigns import pyramid  # noqa: E402
from webapp.campaigns.models import Campaign, Chip, Edition  # noqa: E402
from webapp.campaigns.models.chip import store_of  # noqa: E402
from webapp.tileserver import coverage  # noqa: E402
from webapp.tileserver import pyramid as served  # noqa: E402
from webapp.tileserver.reader import open_files  # noqa: E402

ZOOMS = (*range(9), 12)
LAYERS = ("rgb", "landcover")
MIDDLE_OF_FINE = (15.47, 0.42)
REACH_OF_FINE = 0.25
Times = dict[int, list[float]]
Place = tuple[int, int, int]


def main(folder: str, tiles: str, rounds: str) -> None:
    call_command("migrate", verbosity=0)
    figures: dict[str, object] = {"tiles": int(tiles), "rounds": int(rounds)}
    campaign = Campaign.objects.filter(slug=low_zooms_campaign.SLUG).first()
    if campaign is None:
        campaign = seconds(figures, "campaign", lambda: low_zooms_campaign.make(int(tiles)))
    if campaign.chips.filter(is_stale=True).exists():
        seconds(figures, "pyramid from nothing", lambda: pyramid.refresh(campaign))
    figures["chips"] = campaign.chips.count()
    if not campaign.latest_edition:
        seconds(figures, "publishing", lambda: freeze(campaign))
    land(campaign, figures)
    places = random_places(campaign, int(rounds))
    for word, client in (("1", Client()), ("newest", desk())):
        for layer in LAYERS:
            told = ask(client, campaign, f"{word}/{layer}", places)
            figures[f"{word} {layer}"] = told
            show(word, layer, told)
    (Path(folder) / "low-zooms.json").write_text(json.dumps(figures, indent=1))


def seconds(figures: dict[str, object], name: str, work: Callable):
    began = time.perf_counter()
    done = work()
    figures[f"{name}, s"] = round(time.perf_counter() - began, 3)
    print(f"{name}: {figures[f'{name}, s']} s", flush=True)
    return done


def freeze(campaign: Campaign) -> None:
    """Publish; what stands in the way of an edition (neighbours that changed) is not looked for."""
    from webapp.campaigns.models import edition

    edition.refuse_unfinished = lambda campaign, tiles: None
    Edition.publish(campaign)


def land(campaign: Campaign, figures: dict[str, object]) -> None:
    """What one more revision costs: marking its chips and making them again."""
    row = campaign.tiles.select_related("tile", "current_revision").get(tile_id=low_zooms_campaign.FINE[0])
    seconds(figures, "marking one tile's chips", lambda: Chip.mark(row, row.current_revision))
    figures["chips of one tile"] = campaign.chips.filter(is_stale=True).count()
    seconds(figures, "making them", lambda: pyramid.refresh(campaign))


def desk() -> Client:
    """A reviewer's browser."""
    person, _ = User.objects.get_or_create(username="reviewer")
    person.groups.add(Group.objects.get_or_create(name="reviewer")[0])
    client = Client()
    client.force_login(person)
    return client


def random_places(campaign: Campaign, rounds: int) -> list[Place]:
    """Map tiles in random order, as many of each zoom; those of zoom 12 lie where there are mosaics."""
    rng = random.Random(9)
    chips = {
        zoom: list(campaign.chips.filter(z=zoom).exclude(key="").values_list("x", "y")) for zoom in range(9)
    }
    found = []
    for _ in range(rounds):
        found += [(zoom, *rng.choice(chips[zoom])) for zoom in range(9)]
        lon, lat = (middle + rng.uniform(-REACH_OF_FINE, REACH_OF_FINE) for middle in MIDDLE_OF_FINE)
        found.append((12, *map_tile_at(lon, lat, 12)))
    rng.shuffle(found)
    return found


def ask(client: Client, campaign: Campaign, view: str, places: list[Place]) -> dict[str, Times]:
    """Ask for each place cold, then again; milliseconds by zoom.

    Cold is a process that remembers nothing, and files that the system has dropped from its memory.
    """
    told: dict[str, Times] = {"cold": defaultdict(list), "warm": defaultdict(list)}
    for place in places:
        forget(campaign, place)
        zoom, x, y = place
        for times in told.values():
            began = time.perf_counter()
            answer = client.get(f"/tiles/{campaign.slug}/{view}/{zoom}/{x}/{y}.webp")
            times[zoom].append((time.perf_counter() - began) * 1000)
            if answer.status_code != 200:
                raise SystemExit(f"{view}/{zoom}/{x}/{y}.webp answered {answer.status_code}.")
    return told


def forget(campaign: Campaign, place: Place) -> None:
    """Drop what this process remembers, and what the system keeps of the files behind a map tile."""
    served._keys.forget()
    coverage._cells.forget()
    coverage._bounds_of_campaign.cache_clear()
    open_files.close()
    zoom, x, y = place
    chip = campaign.chips.filter(z=zoom, x=x, y=y).first()
    fine = [campaign.path / name / "revisions" / "1" for name in low_zooms_campaign.FINE]
    files = [folder / name for folder in fine for name in ("mosaic.tif", "landcover.tif")]
    for path in [store_of(campaign).path(chip.key)] if chip else files:
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def show(word: str, layer: str, told: dict[str, Times]) -> None:
    print(f"\n{'edition ' if word != 'newest' else ''}{word}, {layer}; milliseconds")
    print("| zoom | cold p50 | p95 | warm p50 | p95 |\n| --- | --- | --- | --- | --- |")
    for zoom in ZOOMS:
        cells = [percentile(told[kind][zoom], share) for kind in ("cold", "warm") for share in (0.5, 0.95)]
        print(f"| {zoom} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
