"""The errors a person may meet; the text of each is one sentence to act on, with the offending value."""

from pipeline.redaction import redacted


class EarthquiltError(Exception):
    """Base of all errors that are told to a person as they stand; keys in addresses are left out of them."""

    code = "error"

    def __init__(self, message: str = "") -> None:
        # A sentence to be translated keeps what it was made of.
        super().__init__(redacted(message) if type(message) is str else message)


class UsageError(EarthquiltError):
    """Arguments that cannot be used (command line: status 2, API: 400).

    Args:
        message: one sentence with the offending value.
        field: name of the argument or field it belongs to, where there is one.
    """

    code = "invalid"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class SourceError(EarthquiltError):
    """A catalog or scene that cannot be used: broken, foreign, incomplete, outside its tile."""

    code = "source"


class TransientSourceError(SourceError):
    """A source that failed in a way worth another try (time-out, 429, 5xx, connection reset)."""

    code = "source-unavailable"


class NoScenes(EarthquiltError):
    """No scene of the date range can serve the tile: none found, none clear, or no land."""

    code = "no-scenes"


class StorageError(EarthquiltError):
    """The storage root cannot take or give a file: full, read-only, missing."""

    code = "storage"


class TransientStorageError(StorageError):
    """A storage that failed in a way worth another try: unreachable, overloaded, or another was quicker."""

    code = "storage-unavailable"


class StorageFull(StorageError):
    """The disk or the quota of the storage is full; worth another try once there is room."""

    code = "storage-full"


class ModelError(EarthquiltError):
    """A network that cannot be used: unknown name, wrong hash, wrong shape."""

    code = "model"
