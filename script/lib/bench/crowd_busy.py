"""Builds a tile over and over, as a worker does, until it is stopped: `crowd_busy CATALOG FOLDER`."""

import shutil
import subprocess
import sys
from pathlib import Path


def main(catalog: str, folder: str) -> None:
    """Run the whole chain again and again in a folder of its own."""
    while True:
        line = ["run", "--catalog", catalog, "--tile", "33TWL", "--resolution", "60", "--out", folder,
                "--start", "2023-01-01", "--end", "2023-12-31"]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *line], capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(done.stderr[-2000:])
        shutil.rmtree(Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
