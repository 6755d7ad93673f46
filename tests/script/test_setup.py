import subprocess

from script.lib import setup
from script.lib.places import ROOT


def test_a_change_of_an_included_file_asks_for_another_installation(tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy==2.0.0\n")
    tests = tmp_path / "requirements-test.txt"
    tests.write_text("-r requirements.txt\npytest==9.0.0\n")
    before = setup.stamp(tests)
    assert setup.stamp(tests) == before
    (tmp_path / "requirements.txt").write_text("numpy==2.0.1\n")
    assert setup.stamp(tests) != before


def test_another_python_asks_for_another_installation(tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy==2.0.0\n")
    assert setup.stamp(tmp_path / "requirements.txt", "3.11.2") != setup.stamp(
        tmp_path / "requirements.txt", "3.12.3"
    )


def test_an_installation_counts_once_its_stamp_is_there(tmp_path):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("numpy==2.0.0\n")
    assert not setup.is_done(requirements, tmp_path)
    (tmp_path / "requirements.stamp").write_text(setup.stamp(requirements))
    assert setup.is_done(requirements, tmp_path)


def test_every_requirement_is_pinned():
    for name in ("requirements.txt", "requirements-test.txt"):
        lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
        loose = [line for line in lines if line and not line.startswith("-r ") and "==" not in line]
        assert not loose, f"{name} leaves open the version of {', '.join(loose)}"


def test_each_command_is_sound_shell_and_executable():
    for command in ("setup", "services", "server", "worker", "demo", "test"):
        path = ROOT / "script" / command
        assert path.stat().st_mode & 0o100, f"script/{command} is not executable"
        subprocess.run(["bash", "-n", path], check=True)
