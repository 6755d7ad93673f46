"""`python -m pipeline evaluate NAME` and `python -m pipeline calibrate NAME`."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.networks import NAMES
from pipeline.networks.registry import WEIGHTS
from pipeline.training.command import DATA
from pipeline.training.config import parse_seeds
from pipeline.training.csmask import NAME as CSMASK
from pipeline.training.csmask import csmask

if TYPE_CHECKING:
    from pipeline.training.album import Album
    from pipeline.training.judge import Judge
    from pipeline.training.sheet import PreviewSheet, Sheet

REAL = ("alpine-trained", "alpine-held-out", "alpine", "desert", "eurosat")
LEVELS = ("L2A", "L1C")
BY_HAND = {"windows": ("cloud", "preview-cloud"), "points": ("landcover",), "eurosat": ("buildings",)}
"""Arguments that name a folder of labels, and what can be measured on it."""


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `evaluate`."""
    names = (*NAMES, "landcover", "tone")
    parser.add_argument("name", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--on", choices=("simulated", *REAL), default="simulated", help="default simulated")
    what.add_argument("--windows", type=Path, metavar="DIR", help="clouds and shadows drawn by hand")
    what.add_argument("--points", type=Path, metavar="DIR", help="landcover told by eye")
    what.add_argument("--eurosat", type=Path, metavar="DIR", help="patches in EuroSAT's layout")
    parser.add_argument("--seeds", default="9000-9004", help="simulator seeds (default 9000-9004)")
    parser.add_argument("--resolution", type=float, default=60, help="metres (default 60)")
    parser.add_argument("--level", choices=LEVELS, default=LEVELS[0], help="of simulated scenes")
    parser.add_argument(
        "--dates",
        type=int,
        default=1,
        metavar="N",
        help="of `landcover`: fuse N dates of each place",
    )
    parser.add_argument(
        "--fusion", type=Path, metavar="FILE.json", help="of --dates: weights of `fit-fusion`"
    )
    parser.add_argument("--data", type=Path, default=DATA, help=f"real scenes and EuroSAT (default {DATA})")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of weights (default: shipped)")
    parser.add_argument("--fit", action="store_true", help="of --eurosat: fit thresholds on training patches")
    parser.add_argument(
        "--every-patch", action="store_true", help="of --eurosat: not only those kept for tests"
    )
    parser.add_argument("--beside", choices=(CSMASK,), help="of --windows: another mask on the same pixels")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--page", type=Path, metavar="FILE.html", help="write figures and pictures as a page")
    parser.add_argument("--reliability", type=Path, metavar="FILE.png", help="write the reliability diagram")
    parser.add_argument("--picture", type=Path, help="of `tone`: true colour beside the fitted curve")
    parser.add_argument(
        "--measure", metavar="NAME|FILE", help="of `tone`: this curve instead of a fitted one"
    )
    parser.add_argument(
        "--cards",
        action="store_true",
        help="draw worst, middling and best cases beside the weights, for the cards",
    )
    parser.add_argument("--record", action="store_true", help="write the figures into the network's cards")


def run_evaluate(args: argparse.Namespace) -> int:
    """Measure a network and print its figures."""
    if args.cards and (args.name not in NAMES or args.eurosat):
        what = "whole patches" if args.eurosat else args.name
        raise UsageError(f"--cards draws what a network tells of pixels, not {what}.", "cards")
    album = _album(args)
    found = _figures(args, album)
    print(json.dumps(found, indent=2))
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if album is not None:
        _write_pictures(args, found, album)
    if args.record and args.name in NAMES:
        from pipeline.training.export import record

        record(args.name, args.weights, command_of(args), found)
    return 0


def add_calibrate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `calibrate`."""
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--weights", type=Path, required=True, help="folder of weights and cards to change")
    parser.add_argument("--seeds", default="8000-8039", help="of the validation places (default 8000-8039)")
    parser.add_argument("--resolutions", default="60,10", help="metres (default 60,10)")
    parser.add_argument("--version", help="of the network then (default: the next patch version)")
    parser.add_argument(
        "--even-so", action="store_true", help="a network whose probabilities are read as they are"
    )


def run_calibrate(args: argparse.Namespace) -> int:
    """Fit a network's temperature on validation places, write it into its cards and print what it changes."""
    from pipeline.training.calibrate import calibrate
    from pipeline.training.splits import validation_seeds

    seeds, resolutions = validation_seeds(args.seeds), parse_resolutions(args.resolutions)
    found = calibrate(args.name, args.weights, seeds, resolutions, version=args.version, even_so=args.even_so)
    print(json.dumps(found, indent=2))
    return 0


def parse_resolutions(text: str) -> list[float]:
    """Return the metres of "60,10".

    Raises:
        UsageError: they are no numbers.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"Resolutions are metres such as 60,10, not {text!r}.") from error


def _album(args: argparse.Namespace) -> "Album | None":
    """What takes pictures, where some are asked for."""
    if args.name == "haze" and not (args.page or args.reliability):
        return None
    if not (args.page or args.reliability or args.cards):
        return None
    if args.name in ("haze", "tone"):
        raise UsageError(f"There is no page of {args.name!r}, only figures.", "page")
    from pipeline.training.album import Album
    from pipeline.training.patches import CLASSES as PATCH_CLASSES
    from pipeline.training.points import CLASSES as POINT_CLASSES
    from pipeline.training.sheet import Sheet

    if args.points:
        return Album(POINT_CLASSES)
    if args.eurosat:
        return Album(PATCH_CLASSES)
    return (Sheet if args.cards else Album)(_judge(args).classes)


def _judge(args: argparse.Namespace) -> "Judge":
    from pipeline.training.judge import judge_of

    return judge_of(args.name, args.weights)


def _figures(args: argparse.Namespace, album: "Album | None") -> dict[str, Any]:
    for name, able in BY_HAND.items():
        if getattr(args, name) and args.name not in able:
            raise UsageError(
                f"--{name} says nothing about {args.name!r}, only about {' and '.join(able)}.", name
            )
    if args.name == "tone":
        return _tone_figures(args)
    if args.name == "haze":
        return _haze_figures(args)
    if args.windows:
        from pipeline.training.windows import on_windows

        return on_windows(
            _judge(args), args.windows, args.data, album, beside=csmask if args.beside else None
        )
    if args.points:
        from pipeline.training.points import on_points

        return on_points(_judge(args), args.points, args.data, album)
    if args.eurosat:
        from pipeline.training.patches import on_patches

        return on_patches(args.eurosat, args.weights, album, fit=args.fit, every=args.every_patch)
    return _scene_figures(args, album)


def _scene_figures(args: argparse.Namespace, album: "Album | None") -> dict[str, Any]:
    from pipeline.training.evaluate import on_alpine, on_desert, on_eurosat, on_seeds

    if args.dates > 1:
        return _fused_figures(args, album)
    if args.on == "simulated":
        seeds = parse_seeds(args.seeds)
        return on_seeds(args.name, seeds, args.resolution, args.weights, album, args.level)
    if args.on == "eurosat":
        if args.name != "buildings":
            raise UsageError(f"EuroSAT says nothing about {args.name!r}, only about 'buildings'.", "on")
        return on_eurosat(args.data, args.weights, album)
    if args.on == "desert":
        if args.name != "cloud":
            raise UsageError(f"The desert scene is for 'cloud', not for {args.name!r}.", "on")
        return on_desert(args.data, args.weights, album)
    if args.on == "alpine" or args.name not in ("cloud", "preview-cloud"):
        raise UsageError(f"The alpine scenes have no labels for {args.name!r}.", "on")
    return on_alpine(args.name, args.data, args.on == "alpine-held-out", args.weights, album)


def _fused_figures(args: argparse.Namespace, album: "Album | None") -> dict[str, Any]:
    from pipeline.landcover.pool import read_fusion
    from pipeline.training.real_series import CLASSES, alpine_series, three_classes
    from pipeline.training.series import on_series, series_of

    fusion = read_fusion(args.fusion) if args.fusion else None
    if args.name == "landcover" and args.on == "simulated":
        series = series_of(parse_seeds(args.seeds), args.resolution, args.weights, args.dates)
        return on_series(series, fusion, album)
    if args.name == "landcover" and args.on in ("alpine-trained", "alpine-held-out") and album is None:
        held_out = args.on == "alpine-held-out"
        return on_series(
            alpine_series(args.data, held_out, args.weights, args.dates),
            fusion,
            classes=CLASSES,
            merged=three_classes,
        )
    raise UsageError(
        "--dates fuses the landcover of simulated dates, or (without a page) of the alpine ones.", "dates"
    )


def _haze_figures(args: argparse.Namespace) -> dict[str, Any]:
    from pipeline.training.evaluate_haze import no_show, on_alpine, on_seeds
    from pipeline.training.sheet import PreviewSheet

    sheet = PreviewSheet()
    show = sheet.add if args.cards else no_show
    if args.on == "simulated":
        found = on_seeds(parse_seeds(args.seeds), args.weights, show)
    elif args.on not in ("alpine-trained", "alpine-held-out"):
        raise UsageError(
            f"Haze is measured on simulated and alpine previews, {args.on} says nothing about 'haze'.", "on"
        )
    else:
        found = on_alpine(args.data, args.on == "alpine-held-out", args.weights, show)
    if args.cards:
        _draw_card(args, sheet)
    return found


def _tone_figures(args: argparse.Namespace) -> dict[str, Any]:
    from pipeline.commands import read_tone
    from pipeline.tone import load_tone
    from pipeline.training.tones import evaluate_tone

    if args.on not in ("simulated", "alpine", "desert"):
        raise UsageError(f"Tone curves are measured on simulated, alpine or desert, not on {args.on}.", "on")
    given = load_tone(read_tone(args.measure)) if args.measure else None
    return evaluate_tone(args.on, args.data, parse_seeds(args.seeds), args.resolution, args.picture, given)


def _write_pictures(args: argparse.Namespace, found: dict[str, Any], album: "Album") -> None:
    from pipeline.training.judge import versions_of
    from pipeline.training.page import write_page
    from pipeline.training.reliability import drawn

    versions = ", ".join(
        f"{name} {version}" for name, version in versions_of(args.name, args.weights).items()
    )
    if args.page:
        title = f"{args.name}: {versions}" if args.name not in versions else versions
        write_page(args.page, title, command_of(args), found, album)
    if args.reliability:
        if album.reliability is None:
            raise UsageError(
                "There are no probabilities of pixels to draw the reliability of.", "reliability"
            )
        drawn(album.reliability, versions).save(args.reliability)
    if args.cards:
        from pipeline.training.sheet import Sheet

        assert isinstance(album, Sheet)
        _draw_card(args, album)


def _draw_card(args: argparse.Namespace, sheet: "Sheet | PreviewSheet") -> None:
    """Put the picture of a sheet into the network's cards."""
    from pipeline.networks.card import read_card
    from pipeline.training.export import illustrate
    from pipeline.training.sheet import packed

    if not sheet.strips:
        raise UsageError("There is nothing to draw: no case shows two classes.", "cards")
    title = f"{args.name} {read_card(args.weights / f'{args.name}.json').version}"
    illustrate(args.name, args.weights, f"{command_of(args)} --cards", packed(sheet.drawn(title)))


def command_of(args: argparse.Namespace) -> str:
    """Return the command that gives these figures; folders outside of the working directory are DIR."""
    command = f"python -m pipeline evaluate {args.name}"
    for name in BY_HAND:
        if place := getattr(args, name):
            return f"{command} --{name} {'DIR' if place.is_absolute() else place.as_posix()}"
    dates = f" --dates {args.dates}" if args.dates > 1 else ""
    if args.on != "simulated":
        return f"{command} --on {args.on}{dates}"
    resolution = "" if args.name in ("haze", "preview-cloud") else f" --resolution {args.resolution:g}"
    level = "" if args.level == LEVELS[0] else f" --level {args.level}"
    return f"{command} --seeds {args.seeds}{resolution}{level}{dates}"
