"""Sources that do not wait: the newest frame is kept, the rest is counted, and a camera that is lost comes back."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from streamface.capture._attempt import Attempt, Reader, Readers
from streamface.capture._backoff import Backoff
from streamface.capture._picture_watch import PictureWatch
from streamface.capture._states import StateLog
from streamface.capture._wire import Answering, Damage, Ended, Message, Opened, RawPicture, Trying
from streamface.capture.base import Source, SourceInfo
from streamface.errors import SourceError
from streamface.settings import CaptureSettings
from streamface.types import LIVE, LOST, STALLED, Frame, SourceEvent, SourceState

log = logging.getLogger(__name__)

CLOSE_S = 2.0
"""How long `close` waits for the thread, which takes 1 s at the longest to be rid of a reader."""
TICK_S = 0.1
"""How often the thread looks at its reader, and a waiting `read` whether it was interrupted."""
REPEAT_S = 0.5
"""How often the last frame is given again while the camera gives none."""
WAIT_S = 2.0
"""How long `open` waits for a camera that may be away at the start."""
GAP_S = 1.0
"""A gap longer than this counts in the numbers of the frames, so that nobody is taken for who stood there before."""
PLACEHOLDER_WH, PLACEHOLDER_GREY = (640, 360), 24
"""The picture while there never was one."""


class LiveSource(Source, ABC):
    """The newest frame of a camera at each `read`; `dropped` counts those that were replaced unread.

    One thread looks after one reader after the other: a reader that ends, breaks or hangs is dismissed, the next one
    begins after a pause, and what a dismissed one still says is not heard. While there is no picture `read` gives
    the last one again, `repeated`. A recording behind an address waits for the program instead: nothing is dropped
    or repeated, and its end or break is the end.

    name: as shown to people, without credentials.
    settings: `timeout_s` to open and for each picture; `wait`, `give_up_s`, `frozen_s`.
    """

    def __init__(self, name: str, settings: CaptureSettings) -> None:
        self.name = name
        self.settings = settings
        self._changed = threading.Condition()
        self._look = threading.Event()
        self._stop = False
        self._finished = False
        self._error: Exception | None = None
        self._opened: Opened | None = None
        self._attempt: Attempt | None = None
        self._failures = 0
        self._begun_at = time.monotonic()
        self._slot: RawPicture | None = None
        self._last: Frame | None = None
        self._index = -1
        self._arrived_at: float | None = None
        self._dropped = 0
        self._backoff = Backoff()
        self._knocks = False
        self._states = StateLog(settings.camera or name)
        self._watch = PictureWatch(self._states, settings.frozen_s)
        self._thread: threading.Thread | None = None
        self._readers = Readers()

    @abstractmethod
    def start_reader(self, delay_s: float, knocks: bool, deliver: Callable[[Message], None]) -> Reader:
        """A reader that connects after about `delay_s` and tells `deliver` what happens, in a thread of its own.

        knocks: the camera is known to answer when it is asked whether it is there.
        """

    @abstractmethod
    def unreachable(self, reason: str) -> SourceError:
        """The error for a device that cannot be opened."""

    @abstractmethod
    def silence(self) -> SourceError:
        """The error for a device that did not open, or gave no frame, in `timeout_s`."""

    def open(self) -> SourceInfo:
        """Start the thread and wait until the device is open; raises `SourceError`.

        With `settings.wait` a camera that is not there yet is no error: the frames are grey until it comes.
        """
        self._thread = threading.Thread(target=self._run, name="streamface-capture", daemon=True)
        self._thread.start()
        latest = time.monotonic() + WAIT_S if self.settings.wait else float("inf")
        with self._changed:
            while not (self._slot or self._finished or self._stop or self._may_go_on_without(latest)):
                self._changed.wait(TICK_S)
            slot, error = self._slot, self._error
        if slot is None and not self.settings.wait:
            self.close()
            raise error or SourceError(f"{self.name} was stopped before it answered: start again")
        size_wh = slot.size_wh if slot else PLACEHOLDER_WH
        opened = self._opened or Opened(True, None, None)
        return SourceInfo(*size_wh, opened.fps, opened.is_live, opened.frame_count)

    def _may_go_on_without(self, latest: float) -> bool:
        return self.settings.wait and (self._failures > 0 or time.monotonic() > latest)

    def read(self) -> Frame | None:
        """The newest frame not yet read, waiting for it, or the last one again while the camera gives none.

        None once closed or at the end of a recording. Raises `SourceError` when a recording breaks, and when
        `settings.give_up_s` is over.
        """
        repeat_at = time.monotonic() + REPEAT_S
        with self._changed:
            while self._slot is None and not (self._stop or self._finished):
                if self._states.state.state != LIVE and time.monotonic() >= repeat_at:
                    return self._again()
                self._changed.wait(TICK_S)
            picture, self._slot = self._slot, None
            index = self._index
            self._changed.notify_all()
            if self._stop:
                return None
            if picture is None and self._error:
                raise self._error
        return None if picture is None else self._frame(picture, index)

    def interrupt(self) -> None:
        """Make a waiting `read` return None within 0.1 s; takes no lock, so a signal's handler may call it."""
        self._stop = True

    def close(self) -> None:
        """End the thread and the reader, within two seconds whatever the camera does; may be called twice."""
        with self._changed:
            self._stop = True
            self._slot = None
            self._changed.notify_all()
        self._look.set()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        thread.join(CLOSE_S)
        if thread.is_alive() or self._readers.abandoned:
            log.debug("%s hangs inside the system: what reads it is left behind", self.name)

    @property
    def dropped(self) -> int:
        """Frames that were replaced by a newer one before they were read."""
        return self._dropped

    @property
    def state(self) -> SourceState:
        """How the camera does now."""
        return self._states.state

    def take_events(self) -> tuple[SourceEvent, ...]:
        """What happened to the camera since the last call, in order."""
        with self._changed:
            return self._states.take()

    def _again(self) -> Frame:
        if self._last is None:
            width, height = PLACEHOLDER_WH
            image = np.full((height, width, 3), PLACEHOLDER_GREY, np.uint8)
            return Frame(image, -1, time.time(), None, self.name, repeated=True)
        return replace(self._last, repeated=True)

    def _frame(self, picture: RawPicture, index: int) -> Frame:
        frame = Frame(picture.bgr(), index, picture.at, picture.media_time, self.name)
        self._last = frame
        if hasattr(self, "info") and frame.size_wh != (self.info.width, self.info.height):
            self.info = replace(self.info, width=frame.size_wh[0], height=frame.size_wh[1])
        return frame

    # From here on: the thread that looks after the readers.

    def _run(self) -> None:
        error: Exception | None = None
        try:
            delay_s = 0.0
            while delay_s is not None:
                delay_s = self._next(self._read_until_it_ends(delay_s))
        except Exception as failure:  # handed to the program by `read`: a thread has nobody else to tell
            error = failure
        with self._changed:
            self._error, self._finished = error, True
            self._changed.notify_all()

    def _read_until_it_ends(self, delay_s: float) -> Attempt:
        """One reader, from its start until it has ended or was found to hang; the attempt says which."""
        attempt = Attempt(self.settings.timeout_s, delay_s)
        with self._changed:
            self._attempt = attempt
            self._watch.connected()
        try:
            reader = self.start_reader(delay_s, self._knocks, partial(self._deliver, attempt))
        except OSError as error:  # too many processes or files, a moment's lack of memory: it may pass
            attempt.ended = Ended(f"its reader cannot be started: {error.strerror}")
            return attempt
        try:
            while not (self._stop or attempt.ended):
                self._look.wait(TICK_S)
                self._look.clear()
                self._judge(attempt)
        finally:
            with self._changed:
                self._attempt = None
                self._changed.notify_all()
            self._readers.dismiss(reader, politely=self._stop and attempt.pictures > 0)
        return attempt

    def _judge(self, attempt: Attempt) -> None:
        """Notice a camera that gives nothing, whatever its reader hangs in."""
        with self._changed:
            quiet_s = attempt.quiet_s()
            if attempt.is_overdue() and not attempt.ended:
                reason = f"no picture for {quiet_s:.0f} s" if attempt.pictures else "no answer in time"
                attempt.ended = Ended(reason, None if attempt.pictures else str(self.silence()))
            elif attempt.is_live and attempt.is_stalled() and self._states.state.state == LIVE:
                self._states.change(STALLED, f"none for {quiet_s:.1f} s, the connection stands")
        self._check_patience()

    def _next(self, attempt: Attempt) -> float | None:
        """Seconds to wait before the next reader; None when there is to be none. Raises what ends the run."""
        ended = attempt.ended
        if self._stop or ended is None:
            return None
        if attempt.pictures and not attempt.is_live:
            if ended.reason is None:
                return None
            raise SourceError(f"{self.name} was lost ({ended.reason}): check the camera and the network")
        reason = ended.reason or "it ended the stream"
        if self._arrived_at is None and not self.settings.wait:
            raise SourceError(ended.message) if ended.message else self.unreachable(reason)
        with self._changed:
            self._failures += 1
            self._states.change(LOST, reason)
        delay_s = self._backoff.failed(attempt.lived_s())
        log.debug("%s: next attempt in %.1f s", self.name, delay_s)
        if not attempt.tried:  # else the next reader does the waiting
            self._pause(delay_s)
        while self._readers.are_too_many() and not self._stop:
            with self._changed:
                self._states.change(LOST, f"{len(self._readers.abandoned)} readers hang inside the system")
            self._pause(1.0)
        return delay_s

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._stop and time.monotonic() < end:
            self._look.wait(TICK_S)
            self._check_patience()

    def _check_patience(self) -> None:
        most, state = self.settings.give_up_s, self._states.state
        if most is None or state.state == LIVE:
            return
        since = self._begun_at if self._arrived_at is None else self._arrived_at
        if time.monotonic() - since > most:
            raise SourceError(
                f"{self.name} gave no picture for {most:g} s ({state.reason or 'no answer'}), given up: check the "
                "camera and the network, or raise --give-up-after"
            )

    # From here on: the readers' own threads.

    def _deliver(self, attempt: Attempt, message: Message) -> None:
        """Take a message of a reader, unless it was dismissed in the meantime."""
        with self._changed:
            if attempt is not self._attempt:
                return
            if isinstance(message, RawPicture):
                self._take(attempt, message)
            elif isinstance(message, Damage):
                self._watch.damage(time.monotonic())
            elif isinstance(message, Opened):
                self._opened, attempt.is_live = message, message.is_live
            elif isinstance(message, Trying):
                attempt.begin()
            elif isinstance(message, Answering):
                self._knocks = True
                if message.back:
                    self._backoff.reset()
            elif isinstance(message, Ended):
                attempt.ended = attempt.ended or message
                self._look.set()

    def _take(self, attempt: Attempt, picture: RawPicture) -> None:
        """Put a picture into the slot; one of a recording waits until the slot is free."""
        while not attempt.is_live and self._slot is not None:
            self._changed.wait(TICK_S)
            attempt.begin()
            if attempt is not self._attempt or self._stop:
                return
        attempt.picture()
        now = time.monotonic()
        if attempt.is_live:
            self._states.change(LIVE)
            if not self._watch.look(picture, now):
                return
        if self._slot is not None:
            self._dropped += 1
        self._index += self._step(now)
        self._arrived_at = now
        self._slot = picture
        self._changed.notify_all()

    def _step(self, now: float) -> int:
        """By how much the frame's number grows: more than 1 after a camera's gap, by what would have come in it."""
        gap_s = 0.0 if self._arrived_at is None else now - self._arrived_at
        if gap_s < GAP_S or not self._attempt.is_live:
            return 1
        return max(1, round(gap_s * (self._watch.rate or 25.0)))
