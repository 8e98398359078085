"""Figures of the carried age, gender and race network: `python -m benchmarks.face_attributes [--model FILE]`.

On the faces of UTKFace that are never trained on. Prints errors and accuracies through the path for crops and through
detection, by age band, gender and group, the calibration errors, milliseconds beyond identity, and size.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from streamface import build
from streamface.attributes import bundled, emotion, face
from streamface.cropped import detection_of_crop
from streamface.networks.face_attributes import AGES, GENDERS, PARTS, RACES
from streamface.pyramid import Pyramid
from streamface.settings import AnalysisSettings, RuntimeSettings, Settings
from training import common, utkface
from training.utkface import Labels

TIMED = 300
MARGIN = 0.5
"""Around a picture before detection, of its side, so that the face is found as in a frame."""


class Networks:
    """The networks from picture to probabilities, as the package runs them on one thread."""

    def __init__(self, model: Path) -> None:
        settings = Settings(analysis=AnalysisSettings(actions=()), runtime=RuntimeSettings(threads=1))
        build.prepare(settings)
        self.detector, self.analysis = build.detector(settings), build.analysis(settings)
        self.head = face.FaceAttributes(model)

    def chip_of_crop(self, image: np.ndarray) -> np.ndarray:
        """As `analyze(..., detector_backend="skip")` cuts it."""
        return self.analysis.cut(Pyramid(image), detection_of_crop(self.detector, image)).image

    def chip_of_detected(self, image: np.ndarray) -> np.ndarray | None:
        """As a stream cuts it; None where nobody is found."""
        import cv2

        around = round(MARGIN * max(image.shape[:2]))
        frame = cv2.copyMakeBorder(image, around, around, around, around, cv2.BORDER_REPLICATE)
        found = self.detector.detect(frame)
        return self.analysis.cut(Pyramid(frame), max(found, key=lambda d: d.box.area)).image if found else None

    def chances(self, chip: np.ndarray, mirror: bool = False) -> np.ndarray:
        """(108,) of a chip, averaged with its mirror image where asked."""
        chips = np.stack([chip, chip[:, ::-1]]) if mirror else chip[None]
        return self.head.probabilities(self.analysis.recognizer.forward(chips).features).mean(0)


def years(found: np.ndarray) -> np.ndarray:
    """(N,) expected ages of (N, 108) probabilities."""
    return found[:, PARTS["age"]] @ np.arange(AGES)


def row(name: str, found: np.ndarray, labels: Labels, chosen: np.ndarray) -> str:
    """One line of the table, over the chosen pictures."""
    found = found[chosen]
    error = np.abs(years(found) - labels.ages[chosen]).mean()
    gender = (found[:, PARTS["gender"]].argmax(1) == labels.genders[chosen]).mean()
    race = (found[:, PARTS["race"]].argmax(1) == labels.races[chosen]).mean()
    return f"| {name} | {chosen.sum()} | {error:.2f} | {gender:.1%} | {race:.1%} |"


def breakdown(found: np.ndarray, labels: Labels) -> list[str]:
    """Lines by age band, gender and group."""
    lines = []
    for first, end in zip(face.BANDS, (*face.BANDS[1:], 1000), strict=True):
        name = f"{first} to {end - 1} years" if end < 1000 else f"{first} years and more"
        lines.append(row(name, found, labels, (labels.ages >= first) & (labels.ages < end)))
    lines += [row(name, found, labels, labels.genders == index) for index, name in enumerate(GENDERS)]
    return lines + [row(name, found, labels, labels.races == index) for index, name in enumerate(RACES)]


def calibration(found: np.ndarray, labels: Labels) -> str:
    """Calibration errors of gender and race, and how many ages lie within their spread."""
    ages = found[:, PARTS["age"]]
    spread = np.sqrt(ages @ np.arange(AGES) ** 2 - years(found) ** 2)
    within = [(np.abs(years(found) - labels.ages) <= spread * times).mean() for times in (1, 2)]
    error = common.expected_calibration_error
    gender = error(found[:, PARTS["gender"]], labels.genders)
    race = error(found[:, PARTS["race"]], labels.races)
    return (
        f"expected calibration error: gender {gender:.4f}, race {race:.4f}; "
        f"ages within one spread {within[0]:.1%}, within two {within[1]:.1%}"
    )


def median_ms(work, times: int = TIMED) -> float:
    """Median milliseconds of `work()`."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return float(np.median(spent) * 1e3)


def timings(networks: Networks, chip: np.ndarray) -> str:
    """Milliseconds of the parts of one face."""
    forward = networks.analysis.recognizer.forward
    features = forward(chip[None]).features
    lines = f"identity {median_ms(lambda: forward(chip[None])):.2f} ms a face, 1 thread, median of {TIMED}; beyond it: "
    lines += f"age, gender and race {median_ms(lambda: networks.head.predict(features)):.2f} ms"
    if emotion.MODEL.exists():
        every = bundled.create(AnalysisSettings(), RuntimeSettings())
        actions = ("age", "gender", "emotion", "race")
        lines += f", with emotion {median_ms(lambda: every.predict(chip[None], actions, features)):.2f} ms"
    return lines


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.face_attributes", description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=face.MODEL, help="a LiteRT file other than the carried one")
    model = parser.parse_args().model
    networks = Networks(model)
    images, labels = utkface.validation()
    chips = [networks.chip_of_crop(image) for image in images]
    detected = [networks.chip_of_detected(image) for image in images]
    everybody = np.ones(len(images), bool)
    seen = np.array([chip is not None for chip in detected])
    found = np.stack([networks.chances(chip) for chip in chips])
    mirrored = np.stack([networks.chances(chip, mirror=True) for chip in chips])
    of_detected = np.stack([networks.chances(chips[i] if chip is None else chip) for i, chip in enumerate(detected)])
    lines = ["| faces | pictures | age error, years | gender | race |", "|---|---|---|---|---|"]
    lines.append(row("all, cropped", found, labels, everybody))
    lines.append(row("all, cropped, with the mirror image", mirrored, labels, everybody))
    lines.append(row("all that detection finds", of_detected, labels, seen))
    lines.append(row("all, cropped, that are not in training too", found, labels, ~utkface.repeated()))
    lines += breakdown(found, labels) + [calibration(found, labels), timings(networks, chips[0])]
    sys.stdout.write("\n".join(lines) + f"\n{model.stat().st_size / 1e6:.2f} MB\n")


if __name__ == "__main__":
    main()
