"""A process that serves has loaded what map tiles are made with before anybody asks."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LOOK = """
import json, sys
import numpy as np
import webapp.wsgi
before = set(sys.modules)
from webapp.tileserver.render import CONTENT_TYPES, encode
picture = np.random.default_rng(1).integers(0, 256, (256, 256, 3), np.uint8)
for fmt in CONTENT_TYPES:
    encode(picture, fmt, lossless=False)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_the_first_map_tile_of_a_process_loads_no_module():
    done = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []
