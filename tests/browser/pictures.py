"""Pictures of pages for people to look at, where `SHOTS` names a folder for them."""

import os
from pathlib import Path


def shot(page, name):
    """Take a picture of the whole page."""
    if "SHOTS" in os.environ:
        page.screenshot(path=Path(os.environ["SHOTS"]) / f"{name}.png", full_page=True)
