"""The stream's analysis for people who have their own frames."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from time import time as clock

import numpy as np

from streamface import build, keywords
from streamface.errors import ImageError, SettingsError
from streamface.gallery.gallery import Gallery
from streamface.images import as_bgr
from streamface.overlay.overlay import Overlay
from streamface.pipeline import Pace
from streamface.types import Frame, FrameResult


class Analyzer:
    """Finds, follows and names people from frame to frame: `with Analyzer(db_path) as analyzer: analyzer(frame)`.

    One object a video: it remembers who was where. Its answers depend on the order of the frames; calls from several
    threads are safe and take turns, but then the order is theirs to keep. Several objects may run in several threads.

    Args:
        db_path: folder of people, None for none.
        live: False, the default, looks at faces before it answers, and gives the same result everywhere; True looks
            at them in a thread beside, so that no frame waits, and an answer comes some frames later.
        options: any setting by its name, as for `stream`; those of sources and outputs have no effect.

    Raises `SettingsError` for an option, `GalleryError` for the folder.
    """

    def __init__(self, db_path: str | os.PathLike | None = None, *, live: bool = False, **options: object) -> None:
        self.settings = keywords.settings_from(db_path=db_path, **options)
        build.prepare(self.settings)
        self._lock = threading.Lock()
        self._index, self._time, self._closed = 0, -np.inf, False
        pace = Pace.LIVE if live else Pace.STEP
        with ExitStack() as opening:
            self._people = opening.enter_context(build.people(self.settings, live))
            desk = opening.enter_context(build.stranger_desk(self.settings, live))
            self._pipeline = build.pipeline(self.settings, self._people, build.analysis(self.settings), pace, desk)
            opening.callback(self._pipeline.close)
            self._privacy = build.privacy(self.settings, self._people, self._pipeline.look, pace)
            self._close = opening.pop_all()
        hidden = self.settings.privacy.blur in ("known", "all")
        thumbnail = self._people.thumbnail if self._people and not hidden else None
        self._overlay = Overlay(self.settings.overlay, thumbnail, self.settings.detection.zone)
        if self._people:
            self._people.on_swap(self._overlay.forget_pictures)

    @property
    def gallery(self) -> Gallery | None:
        """The people who are known now; None without a folder."""
        return self._people.gallery if self._people and self.settings.gallery.database else None

    def __call__(self, frame: np.ndarray, time: float | None = None) -> FrameResult:
        """All that is known after one more frame.

        frame: (H, W, 3) uint8 BGR, or another picture (see `streamface.api`); an array of the right kind is not
        copied, so do not draw on it while the result is in use. `time`: seconds since the start of the video, never
        falling; None: now, as fits a camera. It decides when a person is looked at again. Raises `ImageError`.
        """
        if frame is None:
            raise ImageError("there is no frame, but None: the source has ended or gave nothing")
        image = as_bgr(frame)
        with self._lock:
            self._check(time)
            made = Frame(image, self._index, clock(), time, "frames")
            self._index += 1
            return self._privacy.at_once(self._pipeline.step(made))

    def draw(self, result: FrameResult) -> np.ndarray:
        """A copy of the result's frame with everything drawn on it: (H, W, 3) uint8 BGR, read-only."""
        with self._lock:
            return self._overlay.render(result)

    def close(self) -> None:
        """Give back the networks; calling twice does nothing more."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._close.close()

    def __enter__(self) -> Analyzer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _check(self, time: float | None) -> None:
        if self._closed:
            raise SettingsError("this Analyzer is closed: make a new one")
        if time is None:
            return
        if not time >= self._time:  # also when it is not a number
            raise SettingsError(
                f"the frame's time is {time}, after {self._time}: it must not fall; use one Analyzer a video"
            )
        self._time = time
