import subprocess

import pytest

from script.lib import packages
from script.lib.say import Trouble

RELEASES = {
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n': "postgresql-15-postgis-3",
    'NAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n': "postgresql-16-postgis-3",
    "ID=trisquel\n": "postgresql-postgis",
}


@pytest.mark.parametrize("release", RELEASES)
def test_each_distribution_gets_the_postgis_of_its_postgresql(release, tmp_path):
    path = tmp_path / "os-release"
    path.write_text(release)
    assert packages.postgis_packages(packages.distribution(path)) == ["postgresql", RELEASES[release]]


def make_postgres(system, version, postgis):
    binaries = system / f"lib/postgresql/{version}/bin"
    binaries.mkdir(parents=True)
    (binaries / "initdb").touch()
    extension = system / f"share/postgresql/{version}/extension"
    extension.mkdir(parents=True)
    if postgis:
        (extension / "postgis.control").touch()
    return binaries


def test_the_newest_postgresql_with_postgis_is_taken(tmp_path):
    make_postgres(tmp_path, 9, postgis=True)
    with_postgis = make_postgres(tmp_path, 15, postgis=True)
    make_postgres(tmp_path, 17, postgis=False)
    assert packages.postgres_bin(tmp_path) == with_postgis


def test_postgresql_without_postgis_does_not_do(tmp_path):
    make_postgres(tmp_path, 15, postgis=False)
    assert packages.postgres_bin(tmp_path) is None


def test_who_may_not_install_is_told_what_to_ask_for(monkeypatch):
    monkeypatch.setattr(packages, "prefix_for_root", lambda: None)
    with pytest.raises(Trouble, match=r"administrator.*apt-get install .* redis-server"):
        packages.install(["redis-server"])


def test_the_last_line_of_a_failed_apt_is_told(monkeypatch):
    def fail(line, **_):
        return subprocess.CompletedProcess(
            line, 100, stdout="", stderr="Reading...\nE: Unable to locate package x\n"
        )

    monkeypatch.setattr(packages, "prefix_for_root", list)
    monkeypatch.setattr(packages.subprocess, "run", fail)
    with pytest.raises(Trouble, match="E: Unable to locate package x"):
        packages.install(["x"])


def test_a_stub_that_does_not_run_is_no_chromium(tmp_path, monkeypatch):
    stub = tmp_path / "chromium-browser"
    stub.write_text("#!/bin/sh\necho 'requires the chromium snap to be installed' >&2\nexit 1\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/sbin")
    monkeypatch.setattr(packages.shutil, "which", lambda name: str(stub) if name == stub.name else None)
    assert packages.chromium() is None
