"""Log lines that tell which work they belong to, as text or as JSON (`LOG_FORMAT`), and never a secret.

A worker does one job at a time, with threads: what it works at is the process's, not a thread's.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from pythonjsonlogger.json import JsonFormatter

from pipeline.redaction import redacted

CLOUD = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")

_work: dict[str, Any] = {}


@contextmanager
def at_work(**told: Any) -> Iterator[None]:
    """Have all log lines of this process tell some values, such as `tile`, until the block ends."""
    before = dict(_work)
    _work.update(told)
    try:
        yield
    finally:
        _work.clear()
        _work.update(before)


class WorkFilter(logging.Filter):
    """Gives each record the work that it belongs to."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add `work`, a mapping, and `work_text`, the same in words; lets all pass."""
        record.work = dict(_work)
        record.work_text = words_of(_work)
        return True


def words_of(work: Mapping[str, Any]) -> str:
    """The work in brackets, empty where there is none."""
    return f" [{' '.join(f'{name}={value}' for name, value in work.items())}]" if work else ""


@lru_cache(maxsize=1)
def own_secrets() -> tuple[str, ...]:
    """The secrets of this process, as its settings and environment have them."""
    addresses = (settings.REDIS_URL, settings.EMAIL_URL)
    found = [
        settings.SECRET_KEY,
        settings.DATABASES["default"].get("PASSWORD"),
        *(urlsplit(address).password for address in addresses),
        *(os.environ.get(name) for name in CLOUD),
    ]
    texts = [secret for secret in found if secret]
    return tuple({*texts, *map(unquote, texts)})


def without_secrets(text: str) -> str:
    """A text as it may be logged and shown."""
    return redacted(text, own_secrets())


class PlainLines(logging.Formatter):
    """Lines of text, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the traceback where there is one."""
        return without_secrets(super().format(record))


class JsonLines(JsonFormatter):
    """One JSON object a line: time, level, logger, message, the work's values, exception; without secrets."""

    def __init__(self) -> None:
        """Name the fields as log stores expect them."""
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            datefmt="%Y-%m-%dT%H:%M:%S%z",
        )

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return without_secrets(super().format(record))

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Put the work's values beside the message."""
        super().add_fields(log_data, record, message_dict)
        log_data.pop("work_text", None)
        log_data.update(log_data.pop("work", None) or {})
