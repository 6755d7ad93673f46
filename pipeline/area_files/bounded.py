"""Reading an area file in a process of its own, with limits on time and memory."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import shapely

from pipeline.area_files.found import FIELD, AreaFile, Limits
from pipeline.area_files.kinds import too_large
from pipeline.errors import UsageError
from pipeline.words import from_json, sentence

ROOT = Path(__file__).resolve().parents[2]
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PROJ_DATA", "VIRTUAL_ENV")
TOO_MUCH = sentence("Reading the file took too much time or memory: simplify the outline.")


def read_bounded(content: bytes, limits: Limits | None = None) -> AreaFile:
    """Read an area of a stranger: in a process that has no secret, and that ends at its limits.

    Raises:
        UsageError: what is wrong, in one sentence.
    """
    limits = limits or Limits()
    if len(content) > limits.most_bytes:
        raise too_large(len(content), limits)
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.area_files.child", json.dumps(asdict(limits))],
            input=content,
            capture_output=True,
            env=environment,
            cwd=ROOT,
            timeout=2 * limits.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(TOO_MUCH, FIELD) from error
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        raise UsageError(TOO_MUCH, FIELD) from error
    if "error" in answer:
        raise UsageError(from_json(answer["error"]), FIELD)
    area = shapely.from_wkb(answer["area"])
    return AreaFile(area, answer["kind"], answer["crs"], tuple(map(from_json, answer["repairs"])))
