"""The annotated video as H.264, complete however the run ends."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np

from streamface.errors import OutputError
from streamface.sinks import _h264
from streamface.sinks._files import cannot_write, check_writable
from streamface.sinks._h264 import TICKS
from streamface.sinks.base import Sink
from streamface.types import FrameResult

NAME = "video"
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
FRAGMENT_US = 500_000
"""Microseconds of video that are kept back before they are written: what a killed run loses at most."""
KEY_EVERY_S = 2
"""Seconds between two pictures that a player can jump to."""
MOV_OPTIONS = {
    # Written in pieces while it records, so that a killed run leaves a playable file; turned into an ordinary
    # file with an index and a length at the end.
    "movflags": "hybrid_fragmented+default_base_moof",
    "frag_duration": str(FRAGMENT_US),
}
MKV_OPTIONS = {"cluster_time_limit": str(FRAGMENT_US // 1000), "flush_packets": "1"}


class VideoSink(Sink):
    """Records the annotated frames with the timing of their source.

    Each frame is shown from its media time (files) or time of capture (live) until the next one: dropped
    frames leave no jump. Odd sizes gain a row or column; frames of another size than the first are scaled into it
    with black bars.

    Args:
        path: ends in .mp4, .m4v, .mov or .mkv; an existing file is replaced at the first frame.
        fps_hint: frames per second that the source announces, for the length of the last frame; None if unknown.

    Raises `OutputError` for another ending or a place that cannot be written to.
    """

    wants_image = True

    def __init__(self, path: Path, fps_hint: float | None = None) -> None:
        self._path = Path(path)
        if self._path.suffix.lower() not in CONTAINERS:
            raise OutputError(f"{path}: H.264 video is written to {', '.join(CONTAINERS)}; end the name in one of them")
        check_writable(self._path)
        self._step = round(TICKS / fps_hint) if fps_hint else TICKS // 25
        self._writer: _Writer | None = None
        self._closed = False
        self._origin = 0.0

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Encode one frame; raises `OutputError`, after which what was recorded stays playable."""
        frame = result.frame
        seconds = frame.captured_at if frame.media_time is None else frame.media_time
        try:
            if self._writer is None:
                self._origin = seconds
                self._writer = _Writer(self._path, (image.shape[1], image.shape[0]), self._step)
            self._writer.add(image, round((seconds - self._origin) * TICKS))
        except (OSError, av.FFmpegError) as error:
            self._abandon()
            raise cannot_write(self._path, error) from error

    def close(self) -> None:
        """Write what is left and the index; raises `OutputError` when that no longer fits on the disk."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.finish()
        except (OSError, av.FFmpegError) as error:
            raise cannot_write(self._path, error) from error

    def _abandon(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.abandon()


class _File:
    """The file under the muxer: what is in it stays playable when the disk is full.

    At the end the muxer turns the pieces into an ordinary file: it adds an index and changes what is already
    there. It does not notice a failed write, so those changes wait here until the index is safely written.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb", buffering=0)
        self._settled: int | None = None
        self._changes: list[tuple[int, bytes]] = []
        self.error: OSError | None = None

    def write(self, data) -> int:
        """Write `data`, unless a write failed before."""
        data = memoryview(data)
        whole, at = len(data), self._file.tell()
        if self._settled is not None and at < self._settled:
            self._changes.append((at, bytes(data)))
            self._file.seek(at + whole)
            return whole
        try:
            while len(data) and self.error is None:
                data = data[self._file.write(data) :]
        except OSError as error:
            self.error = error
        return whole

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to another place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The present place."""
        return self._file.tell()

    def check(self) -> None:
        """Raise the error of a write that failed."""
        if self.error is not None:
            raise self.error

    def settle(self) -> None:
        """From now on what is in the file changes only in `close`."""
        self._settled = self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Carry out the changes, or take back what was added since `settle` when not all of it fitted."""
        with self._file:
            if self.error is None:
                for at, data in self._changes:
                    self._file.seek(at)
                    self._file.write(data)
            elif self._settled is not None and self._file.seekable() and os.fstat(self._file.fileno()).st_size:
                self._file.truncate(self._settled)


class _Writer:
    """One encoder and one file."""

    def __init__(self, path: Path, size_wh: tuple[int, int], step: int) -> None:
        stored_wh = _h264.even(size_wh)
        self._canvas = _h264.Canvas(stored_wh)
        self._step = step
        self._last_pts = self._last_key = -1
        self._held: av.Packet | None = None
        self._file = _File(path)
        kind = CONTAINERS[path.suffix.lower()]
        options = MKV_OPTIONS if kind == "matroska" else MOV_OPTIONS
        self._container = av.open(self._file, "w", format=kind, options=options)
        self._stream = _h264.add_stream(self._container, stored_wh, step)

    def add(self, image: np.ndarray, pts: int) -> None:
        """Encode one (H, W, 3) BGR image, shown from `pts` ticks after the first."""
        pts = max(pts, self._last_pts + 1)
        key = self._last_key < 0 or pts - self._last_key >= KEY_EVERY_S * TICKS
        self._last_key = pts if key else self._last_key
        frame = self._canvas.frame(image, pts, key)
        self._last_pts = pts
        for packet in self._stream.encode(frame):
            self._mux(packet)
        self._file.check()

    def finish(self) -> None:
        """Write what is left, then the index."""
        try:
            for packet in self._stream.encode(None):
                self._mux(packet)
            if self._held is not None:
                self._send(self._held, self._step)
            self._file.settle()
            self._container.close()
            self._file.check()
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Leave the file as it is: it plays up to the last piece that went into it."""
        self._file.settle()
        self._file.error = self._file.error or OSError("given up")
        self._container.close()
        self._file.close()

    def _mux(self, packet: av.Packet) -> None:
        """Pass on the packet before this one, now that its length is known."""
        if self._held is not None:
            self._send(self._held, packet.pts - self._held.pts)
        self._held = packet

    def _send(self, packet: av.Packet, duration: int) -> None:
        packet.duration = duration
        packet.stream = self._stream
        self._container.mux(packet)
