"""The stream: frames in, results out; `run` adds the overlay and the outputs."""

from __future__ import annotations

import logging
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter, time
from typing import Any, Protocol

import numpy as np

from streamface import build
from streamface.capture.base import Source, SourceInfo
from streamface.errors import OutputError, SourceError
from streamface.forgetting import without
from streamface.gallery.gallery import Gallery
from streamface.gallery.live import LiveGallery
from streamface.gallery.stranger_desk import StrangerDesk
from streamface.monitoring import Reading
from streamface.outputs import Outputs
from streamface.overlay.overlay import Overlay
from streamface.pipeline import Followed, Pace, Postponed
from streamface.profiling import KEPT_FRAMES, Profile
from streamface.settings import Settings
from streamface.sinks.base import Sink
from streamface.sinks.visit_events import Visit
from streamface.sinks.visits import KEPT, Visits
from streamface.types import LIVE, Frame, FrameResult

log = logging.getLogger(__name__)

RATE_WINDOW_S = 2.0
"""The frame rate that is shown is the mean of so many seconds."""
KEPT_OF_CAMERA = 100
"""Visits that a live run tells at its end, the latest; all of them are events, where those are written."""


@dataclass(slots=True)
class Summary:
    """What a run did."""

    frames: int = 0
    dropped: int = 0
    postponed: Postponed = Postponed()
    """Looks and detections of a live source that had to wait, because there was no time."""
    elapsed_s: float = 0.0
    profile: Profile = field(default_factory=Profile)
    """Milliseconds of each stage, in all, and frame by frame where that was asked for."""
    visits: tuple[Visit, ...] = ()
    failures: list[str] = field(default_factory=list)
    """One line for each output that had to be given up."""

    @property
    def fps(self) -> float:
        """Frames per second of the whole run."""
        return self.frames / self.elapsed_s if self.elapsed_s else 0.0


