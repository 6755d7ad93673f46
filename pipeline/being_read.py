"""Notes which scene of a build is being read, so that one is known that ends the process which reads it.

A file that crashes its decoder, makes it hang or takes all memory raises nothing: the process is gone, and
the next one meets the same scene. The note is beside the scene's files and stays where the process ended.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import StorageError
from pipeline.evidence import scene_folder
from pipeline.storage import read_json, write_json

NOTE = "being-read.json"


@contextmanager
def being_read(folder: Path, scene_id: str) -> Iterator[None]:
    """Note a scene of a build's folder as being read, and how often in a row, until the block ends.

    Raises:
        StorageError: the note cannot be written.
    """
    note = scene_folder(folder, scene_id) / NOTE
    write_json(note, {"scene": scene_id, "times": times_of(note) + 1})
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def never_read(folder: Path, least: int) -> dict[str, int]:
    """How often processes ended that read a scene, by its id, where that is `least` or more."""
    notes = {note.parent.name: times_of(note) for note in sorted(Path(folder).glob(f"scenes/*/{NOTE}"))}
    return {scene_id: times for scene_id, times in notes.items() if times >= least}


def forget(folder: Path, scene_id: str) -> None:
    """Remove the note of a scene."""
    (scene_folder(folder, scene_id) / NOTE).unlink(missing_ok=True)


def times_of(note: Path) -> int:
    """How often a scene was begun that was never read to its end; 0 without a note."""
    try:
        return int(read_json(note)["times"])
    except StorageError:
        return 0
