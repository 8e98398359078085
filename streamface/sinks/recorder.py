"""A recording that lasts: segments or clips of H.264 with true times, which no crash, full disk or month spoils."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import av
import numpy as np

from streamface.errors import OutputError
from streamface.sinks._clip import ClipTrigger
from streamface.sinks._files import cannot_write, check_writable, name_of
from streamface.sinks._footage import Footage, Moment
from streamface.sinks._outage import Outage
from streamface.sinks._retention import Retention
from streamface.sinks._segment import Label, Segment
from streamface.sinks.base import Sink
from streamface.sinks.event_output import utc
from streamface.types import FrameResult

NAME = "recorder"
PICTURES = {"annotated": ("annotated",), "raw": ("raw",), "both": ("annotated", "raw")}
"""What `--record` may say -> the kinds of picture that are recorded."""
GAP_S = 10.0
"""After so long without a frame a new file begins, rather than one with a picture that stands still."""
BACK_S = 1.0
"""A clock that was set back by more begins a new file."""
REST_S = 2.0
"""While a camera gives nothing: what was recorded is complete in its file after so long."""
SWEEP_S = 30.0
"""Seconds between two looks for recordings that are too old or too many."""
RESERVE_BYTES = 100_000_000
"""Left free on the disk for everything else, such as events."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recording:
    """What is recorded, and for how long it is kept."""

    folder: Path
    """Files go to `folder/2025-01-31/CAMERA_2025-01-31T12-00-00.000Z.mp4`, by the UTC time of their first picture."""
    pictures: tuple[str, ...] = ("annotated",)
    """'annotated' or 'raw' or both; the names of raw files end in '_raw'."""
    segment_s: float = 600.0
    """Length of a file."""
    clip_on: str | None = None
    """One of `_clip.CLIP_ON`, or None to record always."""
    before_s: float = 5.0
    """Seconds before a clip, at least where there were so many."""
    after_s: float = 5.0
    """Seconds after it."""
    keep_gb: float | None = None
    keep_days: float | None = None
    """See `Retention`."""
    reserve_bytes: int = RESERVE_BYTES
    """Recording stops when less is free on the disk, and goes on when twice as much is."""


class RecorderSink(Sink):
    """Records one camera, always or in clips.

    When a file cannot be written, that is said once, the recording pauses, and everything else goes on; every 10 s it
    is tried again.

    Args:
        recording: what and where.
        clock: seconds that only ever grow, for pauses and sweeps.

    Raises `OutputError` when the folder cannot be written to.
    """

    wants_repeated = True

    def __init__(self, recording: Recording, clock: Callable[[], float] = time.monotonic) -> None:
        self._recording, self._clock = recording, clock
        check_writable(recording.folder / ".streamface")
        self.wants_image = "annotated" in recording.pictures
        self._syncing = ThreadPoolExecutor(2, thread_name_prefix="streamface-recorder")
        self._trigger = self._new_trigger()
        self._footage = {picture: self._new_footage(picture) for picture in recording.pictures}
        self._retention = Retention(recording.folder, recording.keep_gb, recording.keep_days)
        self._sweep: Future | None = None
        self._swept_at = float("-inf")
        self._camera = ""
        self._last: Moment | None = None
        self._began: float | None = None
        self._written_at = clock()
        self._outage = Outage(log, clock)
        self._paused = self._closed = False

    @property
    def failures(self) -> list[str]:
        """What was said of recordings that could not be written, the oldest first."""
        return self._outage.failures

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Record one frame, where it is wanted."""
        self._sweep_now_and_then()
        if self._paused and not self._may_go_on():
            return
        try:
            if result.frame.repeated:
                self._rest()
            else:
                self._record(result, image)
        except (OSError, av.FFmpegError) as error:
            self._pause(error)

    def close(self) -> None:
        """Finish the files; the end of one that does not fit is said, and kept in `failures`."""
        if self._closed:
            return
        self._closed = True
        for footage in self._footage.values():
            try:
                footage.close()
            except (OSError, av.FFmpegError) as error:
                self._outage.say(str(self._error(error)))
        self._syncing.shutdown()

    def _record(self, result: FrameResult, image: np.ndarray | None) -> None:
        frame = result.frame
        now = Moment(frame.captured_at if frame.media_time is None else frame.media_time, frame.captured_at)
        self._camera, self._written_at = frame.source, self._clock()
        if self._last is not None and not -BACK_S <= now.clock - self._last.clock <= GAP_S:
            self._each(Footage.restart)
            self._trigger = self._new_trigger()
        self._last = now
        wanted = self._trigger is None or self._trigger.runs(result, now.clock)
        if self._began is not None and now.clock - self._began >= self._recording.segment_s:
            self._each(Footage.end)
        grew = False
        for picture, footage in self._footage.items():
            grew |= footage.add(image if picture == "annotated" else frame.image, now, wanted)
        is_open = any(footage.is_open for footage in self._footage.values())
        self._began = (self._began if self._began is not None else now.clock) if is_open else None
        if grew:
            self._leave_room()
            self._outage.is_over(f"{self._recording.folder} can be written again: the recording goes on")

    def _each(self, call: Callable[[Footage], None]) -> None:
        self._began = None
        for footage in self._footage.values():
            call(footage)

    def _rest(self) -> None:
        """The camera gives nothing: do not keep what it gave in memory."""
        if self._clock() - self._written_at >= REST_S:
            self._each(Footage.end)

    def _new_footage(self, picture: str) -> Footage:
        recording = self._recording
        return Footage(partial(self._opened, picture), recording.before_s if recording.clip_on else None)

    def _new_trigger(self) -> ClipTrigger | None:
        recording = self._recording
        return ClipTrigger(recording.clip_on, recording.after_s) if recording.clip_on else None

    def _opened(self, picture: str, template: av.VideoStream, first_pts: int, moment: Moment) -> Segment:
        """A new file, under a name that no other has."""
        started_at = utc(moment.utc)
        folder = self._recording.folder / started_at[:10]
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{name_of(self._camera)}_{started_at.replace(':', '-')}{'_raw' if picture == 'raw' else ''}"
        names = (f"{stem}.mp4" if number == 1 else f"{stem}_{number}.mp4" for number in count(1))
        path = next(folder / name for name in names if not (folder / name).exists())
        label = Label(self._camera, picture, started_at, round(moment.clock, 6))
        return Segment(path, template, first_pts, label, self._syncing)

    def _leave_room(self) -> None:
        """Finish the files and raise when the disk is nearly full."""
        if shutil.disk_usage(self._recording.folder).free < self._recording.reserve_bytes:
            self._each(Footage.restart)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _pause(self, error: Exception) -> None:
        """Leave the files, which play up to their last fragment, and say so once."""
        for footage in self._footage.values():
            footage.abandon()
        self._began, self._paused = None, True
        self._outage.failed(f"{self._error(error)}; the recording pauses, and all else goes on")

    def _may_go_on(self) -> bool:
        """Whether it is time for another try, and one makes sense."""
        if not self._outage.is_due():
            return False
        self._outage.wait()
        try:
            self._recording.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self._recording.folder).free
        except OSError:
            return False
        if free < 2 * self._recording.reserve_bytes:
            return False
        self._paused = False
        return True

    def _sweep_now_and_then(self) -> None:
        """Let old recordings go, beside the work."""
        if self._clock() - self._swept_at >= SWEEP_S and (self._sweep is None or self._sweep.done()):
            self._swept_at = self._clock()
            self._sweep = self._syncing.submit(self._retention.sweep)

    def _error(self, error: Exception) -> OutputError:
        return cannot_write(self._recording.folder, error)
