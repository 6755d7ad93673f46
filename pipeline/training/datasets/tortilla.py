"""The files .taco (version 1) and the tortillas in them: rasters one after the other, and a table at the end.

A file begins with two letters, then where its table is and how long, 8 bytes each, lowest first; the table
is Parquet. An entry of the format TORTILLA is such a file again, its offsets counted from its own beginning.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.errors import SourceError

MAGIC = (b"#y", b"WX")
HEADER = 18
WHERE = ("tortilla:id", "tortilla:offset", "tortilla:length", "tortilla:file_format")


def read_table(path: Path, offset: int = 0) -> list[dict[str, Any]]:
    """Return the rows of a file's table, or of the tortilla that begins at an offset.

    Args:
        path: the file.
        offset: where the tortilla begins.

    Returns:
        A dict for each row; "tortilla:offset" is counted from the beginning of the whole file.

    Raises:
        SourceError: the file is missing or no such file, or pyarrow is not installed.
    """
    try:
        with path.open("rb") as file:
            rows = _rows(file, offset)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise SourceError(f"{path} is no TACO file of version 1: {error}.") from error
    return [{**row, "tortilla:offset": row["tortilla:offset"] + offset} for row in rows]


def _rows(file: BinaryIO, offset: int) -> list[dict[str, Any]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise SourceError("TACO files are read with pyarrow: pip install pyarrow==26.0.1.") from error
    file.seek(offset)
    header = file.read(HEADER)
    if header[:2] not in MAGIC:
        raise ValueError(f"it begins with {header[:2]!r}")
    start, length = (int.from_bytes(header[at : at + 8], "little") for at in (2, 10))
    file.seek(offset + start)
    try:
        table = parquet.read_table(io.BytesIO(file.read(length)))
    except pyarrow.ArrowException as error:
        raise ValueError("its table is no Parquet") from error
    missing = [name for name in WHERE if name not in table.column_names]
    if missing:
        raise ValueError(f"its table has no column {missing[0]}")
    return table.to_pylist()


def inside(path: Path, row: dict[str, Any]) -> str:
    """Return the name under which GDAL opens an entry of a file."""
    return f"/vsisubfile/{row['tortilla:offset']}_{row['tortilla:length']},{path}"


def rows_of(paths: list[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the rows of several files with the file of each, sorted by their ids."""
    rows = [(path, row) for path in paths for row in read_table(path)]
    yield from sorted(rows, key=lambda item: str(item[1]["tortilla:id"]))
