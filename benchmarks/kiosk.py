"""What each strictness of the kiosk costs, on lfw_dev: `python -m benchmarks.kiosk [Dlib OpenFace]`

Every photograph goes through the stream's own detection, alignment and network. First of one view each, on all
photographs; then of whole checks, in which 2 to 4 views in a row must agree within the time that the kiosk waits, on
some of them (`benchmarks.kiosk_checks`).

1:1: every photograph against one other, of the same person (rejects) or of another (accepts): all pairs that there are,
and no margin, as there is nobody else. In whole checks there is a gallery, and the margin counts.
1:N: a gallery of drawn people, one picture each; all other photographs are asked about, of people in it (rejected, or
accepted as another) and of strangers (accepted). Means of `DRAWS` draws. The margin to the second person counts here.

Intervals: 95 %, of 1,000 resamplings of the people, with all their photographs.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from benchmarks import data, kiosk_checks
from benchmarks.identification import draw, settings_of
from benchmarks.kiosk_rates import Rate
from benchmarks.verification import embeddings
from streamface import build
from streamface.gallery.distances import between
from streamface.kiosk.levels import LEVELS, Limits
from streamface.settings import Settings

SIZES, DRAWS = (20, 100), 50


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
    parser.add_argument("--checks", type=int, default=600, metavar="N", help="photographs for whole checks; 0 for none")
    given = parser.parse_args(arguments)
    images, _ = data.lfw()
    for name in given.models:
        settings = settings_of(name)
        found = {file: rows[0] for file, rows in embeddings(settings, images).items() if rows is not None}
        print(f"\n{name}: {build.spec(settings).name}, {settings.recognition.metric}, {len(found)} of {len(images)} "
              "photographs with a face")  # fmt: skip
        report(settings, found)
        if given.checks:
            kiosk_checks.report(settings, images, found, given.checks)


if __name__ == "__main__":
    main()
