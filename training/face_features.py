"""UTKFace as features of dlib's trunk: aligned, varied and kept in a cache, so that a head trains without pixels.

The trunk below the branch is never trained, so each variation of a picture is sent through it once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from streamface import cropped, geometry
from streamface.alignment import LANDMARK_WEIGHTS
from streamface.networks import dlib_resnet
from streamface.pyramid import Pyramid
from training.dlib_torch import Trunk
from training.utkface import Faces

BATCH = 64
SHARE_AS_IS = 0.12
"""Of the variations that keep the crop's own framing, for the rare crop in which no face is found."""


def chip(image: np.ndarray, landmarks: np.ndarray, change: np.ndarray | None = None) -> np.ndarray:
    """The (150, 150, 3) chip, as the package aligns it; `change` (2, 3) is applied on the chip."""
    transform = geometry.similarity(landmarks, dlib_resnet.TEMPLATE * dlib_resnet.INPUT_PX, LANDMARK_WEIGHTS)
    if change is not None:
        transform = (np.vstack([change, [0, 0, 1]]) @ np.vstack([transform, [0, 0, 1]]))[:2]
    return Pyramid(image).warped(transform, dlib_resnet.INPUT_PX)


def varied_chip(image: np.ndarray, landmarks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A chip as another camera and another detection would give it."""
    if rng.random() < SHARE_AS_IS:
        landmarks = cropped.FRAMING * np.float32([image.shape[1], image.shape[0]])
    loose = 2.5 if rng.random() < 0.15 else 1.0
    found = chip(image, landmarks, _misplaced(rng, loose))
    if rng.random() < 0.5:
        found = found[:, ::-1]
    return _covered(_degraded(_relit(found, rng), rng), rng)


def _misplaced(rng: np.random.Generator, strength: float) -> np.ndarray:
    """A small turn, zoom and shift about the middle of the chip."""
    middle = dlib_resnet.INPUT_PX / 2
    turn, zoom = rng.normal(0, 0.05 * strength), np.exp(rng.normal(0, 0.04 * strength))
    cos, sin = zoom * np.cos(turn), zoom * np.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]])
    shift = rng.normal(0, 0.015 * strength * dlib_resnet.INPUT_PX, 2)
    return np.hstack([linear, ((middle, middle) - linear @ (middle, middle) + shift)[:, None]])


def _relit(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other gamma, contrast and white balance; one in twelve without colour. float32."""
    x = np.power(image.astype(np.float32) / 255, np.exp(rng.normal(0, 0.2)))
    x = x * np.exp(rng.normal(0, 0.06, 3)).astype(np.float32) * np.float32(np.exp(rng.normal(0, 0.1)))
    mean, grey = x.mean(), x.mean(2, keepdims=True)
    x = mean + (x - mean) * np.float32(np.exp(rng.normal(0, 0.12)))
    saturation = 0.0 if rng.random() < 1 / 12 else np.exp(rng.normal(0, 0.2))
    return (np.clip(grey + (x - grey) * np.float32(saturation), 0, 1) * 255).astype(np.float32)


def _degraded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Some of a small or distant face, some noisy, some after a JPEG of low quality. uint8."""
    side = len(image)
    if rng.random() < 0.3:
        small = int(rng.uniform(32, 100))
        image = cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (side, side))
    if rng.random() < 0.2:
        image = image + rng.normal(0, rng.uniform(2, 10), image.shape).astype(np.float32)
    image = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(25, 90))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
    return image


def _covered(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One in four with a rectangle in one colour (Zhong et al., "Random Erasing Data Augmentation", AAAI 2020)."""
    if rng.random() >= 0.25:
        return image
    image, side = image.copy(), len(image)
    (x, y), (width, height) = rng.integers(0, side, 2), rng.integers(side // 8, side // 3, 2)
    image[y : y + height, x : x + width] = rng.integers(0, 256, 3)
    return image


class Cache:
    """Features in `folder`: one file a variation, float16, made when first asked for and kept.

    Args:
        folder: where the files are; some 0.8 GB a variation.
        faces: the pictures.
        training: indices of those to vary.
    """

    def __init__(self, folder: Path, faces: Faces, training: np.ndarray) -> None:
        self.folder, self.faces, self.training = folder, faces, training
        self._trunk = Trunk().eval().to(memory_format=torch.channels_last)

    def variation(self, number: int) -> np.ndarray:
        """(len(training), 17, 17, 64) of variation `number`, memory-mapped."""

        def chips() -> Iterator[np.ndarray]:
            for index in self.training:
                rng = np.random.default_rng((number, int(index)))
                yield varied_chip(self.faces.images[index], self.faces.landmarks[index], rng)

        return self._kept(f"variation-{number}", chips(), len(self.training))

    def plain(self, name: str, indices: np.ndarray) -> np.ndarray:
        """(len(indices), 17, 17, 64) of the chips as the package aligns them, memory-mapped."""
        chips = (chip(self.faces.images[i], self.faces.landmarks[i]) for i in indices)
        return self._kept(name, chips, len(indices))

    def _kept(self, name: str, chips: Iterator[np.ndarray], count: int) -> np.ndarray:
        path = self.folder / f"{name}-{count}.npy"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}.part")
            shape = (count, *dlib_resnet.FEATURES_SHAPE)
            rows = np.lib.format.open_memmap(part, "w+", np.float16, shape)
            for start in tqdm(range(0, count, BATCH), name, mininterval=2):
                batch = np.stack([next(chips) for _ in range(min(BATCH, count - start))])
                rows[start : start + len(batch)] = self._features(batch)
            rows.flush()
            part.replace(path)
        return np.load(path, mmap_mode="r")

    @torch.no_grad()
    def _features(self, chips: np.ndarray) -> np.ndarray:
        batch = torch.from_numpy(np.ascontiguousarray(chips)).permute(0, 3, 1, 2).float()
        with torch.autocast("cpu", torch.bfloat16):
            return self._trunk(batch).permute(0, 2, 3, 1).half().numpy()
