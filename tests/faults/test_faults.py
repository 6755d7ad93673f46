"""The short form: a campaign with a handful of faults comes to the same bytes as one without."""

import os
import subprocess

from script.lib.places import PYTHON, ROOT

FAULTS, SEED = 5, 8702


def test_a_handful_of_faults_changes_no_byte():
    line = [PYTHON, "-m", "tests.faults", "--faults", str(FAULTS), "--seed", str(SEED), "--dates", "3"]
    threads = {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        line, cwd=ROOT, env=os.environ | threads, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    assert f"{FAULTS} faults in " in done.stdout
