"""What FFmpeg complains about while it decodes: the only place where most damage of a picture shows.

It conceals lost and broken data and hands out the picture as if it were whole; of 28 real frames with four broken
bytes each it marked none, and complained about eight.
"""

from __future__ import annotations

import os
import threading

DAMAGE = (
    b"RTP: missed",
    b"max delay reached",
    b"concealing",
    b"error while decoding MB",
    b"decode_slice_header error",
    b"Slice overlaps",
    b"non-existing PPS",
    b"cabac decode",
    b"unavailable for requested intra",
    b"Could not find ref with POC",
    b"corrupt",
)
"""Complaints that mean a damaged picture; others, as about odd headers, some cameras earn with every frame."""


class Complaints:
    """Reads this process's standard error from now on, for a reader's process alone; nothing of it goes anywhere."""

    def __init__(self) -> None:
        import av.logging

        out, into = os.pipe()
        os.dup2(into, 2)
        os.close(into)
        av.logging.restore_default_callback()  # PyAV's own needs Python's lock in the middle of decoding
        av.logging.set_level(av.logging.WARNING)
        self._damaged = False
        threading.Thread(target=self._listen, args=(out,), daemon=True).start()

    def take(self) -> bool:
        """True when there was a complaint about damage since the last call."""
        taken, self._damaged = self._damaged, False
        return taken

    def _listen(self, out: int) -> None:
        with os.fdopen(out, "rb") as lines:
            for line in lines:
                self._damaged |= is_damage(line)


def is_damage(line: bytes) -> bool:
    """True for a line of FFmpeg's about data that was lost or broken."""
    return any(words in line for words in DAMAGE)
