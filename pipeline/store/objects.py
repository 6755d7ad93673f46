"""The objects of a bucket: the one place that talks to an S3 server.

Each request is tried again, with growing pauses, where the server fails, is overloaded or cuts the
connection; large files go in parts, each of which is tried again by itself.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from pipeline.errors import StorageError, TransientStorageError, UsageError
from pipeline.storage import whole_file
from pipeline.store.cache import set_mark
from pipeline.store.manifest import Entry

if TYPE_CHECKING:
    from obstore.store import BackoffConfig, S3Store

PART = 16 * 2**20
PARTS_AT_ONCE = 4
PIECE = 2**20
READ_AT_ONCE = 8 * 2**20
CONNECT = timedelta(seconds=10)
READ = timedelta(seconds=60)


class Bucket(NamedTuple):
    """Where a root lies: the bucket, and what all its keys begin with."""

    name: str
    prefix: str


@dataclass(frozen=True)
class Patience:
    """How often a request is tried again, seconds before the first try and at most, and seconds for all."""

    retries: int = 6
    first: float = 0.2
    most: float = 10.0
    altogether: float = 180.0


def bucket_of(address: str) -> Bucket:
    """Read `s3://BUCKET/PREFIX`.

    Raises:
        UsageError: it is no such address.
    """
    parts = urlsplit(address)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment or "@" in parts.netloc:
        raise UsageError(f"{address!r} is no address of a bucket: write s3://BUCKET or s3://BUCKET/PREFIX.")
    return Bucket(parts.netloc, parts.path.strip("/"))


@dataclass(frozen=True)
class Objects:
    """The objects under a prefix of a bucket, by key.

    Credentials and region come from the usual variables (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    `AWS_REGION`, ...) or from the machine's role.

    Attributes:
        bucket: where they lie.
        endpoint: address of the server, where it is not Amazon's.
        patience: with failing requests.
    """

    bucket: Bucket
    endpoint: str = ""
    patience: Patience = field(default_factory=Patience)

    @cached_property
    def _store(self) -> "S3Store":
        from obstore.store import S3Store

        own = {"endpoint": self.endpoint, "virtual_hosted_style_request": False} if self.endpoint else {}
        backoff: BackoffConfig = {
            "init_backoff": timedelta(seconds=self.patience.first),
            "max_backoff": timedelta(seconds=self.patience.most),
            "base": 2,
        }
        return S3Store(
            self.bucket.name,
            prefix=self.bucket.prefix or None,
            client_options={
                "allow_http": self.endpoint.startswith("http:"),
                "connect_timeout": CONNECT,
                "read_timeout": READ,
            },
            retry_config={
                "backoff": backoff,
                "max_retries": self.patience.retries,
                "retry_timeout": timedelta(seconds=self.patience.altogether),
            },
            **own,  # type: ignore[arg-type]
        )

    def put(self, path: Path, key: str) -> None:
        """Store a file, large ones in parts; it appears when it is whole.

        Raises:
            StorageError: it cannot be stored.
        """
        import obstore

        with self._told(f"{path} could not be stored as {self._url(key)}"):
            for attempt in self._tries():
                with attempt, self._translated(), path.open("rb") as file:
                    obstore.put(self._store, key, file, chunk_size=PART, max_concurrency=PARTS_AT_ONCE)

    def create(self, key: str, content: bytes) -> bool:
        """Store a small object unless there is one of that key; whether this one is there now.

        Where an answer was lost, the object that is there may be ours: it is compared.

        Raises:
            StorageError: it cannot be stored.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with self._told(f"{self._url(key)} could not be stored"):
            for attempt in self._tries():
                with attempt, self._translated():
                    try:
                        obstore.put(self._store, key, content, mode="create", use_multipart=False)
                    except AlreadyExistsError:
                        return self.content(key) == content
        return True

    def content(self, key: str) -> bytes | None:
        """The bytes of a small object, None where there is none.

        Raises:
            StorageError: they cannot be had.
        """
        import obstore

        with self._told(f"{self._url(key)} could not be read"):
            for attempt in self._tries():
                with attempt, self._translated():
                    try:
                        return bytes(obstore.get(self._store, key).bytes())
                    except FileNotFoundError:
                        return None
        raise AssertionError("unreachable")

    def get(self, key: str, path: Path, entry: Entry | None = None) -> bool:
        """Bring an object to a file, which appears when it is whole and checked; False where there is none.

        Args:
            key: of the object.
            path: of the file.
            entry: what its bytes must be.

        Raises:
            StorageError: it cannot be had, or is not what the entry says.
        """
        import obstore

        with self._told(f"{self._url(key)} could not be read"):
            for attempt in self._tries():
                with attempt, self._translated():
                    try:
                        found = obstore.get(self._store, key)
                    except FileNotFoundError:
                        return False
                    digest, size = hashlib.sha256(), 0
                    with whole_file(path) as beside:
                        with beside.open("wb") as file:
                            for piece in found.stream(min_chunk_size=PIECE):
                                file.write(piece)
                                digest.update(piece)
                                size += len(piece)
                        if entry and Entry(size, digest.hexdigest()) != entry:
                            raise TransientStorageError("its bytes are not those that were published")
                        if entry:
                            set_mark(beside, entry)
        return True

    def read(self, key: str, first: int, last: int) -> Iterator[bytes]:
        """The bytes of an object from first to last, piece by piece.

        Raises:
            StorageError: they cannot be had.
        """
        import obstore

        for begin in range(first, last + 1, READ_AT_ONCE):
            end = min(begin + READ_AT_ONCE, last + 1)
            with self._told(f"{self._url(key)} could not be read"):
                for attempt in self._tries():
                    with attempt, self._translated():
                        some = bytes(obstore.get_range(self._store, key, start=begin, end=end))
            yield some

    def size(self, key: str) -> int | None:
        """Bytes of an object, None where there is none."""
        import obstore

        with self._told(f"{self._url(key)} could not be read"):
            for attempt in self._tries():
                with attempt, self._translated():
                    try:
                        return int(obstore.head(self._store, key)["size"])
                    except FileNotFoundError:
                        return None
        raise AssertionError("unreachable")

    def under(self, prefix: str) -> list[str]:
        """The keys of all objects in a folder and below, sorted."""
        return [one["path"] for one in self._listed(prefix)]

    def older(self, prefix: str, seconds: float) -> list[str]:
        """The keys of the objects in a folder and below that are older than so many seconds, sorted."""
        before = datetime.now(UTC) - timedelta(seconds=seconds)
        return [one["path"] for one in self._listed(prefix) if one["last_modified"] < before]

    def _listed(self, prefix: str) -> list[Any]:
        """What the server tells of all objects in a folder and below, sorted by key."""
        import obstore

        with self._told(f"{self._url(prefix)} could not be listed"):
            for attempt in self._tries():
                with attempt, self._translated():
                    lists = obstore.list(self._store, prefix)
                    return sorted((one for some in lists for one in some), key=itemgetter("path"))
        raise AssertionError("unreachable")

    def right_under(self, prefix: str) -> list[str]:
        """The names of the objects and folders of a folder, sorted."""
        import obstore

        with self._told(f"{self._url(prefix)} could not be listed"):
            for attempt in self._tries():
                with attempt, self._translated():
                    found = obstore.list_with_delimiter(self._store, prefix)
                    keys = [*found["common_prefixes"], *(one["path"] for one in found["objects"])]
                    return sorted(key.rstrip("/").rpartition("/")[2] for key in keys)
        raise AssertionError("unreachable")

    def remove(self, keys: list[str]) -> None:
        """Remove objects; those that are not there are no trouble."""
        import obstore

        if not keys:
            return
        with self._told(f"{self._url(keys[0])} could not be removed"):
            for attempt in self._tries():
                with attempt, self._translated():
                    obstore.delete(self._store, keys)

    def address(self, key: str) -> str:
        """What GDAL opens; it finds server and credentials in the environment, see `gdal_environment`."""
        return "/".join(["/vsis3", self.bucket.name, *filter(None, [self.bucket.prefix]), key])

    def gdal_environment(self) -> dict[str, str]:
        """The variables with which GDAL reads from the same server; credentials it finds as usual."""
        quick = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_HTTP_MAX_RETRY": "5", "VSI_CACHE": "TRUE"}
        quick |= {"GDAL_HTTP_RETRY_DELAY": "0.3", "GDAL_INGESTED_BYTES_AT_OPEN": "32768"}
        if not self.endpoint:
            return quick
        parts = urlsplit(self.endpoint)
        return quick | {
            "AWS_S3_ENDPOINT": parts.netloc + parts.path.rstrip("/"),
            "AWS_HTTPS": "YES" if parts.scheme == "https" else "NO",
            "AWS_VIRTUAL_HOSTING": "FALSE",
        }

    def _url(self, key: str) -> str:
        return "/".join(["s3:/", self.bucket.name, *filter(None, [self.bucket.prefix]), key])

    def _tries(self) -> Retrying:
        return Retrying(
            stop=stop_after_attempt(self.patience.retries + 1),
            wait=wait_random_exponential(self.patience.first, self.patience.most),
            retry=retry_if_exception_type(TransientStorageError),
            reraise=True,
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Tell what may be tried again from what may not."""
        from obstore import exceptions

        final = (
            exceptions.PermissionDeniedError, exceptions.UnauthenticatedError, exceptions.InvalidPathError,
            exceptions.NotSupportedError, exceptions.UnknownConfigurationKeyError,
        )  # fmt: skip
        try:
            yield
        except final as error:
            raise StorageError(_short(error)) from error
        except FileNotFoundError as error:
            raise StorageError(_short(error)) from error
        except (exceptions.BaseError, ConnectionError, TimeoutError) as error:
            raise TransientStorageError(_short(error)) from error

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Make a sentence of an error."""
        try:
            yield
        except TransientStorageError as error:
            raise TransientStorageError(f"{what}: {error}.") from error
        except StorageError as error:
            raise StorageError(f"{what}: {error}.") from error


def _short(error: BaseException) -> str:
    """The first line of an error, without the address and the debugging that follow."""
    line = str(error).strip().partition("\n")[0].rstrip(".")
    return line[:300] or type(error).__name__


def set_environment(values: dict[str, str]) -> None:
    """Have GDAL find what it needs; what the person has set wins."""
    for name, value in values.items():
        os.environ.setdefault(name, value)
