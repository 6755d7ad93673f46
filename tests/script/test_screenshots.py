"""The README's pictures are small, and are taken of a demo that is there."""

import io

import pytest
from PIL import Image

from script.lib import screenshots
from script.lib.places import ROOT
from script.lib.say import Trouble


def test_pictures_are_small_and_of_one_size():
    held = io.BytesIO()
    Image.effect_noise((1600, 1000), 40).convert("RGB").save(held, "PNG")
    small = screenshots.smaller(held.getvalue())
    assert Image.open(io.BytesIO(small)).size == screenshots.SHOWN
    assert len(small) < len(held.getvalue()) / 2


def test_without_a_demo_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(screenshots.packages, "chromium", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(screenshots, "PEOPLE", tmp_path / "people.json")
    with pytest.raises(Trouble, match="script/demo"):
        screenshots.main([])


@pytest.mark.parametrize("name", ["map", "review", "progress", "orders", "use"])
def test_the_readme_shows_pictures_that_are_there(name):
    assert f"docs/images/{name}.png" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert Image.open(ROOT / "docs" / "images" / f"{name}.png").size == screenshots.SHOWN
