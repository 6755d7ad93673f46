"""The whole suite runs in two processes side by side, and is red where either is."""

import os
import sys

import pytest

from script.lib import suite

GREEN = "def test_it():\n    assert True\n"
# Without the variables by which this process knows the checkout.
ENVIRONMENT = {"PATH": os.environ["PATH"]}
RED = "def test_it():\n    assert False, 'a red one'\n"


@pytest.fixture
def tests(tmp_path, monkeypatch):
    """A checkout with a test beside and two others, which may be replaced."""
    folder = tmp_path / "tests"
    for name in ("pipeline/inner", "webapp", "script", "data"):
        (folder / name).mkdir(parents=True)
    for name in ("pipeline/inner/test_one.py", "webapp/test_two.py", "script/test_three.py"):
        (folder / name).write_text(GREEN)
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(suite, "PYTHON", sys.executable)
    return folder


def test_every_folder_with_tests_is_run_once(tests):
    assert suite.others(tests) == ["tests/script", "tests/webapp"]


def test_both_green_is_green(tests, capfd):
    assert suite.whole(ENVIRONMENT) == 0
    assert "2 passed" in (out := capfd.readouterr().out)
    assert "1 passed" in out


@pytest.mark.parametrize("name", ["pipeline/inner/test_one.py", "webapp/test_two.py"])
def test_one_red_test_is_told_whichever_process_runs_it(tests, name, capfd):
    (tests / name).write_text(RED)
    assert suite.whole(ENVIRONMENT) == 1
    assert "a red one" in capfd.readouterr().out


def test_what_was_started_ends_with_the_block(tests):
    (tests / "pipeline/inner/test_one.py").write_text("import time\n\ndef test_it():\n    time.sleep(600)\n")
    with suite.started(["pytest", "tests/pipeline"], ENVIRONMENT) as child:
        assert child.poll() is None
    assert child.returncode is not None
