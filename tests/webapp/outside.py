"""Runs a client in a process of its own: GDAL keeps Python's lock while it waits for a server of ours."""

import json
import subprocess
import sys
from typing import Any

SECONDS = 120


def outside(code: str, **values: Any) -> Any:
    """Run lines that print JSON.

    Args:
        code: what is run.
        values: names that it finds, as JSON knows them.

    Returns:
        What the last printed line says.
    """
    lines = f"import json\nglobals().update(json.loads({json.dumps(values)!r}))\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
