"""Waiting for a page in a browser."""

import time
from typing import Any

from playwright.sync_api import Error, Page

PAUSE_MS = 50


def until(page: Page, expression: str, arg: Any = None, seconds: float = 15.0) -> None:
    """Wait until an expression or function of JavaScript gives what counts as true.

    Playwright's own way evaluates text inside the page, which the policy of the pages does not allow.
    """
    end = time.monotonic() + seconds
    while not holds(page, expression, arg):
        if time.monotonic() > end:
            raise TimeoutError(f"The page did not come to {expression!r} within {seconds:g} s.")
        page.wait_for_timeout(PAUSE_MS)


def holds(page: Page, expression: str, arg: Any) -> bool:
    try:
        return bool(page.evaluate(expression, arg))
    except Error as error:
        # The page goes on to another one.
        if "context was destroyed" in str(error):
            return False
        raise
