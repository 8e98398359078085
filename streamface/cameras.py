"""Several cameras in one process: a thread each, with the networks and the gallery in common."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from streamface import build
from streamface.errors import OutputError, StreamfaceError
from streamface.monitoring import Reading
from streamface.overlay.overlay import Overlay
from streamface.settings import Settings
from streamface.sinks.base import Sink
from streamface.sinks.grid import Grid
from streamface.stream import Stream, Summary, stopping_on_signals
from streamface.types import Frame, FrameResult

log = logging.getLogger(__name__)

SHOW_S = 0.04
"""Seconds between two looks at what the cameras have to show."""
FAREWELL_S = 6.0
"""Seconds that the cameras have to end after `stop`; one that hangs in its driver is left behind. A receiver that does
not answer, a slow disk and a reader that has to be killed may take a second or two each; service managers wait 10."""


class Cameras:
    """Runs one stream a camera: `with Cameras(settings) as cameras: summaries = cameras.run()`.

    Entering loads networks and gallery; the sources open when the run begins, each in its own thread, so that a
    camera that does not answer keeps nobody waiting. A camera that fails ends alone, and its `Summary.failures`
    says why.

    Args:
        settings: of each camera, with names (`capture.camera`) that differ and the same gallery, recognition and
            runtime, as `configuration.cameras_from` gives them.
    """

    def __init__(self, settings: Sequence[Settings]) -> None:
        self._settings = tuple(settings)
        self._stopping = threading.Event()
        self._close = ExitStack()

    def __enter__(self) -> Cameras:
        with ExitStack() as opening:
            self.shared = opening.enter_context(build.shared(self._settings))
            self.streams = {settings.capture.camera: Stream(settings, self.shared) for settings in self._settings}
            self._close = opening.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._close.close()

    def stop(self) -> None:
        """End every camera after its current frame; may be called from any thread or a signal's handler."""
        self._stopping.set()
        for stream in self.streams.values():
            stream.stop()

    def readings(self) -> tuple[Reading, ...]:
        """How each camera does at this moment; may be called from any thread."""
        return tuple(stream.reading() for stream in self.streams.values())

    def run(self, sinks: Callable[[Settings], Sequence[Sink]] = build.files) -> dict[str, Summary]:
        """Run all cameras until each has ended, `stop`, Ctrl-C, or the window was closed; each one's summary.

        sinks: makes the outputs of one camera. It is called for every camera before one of them begins, so that a
        file that cannot be written is said at once; what it made is closed whatever happens.
        """
        with ExitStack() as closing, stopping_on_signals(self):
            outputs = {settings.capture.camera: list(sinks(settings)) for settings in self._settings}
            show = closing.enter_context(self._shown(outputs))
            threads = [
                threading.Thread(target=_watch, args=(stream, outputs[name]), name=f"streamface-{name}", daemon=True)
                for name, stream in self.streams.items()
            ]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads) and not self._stopping.is_set():
                show()
            self._join(threads)
        return {name: stream.summary for name, stream in self.streams.items()}

    def _join(self, threads: Sequence[threading.Thread]) -> None:
        end = time.monotonic() + FAREWELL_S
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                log.warning("%s does not end: left behind", thread.name.removeprefix("streamface-"))

    @contextmanager
    def _shown(self, outputs: dict[str, list[Sink]]) -> Iterator[Callable[[], None]]:
        """What the main thread does meanwhile: show a window with all cameras when it was asked for, else wait."""
        window = self._window()
        if window is None:
            yield lambda: self._stopping.wait(SHOW_S)
            return
        grid = Grid(tuple(outputs))
        for name, sinks in outputs.items():
            sinks.append(grid.tile(name))
        with window:
            yield lambda: self._show(grid, window)

    def _window(self) -> Sink | None:
        settings = self._settings[0]
        if not settings.output.display:
            return None
        try:
            return build.window(settings, Overlay(settings.overlay).notice, self._stopping.is_set)
        except OutputError as error:
            log.warning("%s", error)
            return None

    def _show(self, grid: Grid, window: Sink) -> None:
        grid.wait(SHOW_S)  # without a new picture too, for the keys
        image = grid.compose()
        window.write(FrameResult(Frame(image, 0, time.time(), None, "cameras")), image)
        if window.wants_stop:
            self.stop()


def _watch(stream: Stream, sinks: Sequence[Sink]) -> None:
    """One camera's thread: a fault is said, kept in the summary, and goes no further."""
    name, failures = stream.settings.capture.camera, stream.summary.failures
    with ExitStack() as closing:
        for sink in sinks:
            closing.enter_context(sink)
        try:
            with stream:
                stream.run(sinks)
        except StreamfaceError as error:
            log.error("%s: %s", name, error)
            failures.append(str(error))
        except Exception as error:  # a fault of ours, which must not take the other cameras along
            log.error("%s: fault: %s: %s", name, type(error).__name__, error)
            log.debug("%s", name, exc_info=True)
            failures.append(f"fault: {type(error).__name__}: {error}")
