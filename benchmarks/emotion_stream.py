"""How the emotion behaves in the stream: `python -m benchmarks.emotion_stream [--faces 6]`.

Faces of UTKFace whose emotions the network tells with certainty stand in a frame of 640x480 at 25/s, with the noise
and the unsteadiness of a camera. Each stands for 4 seconds, then another one, with another emotion, is in its place.
Prints the seconds until the label is the new face's, and how often the label of a face that stays changes.
"""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise

import numpy as np

from streamface.analyzer import Analyzer
from streamface.attributes.emotion import LABELS, TEMPLATE, EmotionPredictor
from training import utkface

FPS, SECONDS = 25, 4.0
SIDE_PX = 200
NOISE = 4.0
SURE = 0.7


def chosen(count: int) -> list[np.ndarray]:
    """Faces of which each has another emotion than the one before."""
    images, _ = utkface.validation()
    chances = EmotionPredictor(TEMPLATE).predict_crops(images)
    picked, last = [], -1
    for image, row in zip(images, chances, strict=True):
        if row.max() >= SURE and row.argmax() != last and len(picked) < count:
            picked.append(image)
            last = row.argmax()
    return picked


def frames(image: np.ndarray, rng: np.random.Generator):
    """The face in the middle of `SECONDS` of video."""
    import cv2

    face = cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    for _ in range(round(FPS * SECONDS)):
        x, y = np.array([220, 140]) + rng.integers(-1, 2, 2)
        frame = np.full((480, 640, 3), 110, np.uint8)
        frame[y : y + SIDE_PX, x : x + SIDE_PX] = face
        yield np.clip(frame + rng.normal(0, NOISE, frame.shape), 0, 255).astype(np.uint8)


def labels_of(images: list[np.ndarray]) -> list[list[str | None]]:
    """For each face, the label of each of its frames; None while nobody is found."""
    rng, shown, index = np.random.default_rng(0), [], 0
    with Analyzer(actions="emotion") as analyzer:
        for image in images:
            shown.append([])
            for frame in frames(image, rng):
                found = [face.attributes.get("emotion") for face in analyzer(frame, index / FPS).faces]
                shown[-1].append(found[0].label if found and found[0] else None)
                index += 1
    return shown


def delays(shown: list[list[str | None]]) -> list[float]:
    """Seconds from each change of the face until the label that the new one has at its end is there to stay."""
    found = []
    for before, after in pairwise(shown):
        if after[-1] != before[-1]:
            wrong = [index for index, label in enumerate(after) if label != after[-1]]
            found.append((wrong[-1] + 1 if wrong else 0) / FPS)
    return found


def main() -> None:
    """Read the command line, play, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.emotion_stream", description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=6)
    images = chosen(parser.parse_args().faces)
    shown = labels_of(images)
    late = [labels[len(labels) // 2 :] for labels in shown]
    changes = sum(a != b for labels in late for a, b in pairwise(labels))
    waited = delays(shown)
    sys.stdout.write(
        f"{len(images)} faces of the emotions {', '.join(str(labels[-1]) for labels in shown)} (of {len(LABELS)})\n"
        f"the label followed after {', '.join(f'{delay:.2f}' for delay in waited)} s\n"
        f"{changes} changes of label in {len(images) * SECONDS / 2:.0f} s of faces that stay\n"
    )


if __name__ == "__main__":
    main()
