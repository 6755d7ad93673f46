import pytest
import requests

from script.lib.range_server import range_server

CONTENT = bytes(range(250)) * 9


@pytest.fixture
def address(tmp_path):
    (tmp_path / "served" / "of").mkdir(parents=True)
    (tmp_path / "served" / "of" / "a.tif").write_bytes(CONTENT)
    (tmp_path / "secret").write_text("not served")
    with range_server(tmp_path / "served") as found:
        yield found


@pytest.mark.parametrize(
    ("asked", "part"), [("0-9", slice(0, 10)), ("100-", slice(100, None)), ("2000-9999", slice(2000, None))]
)
def test_a_range_is_answered_with_its_place(address, asked, part):
    answer = requests.get(f"{address}/of/a.tif", headers={"Range": f"bytes={asked}"}, timeout=9)
    first, end, _ = part.indices(len(CONTENT))
    assert answer.status_code == 206 and answer.content == CONTENT[part]
    assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/{len(CONTENT)}"


def test_a_whole_file_and_its_head(address):
    assert requests.get(f"{address}/of/a.tif", timeout=9).content == CONTENT
    head = requests.head(f"{address}/of/a.tif", timeout=9)
    assert head.headers["Content-Length"] == str(len(CONTENT)) and head.headers["ETag"]


def test_what_is_not_there_is_refused(address):
    assert requests.get(f"{address}/of/b.tif", timeout=9).status_code == 404
    assert requests.get(f"{address}/%2e%2e/secret", timeout=9).status_code == 404
    beyond = requests.get(f"{address}/of/a.tif", headers={"Range": "bytes=2250-"}, timeout=9)
    assert beyond.status_code == 416 and beyond.headers["Content-Range"] == "bytes */2250"
