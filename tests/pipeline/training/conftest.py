import socket

import pytest

from pipeline.training.config import CONFIGS


@pytest.fixture
def few(monkeypatch):
    """Few and small simulated crops."""
    monkeypatch.setattr("pipeline.training.datasets.simulated.CROPS_PER_SEED", 3)
    monkeypatch.setattr("pipeline.training.datasets.simulated.PREVIEWS_PER_SEED", 1)
    monkeypatch.setattr("pipeline.training.validation.CROPS", 4)


@pytest.fixture
def tiny(tmp_path):
    """Make a copy of the shipped configuration of a network, small enough for a test; returns its path."""

    def write(name, source, lines=""):
        text = (CONFIGS / f"{name}.toml").read_text(encoding="utf-8")
        kept = [
            line
            for line in text.split("[sources]")[0].splitlines()
            if not line.startswith(("width", "crop", "batch"))
        ]
        path = tmp_path / f"{name}-tiny.toml"
        head = f"width = 0.0625\nbatch = 2\ncrop = 32\n{lines}\n"
        path.write_text(head + "\n".join(kept) + f"\n[sources]\n{source} = 1.0\n")
        return path

    return write


@pytest.fixture
def crops(few, tmp_path):
    """Draw the crops of some seeds into a cache; returns its folder."""
    from pipeline.training.datasets.simulated import cache_folder, kinds_for, write_seed

    def draw(name, source, *seeds):
        (kind,) = kinds_for([source], name)
        folder = cache_folder(tmp_path / "cache", kind, 32)
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            write_seed(seed, folder, kind, 32)
        return tmp_path / "cache"

    return draw


@pytest.fixture
def free_port():
    """A TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
