import os

import pytest

from script.lib import places
from script.lib.say import Trouble


def test_a_folder_of_another_user_gets_one_clear_sentence(tmp_path, monkeypatch):
    folder = tmp_path / ".local"
    folder.mkdir()
    monkeypatch.setattr(places.os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(Trouble, match=f"first used by {places.user_name(os.getuid())}: run this as"):
        places.require_own(folder, tmp_path)


def test_a_second_holder_of_a_lock_is_turned_away(tmp_path):
    def hold():
        return places.only_one("demo", "it runs already", tmp_path)

    with hold(), pytest.raises(Trouble, match="it runs already"), hold():
        pytest.fail("two held one lock")
    with hold():
        assert (tmp_path / "demo.lock").exists()


def test_a_user_without_a_name_is_told_by_number():
    assert places.user_name(4_000_000_000) == "number 4000000000"
