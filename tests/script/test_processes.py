import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from script.lib.places import ROOT
from script.lib.processes import Children, Tail, end_leftovers
from script.lib.say import Trouble

FAMILY = "sleep 300 & echo $! > {file}; wait"
STUBBORN = "trap '' TERM; echo > {file}; while true; do sleep 0.1; done"


@pytest.fixture
def children(tmp_path):
    children = Children(tmp_path / "logs")
    yield children
    children.stop()


def is_alive(pid):
    """Whether the process runs (one that has ended and was not yet waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(path):
    deadline = time.monotonic() + 30
    while not path.exists() or not path.read_text():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)
    return path.read_text()


def shell(line, **names):
    return ["bash", "-c", line.format(**names)]


def test_grandchildren_end_too(children, tmp_path):
    children.start("family", shell(FAMILY, file=tmp_path / "pid"), os.environ)
    grandchild = int(wait_for(tmp_path / "pid"))
    children.stop()
    assert not is_alive(grandchild)


def test_who_ignores_the_signal_is_ended_by_force(children, tmp_path, monkeypatch):
    monkeypatch.setattr("script.lib.processes.SECONDS_TO_END", (0.2, 0.2))
    children.start("stubborn", shell(STUBBORN, file=tmp_path / "ready"), os.environ)
    wait_for(tmp_path / "ready")
    pid = children.running["stubborn"].pid
    children.stop()
    assert not is_alive(pid)


def test_children_end_when_the_script_is_killed(tmp_path):
    script = (
        "import os, sys, time; from pathlib import Path; from script.lib.processes import Children\n"
        "children = Children(Path(sys.argv[1])); children.start('x', ['sleep', '300'], os.environ)\n"
        "Path(sys.argv[1], 'pid').write_text(str(children.running['x'].pid)); time.sleep(300)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, tmp_path], cwd=ROOT)
    child = int(wait_for(tmp_path / "pid"))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(child)


def test_what_a_killed_script_left_is_ended_and_strangers_are_not(children, tmp_path):
    line = shell(FAMILY, file=tmp_path / "pid")
    children.start("left", line, os.environ)
    grandchild = int(wait_for(tmp_path / "pid"))
    stranger = subprocess.Popen(["sleep", "300"], cwd=tmp_path, start_new_session=True)
    (children.log_folder / "stranger.group").write_text(str(stranger.pid))
    end_leftovers(children.log_folder)
    children.running["left"].wait()
    deadline = time.monotonic() + 10
    while is_alive(grandchild) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(grandchild)
    assert is_alive(stranger.pid)
    stranger.kill()
    stranger.wait()


def test_what_a_process_prints_is_given_back(children):
    assert children.run("greeting", shell("echo hello; echo aside >&2"), os.environ) == "hello\n"


def test_the_last_line_of_a_failed_process_is_told(children):
    with pytest.raises(Trouble, match="`order` failed: There is no customer named 'x'"):
        children.run("order", shell("echo \"There is no customer named 'x'.\" >&2; exit 2"), os.environ)


def test_a_server_that_ends_is_told_while_another_process_is_waited_for(children):
    children.start("server", shell("exit 0"), os.environ)
    with pytest.raises(Trouble, match=r"server ended with status 0: see .*server\.log"):
        children.run("order", ["sleep", "30"], os.environ)


def test_the_lines_of_a_growing_file_are_shown_once(tmp_path, capsys):
    path = tmp_path / "log"
    tail = Tail(path)
    path.write_text("one\ntw")
    tail.show("x")
    assert capsys.readouterr().out == "    x: one\n"
    path.write_text("one\ntwo\n")
    tail.show("x")
    assert capsys.readouterr().out == "    x: two\n"
