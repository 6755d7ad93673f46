"""What the tests of the catalog share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.file_server import FileServer, file_server
from tests.stac_server import StacServer, stac_server


@pytest.fixture(scope="session")
def stac_service(stac_database: str) -> Iterator[StacServer]:
    """A real STAC API, started once."""
    with stac_server(stac_database) as server:
        yield server


@pytest.fixture
def stac_api(stac_service: StacServer) -> Callable[[list[dict]], str]:
    """Makes the API hold these items; returns its address."""
    return stac_service.put


@pytest.fixture
def files(tmp_path: Path) -> Iterator[FileServer]:
    """A file server over the test's own folder."""
    with file_server(tmp_path) as server:
        yield server
