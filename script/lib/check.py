"""`script/test`: set up, lint, and run all tests against services of their own."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from script.lib import packages, processes, setup, suite
from script.lib.places import only_one
from script.lib.say import fail, step
from script.lib.services import Services

LINTERS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format --check": ["ruff", "format", "--check", "."],
    "mypy pipeline": ["mypy", "pipeline"],
}


@contextmanager
def own_services() -> Iterator[dict[str, str]]:
    """The tests' own services, which are stopped at the end if they were started here."""
    services = Services("test")
    with only_one("test", "script/test is running in this checkout already: wait until it has ended."):
        started = services.start()
        try:
            yield services.environment()
        finally:
            processes.shield()
            if started:
                services.stop()


def environment(values: dict[str, str], storage: str) -> dict[str, str]:
    made = {"STORAGE_URL": storage, "SECRET_KEY": secrets.token_hex(24), "PYTHONUNBUFFERED": "1"}
    return dict(os.environ) | values | made


def lint() -> list[str]:
    """Run the linters.

    Returns:
        The names of those that found something.
    """
    found = []
    for name, arguments in LINTERS.items():
        with step(name):
            if suite.run(arguments, dict(os.environ)):
                found.append(name)
    return found


def faults(arguments: list[str]) -> int:
    """Run the fault harness in its long form, with services of its own; see docs/faults.md."""
    with processes.interruptible():
        setup.ensure(tests=True)
        return suite.run(["tests.faults", *arguments], dict(os.environ))


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--faults"]:
        return faults(arguments[1:])
    if arguments[:1] == ["--schema"]:
        os.environ.setdefault("SCHEMA_EXAMPLES", "200")
        arguments = ["tests/webapp/test_description_holds.py", *arguments[1:]]
    with processes.interruptible():
        setup.ensure(tests=True)
        if packages.try_chromium():
            packages.try_npm()
        packages.try_gettext()
        found = lint()
        with own_services() as values, tempfile.TemporaryDirectory(prefix="earthquilt-test-") as storage:
            own = environment(values, storage)
            status = suite.run([*suite.PYTEST, *arguments], own) if arguments else suite.whole(own)
    if found:
        return fail(f"Found by: {', '.join(found)} (see above).")
    return status
