"""Naming one face among few or many, strangers included: `python -m benchmarks.identification [MODEL[:WEIGHTS] ...]`

Open-set identification on lfw_dev, detect to decision: some people are enrolled with one or three pictures each; every
other picture of lfw_dev is asked about. A stranger's picture that gets a name is a wrong name. At the distance that
lets 0.1 % or 1 % of them through, the identification rate is the share of the enrolled people's pictures that get
their own name. Mean over many draws of who is enrolled; a face that was missed is never named.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from benchmarks import data
from benchmarks.verification import embeddings
from streamface import build
from streamface.gallery.distances import unit
from streamface.settings import AnalysisSettings, RecognitionSettings, Settings

SIZES, PICTURES, RATES = (20, 100), (1, 3), (0.001, 0.01)
DRAWS = 50


@dataclass(frozen=True)
class Answers:
    """What a gallery said of N pictures."""

    nearest: np.ndarray
    """(N,) distance of the nearest enrolled person."""
    right: np.ndarray
    """(N,) bool: that person is the one in the picture."""
    enrolled: np.ndarray
    """(N,) bool: the person in the picture is enrolled; else a stranger."""


def settings_of(name: str) -> Settings:
    """Settings for 'MODEL' or 'MODEL:WEIGHTS'."""
    model, _, weights = name.partition(":")
    recognition = RecognitionSettings(model=model, weights=weights or None)
    return Settings(recognition=recognition, analysis=AnalysisSettings(actions=()))


def answers(vectors: np.ndarray, people: np.ndarray, enrolled: dict[str, np.ndarray]) -> Answers:
    """Ask about every picture that is not enrolled, by cosine distance.

    vectors (N, D); people (N,) names; enrolled: name -> indices of that person's pictures in the gallery.
    """
    rows = np.concatenate(list(enrolled.values()))
    owner = np.concatenate([np.full(len(indices), name) for name, indices in enrolled.items()])
    asked = np.setdiff1d(np.arange(len(people)), rows)
    far = 1 - unit(vectors[asked]) @ unit(vectors[rows]).T
    nearest = far.argmin(1)
    known = np.isin(people[asked], list(enrolled))
    return Answers(far[np.arange(len(asked)), nearest], owner[nearest] == people[asked], known)


def rate(found: Answers, wrong_names: float) -> tuple[float, float]:
    """(share of the enrolled people's pictures that get their own name, largest distance that names).

    The distance is the largest at which no more than `wrong_names` of the strangers' pictures get a name.
    """
    strangers = np.sort(found.nearest[~found.enrolled])
    limit = strangers[int(wrong_names * len(strangers))]
    named = found.enrolled & found.right & (found.nearest < limit)
    return float(named.sum() / found.enrolled.sum()), float(limit)


def draw(people: np.ndarray, size: int, pictures: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """`size` people of whom at least one picture is left over, each with `pictures` enrolled ones."""
    by_name: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(people):
        by_name[str(name)].append(index)
    able = [name for name, indices in by_name.items() if len(indices) > pictures]
    chosen = rng.permutation(able)[:size]
    return {name: rng.permutation(by_name[name])[:pictures] for name in chosen}


def table(vectors: np.ndarray, people: np.ndarray) -> dict[tuple[int, int], list[tuple[float, float]]]:
    """(people enrolled, pictures of each) -> (identification rate, distance) for each of `RATES`: means over draws."""
    found = {}
    for size in SIZES:
        for pictures in PICTURES:
            rng = np.random.default_rng((size, pictures))
            rows = []
            for _ in range(DRAWS):
                said = answers(vectors, people, draw(people, size, pictures, rng))
                rows.append([rate(said, wrong) for wrong in RATES])
            found[size, pictures] = [tuple(row) for row in np.mean(rows, 0)]
    return found


def main() -> None:
    """Print a table for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["OpenFace", "Dlib"], help="MODEL, or MODEL:WEIGHTS")
    images, _ = data.lfw()
    for name in parser.parse_args().models:
        settings = settings_of(name)
        found = {file: rows[0] for file, rows in embeddings(settings, images).items() if rows is not None}
        people = np.array([data.person(file) for file in found])
        print(f"\n{name}: {build.spec(settings).name}, {len(found)} of {len(images)} pictures with a face")
        print("| enrolled | pictures of each | " + " | ".join(f"at {r:.1%} wrong names" for r in RATES) + " |")
        print("|---|---|" + "---|" * len(RATES))
        for (size, pictures), row in table(np.stack(list(found.values())), people).items():
            cells = [f"{share:.1%} (up to {limit:.3f})" for share, limit in row]
            print(f"| {size} | {pictures} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
