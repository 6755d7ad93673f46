"""Memory that is no longer used, given back to the system."""

import ctypes


def give_back() -> None:
    """Give what is free in the heap back to the system, where the C library can (glibc).

    A worker keeps freed memory for its next window; between two steps it would only add to what these need.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))
