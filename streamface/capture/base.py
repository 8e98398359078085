"""What a source of frames is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from streamface.types import Frame, SourceEvent, SourceState


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source says of itself once it is open."""

    width: int
    height: int
    fps: float | None
    """Frames per second as announced; None where the source does not know."""
    is_live: bool
    """True where frames pass whether they are read or not."""
    frame_count: int | None = None
    """Frames in all; None for a live source or a file that does not say."""
    is_stills: bool = False
    """True where each frame is a picture of its own, which has nothing to do with the one before."""


class Source(ABC):
    """Frames in order, from a context manager: `with source: for frame in source: ...`.

    A file gives every frame; a live source gives the newest one at each `read` and counts in
    `dropped` what passed in between. Opening happens in `open` (called by `with`) and raises
    `SourceError` in one line when there is nothing to read.
    """

    name: str
    """Shown to people and kept in `Frame.source`: never holds a password."""

    is_file: bool = False
    """True for a source that has all its frames already, so that it may be read ahead."""

    on_ahead: Callable[[Frame], None] | None = None
    """Called with each frame that was read ahead, in the thread that reads, before `read` gives it."""

    beside_ms: float | None = None
    """Milliseconds of work in the last `read` where it was done in another thread, so that waiting says nothing."""

    @abstractmethod
    def open(self) -> SourceInfo:
        """Open and return what the source says of itself; raises `SourceError`."""

    @abstractmethod
    def read(self) -> Frame | None:
        """The next frame, or the newest of a live source; None at the end. Raises `SourceError` when it fails.

        A camera that is lost does not end: its last frame is given again, marked `repeated`, about twice a second.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back the handle and end the threads; may be called twice, and from another thread than `read`."""

    def interrupt(self) -> None:  # noqa: B027, a file never waits long
        """Make a `read` that waits for a camera return None soon; called from a signal's handler or another thread.

        Does no more than set a flag; a file, which never waits long, ignores it.
        """

    @property
    def dropped(self) -> int:
        """Frames that a live source skipped so far; 0 for a file."""
        return 0

    @property
    def state(self) -> SourceState | None:
        """How a camera does now; None for a file."""
        return None

    def take_events(self) -> tuple[SourceEvent, ...]:
        """What happened to the camera since the last call, in order."""
        return ()

    def __enter__(self) -> Source:
        self.info = self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self.read()) is not None:
            yield frame
