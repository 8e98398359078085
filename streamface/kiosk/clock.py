"""The stream's clock for a machine that waits: it never goes back, though this computer's time may be set."""

from __future__ import annotations


class ForwardClock:
    """Follows another clock, and stands still where that one jumps back.

    Without it, a result or a lock would last until the time before the jump had come again.
    """

    def __init__(self) -> None:
        self._latest, self._ahead = float("-inf"), 0.0

    def now(self, at: float) -> float:
        """The time that the other clock shows now, in seconds, as one that never goes back."""
        self._ahead = max(self._ahead, self._latest - at)
        self._latest = self.then(at)
        return self._latest

    def then(self, at: float) -> float:
        """The same for a time that the other clock has shown since its last jump."""
        return at + self._ahead
