"""What an output is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from streamface.types import FrameResult


class Sink(ABC):
    """Takes every result of a stream; a context manager that leaves a whole file behind, however the run ends."""

    wants_image: bool = False
    """True where `write` needs the annotated picture; when no sink does, nothing is drawn."""

    wants_repeated: bool = False
    """True where `write` is also to get the results while a camera gives nothing (`result.frame.repeated`: no faces,
    the last picture again), with `result.source_state` and `result.source_events` as they happen."""

    failures: Sequence[str] = ()
    """One line for each part that failed while the rest of the sink went on."""

    on_main_thread: bool = False
    """True where `write` must be called by the main thread, as a window's; others are served beside the loop."""

    @abstractmethod
    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Take one result; `image` is the annotated (H, W, 3) uint8 BGR frame, read-only, where `wants_image`.

        Raises `OutputError` when it cannot go on: the run then closes it, says so and continues.
        """

    @property
    def wants_stop(self) -> bool:
        """True when the user asked, through this sink, to end the run."""
        return False

    @property
    def waiting(self) -> Mapping[str, int]:
        """Name of a queue of its own -> entries that wait in it at this moment; asked by any thread."""
        return {}

    def close(self) -> None:  # noqa: B027, most have nothing to give back
        """Finish the file or window; may be called twice."""

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
