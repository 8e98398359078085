"""What a smile is told by, on photographs of LFW: `python -m benchmarks.smiles`

`smiles.csv` says of some photographs of lfw_dev whether the person smiles clearly, is still, mouth closed, or speaks;
labelled by eye, unclear ones and turned faces left out. Every photograph of somebody who is still is taken for the face
at rest, and every other one of the same person asked about: one that smiles should pass for a smile, the others not.
Through the stream's own detection, alignment and emotion network. People count alike, however many photographs there
are of them; intervals: 95 %, by resampling the people.

Then whole checks with one smile asked for: the person stands there with the face at rest until the kiosk asks, then
with another photograph, one pair of each kind a person.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks import data
from benchmarks.acting import SIZE_WH, Actor, Booth
from benchmarks.kiosk_rates import RESAMPLINGS
from benchmarks.liveness import interval
from benchmarks.verification import central
from streamface import build
from streamface.kiosk.guide import MOST_TURN
from streamface.kiosk.prompts import RISES, SMILE, SMILES
from streamface.kiosk.screen import PROMPT, Screen
from streamface.kiosk.views import View
from streamface.pyramid import Pyramid
from streamface.settings import AnalysisSettings, Settings

STILL, SMILING, SPEAKING = "still", "smiles", "speaks"


@dataclass(frozen=True)
class Face:
    """A photograph, and what is measured on it."""

    file: str
    label: str
    happy: float
    """Probability, 0..1."""
    mouth: float
    """Width in distances of the eyes."""


Rule = Callable[[Face, Face], bool]


def by_happy(least: float, rise: float) -> Rule:
    """Smiling where happy reaches `least` and rises by `rise` above the face at rest."""
    return lambda rest, seen: seen.happy >= max(least, rest.happy + rise)


def by_mouth(wider: float) -> Rule:
    """Smiling where the mouth is wider than at rest by that share."""
    return lambda rest, seen: seen.mouth >= rest.mouth * (1 + wider)


def both(first: Rule, second: Rule) -> Rule:
    """Smiling where both say so."""
    return lambda rest, seen: first(rest, seen) and second(rest, seen)


RULES: dict[str, Rule] = {
    f"**happy {SMILES}, rise {RISES}: the kiosk's**": by_happy(SMILES, RISES),
    "happy 0.5, rise 0.35": by_happy(0.5, 0.35),
    "happy 0.6, rise 0.2": by_happy(0.6, 0.2),
    "happy 0.8, rise 0.2": by_happy(0.8, 0.2),
    "mouth 8 % wider": by_mouth(0.08),
    "mouth 16 % wider": by_mouth(0.16),
    "mouth 4 % wider and happy 0.3, rise 0.1": both(by_mouth(0.04), by_happy(0.3, 0.1)),
    "mouth no narrower and happy 0.6, rise 0.2": both(by_mouth(0.0), by_happy(0.6, 0.2)),
}


def faces(images: dict[str, np.ndarray]) -> list[Face]:
    """The labelled photographs, of faces that a kiosk would take for a view from the front."""
    settings = Settings(analysis=AnalysisSettings(actions=("emotion",)))
    build.prepare(settings)
    detector, analysis = build.detector(settings), build.analysis(settings)
    made = []
    with open(Path(__file__).with_name("smiles.csv"), newline="") as file:
        for row in csv.DictReader(file):
            image = images[row["file"]]
            detection = central(detector.detect(image), image)
            if detection is None:
                continue
            view = View(1, detection.landmarks, 0.5, True)
            if abs(view.turn) > MOST_TURN:
                continue
            chip = analysis.cut(Pyramid(image), detection).image[None]
            happy = analysis.predictors[0].predict(chip, ("emotion",))[0]["emotion"].scores["happy"]
            mouth = float(np.linalg.norm(view.landmarks[4] - view.landmarks[3])) / view.eyes_px
            made.append(Face(row["file"], row["label"], float(happy), mouth))
    return made


def pairs(all_faces: Sequence[Face], label: str) -> dict[str, list[tuple[Face, Face]]]:
    """Person -> (the face at rest, another photograph with that label)."""
    found: dict[str, list[tuple[Face, Face]]] = {}
    for rest in all_faces:
        for seen in all_faces:
            same = data.person(rest.file) == data.person(seen.file) and rest.file != seen.file
            if same and rest.label == STILL and seen.label == label:
                found.setdefault(data.person(rest.file), []).append((rest, seen))
    return found


def rate(rule: Rule, of: dict[str, list[tuple[Face, Face]]]) -> str:
    """How many pass for a smile: mean over people, with its interval."""
    shares = np.array([np.mean([rule(*pair) for pair in found]) for found in of.values()])
    drawn = np.random.default_rng(0).choice(shares, (RESAMPLINGS, len(shares))).mean(1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{shares.mean():.1%} ({low:.1%} to {high:.1%})"


class Photographed(Actor):
    """One photograph until a smile is asked for, then another; both move by about a pixel under a camera's noise."""

    def __init__(self, rest: np.ndarray, asked: np.ndarray, rng: random.Random) -> None:
        self._rest, self._asked, self._rng = rest, asked, np.random.default_rng(rng.randrange(2**32))

    def frame(self, screen: Screen) -> np.ndarray:
        """The next picture."""
        is_asked = screen.state == PROMPT and screen.detail == SMILE
        photo = self._asked if is_asked else self._rest
        middle = (np.array(SIZE_WH) - photo.shape[1::-1]) / 2 + self._rng.normal(0, 0.7, 2)
        shift = np.float32([[1, 0, middle[0]], [0, 1, middle[1]]])
        shown = cv2.warpAffine(photo, shift, SIZE_WH, borderValue=(110, 110, 110)).astype(np.float32)
        return np.clip(shown + self._rng.normal(0, 2, shown.shape), 0, 255).astype(np.uint8)


