"""Whole checks of the kiosk on photographs: several views, agreement and margin, until it accepts or says 'not known'.

The part of `python -m benchmarks.kiosk` that is not of one view. Somebody stands there for as long as the kiosk waits:
a photograph of lfw_dev, moved, turned and scaled a little under a camera's noise, through the stream's own detection,
alignment and network each time. So the views differ as those of somebody who holds still, not as those of one who
moves, speaks and turns; the enrolled picture is another photograph.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks import data
from benchmarks.identification import draw
from benchmarks.kiosk_rates import Rate
from benchmarks.verification import central
from streamface import build
from streamface.gallery.distances import between
from streamface.kiosk.agreement import PATIENCE_S, Agreement
from streamface.kiosk.levels import LEVELS, Limits
from streamface.kiosk.views import Ranking
from streamface.kiosk_parts import OFTEN_S
from streamface.pyramid import Pyramid
from streamface.settings import Settings

VIEWS = round(PATIENCE_S / OFTEN_S) + 1
"""Looks that the kiosk has before it says that somebody is not known."""
DRAWS, CLAIMS = 20, 3
"""Galleries; people that a stranger claims to be, one check each."""
KINDS = {
    "strangers": "1:N, strangers accepted",
    "others": "people accepted as another",
    "rejected": "people rejected",
    "false claims": "1:1, false claims accepted",
    "own claims": "own claims rejected",
}


def chosen(people: np.ndarray, count: int) -> np.ndarray:
    """Indices of `count` photographs, drawn: half of people who have several, half of the others."""
    rng = np.random.default_rng(0)
    names, inverse, pictures = np.unique(people, return_inverse=True, return_counts=True)
    several = pictures[inverse] > 1
    halves = [rng.permutation(np.flatnonzero(mask))[: count // 2] for mask in (several, ~several)]
    return np.sort(np.concatenate(halves))


def views(settings: Settings, images: Sequence[np.ndarray]) -> np.ndarray:
    """(N, VIEWS, D) embeddings of photographs, each seen `VIEWS` times; NaN where no face was found."""
    detector, analysis = build.detector(settings), build.analysis(settings)
    found = []
    for number, image in enumerate(images):
        rng = np.random.default_rng(number)
        found.append([_embedding(detector, analysis, seen) for seen in _seen(image, rng)])
    width = next(len(vector) for row in found for vector in row if vector is not None)
    return np.array([[np.full(width, np.nan) if v is None else v for v in row] for row in found], np.float32)


def _embedding(detector, analysis, image: np.ndarray) -> np.ndarray | None:
    detection = central(detector.detect(image), image)
    if detection is None:
        return None
    return analysis.recognizer.embed(analysis.cut(Pyramid(image), detection).image[None])[0]


def _seen(image: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """The photograph as a camera sees it from look to look."""
    height, width = image.shape[:2]
    for _ in range(VIEWS):
        moved = cv2.getRotationMatrix2D((width / 2, height / 2), rng.normal(0, 1.5), 1 + rng.normal(0, 0.015))
        moved[:, 2] += rng.normal(0, 1.5, 2)
        shown = cv2.warpAffine(image, moved, (width, height), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        shown = shown * (1 + rng.normal(0, 0.03)) + rng.normal(0, 3.0, shown.shape)
        yield np.clip(shown, 0, 255).astype(np.uint8)


def checked(rankings: Sequence[tuple[str, float, float]], limits: Limits) -> str | None:
    """Who is accepted by the kiosk's own rule; (candidate, distance, distance of the nearest other) of each look."""
    agreement = Agreement(limits)
    for number, (person, distance, others) in enumerate(rankings):
        agreement.add(Ranking(number * OFTEN_S, 1, person, distance, others))
        if (accepted := agreement.accepted()) is not None:
            return accepted
    return None


@dataclass(frozen=True)
class Photographs:
    """All photographs, and those of them that somebody is checked on."""

    people: np.ndarray
    """(M,) names."""
    enrolled: np.ndarray
    """(M, D) embeddings."""
    which: np.ndarray
    """(N,) indices of those for checks."""
    seen: np.ndarray
    """(N, VIEWS, D) of these."""


def rates(of: Photographs, metric: str, limits: Limits, size: int) -> dict[str, Rate]:
    """Errors of whole checks, by `KINDS`, against galleries of `size` people with one photograph each."""
    names, number = np.unique(of.people, return_inverse=True)
    errors, trials = (defaultdict(lambda: np.zeros(len(names))) for _ in range(2))
    rng = np.random.default_rng(size)

    def count(kind: str, row: int, wrong: bool) -> None:
        trials[kind][number[row]] += 1
        errors[kind][number[row]] += wrong

    for _ in range(DRAWS):
        gallery = {name: int(rows[0]) for name, rows in draw(of.people, size, 1, rng).items()}
        members, rows = list(gallery), np.array(list(gallery.values()))
        for index in np.flatnonzero(~np.isin(of.which, rows)):
            row, looks = of.which[index], of.seen[index]
            far = between(looks[~np.isnan(looks).any(1)], of.enrolled[rows], metric)
            own = str(of.people[row])
            accepted = checked([_nearest(look, members) for look in far], limits)
            if own in gallery:
                count("others", row, accepted not in (own, None))
                count("rejected", row, accepted is None)
                count("own claims", row, checked([_claimed(look, members, own) for look in far], limits) is None)
                continue
            count("strangers", row, accepted is not None)
            for claimed in rng.permutation(members)[:CLAIMS]:
                taken = checked([_claimed(look, members, str(claimed)) for look in far], limits)
                count("false claims", row, taken is not None)
    return {kind: Rate(errors[kind], trials[kind]) for kind in KINDS}


def _nearest(far: np.ndarray, members: list[str]) -> tuple[str, float, float]:
    first, second = np.argpartition(far, 1)[:2]
    return members[first], float(far[first]), float(far[second])


def _claimed(far: np.ndarray, members: list[str], person: str) -> tuple[str, float, float]:
    at = members.index(person)
    return person, float(far[at]), float(np.delete(far, at).min())


def report(settings: Settings, images: dict[str, np.ndarray], found: dict[str, np.ndarray], count: int) -> None:
    """Print the table of one network; `found`: file -> (D,) embedding, enrolled as it is."""
    files = list(found)
    people = np.array([data.person(file) for file in files])
    which = chosen(people, count)
    seen = views(settings, [images[files[index]] for index in which])
    of = Photographs(people, np.stack(list(found.values())), which, seen)
    rng, threshold = np.random.default_rng(0), build.threshold(settings)
    print(f"\nWhole checks, up to {VIEWS} looks each: {len(which)} photographs of {len(set(people[which]))} people, "
          f"{DRAWS} galleries of each size\n")  # fmt: skip
    print(f"| level | gallery | {' | '.join(KINDS.values())} | checks of strangers, of people in it |")
    print("|---" * (len(KINDS) + 3) + "|")
    for level in LEVELS.values():
        for size in (20, 100):
            made = rates(of, settings.recognition.metric, Limits.of(level, threshold), size)
            cells = " | ".join(made[kind].text(rng) for kind in KINDS)
            checks = ", ".join(f"{made[kind].trials.sum():.0f}" for kind in ("strangers", "rejected"))
            print(f"| {level.name} | {size} | {cells} | {checks} |", flush=True)
