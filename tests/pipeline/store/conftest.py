import pytest

from pipeline.store import BucketRoot, Objects
from pipeline.store.objects import Bucket, Patience
from tests.s3_server import CREDENTIALS, Trouble

MIB = 2**20
QUICK = Patience(retries=5, first=0.02, most=0.1, altogether=20)


@pytest.fixture(autouse=True)
def credentials(monkeypatch, s3):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    for name, value in Objects(Bucket("any", ""), s3.url).gdal_environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket(s3):
    return Bucket(s3.bucket(), "products")


@pytest.fixture
def root(s3, bucket, tmp_path):
    """Makes the root of a machine of its own, by its name; `through` another address than the server's."""

    def make(name="one", through=None, patience=QUICK, limit=100 * MIB):
        return BucketRoot(Objects(bucket, through or s3.url, patience), tmp_path / name, limit, seconds=0.0)

    return make


@pytest.fixture
def trouble(s3):
    """A server in front that does what a plan says."""

    def make(plan):
        return Trouble(s3, plan)

    return make
