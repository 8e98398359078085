"""One file of a recording: fragmented MP4 that is whole after every fragment, whatever happens next."""

from __future__ import annotations

import json
import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av

from streamface.sinks._h264 import TICKS

FRAGMENT_S = 0.8
"""Seconds of video that go into the file together: what a killed run loses at most, besides the time of a frame."""
OPTIONS = {
    # The header comes first and the file only ever grows. Offsets count from each fragment, as browsers want it.
    "movflags": "empty_moov+default_base_moof",
    "frag_duration": str(round(FRAGMENT_S * 1e6)),
    "flush_packets": "1",
}


@dataclass(frozen=True, slots=True)
class Label:
    """What a file says of itself, as JSON in its 'comment'."""

    camera: str
    picture: str
    """'annotated' or 'raw'."""
    started_at: str
    """UTC of the first picture, ISO 8601."""
    start: float
    """`time` of the first picture in the rows of faces: `time` less `start` is the position in the file."""
    recorder: str = "streamface"


class Segment:
    """A file that grows by whole fragments. Raises `OSError` and `av.FFmpegError`; then the file stays playable.

    Nothing is written before the first fragment is complete, so no file is without a picture. What is written is
    brought onto the disk beside the work, so that a power cut loses about as little as a crash.

    Args:
        path: must not exist yet; its folder must.
        template: the encoder's stream.
        first_pts: ticks of the first picture, which becomes 0 in the file.
        syncing: brings data onto the disk.
    """

    def __init__(
        self, path: Path, template: av.VideoStream, first_pts: int, label: Label, syncing: ThreadPoolExecutor
    ) -> None:
        self.path, self.first_pts, self._syncing = path, first_pts, syncing
        self._pipe = _Pipe()
        self._container = av.open(self._pipe, "w", format="mp4", options=OPTIONS)
        self._container.metadata["comment"] = json.dumps(asdict(label), ensure_ascii=False)
        self._container.metadata["creation_time"] = label.started_at
        self._stream = self._container.add_stream_from_template(template)
        self._stream.time_base = Fraction(1, TICKS)
        self._descriptor: int | None = None
        self._written = 0
        self._sync: Future | None = None
        self._last_pts, self._step = first_pts, TICKS // 25

    def add(self, packet: av.Packet) -> bool:
        """Take the next packet; True when a fragment went into the file."""
        self._step = packet.pts - self._last_pts or self._step
        self._last_pts = packet.pts
        packet.pts = packet.dts = packet.pts - self.first_pts
        packet.duration, packet.stream = self._step, self._stream
        begun = self._pipe.length
        self._container.mux(packet)
        if not begun or self._pipe.length == begun:
            return False  # the header alone, or nothing
        self._write()
        return True

    def close(self) -> None:
        """Write what is left; raises when that does not fit, and leaves what did."""
        container, self._container = self._container, None
        if container is None:
            return
        try:
            container.close()
            self._write()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Leave the file as it is: it plays up to the last fragment that went into it."""
        self._container = None
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._syncing.submit(_finish, descriptor, self._sync)

    def _write(self) -> None:
        """Put whole fragments into the file, or none of them."""
        if self._descriptor is None:
            self._descriptor = os.open(
                self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644
            )
            hold(self._descriptor)
        data = memoryview(self._pipe.take())
        try:
            done = 0
            while done < len(data):
                done += os.write(self._descriptor, data[done:])
        except OSError:
            self._take_back()
            raise
        self._written += len(data)
        if self._sync is None or self._sync.done():
            self._finish_sync()
            self._sync = self._syncing.submit(getattr(os, "fdatasync", os.fsync), self._descriptor)

    def _take_back(self) -> None:
        os.ftruncate(self._descriptor, self._written)
        if not self._written:
            self.path.unlink(missing_ok=True)

    def _finish_sync(self) -> None:
        """Wait for the disk; raises when it refused what was written."""
        sync, self._sync = self._sync, None
        if sync is not None:
            sync.result()


def _finish(descriptor: int, sync: Future | None) -> None:
    """Bring the end of a file onto the disk, and close it; whoever records goes on with the next one."""
    with suppress(OSError):  # said where the disk refuses the next fragment
        if sync is not None:
            sync.result()
        os.fsync(descriptor)
    os.close(descriptor)


class _Pipe:
    """What the muxer writes, until it is taken."""

    def __init__(self) -> None:
        self.length = 0
        """Bytes written so far, those that were taken included."""
        self._parts: list[bytes] = []

    def write(self, data) -> int:
        """Take `data`."""
        self._parts.append(bytes(data))
        self.length += len(self._parts[-1])
        return len(self._parts[-1])

    def take(self) -> bytes:
        """Everything since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def hold(descriptor: int) -> bool:
    """Mark an open file as in use until it is closed or the process ends; False when another does so already."""
    try:
        import fcntl
    except ImportError:  # Windows keeps open files from being deleted by itself
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: better a file lost that is being written than a full disk
        return True
    return True
