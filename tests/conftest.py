"""What every test may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.allowed import limit_to
from tests.s3_server import S3Server, s3_server

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real scenes and checked figures, which lies beside the checkout and not in it."""
    # The scenes are too large and not ours to keep in the repository, so a clone alone has none.
    folder = Path(os.environ.get("EARTHQUILT_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the shared test data is not at {folder} (set EARTHQUILT_SHARED_DATA to its folder)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def unlimited() -> None:
    """Scenes are read as on a person's own machine; tests of the web application limit that again."""
    limit_to(None)


@pytest.fixture(scope="session")
def stac_database() -> str:
    """Address of the PostGIS in which a STAC API keeps its items."""
    address = os.environ.get("DATABASE_URL")
    if not address:
        # `script/test` starts one; without it the rest of the pipeline's tests need no service.
        pytest.skip("DATABASE_URL names no PostGIS in which a STAC API could keep its items")
    return address


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what reads the shared data, so that `-m "not shared"` leaves it out."""
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server on loopback."""
    with s3_server() as server:
        yield server
