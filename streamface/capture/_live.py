"""Sources that do not wait: one thread reads a device, the newest frame is kept, the rest is counted."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

import numpy as np

from streamface.capture.base import Source, SourceInfo
from streamface.errors import SourceError
from streamface.types import Frame

log = logging.getLogger(__name__)

CLOSE_S = 0.9
"""How long `close` waits for the thread. A call into a driver cannot be interrupted, so a thread that is stuck in
one is left behind: it gives its device back as soon as the call returns, within the read timeout of the device."""

INTERRUPT_S = 0.1
"""How often a waiting `read` looks whether it was interrupted."""


class Device(Protocol):
    """A camera as its thread sees it: opened, read and closed there, by nobody else."""

    info: SourceInfo

    def read(self) -> tuple[np.ndarray, float | None] | None:
        """The next picture (H, W, 3) uint8 BGR and its media time, waiting for it; None at the end."""

    def close(self) -> None:
        """Give the device back."""


class LiveSource(Source, ABC):
    """The newest frame of a device at each `read`; `dropped` counts those that were replaced unread.

    A device whose `info.is_live` is False (a recording behind an address) waits for the reader instead: nothing
    is dropped. It opens once: make a new one to connect again.

    name: as shown to people, without credentials.
    timeout_s: how long to wait for the device to open, and for each frame, before it counts as lost.
    """

    def __init__(self, name: str, timeout_s: float) -> None:
        self.name = name
        self.timeout_s = timeout_s
        self._changed = threading.Condition()
        self._stop = False
        self._ended = False
        self._info: SourceInfo | None = None
        self._slot: tuple[np.ndarray, int, float, float | None] | None = None
        self._error: Exception | None = None
        self._dropped = 0
        self._thread: threading.Thread | None = None

    @abstractmethod
    def connect(self) -> Device:
        """Open the device, in the capture thread; raises `SourceError`."""

    @abstractmethod
    def silence(self) -> SourceError:
        """The error for a device that did not open, or gave no frame, in `timeout_s`."""

    def open(self) -> SourceInfo:
        """Start the thread and wait until the device is open; raises `SourceError`."""
        self._thread = threading.Thread(target=self._run, name="streamface-capture", daemon=True)
        self._thread.start()
        with self._changed:
            self._wait(lambda: self._info or self._ended)
            info, error = self._info, self._error
        if info is None:
            if error is None and self._stop:
                error = SourceError(f"{self.name} was stopped before it answered: start again")
            self.close()
            raise error or self.silence()
        return info

    def read(self) -> Frame | None:
        """The newest frame not yet read, waiting for it; None once closed or at the end; raises `SourceError`."""
        with self._changed:
            if not self._wait(lambda: self._slot or self._ended):
                raise self.silence()
            taken, self._slot = self._slot, None
            self._changed.notify_all()
            if self._stop:
                return None
            if taken is None and self._error:
                raise self._error
        if taken is None:
            return None
        image, index, captured_at, media_time = taken
        return Frame(image=image, index=index, captured_at=captured_at, media_time=media_time, source=self.name)

    def interrupt(self) -> None:
        """Make a waiting `read` return None within 0.1 s; takes no lock, so a signal's handler may call it."""
        self._stop = True

    def close(self) -> None:
        """Stop the thread; returns within a second also when the device does not answer."""
        with self._changed:
            self._stop = True
            self._slot = None
            self._changed.notify_all()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        thread.join(CLOSE_S)
        if thread.is_alive():
            log.debug("%s does not answer: its thread ends when it does", self.name)

    @property
    def dropped(self) -> int:
        """Frames that were replaced by a newer one before they were read."""
        return self._dropped

    def _wait(self, ready: Callable[[], object]) -> bool:
        """Wait until `ready` or stopped, holding the lock; False when neither came within `timeout_s`."""
        end = time.monotonic() + self.timeout_s
        while not (ready() or self._stop):
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._changed.wait(min(left, INTERRUPT_S))
        return True

    def _run(self) -> None:
        error = None
        try:
            device = self.connect()
            try:
                self._announce(device.info)
                self._pump(device)
            finally:
                device.close()
        except Exception as failure:  # handed to the reader: a thread has nobody else to tell
            error = failure
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify_all()

    def _announce(self, info: SourceInfo) -> None:
        with self._changed:
            self._info = info
            self._changed.notify_all()

    def _pump(self, device: Device) -> None:
        index = 0
        while not self._stop:
            got = device.read()
            if got is None:
                return
            self._put(got[0], index, got[1], device.info.is_live)
            index += 1

    def _put(self, image: np.ndarray, index: int, media_time: float | None, is_live: bool) -> None:
        now = time.time()
        with self._changed:
            if not is_live:
                while not (self._slot is None or self._stop):
                    self._changed.wait(INTERRUPT_S)
            if self._stop:
                return
            if self._slot is not None:
                self._dropped += 1
            self._slot = image, index, now, media_time
            self._changed.notify_all()