def session(folder: Path, images: dict[str, np.ndarray], rest: Face, seen: Face) -> str:
    """How a whole check with one smile ends: 'accepted', or why it was refused."""
    with tempfile.TemporaryDirectory(dir=folder) as database:
        (Path(database) / "Person").mkdir()
        for number, face in enumerate((rest, seen)):
            cv2.imwrite(str(Path(database) / "Person" / f"{number}.png"), images[face.file])
        booth, rng = Booth(Path(database), 1), random.Random(rest.file)
        actor = Photographed(images[rest.file], images[seen.file], rng)
        decision, _ = booth.session(actor, replace(booth.rules, prompts=1, draw=lambda count, rng: (SMILE,)), rng)
    if decision is None or not decision.prompts:
        return "not recognised"
    return "accepted" if decision.accepted else decision.reason


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--no-sessions", action="store_true", help="the first table alone")
    given = options.parse_args(arguments)
    images, _ = data.lfw()
    all_faces = faces(images)
    kinds = {label: pairs(all_faces, label) for label in (SMILING, STILL, SPEAKING)}
    counts = ", ".join(f"{label} {sum(map(len, of.values()))} of {len(of)} people" for label, of in kinds.items())
    print(f"{len(all_faces)} photographs; pairs with a face at rest: {counts}\n")
    print("| passes for a smile | a smile | a still face | one that speaks |\n|---|---|---|---|")
    for name, rule in RULES.items():
        print(f"| {name} | {' | '.join(rate(rule, of) for of in kinds.values())} |", flush=True)
    if given.no_sessions:
        return
    print("\n| whole checks with one smile | accepted | the others, why |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for label, of in kinds.items():
            ends = Counter(session(Path(folder), images, *found[0]) for found in of.values())
            judged = sum(ends.values()) - ends["not recognised"]
            low, high = interval(ends["accepted"], judged)
            why = ", ".join(f"{reason} {count}" for reason, count in ends.most_common() if reason != "accepted")
            print(f"| {label} | {ends['accepted']} of {judged}, {ends['accepted'] / judged:.0%} ({low:.0%} to "
                  f"{high:.0%}) | {why} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
