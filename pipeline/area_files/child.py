"""The process that `bounded` starts: a file comes in, an area or a sentence goes out as JSON."""

import json
import resource
import sys


def main() -> None:
    """Set the limits before anything is loaded, then read."""
    wanted = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (wanted["seconds"], wanted["seconds"] + 1))
    resource.setrlimit(resource.RLIMIT_AS, (wanted["memory"], wanted["memory"]))
    written = 2 * wanted["most_unpacked"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (written, written))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

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
