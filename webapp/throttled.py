"""Work that waits for its turn, told to programs as what it is."""

from collections.abc import Iterator
from contextlib import contextmanager

from rest_framework.exceptions import Throttled

from pipeline.bounded import WAIT_SECONDS, Busy
from webapp.told import told


@contextmanager
def throttled() -> Iterator[None]:
    """Tell that too much is being worked on as what it is: ask again later.

    Raises:
        Throttled: in place of `Busy`.
    """
    try:
        yield
    except Busy as error:
        raise Throttled(wait=WAIT_SECONDS, detail=told(error)) from error
