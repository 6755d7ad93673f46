"""A language for tests: all letters accented, sentences 30 % longer, numbers and dates as in German."""

import math
import re
import subprocess
from pathlib import Path

from script.lib import messages

CODE, FOLDER = "de-xa", "de_XA"
PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ACCENTED = "ÁƁÇÐÉƑĜĤÍĴĶĻṀŃÓÞǪŔŠŢÚṼŴẊÝŽáƀçðéƒĝĥíĵķļṁńóþǫŕšţúṽŵẋýž"
TABLE = str.maketrans(PLAIN, ACCENTED)
KEPT = re.compile(r"(%\(\w+\)[sdr]|%%|%[sd]|<[^>]*>|&\w+;|\\.)")
FILLER = "ţéẋţ ļóńĝ "


def accented(text: str) -> str:
    """A message in the language; placeholders, markup and escapes stay."""
    parts = KEPT.split(text)
    letters = sum(map(len, parts[::2]))
    body = "".join(part if place % 2 else part.translate(TABLE) for place, part in enumerate(parts))
    if letters < 2:
        return body
    more = math.ceil(0.3 * letters)
    filler = (FILLER * math.ceil(more / len(FILLER)))[:more].strip() or "ţ"
    ending = "\\n" if body.endswith("\\n") else ""
    return f"{body.removesuffix(ending)} {filler}{ending}"


def make(locale: Path) -> str:
    """Write and compile the language's files from what the source marks.

    Returns:
        What the tools said while they collected.
    """
    said = messages.extract([FOLDER], locale)
    folder = locale / FOLDER / "LC_MESSAGES"
    for domain in messages.DOMAINS:
        path = folder / f"{domain}.po"
        filled = subprocess.run(["msgen", "--no-wrap", path], capture_output=True, text=True, check=True)
        path.write_text(translated(filled.stdout), encoding="utf-8")
    messages.compile_language(locale / FOLDER)
    return said


def translated(content: str) -> str:
    """A message file whose translations are the messages, with those put into the language."""
    header, *entries = content.split("\n\n")
    header = header.replace("nplurals=INTEGER; plural=EXPRESSION;", "nplurals=2; plural=(n != 1);")
    return "\n\n".join([header, *map(_entry, entries)])


def _entry(entry: str) -> str:
    lines: list[str] = []
    for line in entry.split("\n"):
        if line.startswith('"') and lines[-1].startswith("msgstr"):
            lines[-1] = lines[-1][:-1] + line[1:]
        else:
            lines.append(line)
    return "\n".join(_line(line) if line.startswith("msgstr") else line for line in lines)


def _line(line: str) -> str:
    name, _, text = line.partition(" ")
    return f'{name} "{accented(text[1:-1])}"'
