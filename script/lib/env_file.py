"""Files of `KEY=value` lines that a shell can read too."""

import os
import shlex
from pathlib import Path


def read(path: Path) -> dict[str, str]:
    """The values of the file, none where it is missing."""
    if not path.exists():
        return {}
    lines = (line.partition("=") for line in path.read_text().splitlines() if "=" in line)
    return {key: "".join(shlex.split(value)) for key, _, value in lines}


def write(path: Path, values: dict[str, str]) -> None:
    """Write the values for this user alone; the file is never half there."""
    beside = path.with_name(f"{path.name}.part")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{key}={shlex.quote(value)}\n" for key, value in values.items())
    beside.replace(path)
