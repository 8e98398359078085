"""Age, gender and race, by the head that this project trained on UTKFace (docs/models/face_attributes.md).

It takes the middle features of dlib's face ResNet, so that one pass of that network serves identity and
attributes. Where another network names people, `SharedTrunk` gives the features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from streamface import geometry
from streamface.networks import dlib_resnet
from streamface.networks.face_attributes import AGES, GENDERS, OUTPUTS, PARTS, RACES
from streamface.pyramid import Pyramid
from streamface.runtime.session import Session
from streamface.types import Attribute

MODEL = Path(__file__).resolve().parents[1] / "bundled" / "face_attributes.tflite"
NAMES = ("age", "gender", "race")
BANDS = (0, 3, 13, 20, 30, 40, 50, 60, 70)
"""First year of each age band of the scores; the last has no end."""


class FaceAttributes:
    """Age, gender and race of faces; not thread-safe, one thread at a time.

    Args:
        model: LiteRT file or bytes; None for the carried one. Raises `WeightsError` when it is not one.
        threads: threads of one pass.
    """

    def __init__(self, model: Path | bytes | None = None, threads: int = 1) -> None:
        self._session = Session(MODEL if model is None else model, threads)

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """(N, 108) float32 for (N, 17, 17, 64) float32 features: ages 0..100, genders, races; `PARTS` says where."""
        # One by one, as the trunk's own passes: a change of batch size costs more than a face.
        passes = [self._session.run(np.ascontiguousarray(face[None], np.float32))[0] for face in features]
        return np.concatenate([np.empty((0, OUTPUTS), np.float32), *passes])

    def predict(self, features: np.ndarray, actions: Sequence[str] = NAMES) -> list[Mapping[str, Attribute]]:
        """Action -> attribute for each of (N, 17, 17, 64) float32 features; actions are some of `NAMES`.

        Age has its expectation as the value and its standard deviation as the spread, both in years, and scores
        per band of `BANDS`.
        """
        return [attributes_of(row, actions) for row in self.probabilities(features)]


class SharedTrunk:
    """dlib's face ResNet up to the features, for chips that another recognition network's alignment made.

    Args:
        model: LiteRT bytes of `dlib_resnet.conversion()`.
        chip_template: (5, 2) where the landmarks lie on the chips, in fractions of their side.
        threads: threads of one pass.
    """

    def __init__(self, model: bytes, chip_template: np.ndarray, threads: int = 1) -> None:
        self._session = Session(model, threads)
        self._chip_template = np.asarray(chip_template, np.float32)

    def features(self, chips: np.ndarray) -> np.ndarray:
        """(N, 17, 17, 64) float32 for (N, S, S, 3) uint8 BGR chips."""
        passes = [self._session.run(self._own(chip)[None].astype(np.float32))[1] for chip in chips]
        return np.concatenate([np.empty((0, *dlib_resnet.FEATURES_SHAPE), np.float32), *passes])

    def _own(self, chip: np.ndarray) -> np.ndarray:
        """The chip in dlib's framing; one that has it already stays as it is."""
        theirs, own = self._chip_template, dlib_resnet.TEMPLATE
        if len(chip) == dlib_resnet.INPUT_PX and np.array_equal(theirs, own):
            return chip
        transform = geometry.similarity(theirs * len(chip), own * dlib_resnet.INPUT_PX)
        return Pyramid(chip).warped(transform, dlib_resnet.INPUT_PX)


def attributes_of(probabilities: np.ndarray, actions: Sequence[str] = NAMES) -> dict[str, Attribute]:
    """Action -> attribute of one row of `FaceAttributes.probabilities`."""
    makers = {"age": _age, "gender": _gender, "race": _race}
    return {name: makers[name](probabilities[PARTS[name]].astype(np.float64)) for name in actions}


def _age(chances: np.ndarray) -> Attribute:
    chances = chances / chances.sum()
    years = np.arange(AGES)
    value = float(chances @ years)
    spread = float(np.sqrt(chances @ (years - value) ** 2))
    last = (*BANDS[1:], AGES)
    names = [f"{first}-{end - 1}" for first, end in zip(BANDS, last, strict=True)]
    names[-1] = f"{BANDS[-1]}+"
    scores = dict(zip(names, map(float, np.add.reduceat(chances, BANDS)), strict=True))
    return Attribute("age", str(round(value)), max(scores.values()), value, scores, spread)


def _gender(chances: np.ndarray) -> Attribute:
    return chosen("gender", GENDERS, chances)


def _race(chances: np.ndarray) -> Attribute:
    return chosen("race", RACES, chances)


def chosen(name: str, labels: Sequence[str], chances: np.ndarray) -> Attribute:
    """The attribute of the most probable label; chances (K,) in the order of `labels`."""
    chances = np.asarray(chances, np.float64) / np.sum(chances, dtype=np.float64)
    best = int(chances.argmax())
    return Attribute(
        name, labels[best], float(chances[best]), None, dict(zip(labels, map(float, chances), strict=True))
    )
