"""`python script/lib COMMAND ...`: what the shell scripts in `script/` hand over to."""

import importlib
import sys
from pathlib import Path

# The checkout takes the place of this folder, so that `script.lib` is found.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from script.lib.say import Trouble, fail  # noqa: E402

COMMANDS = {
    name: f"script.lib.{module}"
    for name, module in {
        "setup": "setup",
        "services": "services",
        "server": "server",
        "worker": "worker",
        "demo": "demo",
        "test": "check",
        "bench": "bench.command",
        "label": "label.command",
        "new-place": "new_place",
        "models": "models.command",
        "claims": "claims",
        "screenshots": "screenshots",
        "messages": "messages",
        "backup": "backup",
        "restore": "restore",
        "land-table": "land_table",
        "audit": "audit",
        "world-plan": "world_plan",
    }.items()
}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        return fail(f"Unknown command: one of {', '.join(COMMANDS)} is wanted.", status=2)
    try:
        return importlib.import_module(COMMANDS[arguments[0]]).main(arguments[1:])
    except Trouble as trouble:
        return fail(str(trouble), status=trouble.status)
    except KeyboardInterrupt:
        return fail("Stopped.", status=130)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
