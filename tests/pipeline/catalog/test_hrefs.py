"""A catalog can send us to http(s) and to its own folder, nowhere else."""

import pytest

from pipeline.catalog.hrefs import resolve
from pipeline.errors import SourceError


def test_local_files_are_found_beside_their_item(tmp_path):
    item = tmp_path / "scene" / "item.json"
    assert resolve("./B02.tif", str(item), tmp_path) == str(tmp_path / "scene" / "B02.tif")
    assert resolve((tmp_path / "a b.tif").as_uri(), str(item), tmp_path) == str(tmp_path / "a b.tif")


@pytest.mark.parametrize(
    "href",
    ["../../secret.tif", "/etc/hostname", "file:///etc/hostname", "/vsicurl/http://h/a.tif", 
     "/vsizip/a.zip/b.tif", "ftp://h/a.tif", "gs://bucket/a.tif"],
)  # fmt: skip
def test_other_places_are_refused(href, tmp_path):
    with pytest.raises(SourceError, match=r"outside|neither"):
        resolve(href, str(tmp_path / "item.json"), tmp_path)


def test_a_bucket_is_refused_with_the_reason():
    with pytest.raises(SourceError, match="S3 bucket that needs an account"):
        resolve("s3://sentinel-s2-l1c/tiles/33/B02.jp2", "https://host/item", None)


def test_a_remote_item_cannot_name_local_files():
    with pytest.raises(SourceError):
        resolve("file:///etc/hostname", "https://host/item", None)
    assert resolve("/etc/hostname.tif", "https://host/a/item", None) == "https://host/etc/hostname.tif"
    assert resolve("B02.tif", "https://host/a/item", None) == "https://host/a/B02.tif"
