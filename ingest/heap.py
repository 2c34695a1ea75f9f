"""Large blocks of memory go back to the system when they are freed."""

from __future__ import annotations

import ctypes

_M_MMAP_THRESHOLD = -3  # in glibc's malloc.h


def give_back_large_blocks(*, from_bytes: int) -> bool:
    """Have the C library map each block of a size by itself; False where it can't be told to.

    glibc raises this threshold to the size of whatever large block was freed, up to 32 MiB: later
    ones are cut from the heap, whose holes stay with the process for months. What is set by hand it
    leaves alone (https://man7.org/linux/man-pages/man3/mallopt.3.html).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_M_MMAP_THRESHOLD, from_bytes) == 1
