"""The README's pictures: the main views of a demo that `script/demo` serves, in headless Chromium."""

import argparse
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from script.lib import packages
from script.lib.demo import PEOPLE
from script.lib.places import ROOT
from script.lib.say import Trouble, say

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = ROOT / "docs" / "images"
SIZE = {"width": 1600, "height": 1000}
SHOWN = (1200, 750)
"""Pixels of the pictures in the README."""

SETTLED = 2500
"""Milliseconds after the last answer until map tiles have faded in."""

ARGUMENTS = ("--no-sandbox", "--disable-quic", "--disable-gpu", "--force-prefers-reduced-motion")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/screenshots", description=__doc__)
    parser.add_argument("--address", default="http://127.0.0.1:8000", help="of the demo (%(default)s)")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default docs/images")
    asked = parser.parse_args(arguments)
    browser = packages.chromium()
    if browser is None:
        raise Trouble("No Chromium is installed: `script/test` installs Debian's.")
    if not PEOPLE.exists():
        raise Trouble("There is no demo here yet: start `script/demo` first.")
    passwords = json.loads(PEOPLE.read_text(encoding="utf-8"))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=browser, args=list(ARGUMENTS))
        page = chromium.new_page(viewport=SIZE, base_url=asked.address)
        for name, picture in pictures(page, passwords):
            path = asked.out / f"{name}.png"
            path.write_bytes(smaller(picture))
            say(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")
        chromium.close()
    return 0


def pictures(page: "Page", passwords: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Each main view with its name."""
    yield "map", shown(page, "/")
    yield "networks", shown(page, "/models/")
    sign_in(page, "operator", passwords["operator"])
    campaign = page.request.get("/api/campaigns/").json()["results"][0]["slug"]
    yield "use", shown(page, f"/use/{campaign}/latest/")
    yield "progress", shown(page, f"/review/progress/{campaign}/")
    yield "orders", shown(page, "/orders/new/")
    page.context.clear_cookies()
    sign_in(page, "reviewer", passwords["reviewer"])
    yield "review", shown(page, f"/review/{build_of(page)}/")


def shown(page: "Page", address: str) -> bytes:
    """A page once it is at rest.

    Raises:
        Trouble: it is not there.
    """
    answer = page.goto(address, wait_until="networkidle")
    if answer is None or not answer.ok:
        raise Trouble(f"{address} answers {answer.status if answer else 'nothing'}.")
    page.wait_for_timeout(SETTLED)
    return page.screenshot()


def sign_in(page: "Page", name: str, password: str) -> None:
    page.goto("/accounts/login/?next=/models/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/models/")


def build_of(page: "Page") -> int:
    """A build whose revision can be looked at, by the list of tiles."""
    for campaign in page.request.get("/api/campaigns/").json()["results"]:
        for tile in page.request.get(f"/api/campaigns/{campaign['slug']}/tiles/").json()["features"]:
            if tile["properties"]["revision"]:
                return int(tile["properties"]["build"]["id"])
    raise Trouble("The demo has no tile that was built.")


def smaller(picture: bytes) -> bytes:
    """The picture as the README shows it, in 256 colours."""
    image = Image.open(io.BytesIO(picture)).convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)
    held = io.BytesIO()
    image.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(held, "PNG", optimize=True)
    return held.getvalue()
