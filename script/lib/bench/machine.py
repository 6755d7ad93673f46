"""Where and with what something was measured."""

import datetime as dt
import os
import platform
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from script.lib.places import PYTHON

PACKAGES = ("numpy", "scipy", "rasterio", "openvino", "torch", "odc-stac", "dask", "s2mosaic")
ASK_VERSIONS = """
import platform
from importlib import metadata
import rasterio
found = {item.metadata["Name"]: item.version for item in metadata.distributions()}
told = [f"{name} {found[name]}" for name in NAMES if name in found]
print(", ".join([f"Python {platform.python_version()}", f"GDAL {rasterio.__gdal_version__}", *told]))
"""


def about(words: Sequence[str], threads: int) -> dict[str, Any]:
    """Date, command (its words without folders), machine and versions of a measurement that begins now."""
    return {
        "date": dt.date.today().isoformat(),
        "command": shlex.join(["script/bench", *words]),
        "machine": f"{processor()}, {threads} threads on {os.cpu_count()} cores, {memory_gib():.0f} GiB",
        "versions": versions(PYTHON),
        "load_before": round(os.getloadavg()[0], 2),
    }


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def versions(python: Path) -> str:
    """Versions of an environment's Python, its GDAL and the packages that do the work."""
    program = f"NAMES = {PACKAGES!r}\n{ASK_VERSIONS}"
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
