"""Log lines tell which campaign, tile and build they belong to, as text and as JSON."""

import json
import logging

import pytest

from webapp.logs import JsonLines, WorkFilter, at_work


@pytest.fixture
def record():
    def make(message="Something happened.", exc_info=None):
        found = logging.LogRecord("webapp.x", logging.WARNING, __file__, 1, message, (), exc_info)
        assert WorkFilter().filter(found)
        return found

    return make


def test_a_line_of_json_has_the_work_beside_the_message(record):
    with at_work(campaign="alps", tile="33TWL", build=3, stage="mask"):
        line = json.loads(JsonLines().format(record()))
    assert line | {"time": ""} == {
        "time": "", "level": "WARNING", "logger": "webapp.x", "message": "Something happened.",
        "campaign": "alps", "tile": "33TWL", "build": 3, "stage": "mask",
    }  # fmt: skip
    assert line["time"][10] == "T"


def test_without_work_nothing_is_told_of_it(record):
    with at_work(tile="33TWL"):
        pass
    assert set(json.loads(JsonLines().format(record()))) == {"time", "level", "logger", "message"}


def test_an_exception_stays_on_its_line(record):
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        line = JsonLines().format(record(exc_info=(type(error), error, error.__traceback__)))
    assert "\n" not in line and "two\\nlines" in line


def test_text_tells_the_work_at_its_end(record, settings):
    formatter = logging.Formatter(settings.LOGGING["formatters"]["plain"]["format"])
    with at_work(tile="33TWL", build=3):
        assert formatter.format(record()).endswith("webapp.x: Something happened. [tile=33TWL build=3]")
    assert formatter.format(record()).endswith("webapp.x: Something happened.")


def test_work_within_work_comes_back(record):
    with at_work(tile="33TWL"):
        with at_work(stage="fetch"):
            assert record().work == {"tile": "33TWL", "stage": "fetch"}
        assert record().work == {"tile": "33TWL"}
