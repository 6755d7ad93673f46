"""Goes through the queue of `script/bench review-desk` in headless Chromium, by keyboard.

Runs in `.venv`: `python -m script.lib.bench.review_desk_moves CHROMIUM ADDRESS BUILD MOVES NAME PASSWORD`;
its last line is JSON: of each move the key, the milliseconds from the key to the frame in which all map tiles
of both sides of the next tile are on the screen, and those that were waited until it was loaded ahead.
"""

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from script.lib.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZE = {"width": 1600, "height": 1000}
ARGUMENTS = ("--no-sandbox", "--disable-quic", "--disable-gpu")
# Approve, or leave for later: both go on to the next tile.
KEYS = ("a", "t")
SECONDS_TO_LOAD = 120
SECONDS_TO_LOOK = 0.5
WATCH = """() => {
    const before = document.body.dataset.shown;
    let begun = 0;
    document.addEventListener('keydown', () => { begun = performance.now(); }, { capture: true, once: true });
    window.took = new Promise(done => {
        const look = () => {
            const build = document.body.dataset.shown;
            const of = side => [...document.querySelectorAll(`.leaflet-${side}-pane img`)];
            const sides = ['left', 'right'].map(of);
            const all = sides.every(pictures => pictures.length > 1 && pictures.every(
                one => one.src.includes(`/review/${build}/`) && one.complete && one.naturalWidth));
            const shown = () => done(performance.now() - begun);
            requestAnimationFrame(begun && build !== before && all ? shown : look);
        };
        look();
    });
}"""


def main(chromium: str, address: str, build: str, moves: int, name: str, password: str) -> None:
    """Sign in, open the first build, and press a key as soon as the next tile is there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        page = browser.new_page(viewport=SIZE, base_url=address)
        page.set_default_timeout(SECONDS_TO_LOAD * 1000)
        page.goto(f"/accounts/login/?next=/review/{build}/")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", password)
        page.press("input[name=password]", "Enter")
        until(page, "document.body.dataset.shown")
        found = [moved(page, KEYS[number % len(KEYS)]) for number in range(moves)]
        browser.close()
    print(json.dumps(found))


def moved(page: "Page", key: str) -> dict[str, Any]:
    """Wait until the next tile is loaded ahead, look at this one for a moment, and go on."""
    begun = time.monotonic()
    until(page, "document.body.dataset.ahead && document.body.dataset.ahead !== document.body.dataset.shown")
    ahead = time.monotonic() - begun
    page.wait_for_timeout(SECONDS_TO_LOOK * 1000)
    page.evaluate(WATCH)
    page.keyboard.press(key)
    took = page.evaluate("window.took")
    return {"key": key, "ms": round(took, 1), "ahead_ms": round(ahead * 1000, 1)}


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]), *sys.argv[5:7])
