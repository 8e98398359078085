"""Fit the alignment template of the Dlib network. `python -m training.dlib_template`

dlib cuts its chips by 68 landmarks (with a padding of 0.25), and its network was trained on such chips. This finds
where MTCNN's five points fall on them: for each photograph of lfw_dev in which dlib's detector finds one face, the
five points are moved into dlib's chip, and the medians are made symmetric. Needs the package dlib-bin.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks import data
from benchmarks.verification import central
from streamface import build, geometry
from streamface.settings import Settings
from streamface.types import LANDMARKS

CHIP_PX, PADDING = 150, 0.25


def points_on_chip(image: np.ndarray, landmarks: np.ndarray, find_faces, place_points) -> np.ndarray | None:
    """(5, 2) landmarks as fractions of dlib's chip; None where dlib does not see exactly one face."""
    import dlib

    rgb = np.ascontiguousarray(image[:, :, ::-1])
    faces = find_faces(rgb, 1)
    if len(faces) != 1:
        return None
    chip = dlib.get_face_chip_details(place_points(rgb, faces[0]), CHIP_PX, PADDING)
    rect, turn = (
        chip.rect,
        np.array([[np.cos(chip.angle), -np.sin(chip.angle)], [np.sin(chip.angle), np.cos(chip.angle)]]),
    )
    corners = np.array([(x, y) for y in (rect.top(), rect.bottom()) for x in (rect.left(), rect.right())])
    middle = corners.mean(0)
    # dlib counts from the middle of the first pixel, streamface from its corner.
    target = np.array([(x, y) for y in (0, CHIP_PX - 1) for x in (0, CHIP_PX - 1)]) + 0.5
    transform = geometry.similarity((corners - middle) @ turn.T + middle + 0.5, target)
    return geometry.transform_points(transform, landmarks) / CHIP_PX


def symmetric(points: np.ndarray) -> np.ndarray:
    """(5, 2) the mean of points and their mirror image."""
    mirrored = np.stack([1 - points[:, 0], points[:, 1]], 1)[[1, 0, 2, 4, 3]]
    return (points + mirrored) / 2


def main() -> None:
    """Print the template and how far the points scatter around it."""
    import dlib

    package = Path(importlib.util.find_spec("face_recognition_models").submodule_search_locations[0])
    place_points = dlib.shape_predictor(str(package / "models" / "shape_predictor_68_face_landmarks.dat"))
    find_faces = dlib.get_frontal_face_detector()
    settings = Settings()
    build.prepare(settings)
    detector = build.detector(settings)
    found = []
    for image in tqdm(data.lfw()[0].values()):
        detection = central(detector.detect(image), image)
        points = None if detection is None else points_on_chip(image, detection.landmarks, find_faces, place_points)
        if points is not None:
            found.append(points)
    template = symmetric(np.median(found, axis=0))
    scatter = np.abs(np.array(found) - template).mean(0)
    print(f"{len(found)} faces")
    for name, point, spread in zip(LANDMARKS, template, scatter, strict=True):
        print(f"{name:12s} {point[0]:.4f} {point[1]:.4f}   mean distance {spread[0]:.4f} {spread[1]:.4f}")


if __name__ == "__main__":
    main()
