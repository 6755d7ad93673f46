"""What was measured: sections of tables, kept as JSON and shown as Markdown beside it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from script.lib.places import ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.json"
HEAD = """# Benchmarks

Written by `script/bench` from [{json}]({json}); every section names the command that makes it again.
"""


@dataclass(frozen=True)
class Table:
    """Rows of text and numbers under a sentence that says what they are."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Section:
    """What one subcommand measured.

    Attributes:
        title: of the section.
        tables: what people read.
        figures: what programs read: every single run.
        notes: sentences below the tables.
    """

    title: str
    tables: tuple[Table, ...]
    figures: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def keep(name: str, section: Section, about: dict[str, Any], path: Path) -> None:
    """Put a section in the place of the last one of its name, and write the Markdown beside the JSON.

    Args:
        name: of the subcommand.
        section: what it measured.
        about: "date", "command", "machine", "versions", "load_before" and "load_after".
        path: of the JSON file, made where it is missing.
    """
    sections = json.loads(path.read_text()) if path.exists() else {}
    sections[name] = {"about": about, **asdict(section)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sections, indent=1) + "\n")
    path.with_suffix(".md").write_text(markdown(sections, path.name))


def markdown(sections: dict[str, Any], json_name: str) -> str:
    """The page of all sections, in order of name."""
    parts = [HEAD.format(json=json_name)]
    for name in sorted(sections):
        parts += _section(sections[name])
    return "\n".join(parts)


def _section(section: dict[str, Any]) -> list[str]:
    about = section["about"]
    lines = [f"## {section['title']}", "", f"`{about['command']}`, {about['date']}.", ""]
    lines += [f"{about['machine']}. {about['versions']}.{_load(about)}", ""]
    for table in section["tables"]:
        lines += [table["caption"], "", *_rows(table["columns"], table["rows"]), ""]
    for note in section["notes"]:
        lines += [note, ""]
    return lines


def _load(about: dict[str, Any]) -> str:
    """How busy the machine was: processes under way or waiting, on the mean of a minute."""
    if "load_before" not in about:
        return ""
    return f" Load {about['load_before']:.1f} before, {about['load_after']:.1f} after."


def _rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