class Stream:
    """Analyses a source: `with Stream(settings) as stream: for result in stream: ...`.

    Entering opens the source, the networks and the gallery, and raises a `StreamfaceError` when one of them
    cannot be had. A stream is used once.

    Args:
        settings: of this stream.
        shared: the networks and the gallery that it has in common with others; None for its own.
    """

    def __init__(self, settings: Settings, shared: build.Shared | None = None) -> None:
        self.settings, self._shared = settings, shared
        self.summary = Summary(profile=Profile(KEPT_FRAMES if settings.output.profile else 0))
        self.people: LiveGallery | None = None
        self.source: Source | None = None
        title = settings.capture.camera or ""
        self.overlay = Overlay(settings.overlay, self._thumbnail, settings.detection.zone, title)
        self._read, self._begun, self._rate = 0, perf_counter(), _Rate()
        self._latest: tuple[FrameResult, float] | None = None
        self._outputs: Outputs | None = None
        self._phase = "connecting"
        self._stop = threading.Event()
        self._close = ExitStack()

    def __enter__(self) -> Stream:
        with ExitStack() as opening:
            opening.callback(self._end)
            if self._shared is None:
                build.prepare(self.settings)
            self.source = opening.enter_context(build.source(self.settings))
            self.people = self._known(opening)
            analysis = self._shared.analysis if self._shared else build.analysis(self.settings)
            self._pace = build.pace(self.source)
            self._pipeline = build.pipeline(self.settings, self.people, analysis, self._pace, self._desk(opening))
            opening.callback(self._pipeline.close)
            self._privacy = build.privacy(self.settings, self.people, self._pipeline.look, self._pace)
            self.source.on_ahead = self._pipeline.expect
            self._phase, self._close = "live", opening.pop_all()
        return self

    def _end(self) -> None:
        self._phase = "ended"

    def __exit__(self, *exc_info: object) -> None:
        self._close.close()

    def _known(self, opening: ExitStack) -> LiveGallery | None:
        known = self._shared.people if self._shared else None
        if self._shared is None:
            known = opening.enter_context(build.people(self.settings, self.info.is_live))
        if known is not None:
            known.on_swap(self.overlay.forget_pictures)
        return known

    def _desk(self, opening: ExitStack) -> StrangerDesk | None:
        if self._shared is not None:
            return self._shared.strangers
        return opening.enter_context(build.stranger_desk(self.settings, self._pace is Pace.LIVE))

    @property
    def gallery(self) -> Gallery | None:
        """The people who are known now; None without a folder."""
        return self.people.gallery if self.people and self.settings.gallery.database else None

    @property
    def info(self) -> SourceInfo:
        """What the source says of itself."""
        return self.source.info

    def stop(self) -> None:
        """End after the current frame; may be called from any thread or a signal's handler."""
        self._stop.set()
        if self.source is not None:
            self.source.interrupt()

    def __iter__(self) -> Iterator[FrameResult]:
        """One result for each frame, in order, until the source ends or `stop` is called.

        While a camera gives nothing its last frame comes again, `repeated` and without faces. Faces that may not be
        seen are covered; then results come some frames later.
        """
        try:
            for result in self._results():
                yield from map(self._told, self._privacy.take(result))
        except SourceError:
            yield from map(self._told, self._privacy.end())
            raise
        yield from map(self._told, self._privacy.end())

    def _told(self, result: FrameResult) -> FrameResult:
        """A result as it may be told."""
        return result if self.people is None else without(result, self.people.erasing)

    def _results(self) -> Iterator[FrameResult]:
        self._begun, followed = perf_counter(), deque()
        try:
            while (frame := self._next()) is not None:
                if frame.repeated:
                    yield self._with_state(FrameResult(frame))
                    continue
                followed.append(self._pipeline.begin(frame, self._dropped()))
                if len(followed) > self._pace.lag:
                    yield self._finished(followed.popleft())
        except SourceError:  # a file that breaks off: what came before is whole
            yield from map(self._finished, followed)
            raise
        yield from map(self._finished, followed)

    def run(self, sinks: Sequence[Sink]) -> Summary:
        """Draw each result and hand it to each sink, until the end, Ctrl-C or a sink's wish to stop.

        Sinks other than a window are served by a thread of their own. One that fails is closed, named in
        `Summary.failures` and left out from then on. The sinks are closed whatever happens.
        """
        kept = KEPT_OF_CAMERA if self._pace is Pace.LIVE else KEPT
        visits = Visits(self.settings.output.leave_after_s, kept=kept)
        with (
            stopping_on_signals(self),
            Outputs(sinks, self._drawn, self.summary.profile, self.summary.failures) as outputs,
        ):
            self._outputs = outputs
            for result in self:
                if result.frame.repeated:
                    visits.forget(result.erased)
                else:
                    visits.update(result)
                outputs.put(result)
                if outputs.wants_stop:
                    break
        visits.finish()
        self.summary.elapsed_s = perf_counter() - self._begun
        self.summary.visits = visits.visits
        self.summary.failures += [failure for sink in sinks for failure in sink.failures]
        return self.summary

    def reading(self) -> Reading:
        """How the stream does at this moment; may be called from any thread."""
        result, frame_at = self._latest or (None, None)
        live = result is not None and result.frame.media_time is None
        camera = self.source.state if self.source is not None and self._phase == "live" else None
        state = camera.state if camera else self._phase
        seen = result.faces if result is not None and state == LIVE else ()  # while a camera is lost, nobody is
        return Reading(
            self.settings.capture.camera or (self.source.name if self.source else ""),
            state,
            self.summary.frames,
            self.summary.dropped,
            sum(face.track.confirmed for face in seen),
            frame_at - result.frame.captured_at if live else None,
            frame_at,
            self._outputs.waiting if self._outputs else {},
            dict(self.summary.profile.totals),
        )

    def window(self) -> list[Sink]:
        """The window when it was asked for; a display that does not exist is said and left out."""
        if not self.settings.output.display:
            return []
        try:
            return [build.window(self.settings, self.overlay.notice, self._stop.is_set)]
        except OutputError as error:
            log.warning("%s", error)
            return []

    def _next(self) -> Frame | None:
        """The next frame, None when the run is to end."""
        if self._stop.is_set() or self._read >= (self.settings.capture.max_frames or float("inf")):
            return None
        start = perf_counter()
        frame = self._named(self.source.read())
        if frame is not None and not frame.repeated:
            self._read += 1
            self.summary.profile.add(frame.index, {"wait": (perf_counter() - start) * 1e3})
            if self.source.beside_ms is not None:
                self.summary.profile.add(frame.index, {"decode": self.source.beside_ms})
        return frame

    def _dropped(self) -> int:
        """Frames that the source dropped since the last call."""
        before, self.summary.dropped = self.summary.dropped, self.source.dropped
        return self.summary.dropped - before

    def _finished(self, followed: Followed) -> FrameResult:
        result = self._pipeline.finish(followed)
        self.summary.frames += 1
        self.summary.elapsed_s = perf_counter() - self._begun
        self.summary.profile.add(result.frame.index, result.timings)
        if self._pace is Pace.LIVE:
            self.summary.postponed = self._pipeline.postponed
        self._latest = result, time()
        return self._with_state(result)

    def _named(self, value: Any) -> Any:
        """A frame or an event of the source, under the camera's own name when it has one."""
        camera = self.settings.capture.camera
        return value if value is None or camera is None else replace(value, source=camera)

    def _with_state(self, result: FrameResult) -> FrameResult:
        events = tuple(self._named(event) for event in self.source.take_events())
        return replace(result, source_state=self.source.state, source_events=events)

    def _drawn(self, result: FrameResult) -> np.ndarray:
        """The picture with everything drawn on it. How fast the machine is stands only on what is live: the recording
        of a file is the same everywhere."""
        told = self._pace is Pace.LIVE and not result.frame.repeated
        return self.overlay.render(result, self._rate.tick() if told else None)

    def _thumbnail(self, photo: str, size_px: int) -> np.ndarray | None:
        """The picture of a known person; none where known faces are covered."""
        hidden = self.settings.privacy.blur in ("known", "all")
        return self.people.thumbnail(photo, size_px) if self.people and not hidden else None


class _Rate:
    """Frames per second over the last `RATE_WINDOW_S`."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def tick(self) -> float | None:
        """Count a frame; None until there are two."""
        now = perf_counter()
        self._times = [t for t in self._times if now - t < RATE_WINDOW_S] + [now]
        return (len(self._times) - 1) / (now - self._times[0]) if len(self._times) > 1 else None


class Stoppable(Protocol):
    """What can be told to end."""

    def stop(self) -> None:
        """End soon; called from a signal's handler."""


@contextmanager
def stopping_on_signals(stream: Stoppable) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the run in good order; a second Ctrl-C ends it at once. Main thread only.

    Further SIGTERMs change nothing: whoever stops a group of processes often sends one to each and one to all.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        if number == signal.SIGINT:
            signal.signal(number, before[number])
        stream.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
