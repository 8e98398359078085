"""UTKFace: its pictures, its labels, and which of them serve what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from streamface import cropped
from streamface.detection import mtcnn
from streamface.runtime import convert
from streamface.settings import DetectionSettings, RuntimeSettings
from training import common

ARCHIVE = "utkface_train.tar"
SPLIT_SEED = 20
VALIDATION_SHARE = 0.1
CALIBRATION = 800
"""Pictures of the training part that serve the temperatures alone."""


@dataclass(frozen=True)
class Labels:
    """What is known of N pictures: (N,) int64 years, 0 man 1 woman, index in `face_attributes.RACES`."""

    ages: np.ndarray
    genders: np.ndarray
    races: np.ndarray


@dataclass(frozen=True)
class Faces:
    """The pictures with what is known of them; one row a picture."""

    images: list[np.ndarray]
    landmarks: np.ndarray
    """(N, 5, 2) pixels, as `cropped.detection_of_crop` finds them."""
    rows: np.ndarray
    """(N, 3) int64: age, gender, race."""

    def labels(self, indices: np.ndarray) -> Labels:
        """The labels of some of the pictures."""
        return Labels(*self.rows[indices].T)


@dataclass(frozen=True)
class Parts:
    """Indices of the pictures by what they serve; a picture is in one part only."""

    training: np.ndarray
    calibration: np.ndarray
    validation: np.ndarray


def parts(count: int) -> Parts:
    """The same parts for the same count, whatever the seed of the training."""
    rest, validation = common.split(count, round(VALIDATION_SHARE * count), SPLIT_SEED)
    training, calibration = common.split(len(rest), min(CALIBRATION, len(rest) // 4), SPLIT_SEED + 1)
    return Parts(rest[training], rest[calibration], validation)


def labels_of(name: str) -> tuple[int, int, int]:
    """(age, gender, race) of a file named `number_age_gender_race.webp`."""
    _, age, gender, race = Path(name).stem.split("_")
    return int(age), int(gender), int(race)


def detector() -> mtcnn.Mtcnn:
    """MTCNN as the package sets it up for crops."""
    settings = DetectionSettings()
    convert.ensure(mtcnn.required(settings))
    return mtcnn.create(settings, RuntimeSettings())


def load(limit: int | None = None) -> Faces:
    """All pictures of the archive (or the first `limit`), their landmarks found through the path for crops."""
    finder, images, landmarks, labels = detector(), [], [], []
    for name, image in tqdm(common.read_tar(common.data_file(ARCHIVE)), "landmarks", mininterval=2):
        images.append(image)
        landmarks.append(cropped.detection_of_crop(finder, image).landmarks)
        labels.append(labels_of(name))
        if len(images) == limit:
            break
    return Faces(images, np.stack(landmarks), np.array(labels, np.int64))


def validation() -> tuple[list[np.ndarray], Labels]:
    """The pictures that are never trained on, and their labels."""
    pairs = list(common.read_tar(common.data_file(ARCHIVE)))
    indices = parts(len(pairs)).validation
    rows = np.array([labels_of(pairs[index][0]) for index in indices], np.int64)
    return [pairs[index][1] for index in indices], Labels(*rows.T)


def repeated(least: float = 0.97) -> np.ndarray:
    """(validation,) bool: those pictures that stand once more, nearly the same, among the others.

    UTKFace was collected from several sources; 6 % of its pictures are there twice, often with other labels. Compared
    at 24x24 grey pixels, by correlation.
    """
    import cv2

    thumbnails = []
    for _, image in common.read_tar(common.data_file(ARCHIVE), grey=True):
        small = cv2.resize(image, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        small -= small.mean()
        thumbnails.append(small / max(float(np.linalg.norm(small)), 1e-6))
    table, held_out = np.stack(thumbnails), parts(len(thumbnails))
    others = np.concatenate([held_out.training, held_out.calibration])
    return (table[held_out.validation] @ table[others].T).max(1) > least
