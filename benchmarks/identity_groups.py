"""Recognition by gender, age band and group of people: `python -m benchmarks.identity_groups [MODEL[:WEIGHTS] ...]`

At the network's strict threshold (cosine), one pass a face:
accepted          the share of lfw_dev's true pairs that count as one person. lfw_dev has no labels: gender, age and
                  group are what the carried attribute network says of a person's pictures together.
false, lfw_dev    false matches per 1,000 pairs of two people of the same predicted group in lfw_dev.
false, UTKFace    false matches per 1,000 pairs of two pictures of the same labelled group, of every fourth picture of
                  UTKFace's archive. Nearly all are of two people, but some people and pictures stand in it twice; and
                  OpenFace was taught on these pictures, without knowing who is who.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import data
from benchmarks.face_attributes import Networks, years
from benchmarks.identification import settings_of
from benchmarks.verification import central
from streamface import build
from streamface.attributes import face
from streamface.cropped import detection_of_crop
from streamface.networks.face_attributes import GENDERS, PARTS, RACES
from streamface.pyramid import Pyramid
from streamface.recognition.base import unit
from training import common, utkface

BANDS = ((0, 12), (13, 19), (20, 39), (40, 59), (60, 200))
"""Age bands: first and last year."""
EVERY = 4
"""UTKFace's pictures that are compared."""


def groups(ages: np.ndarray, genders: np.ndarray, races: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Name of each group, and which of N belong to it."""
    yield "all", np.ones(len(ages), bool)
    for index, name in enumerate(GENDERS):
        yield name, genders == index
    for first, last in BANDS:
        yield f"{first} to {last} years" if last < 200 else f"{first} years and more", (ages >= first) & (ages <= last)
    for index, name in enumerate(RACES):
        yield name, races == index


def false_matches(vectors: np.ndarray, people: np.ndarray, limit: float) -> float:
    """Per 1,000 pairs of two people among (N, D) unit vectors; 0 where there are none."""
    apart = np.triu(people[:, None] != people[None], 1)
    return 1e3 * float(((vectors @ vectors.T > 1 - limit) & apart).sum()) / max(int(apart.sum()), 1)


def predicted(images: dict[str, np.ndarray], detector) -> dict[str, np.ndarray]:
    """Person of lfw_dev -> what the carried attribute network says, (108,), over all pictures."""
    networks, found = Networks(Path(face.MODEL)), {}
    for name, image in images.items():
        detection = central(detector.detect(image), image)
        if detection is not None:
            chip = networks.analysis.cut(Pyramid(image), detection).image
            found.setdefault(data.person(name), []).append(networks.chances(chip))
    return {person: np.mean(rows, 0) for person, rows in found.items()}


def lfw_vectors(analysis, detector, images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """File -> (D,) of length 1."""
    found = {}
    for name, image in images.items():
        detection = central(detector.detect(image), image)
        if detection is not None:
            found[name] = unit(analysis.recognizer.embed(analysis.cut(Pyramid(image), detection).image[None]))[0]
    return found


def utkface_vectors(analysis, detector) -> tuple[np.ndarray, np.ndarray]:
    """(N, D) of length 1 of every `EVERY`th picture, and (N, 3) age, gender, race."""
    vectors, rows = [], []
    for index, (name, image) in enumerate(common.read_tar(common.data_file(utkface.ARCHIVE))):
        if index % EVERY == 0:
            chip = analysis.cut(Pyramid(image), detection_of_crop(detector, image)).image
            vectors.append(analysis.recognizer.embed(chip[None])[0])
            rows.append(utkface.labels_of(name))
    return unit(np.stack(vectors)), np.array(rows)


def main() -> None:
    """Print a table for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["OpenFace"], help="MODEL, or MODEL:WEIGHTS")
    given = parser.parse_args()
    images, pairs = data.lfw()
    labels = None
    for name in given.models:
        settings = settings_of(name)
        build.prepare(settings)
        detector, analysis, limit = build.detector(settings), build.analysis(settings), build.threshold(settings)
        labels = labels or predicted(images, detector)
        found = lfw_vectors(analysis, detector, images)
        print(f"\n{name}, up to {limit:.3f}\n| | people | true pairs | accepted | false, lfw_dev | false, UTKFace |")
        print("|---|---|---|---|---|---|")
        for line in lines(found, labels, pairs, utkface_vectors(analysis, detector), limit):
            print(line, flush=True)


def lines(found, labels, pairs, utk: tuple[np.ndarray, np.ndarray], limit: float) -> Iterator[str]:
    """The table's rows."""
    names = sorted(labels)
    chances = np.stack([labels[name] for name in names])
    parts = years(chances), *(chances[:, PARTS[part]].argmax(1) for part in ("gender", "race"))
    true = [(data.person(a), float(found[a] @ found[b])) for a, b, same in pairs if same and a in found and b in found]
    vectors, owners = np.stack(list(found.values())), np.array([data.person(file) for file in found])
    known = dict(groups(*utk[1].T))
    for title, members in groups(*parts):
        inside = {name for name, member in zip(names, members, strict=True) if member}
        scores = np.array([score for person, score in true if person in inside])
        here, there = np.isin(owners, list(inside)), utk[0][known[title]]
        rates = false_matches(vectors[here], owners[here], limit), false_matches(there, np.arange(len(there)), limit)
        accepted = f"{np.mean(scores > 1 - limit):.1%}" if len(scores) else "none"
        yield f"| {title} | {len(inside)} | {len(scores)} | {accepted} | {rates[0]:.1f} | {rates[1]:.1f} |"


if __name__ == "__main__":
    main()
