"""The process that `bounded` starts: a file comes in, an area or a sentence goes out as JSON."""

import json
import sys

from pipeline import bounded


def main() -> None:
    """Set the limits before anything is loaded, then read."""
    wanted = bounded.limited()

    from pipeline.area_files.bounded import TOO_MUCH
    from pipeline.area_files.found import Limits
    from pipeline.area_files.read import read_area_file
    from pipeline.errors import UsageError
    from pipeline.words import to_json

    try:
        found = read_area_file(sys.stdin.buffer.read(), Limits(**wanted))
        answer = {
            "area": found.area.wkb_hex,
            "kind": found.kind,
            "crs": found.crs,
            "repairs": [to_json(words) for words in found.repairs],
        }
    except UsageError as error:
        answer = {"error": to_json(error.args[0])}
    except MemoryError:
        answer = {"error": to_json(TOO_MUCH)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
