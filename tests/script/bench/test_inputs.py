import os

import pytest

from script.lib.bench import inputs
from script.lib.say import Trouble


def test_a_file_with_two_names_is_held_once_and_counts_as_room(tmp_path, monkeypatch):
    (tmp_path / "one").write_bytes(bytes(2**20))
    os.link(tmp_path / "one", tmp_path / "two")
    assert inputs.held_gib(tmp_path) == pytest.approx(2**-10)
    monkeypatch.setattr(inputs, "free_gib", lambda folder: 1.0)
    inputs.require_gib(tmp_path, 1 + 2**-11)
    with pytest.raises(Trouble, match=r"1\.0 GiB free beside the 0\.0 GiB in it"):
        inputs.require_gib(tmp_path, 1.5)
