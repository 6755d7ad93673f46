"""The page of an evaluation: figures, reliability and pictures in one HTML file without scripts."""

import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from pipeline.storage import write_bytes
from pipeline.training.album import COLOURS, Album, Shot, address
from pipeline.training.reliability import drawn

STYLE = """
:root { color-scheme: light dark; --ink: #1f2d38; --soft: #5f6f7c; --line: #dde3e8; --card: #fff; --page:
#f4f6f8;
  --bar: #5b8db8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ecf0; --soft: #9fb0bc; --line: #33424e; --card:
#1b252d;
  --page: #121a20; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 40px 0 12px; }
p { margin: 4px 0; color: var(--soft); } code { font-size: 13px; overflow-wrap: anywhere; }
section.card, figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding:
16px; } .row { display: flex; flex-wrap: wrap; gap: 16px; } .row > * { flex: 1 1 320px; min-width: 0;
overflow-x: auto; } .heads { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0; }
.head { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 18px; }
.head b { display: block; font-size: 24px; font-variant-numeric: tabular-nums; }
.head small, td small { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 6px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 500; }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 8px;
vertical-align: -1px;
  border: 1px solid rgba(0, 0, 0, .2); }
td.heat { background: color-mix(in srgb, var(--bar) var(--share), transparent); }
.bar { display: inline-block; height: 9px; border-radius: 3px; background: var(--bar); }
figure { margin: 0 0 14px; } figure h3 { font-size: 15px; margin: 0; } figure p { font-size: 13px; }
.pictures { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 10px; }
.pictures div { font-size: 12px; color: var(--soft); }
.pictures img { display: block; border-radius: 6px; max-width: 100%; image-rendering: pixelated; }
img.plot { max-width: 100%; border-radius: 6px; }
"""
MOST_PLACES = 40


def write_page(path: Path, title: str, command: str, found: dict[str, Any], album: Album) -> None:
    """Write the page.

    Args:
        path: of the HTML file.
        title: what was measured, with its version.
        command: what gives the figures.
        found: the figures (`Tally.figures`).
        album: pictures of the cases.
    """
    write_bytes(path, page(title, command, found, album).encode())


def page(title: str, command: str, found: dict[str, Any], album: Album) -> str:
    """Return the page, see `write_page`."""
    parts = [
        f"<h1>{escape(title)}</h1><p><code>{escape(command)}</code></p>",
        _heads(found),
        _classes(found, album.classes),
        _pair(_confusion(found, album.classes), _plot(album, title)),
        _parts("By cloud cover", found.get("cloud_cover", {})),
        _parts("By place", found.get("places", {}), MOST_PLACES),
        *(_shots(name, shots) for name, shots in album.chosen().items() if shots),
    ]
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    return f"{head}{view}<style>{STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>\n"


def _heads(found: dict[str, Any]) -> str:
    names = {"overall_accuracy": "overall accuracy", "mean_iou": "mean IoU", "auc": "AUC", "ece": "ECE"}
    names |= {"kappa": "kappa of two labellers"}
    heads = []
    for key, name in names.items():
        if isinstance(found.get(key), float | int):
            spread = _interval(found.get("intervals", {}).get(key))
            heads.append(f'<div class="head">{name}<b>{found[key]:.3f}</b>{spread}</div>')
    return f'<div class="heads">{"".join(heads)}</div>'


def _classes(found: dict[str, Any], classes: Sequence[str]) -> str:
    spreads = found.get("intervals", {})
    rows = []
    for name in classes:
        of = found["classes"][name]
        cells = [f"<td>{_swatch(name)}{escape(name)}</td>"]
        for key in ("precision", "recall", "f1", "iou"):
            spread = (spreads.get(key) or {}).get(name)
            cells.append(f"<td>{_number(of[key])} {_interval(spread)}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = "<tr><th>class</th><th>precision</th><th>recall</th><th>F1</th><th>IoU</th></tr>"
    return f'<h2>Classes</h2><section class="card"><table>{head}{"".join(rows)}</table></section>'


def _confusion(found: dict[str, Any], classes: Sequence[str]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in classes)
    rows = []
    for name, counts in zip(classes, found["confusion"], strict=True):
        total = sum(counts) or 1
        cells = "".join(
            f'<td class="heat" style="--share: {70 * count / total:.1f}%">{100 * count / total:.1f} %</td>'
            for count in counts
        )
        rows.append(f"<tr><td>{_swatch(name)}{escape(name)}</td>{cells}</tr>")
    table = f"<table><tr><th>truth</th>{head}</tr>{''.join(rows)}</table>"
    return f"<h2>What each class is taken for</h2><section class='card'>{table}</section>"


def _plot(album: Album, title: str) -> str:
    if album.reliability is None:
        return ""
    file = io.BytesIO()
    drawn(album.reliability, title).save(file, "PNG", optimize=True)
    picture = (
        f'<img class="plot" alt="share right over confidence" src="{address(file.getvalue(), "image/png")}">'
    )
    return f"<h2>Reliability</h2><section class='card'>{picture}</section>"


def _parts(title: str, parts: dict[str, Any], most: int = 10**6) -> str:
    if not parts:
        return ""
    shown = (
        sorted(parts.items(), key=lambda item: item[1]["mean_iou"] or 0)[:most] if len(parts) > most else None
    )
    rows = []
    for name, of in shown or parts.items():
        width = round(160 * (of["mean_iou"] or 0))
        bar = f'<span class="bar" style="width: {width}px"></span>'
        numbers = (f"{of['pixels']:,}", _number(of["overall_accuracy"]), _number(of["mean_iou"]))
        cells = "".join(f"<td>{number}</td>" for number in numbers)
        rows.append(f"<tr><td>{escape(name)}</td>{cells}<td style='text-align: left'>{bar}</td></tr>")
    head = "<tr><th></th><th>pixels</th><th>accuracy</th><th>mean IoU</th><th></th></tr>"
    more = f"<p>The {most} worst of {len(parts)}.</p>" if shown else ""
    return f'<h2>{title}</h2><section class="card"><table>{head}{"".join(rows)}</table>{more}</section>'


def _shots(name: str, shots: list[Shot]) -> str:
    figures = []
    for shot in shots:
        pictures = "".join(
            f'<div><img alt="{escape(label)}" src="{source}">{escape(label)}</div>'
            for label, source in shot.pictures
        )
        words = f"<h3>{escape(shot.title)}</h3><p>{escape(shot.caption)}</p>"
        figures.append(f'<figure>{words}<div class="pictures">{pictures}</div></figure>')
    return f"<h2>{name.capitalize()} cases</h2>{''.join(figures)}"


def _pair(first: str, second: str) -> str:
    return f'<div class="row"><div>{first}</div><div>{second}</div></div>'


def _swatch(name: str) -> str:
    return f'<span class="swatch" style="background: {COLOURS.get(name, "#999999")}"></span>'


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(spread: Sequence[float] | None) -> str:
    return f"<small>{spread[0]:.3f} to {spread[1]:.3f}</small>" if spread else ""
