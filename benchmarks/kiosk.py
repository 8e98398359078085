"""What each strictness of the kiosk costs, on lfw_dev: `python -m benchmarks.kiosk [Dlib OpenFace]`

Every photograph goes through the stream's own detection, alignment and network. One view each: the kiosk wants 2 to 4
in a row that agree, which accepts nobody whom one view refuses, so false accepts are at most these; whoever is refused
at first has more views within the 1.1 s before the kiosk says so.

1:1: every photograph against one other, of the same person (rejects) or of another (accepts): all pairs that there are.
1:N: a gallery of drawn people, one picture each; all other photographs are asked about, of people in it (rejected, or
accepted as another) and of strangers (accepted). Means of `DRAWS` draws. The margin to the second person counts here.

Intervals: 95 %, of 1,000 resamplings of the people, with all their photographs.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import data
from benchmarks.identification import draw, settings_of
from benchmarks.verification import embeddings
from streamface import build
from streamface.gallery.distances import between
from streamface.kiosk.levels import LEVELS, Limits
from streamface.settings import Settings

SIZES, DRAWS, RESAMPLINGS = (20, 100), 50, 1000


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


def pairs(far: np.ndarray, number: np.ndarray, limits: Limits) -> tuple[Rate, Rate]:
    """(false accepts, false rejects) of 1:1. far (N, N) distances; number (N,) of the person on each photograph."""
    count = number.max() + 1
    same = number[:, None] == number[None]
    first, second = np.triu_indices(len(number), 1)
    own = same[first, second]
    near = far[first, second] <= limits.distance

    def table(mask: np.ndarray) -> np.ndarray:
        made = np.zeros((count, count))
        np.add.at(made, (number[first[mask]], number[second[mask]]), 1)
        return made

    accepts = Rate(table(~own & near), table(~own))
    rejects = Rate(np.diag(table(own & ~near)).copy(), np.diag(table(own)).copy())
    return accepts, rejects


def gallery(
    far: np.ndarray, people: np.ndarray, number: np.ndarray, limits: Limits, size: int
) -> tuple[Rate, Rate, Rate]:
    """(strangers accepted, people accepted as another, people rejected) of 1:N, over draws of the gallery."""
    tallies = defaultdict(lambda: np.zeros(number.max() + 1))
    rng = np.random.default_rng(size)
    for _ in range(DRAWS):
        rows = np.concatenate(list(draw(people, size, 1, rng).values()))
        asked = np.setdiff1d(np.arange(len(people)), rows)
        order = np.sort(far[np.ix_(asked, rows)], axis=1)
        nearest = number[rows[far[np.ix_(asked, rows)].argmin(1)]]
        accepted = (order[:, 0] <= limits.distance) & (order[:, 1] - order[:, 0] >= limits.margin)
        known, right = np.isin(number[asked], number[rows]), nearest == number[asked]
        for name, of, wrong in (
            ("strangers", ~known, accepted), ("others", known, accepted & ~right), ("rejected", known, ~accepted),
        ):  # fmt: skip
            np.add.at(tallies[name, "errors"], number[asked[of & wrong]], 1)
            np.add.at(tallies[name, "trials"], number[asked[of]], 1)
    return tuple(Rate(tallies[name, "errors"], tallies[name, "trials"]) for name in ("strangers", "others", "rejected"))


def report(settings: Settings, found: dict[str, np.ndarray]) -> None:
    """Print the tables of one network."""
    people = np.array([data.person(file) for file in found])
    names, number = np.unique(people, return_inverse=True)
    vectors = np.stack(list(found.values()))
    far = between(vectors, vectors, settings.recognition.metric)
    several = int((np.bincount(number) > 1).sum())
    same = sum(int(n * (n - 1) / 2) for n in np.bincount(number))
    total = len(number) * (len(number) - 1) // 2
    print(f"{len(number)} photographs of {len(names)} people, {several} with more than one: {same} pairs of one "
          f"person, {total - same} of two\n")  # fmt: skip
    print("| level | views | up to | 1:1 false accepts | 1:1 false rejects |\n|---|---|---|---|---|")
    threshold, rng = build.threshold(settings), np.random.default_rng(0)
    for level in LEVELS.values():
        limits = Limits.of(level, threshold)
        accepts, rejects = pairs(far, number, limits)
        print(f"| {level.name} | {level.views} | {limits.distance:.4f} | {accepts.text(rng)} | {rejects.text(rng)} |")
    print("\n| level | people in the gallery | strangers accepted | accepted as another | people rejected |")
    print("|---|---|---|---|---|")
    for level in LEVELS.values():
        for size in SIZES:
            rates = gallery(far, people, number, Limits.of(level, threshold), size)
            print(f"| {level.name} | {size} | {' | '.join(rate.text(rng) for rate in rates)} |", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables of each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["Dlib"], help="MODEL, or MODEL:WEIGHTS")
    images, _ = data.lfw()
    for name in parser.parse_args(arguments).models:
        settings = settings_of(name)
        found = {file: rows[0] for file, rows in embeddings(settings, images).items() if rows is not None}
        print(f"\n{name}: {build.spec(settings).name}, {settings.recognition.metric}, {len(found)} of {len(images)} "
              "photographs with a face")  # fmt: skip
        report(settings, found)


if __name__ == "__main__":
    main()
