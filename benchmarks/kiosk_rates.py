"""Error rates with intervals that take into account that trials of one person belong together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RESAMPLINGS = 1000


@dataclass(frozen=True)
class Rate:
    """Errors of trials, counted by person."""

    errors: np.ndarray
    """(P,) or, where a trial is of two people, (P, P)."""
    trials: np.ndarray
    """The same shape."""

    @property
    def value(self) -> float:
        """Of all trials together."""
        return float(self.errors.sum() / max(self.trials.sum(), 1))

    def interval(self, rng: np.random.Generator) -> tuple[float, float]:
        """95 %, by resampling people; where there was no error at all, up to 3 over the number of people."""
        count = len(self.trials)
        if not self.errors.any():
            return 0.0, 3 / max(1, int((self.trials.reshape(count, -1).sum(1) > 0).sum()))
        weights = rng.multinomial(count, np.full(count, 1 / count), RESAMPLINGS).astype(np.float64)
        if self.errors.ndim == 1:
            errors, trials = weights @ self.errors, weights @ self.trials
        else:
            errors, trials = (((weights @ table) * weights).sum(1) for table in (self.errors, self.trials))
        low, high = np.percentile(errors / np.maximum(trials, 1), [2.5, 97.5])
        return float(low), float(high)

    def text(self, rng: np.random.Generator) -> str:
        """'0.12 % (0.08 to 0.15)'."""
        low, high = self.interval(rng)
        return f"{_percent(self.value)} % ({_percent(low)} to {_percent(high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.{3 if share < 0.001 else 2 if share < 0.1 else 1}f}"
