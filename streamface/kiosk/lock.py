"""A pause after repeated failures, longer each time, so that trying on is slow."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_S = 3600.0


@dataclass(slots=True)
class Lock:
    """Counts failures in a row.

    After `after` of them it is locked for `first_s` seconds, then with every further failure for twice as long as
    before, up to an hour, until somebody is accepted. `after` 0: never.
    """

    after: int
    first_s: float
    failures: int = 0
    until: float = float("-inf")

    def failed(self, at: float) -> bool:
        """Count a failure; True where it locks."""
        self.failures += 1
        if not self.after or self.failures < self.after:
            return False
        self.until = at + min(LONGEST_S, self.first_s * 2.0 ** min(self.failures - self.after, 30))
        return True

    def passed(self) -> None:
        """Somebody was accepted."""
        self.failures = 0

    def left_s(self, at: float) -> float:
        """Seconds until it opens; 0 when it is open."""
        return max(0.0, self.until - at)
