"""Memory that is free and still counts as used: what the C library keeps of it, for a program that runs for months.

glibc gives each thread an arena to allocate from, up to eight a core, and an arena gives memory back only from its end.
A stream's pictures are made in one thread and dropped in another, so every arena grows to what its threads ever needed
at once, in pieces: of the memory of two cameras a fifth was free and held, and it grew by 1 MB a minute. Two arenas and
a walk through them now and then keep it flat; LiteRT, OpenCV and FFmpeg allocate too rarely to wait for each other.
Elsewhere than on glibc nothing is done.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

ARENAS = 2
TRIM_EVERY_S = 60.0
_M_ARENA_MAX = -8


@cache
def _glibc() -> ctypes.CDLL | None:
    """The C library of this process; None where it is another one."""
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "gnu_get_libc_version") else None
    except (OSError, TypeError):
        return None


def use_few_arenas() -> bool:
    """Let this process have `ARENAS` arenas, before it has threads; False where `MALLOC_ARENA_MAX` says another number,
    and where the C library has none."""
    library = None if "MALLOC_ARENA_MAX" in os.environ else _glibc()
    return library is not None and library.mallopt(_M_ARENA_MAX, ARENAS) == 1


def trim() -> bool:
    """Give the system back every page that is free, some milliseconds of work; False where there was none."""
    library = _glibc()
    return library is not None and library.malloc_trim(0) == 1


@contextmanager
def trimmed(every_s: float = TRIM_EVERY_S) -> Iterator[None]:
    """`trim` again and again, in a thread of its own, until the block ends."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(every_s):
            trim()

    thread = threading.Thread(target=work, name="streamface-heap", daemon=True)
    if _glibc() is not None:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if thread.ident is not None:
            thread.join()
