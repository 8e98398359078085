"""A window with the annotated stream, and its keys."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from streamface.errors import OutputError
from streamface.sinks import _screen, snapshots
from streamface.sinks.base import Sink
from streamface.types import FrameResult

NAME = "window"
log = logging.getLogger(__name__)

QUIT, PAUSE, SNAPSHOT = {ord("q"), ord("Q"), 27}, {ord(" ")}, {ord("s"), ord("S")}
"""Codes of the keys; 27 is Esc."""
SCREEN_SHARE = 0.9
"""Largest part of the screen that a window takes: the rest is for its frame and the desktop's bars."""
NOTICE_S = 2.0
"""Seconds for which a confirmation is shown."""
PAUSE_STEP_MS = 30
"""Milliseconds between two looks at the keys while paused."""


def available() -> bool:
    """True where a window can be shown; asks the system, because OpenCV would end the process."""
    return _screen.problem() is None


class WindowSink(Sink):
    """Shows each frame. q, Esc or closing the window ends the run, space pauses, s saves a snapshot.

    While paused `write` does not return, so that the source stands still with it: a live source drops frames and
    counts them. Use it on the main thread.

    Args:
        title: of the window.
        folder: where snapshots go.
        notice: draws a short text on an (H, W, 3) image and returns the result; without it the text stands in the
            window's title.
        stopped: asked while paused; True ends the pause, for instance after Ctrl-C.

    Raises `OutputError` where no window can be shown.
    """

    wants_image = wants_repeated = on_main_thread = True

    def __init__(
        self,
        title: str,
        folder: Path = Path("snapshots"),
        notice: Callable[[np.ndarray, str], np.ndarray] | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        problem = _screen.problem()
        if problem is not None:
            raise OutputError(f"no window: {problem}")
        self._title, self._folder, self._notice, self._stopped = title, Path(folder), notice, stopped
        self._limit_wh = tuple(SCREEN_SHARE * side for side in _screen.size_wh() or _screen.USUAL_WH)
        self._open = self._stop = False
        self._message, self._message_until = "", 0.0

    @property
    def wants_stop(self) -> bool:
        """True after q, Esc, or when the window was closed."""
        return self._stop

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Show one frame and act on the keys; raises `OutputError`."""
        if self._stop:
            return
        try:
            self._turn(result, image)
        except cv2.error as error:
            raise OutputError(f"the window failed ({error.err}): go on without it (--no-display)") from error

    def _turn(self, result: FrameResult, image: np.ndarray) -> None:
        if self._open and self._was_closed():
            self._stop = True
            return
        self._show(image)
        if self._act(cv2.waitKey(1), result, image):
            self._pause(result, image)

    def _pause(self, result: FrameResult, image: np.ndarray) -> None:
        """Stay at this frame until space is pressed again or the run is to end."""
        while not self._stop and not self._stopped():
            self._show(image, "paused")
            if self._act(cv2.waitKey(PAUSE_STEP_MS), result, image):
                return
            self._stop = self._stop or self._was_closed()

    def _act(self, key: int, result: FrameResult, image: np.ndarray) -> bool:
        """Carry out what a key asks for; True when it is the one that pauses and goes on."""
        key = key & 0xFF if key >= 0 else key
        if key in QUIT:
            self._stop = True
        elif key in SNAPSHOT:
            self._save(result, image)
        return key in PAUSE

    def _save(self, result: FrameResult, image: np.ndarray) -> None:
        try:
            self._message = f"saved {snapshots.save(self._folder, result, image).name}"
            log.info("%s in %s", self._message, self._folder)
        except OutputError as error:
            self._message = "not saved"
            log.warning("%s", error)
        self._message_until = time.monotonic() + NOTICE_S

    def _show(self, image: np.ndarray, state: str = "") -> None:
        text = self._message if time.monotonic() < self._message_until else state
        shown = self._scaled(image)
        if not self._open:
            cv2.namedWindow(self._title, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)  # without Qt's tool bar
            self._open = True
        if self._notice is not None:
            shown = self._notice(shown, text) if text else shown
        else:
            cv2.setWindowTitle(self._title, f"{self._title} - {text}" if text else self._title)
        cv2.imshow(self._title, shown)

    def _scaled(self, image: np.ndarray) -> np.ndarray:
        """`image`, made smaller where it does not fit on the screen."""
        height, width = image.shape[:2]
        scale = min(1.0, self._limit_wh[0] / width, self._limit_wh[1] / height)
        if scale == 1.0:
            return image
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA)

    def _was_closed(self) -> bool:
        return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1

    def close(self) -> None:
        """Close the window."""
        if self._open:
            self._open = False
            try:
                cv2.destroyWindow(self._title)
                cv2.waitKey(1)
            except cv2.error as error:  # the user may have closed it already
                log.debug("closing the window: %s", error)
