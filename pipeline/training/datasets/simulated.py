"""Simulated crops and previews: drawn once into a cache by all cores, then read by the training."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.grid import Tile
from pipeline.raster import decode, encode
from pipeline.simulate import surface
from pipeline.storage import whole_file
from pipeline.training.datasets import IGNORE, Sample
from pipeline.training.datasets.drawing import Drawn, any_date, draw, draw_preview, square, world_of
from pipeline.training.datasets.labels import LANDCOVER_LABELS, landcover_labels
from pipeline.training.datasets.places import Places

LICENCE = "Simulated scenes, made by pipeline.simulate: no rights of others."
CROPS_PER_SEED = 24
PREVIEWS_PER_SEED = 2
RESOLUTIONS = (10, 20, 60)
SHARES = {
    "cloudy": (0.3, 0.25, 0.45),
    "fair": (0.5, 0.2, 0.3),
    "clear": (0.3, 0.25, 0.45),
    "coarse": (0, 0, 1),
}
"""How many of the crops of a kind have which pixels."""

OPEN_RESOLUTIONS = (10, 20, 60, 100, 120)
OPEN_SHARES = (0.2, 0.15, 0.25, 0.2, 0.2)
OPEN_BARE = 0.6
"""Share of the open crops that lie under bare ground, whole or in patches."""

SOURCES = {"simulated-fair": "fair", "simulated-open": "open"}
"""Kinds of crops by the name of their data set; "simulated" are those that a network is trained on."""


def kinds_for(sources: Iterable[str], name: str) -> list[str]:
    """Return what must be in the cache for these data sets: kinds of crops (`generate`), or "previews"."""
    kinds = set()
    for source in sources:
        if source == "simulated":
            kinds.add(kind_of(name))
        elif source in SOURCES:
            kinds.add(SOURCES[source])
        elif source.startswith("simulated"):
            kinds.add("previews")
    return sorted(kinds)


def kind_of(name: str) -> str:
    """Return which crops a network is trained on."""
    return "clear" if name in LANDCOVER_LABELS else "cloudy"


def generate(
    cache: Path, kind: str, seeds: Iterable[int], crop: int, tell: Callable[[str], None] = print
) -> None:
    """Draw what the cache lacks, one file per seed, on all cores.

    Args:
        cache: folder.
        kind: "cloudy", "fair" (little cloud, as many crops of each landcover), "clear", "coarse" (as clear,
            all of 60 m), "open" (clear, up to 120 m, many under bare ground) or "previews".
        seeds: of the simulator.
        crop: side of a crop in pixels.
        tell: takes a line of progress.
    """
    folder = cache_folder(cache, kind, crop)
    missing = [seed for seed in seeds if not (folder / f"{seed}.npz").is_file()]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(len(missing), os.cpu_count() or 1), mp_context=context) as pool:
        write = partial(write_seed, folder=folder, kind=kind, crop=crop)
        for done, _ in enumerate(pool.map(write, missing), start=1):
            if done % 10 == 0 or done == len(missing):
                tell(f"simulated {kind}: {done}/{len(missing)} seeds")


def cache_folder(cache: Path, kind: str, crop: int) -> Path:
    """Return where crops of a kind and size lie."""
    return cache / (kind if kind == "previews" else f"{kind}-{crop}")


def write_seed(seed: int, folder: Path, kind: str, crop: int) -> None:
    """Draw the crops or previews of one seed into a file."""
    items = list(_previews(seed) if kind == "previews" else _crops(seed, kind, crop))
    with whole_file(folder / f"{seed}.npz") as beside, beside.open("wb") as file:
        np.savez(
            file,
            stored=np.stack([encode(item.reflectance) for item in items]),
            classes=np.stack([item.classes for item in items]),
            cloud=np.stack([item.cloud for item in items]),
            hazy=np.array([item.hazy for item in items]),
        )


def _crops(seed: int, kind: str, crop: int) -> Iterator[Drawn]:
    world, rng = world_of(seed), np.random.default_rng(seed)
    tile = Tile.parse(world.reference_tile)
    codes = surface(world, tile.geobox(600)).classes
    for _ in range(CROPS_PER_SEED):
        spot = rng.random(2)
        if kind != "cloudy":
            spots = np.argwhere(codes == rng.choice(np.unique(codes)))
            spot = (spots[int(rng.integers(len(spots)))] + 0.5) / codes.shape
        sizes, shares = (OPEN_RESOLUTIONS, OPEN_SHARES) if kind == "open" else (RESOLUTIONS, SHARES[kind])
        geobox = square(tile, int(rng.choice(sizes, p=shares)), crop, *spot)
        level = "L1C" if rng.random() < 0.2 else "L2A"
        if kind in ("clear", "coarse"):
            cover, hazy, ground = rng.uniform(0, 15), rng.random() < 0.08, ""
        elif kind == "open":
            cover, hazy = rng.uniform(0, 10), rng.random() < 0.08
            ground = "bare" if rng.random() < OPEN_BARE else ""
        elif kind == "fair":
            cover, hazy, ground = rng.uniform(0, 25), rng.random() < 0.05, ""
        else:
            cover, hazy = rng.uniform(2, 85), rng.random() < 0.2
            ground = str(rng.choice(("", "sand", "snow"), p=(0.8, 0.13, 0.07)))
        date = any_date(rng)
        yield draw(world, geobox, date, cloud_cover=cover, hazy=hazy, level=level, ground=ground)


def _previews(seed: int) -> Iterator[Drawn]:
    rng = np.random.default_rng((seed, 1))
    for number in range(PREVIEWS_PER_SEED):
        cover, hazy = float(rng.uniform(0, 80)), bool(rng.random() < 0.4)
        ground = str(rng.choice(("", "sand", "snow"), p=(0.8, 0.1, 0.1)))
        yield draw_preview(seed, number, cloud_cover=cover, hazy=hazy, ground=ground)


def read_cache(folder: Path, seeds: Iterable[int]) -> Iterator[Drawn]:
    """Yield what lies in a folder of the cache, seed by seed; reflectance is decoded."""
    for seed in seeds:
        with np.load(folder / f"{seed}.npz", allow_pickle=False) as arrays:
            columns = [arrays[key] for key in ("stored", "classes", "cloud", "hazy")]
            for stored, *rest in zip(*columns, strict=True):
                yield Drawn(decode(stored), *rest)


def seed_places(seeds: Iterable[int]) -> Places:
    """Return the places of simulated data: each seed is an earth of its own."""
    known = sorted(set(seeds))
    if not known:
        return Places()
    whole = len(known) > 2 and known[-1] - known[0] == len(known) - 1
    words = f"{known[0]}-{known[-1]}" if whole else ",".join(map(str, known))
    return Places(train=(f"simulator seeds {words}",))


class SimulatedCrops:
    """Crops with the labels of one network.

    Args:
        cache: folder of what `generate` wrote.
        seeds: which of them.
        name: network.
        crop: side in pixels.
        kind: of the crops; by default the one that the network is trained on.
    """

    licence = LICENCE

    def __init__(self, cache: Path, seeds: Iterable[int], name: str, crop: int, kind: str = "") -> None:
        seeds = list(seeds)
        self.places = seed_places(seeds)
        self.stored, self.labels = [], []
        for item in read_cache(cache_folder(cache, kind or kind_of(name), crop), seeds):
            labels = item.cloud
            if name in LANDCOVER_LABELS:
                labels = landcover_labels(name, item.classes, item.cloud)
            if (labels != IGNORE).any():
                self.stored.append(encode(item.reflectance))
                self.labels.append(labels)

    def __len__(self) -> int:
        """Return how many crops there are."""
        return len(self.stored)

    def sample(self, rng: np.random.Generator) -> Sample:
        """Return one of the crops."""
        index = int(rng.integers(len(self.stored)))
        return Sample(decode(self.stored[index]), self.labels[index])
