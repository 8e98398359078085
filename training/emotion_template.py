"""Measure where the landmarks lie on FER2013's pictures: `python -m training.emotion_template`.

MTCNN runs on the pictures of PublicTest (their emotions play no part), enlarged four times, with the edges repeated
around them because many faces fill the picture. Printed: the median of each point in fractions of the side, made
symmetric, which is `TEMPLATE` in streamface/attributes/emotion.py.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from tqdm import tqdm

from streamface.detection import mtcnn
from streamface.runtime import convert
from streamface.settings import DetectionSettings, RuntimeSettings
from training import common

SIDE_PX, MARGIN_PX = 192, 48
EVERY = 6
MIRRORED = [1, 0, 2, 4, 3]


def landmarks(detector: mtcnn.Mtcnn, picture: np.ndarray) -> np.ndarray | None:
    """(5, 2) in fractions of the side of a (48, 48) picture, None where no face is found."""
    import cv2

    large = cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, *(MARGIN_PX,) * 4, cv2.BORDER_REPLICATE)
    found = detector.detect(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR))
    return (found[0].landmarks - MARGIN_PX) / SIDE_PX if found else None


def main() -> None:
    """Print the template, and of how many pictures."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion_template", description=__doc__.splitlines()[0])
    parser.add_argument("--archive", default="fer2013_publictest.tar", help="a tar of the data folder")
    archive = common.data_file(parser.parse_args().archive)
    detection = DetectionSettings(min_face_px=80)
    convert.ensure(mtcnn.required(detection))
    detector = mtcnn.create(detection, RuntimeSettings())
    pictures = [image for _, image in common.read_tar(archive, grey=True)][::EVERY]
    points = [landmarks(detector, picture) for picture in tqdm(pictures, mininterval=2)]
    found = np.array([p for p in points if p is not None])
    both = np.concatenate([found, found[:, MIRRORED] * [-1, 1] + [1, 0]])
    sys.stdout.write(f"found {len(found)} of {len(pictures)}\n{np.median(both, 0).round(4).tolist()}\n")


if __name__ == "__main__":
    main()
