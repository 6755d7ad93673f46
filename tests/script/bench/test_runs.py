import sys

import pytest

from script.lib.bench import runs
from script.lib.bench.runs import Run
from script.lib.say import Trouble

CHILD = "import time; held = bytearray(200 << 20); held[::4096] = b'x' * len(held[::4096]); time.sleep(0.8)"
PARENT = f"""
import json, subprocess, sys
subprocess.run([sys.executable, "-c", {CHILD!r}], check=True)
print("progress")
print(json.dumps({{"seconds": 1.5, "found": 7}}))
"""


def test_a_run_counts_the_memory_of_the_whole_process_tree():
    done = runs.run([sys.executable, "-c", PARENT], {})

    assert (done.seconds, done.answer) == (1.5, {"found": 7})
    assert 200 < done.peak_mib < 260
    assert done.cpu > 0


def test_a_run_that_fails_tells_its_last_line():
    with pytest.raises(Trouble, match="ValueError: no such tile"):
        runs.run([sys.executable, "-c", "raise ValueError('no such tile')"], {})


def test_pairs_change_turns_and_give_the_median_of_their_ratios():
    order = []

    def task(name, seconds):
        def run():
            order.append(name)
            return Run(seconds.pop(0), 0.0, 10.0, {})

        return run

    found = runs.paired({"a": task("a", [2.0, 9.0, 4.0]), "b": task("b", [1.0, 3.0, 4.0])}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert runs.median_seconds(found["a"]) == 4.0
    assert runs.ratio(found["a"], found["b"]) == 2.0
