"""Attributes of crops, asked as a user asks: `python -m benchmarks.crops [--every N] [--only emotion|face]`.

Every picture goes through `streamface.analyze(crop, actions=[...], detector_backend="skip", enforce_detection=False)`.
Prints the accuracy of the emotion on FER2013's PublicTest, and age, gender and race on the faces of UTKFace that are
never trained on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

import numpy as np
from tqdm import tqdm

import streamface
from benchmarks import emotion
from streamface.networks.face_attributes import GENDERS, RACES


def answers(images: Iterable[np.ndarray], actions: list[str]) -> list[dict]:
    """What `analyze` says of each crop."""
    ask = {"actions": actions, "detector_backend": "skip", "enforce_detection": False}
    return [streamface.analyze(image, **ask) for image in tqdm(images, mininterval=2)]


def of_emotion(every: int) -> str:
    """The line on PublicTest."""
    images, labels = emotion.publictest()
    images, labels = images[::every], labels[::every]
    found = [answer["dominant_emotion"] for answer in answers(images, ["emotion"])]
    right = np.mean([label == emotion.LABELS[truth] for label, truth in zip(found, labels, strict=True)])
    return f"emotion {right:.2%} of {len(labels)}"


def of_faces(every: int) -> str:
    """The line on UTKFace."""
    from training import utkface

    images, labels = utkface.validation()
    found = answers(images[::every], ["age", "gender", "race"])
    age = np.mean([abs(answer["age"] - truth) for answer, truth in zip(found, labels.ages[::every], strict=True)])
    gender = [answer["gender"] == GENDERS[truth] for answer, truth in zip(found, labels.genders[::every], strict=True)]
    race = [answer["dominant_race"] == RACES[truth] for answer, truth in zip(found, labels.races[::every], strict=True)]
    return f"age error {age:.2f} years, gender {np.mean(gender):.1%}, race {np.mean(race):.1%} of {len(found)}"


def main() -> None:
    """Read the command line, ask, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crops", description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="take one picture in so many")
    parser.add_argument("--only", choices=("emotion", "face"), help="one of the two")
    options = parser.parse_args()
    for name, look in (("face", of_faces), ("emotion", of_emotion)):
        if options.only in (None, name):
            sys.stdout.write(look(options.every) + "\n")


if __name__ == "__main__":
    main()
