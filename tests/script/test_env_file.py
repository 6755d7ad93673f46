import stat

from hypothesis import given
from hypothesis import strategies as st

from script.lib import env_file

TEXT = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "))
VALUES = st.dictionaries(st.from_regex(r"[A-Z][A-Z_]{0,9}", fullmatch=True), TEXT)


@given(values=VALUES)
def test_what_is_written_is_read_back(values, tmp_path_factory):
    path = tmp_path_factory.mktemp("env") / "env"
    env_file.write(path, values)
    assert env_file.read(path) == values


def test_nobody_else_can_read_it(tmp_path):
    env_file.write(tmp_path / "env", {"SECRET_KEY": "x"})
    assert stat.S_IMODE((tmp_path / "env").stat().st_mode) == 0o600


def test_a_missing_file_has_no_values(tmp_path):
    assert env_file.read(tmp_path / "env") == {}
