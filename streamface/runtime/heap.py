"""Memory that is free and still counts as used: what the C library and Python keep of it, in a program that runs for
months.

glibc gives each thread an arena to allocate from, up to eight a core, and an arena gives back only whole pages. A
stream's pictures are made in one thread and dropped in another, so every arena grows to what its threads ever needed at
once, in pieces: of the memory of two cameras a fifth was free and held, and it grew by 1 MB a minute. Hence one arena
and a walk through it now and then; LiteRT, OpenCV and FFmpeg allocate too rarely to wait for each other. Elsewhere than
on glibc nothing is done about it. What is in use cannot be given back: a large buffer that is made anew where others
lay holds also what it never fills, so what may stay, such as an encoder, is kept.

Python looks for cycles of objects that nobody needs (an error and its traceback, a thread that ended) only when a
quarter more objects are there than at the last look, which in a stream takes hours, while the pieces lie about. What is
there once the stream runs stays to the end and need not be looked at again; the rest is few enough for a look now and
then.
"""

from __future__ import annotations

import ctypes
import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

TIDY_EVERY_S = 10.0
"""What is free and held grows by 3 MB in a minute; collecting and trimming take one or two milliseconds."""
_M_ARENA_MAX = -8


@cache
def _glibc() -> ctypes.CDLL | None:
    """The C library of this process; None where it is another one."""
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "gnu_get_libc_version") else None
    except (OSError, TypeError):
        return None


def use_one_arena() -> bool:
    """Let all threads of this process share an arena, before it has threads; False where `MALLOC_ARENA_MAX` says
    another number, and where the C library has none."""
    library = None if "MALLOC_ARENA_MAX" in os.environ else _glibc()
    return library is not None and library.mallopt(_M_ARENA_MAX, 1) == 1


def trim() -> bool:
    """Give the system back every page that is free, a millisecond of work; False where there was none."""
    library = _glibc()
    return library is not None and library.malloc_trim(0) == 1


@contextmanager
def tidied(every_s: float = TIDY_EVERY_S) -> Iterator[None]:
    """Collect cycles and `trim` again and again, in a thread of its own, until the block ends.

    The objects that are there at the first time are left out of every later look: 30 ms once, then less than 1 ms.
    """
    stop = threading.Event()

    def work() -> None:
        if not stop.wait(every_s):
            gc.collect()
            gc.freeze()
        while not stop.wait(every_s):
            gc.collect()
            trim()

    thread = threading.Thread(target=work, name="streamface-heap", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        gc.unfreeze()
