"""The command line: python -m pipeline COMMAND --help."""

import argparse
import logging
import sys
from collections.abc import Sequence

from pipeline import commands
from pipeline.errors import EarthquiltError, UsageError

log = logging.getLogger(__name__)


def parser(asked: str | None) -> argparse.ArgumentParser:
    """The parser of all commands; only the one asked for brings its arguments, so that starting is quick."""
    whole = argparse.ArgumentParser(prog="python -m pipeline", description=commands.__doc__)
    whole.add_argument("--verbose", action="store_true", help="tell more of what is done")
    sub = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in commands.COMMANDS.items():
        own = sub.add_parser(name, help=command.help, description=command.help)
        own.set_defaults(run=command.run)
        if name == asked:
            command.add_arguments(own)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 1 failed with one clear line on standard error, 2 wrong use."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    named = next((word for word in words if word in commands.COMMANDS), None)
    try:
        asked = parser(named).parse_args(words)
        level = logging.INFO if asked.verbose else logging.WARNING
        logging.basicConfig(level=level, format="%(levelname)s %(message)s", stream=sys.stderr)
        asked.run(asked)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except EarthquiltError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        log.info("Traceback of what was not foreseen", exc_info=True)
        text = " ".join(str(error).split()).rstrip(".") or "no text"
        print(
            f"error: unforeseen {type(error).__name__}: {text}; --verbose before the command tells where.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("interrupted: run again with --resume to go on", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
