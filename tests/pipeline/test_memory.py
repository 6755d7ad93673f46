import os
import subprocess
import sys

from script.lib.worker import MALLOC

PROGRAM = """
import numpy as np
from pipeline.memory import give_back

def resident():
    return int(open("/proc/self/statm").read().split()[1]) >> 8

def work():
    held = [np.ones(2**20, np.uint8) for _ in range(300)]
    last = np.ones(2**10, np.uint8)
    return last

kept = work()
before = resident()
give_back()
print(before - resident())
"""


def test_what_a_worker_has_freed_goes_back_to_the_system():
    """In MiB, with the worker's heap, which keeps what is freed."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=os.environ | MALLOC, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 200
