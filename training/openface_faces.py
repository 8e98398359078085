"""Aligned faces and what dlib's network says of them: the data that OpenFace is taught with, kept in a folder.

Three kinds of pictures: those of UTKFace; those of FER2013, which are grey and small; and morphs of two pictures of
UTKFace, people who do not exist. The pupil is to learn the teacher's function, not 21,392 points of it (Beyer et
al., "Knowledge distillation: A good teacher is patient and consistent", CVPR 2022), so the teacher is asked about
each morph itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from streamface import cropped, geometry
from streamface.alignment import LANDMARK_WEIGHTS
from streamface.errors import SourceError
from streamface.networks import dlib_resnet
from streamface.pyramid import Pyramid
from streamface.recognition import openface
from training import common, utkface
from training.dlib_torch import Trunk, dlib_block

BATCH = 64
POOL = 16_384
"""Morphs made together."""
MARGIN_PX = 8
"""Kept around the 96x96 chip on each side, so that a misplaced cut still shows picture."""
CHIP_PX = openface.SPEC.input_px + 2 * MARGIN_PX
EMBEDDING, POOLED = 128, 256
"""The teacher's numbers of a picture: its embedding of length 1, then what its last layer sees."""
CANVAS_PX = 176
CANVAS = 0.5 + (cropped.FRAMING - 0.5) * (144 / CANVAS_PX)
"""(5, 2): where the landmarks lie in the middle of a canvas on which two faces are morphed."""
EMOTIONS_FROM = 4
"""The epoch in which they join."""


class Teacher(nn.Module):
    """dlib's whole network; (N, 3, 150, 150) BGR of 0..255 in, (N, 128) and (N, 256) out."""

    def __init__(self) -> None:
        super().__init__()
        (_, *_), matrix = dlib_resnet.raw_pixel_layers()
        self.trunk = Trunk()
        self.blocks = nn.Sequential(*(dlib_block(i) for i in range(dlib_resnet.BRANCH, len(dlib_resnet.BLOCKS))))
        self.register_buffer("matrix", torch.tensor(np.array(matrix), dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings as dlib gives them, and the pooled maps in front of its last layer."""
        pooled = self.blocks(self.trunk(x)).float().mean((2, 3))
        return pooled @ self.matrix, pooled

    @torch.no_grad()
    def targets(self, chips: np.ndarray) -> np.ndarray:
        """(N, 384) float32 of (N, 150, 150, 3) chips: means over each chip and its mirror image."""
        batch = torch.from_numpy(np.ascontiguousarray(chips)).permute(0, 3, 1, 2).float()
        with torch.autocast("cpu", torch.bfloat16):
            found = [self(x) for x in (batch, batch.flip(3))]
        embedding = sum(F.normalize(e) for e, _ in found)
        return torch.cat([F.normalize(embedding), sum(p for _, p in found) / 2], 1).numpy()


@dataclass(frozen=True)
class Part:
    """N pictures of one kind, memory-mapped."""

    chips: np.ndarray
    """(N, CHIP_PX, CHIP_PX, 3) uint8 BGR, in OpenFace's template with a margin."""
    targets: np.ndarray
    """(N, 384) float32 of the teacher."""


class Store:
    """The parts, which a process of its own makes in the order of their use, so that training begins with the first.

    Args:
        folder: where they are kept: 2 GB, and 0.6 GB a pool of morphs.
        pools: how many pools of morphs.
        seed: what the morphs come from.
    """

    def __init__(self, folder: Path, pools: int, seed: int) -> None:
        self.folder, self.pools = folder, pools
        self._kept: dict[str, Part] = {}
        command = [sys.executable, "-m", __name__, str(folder), str(pools), str(seed)]
        self._maker = subprocess.Popen(command)

    def parts(self, epoch: int) -> list[tuple[Part, float]]:
        """What an epoch trains on, with its share of a batch: UTKFace first, then whoever joins."""
        number = min(self.pools, (epoch + 1) // 2)
        if not number:
            return [(self.part("real"), 1.0)]
        morphed = [self.part(f"morphs-{pool}") for pool in range(number)]
        found = [(part, 0.5 / number) for part in morphed]
        if epoch >= EMOTIONS_FROM:
            return [(self.part("real"), 0.375), (self.part("emotions"), 0.125), *found]
        return [(self.part("real"), 0.5), *found]

    def part(self, name: str) -> Part:
        """'real', 'emotions' or 'morphs-N'; waits until it is made."""
        if name not in self._kept:
            while not is_made(self.folder / name):
                if self._maker.poll():
                    raise SourceError(f"{name} could not be made: see what is printed above")
                time.sleep(2)
            self._kept[name] = opened(self.folder / name)
        return self._kept[name]

    def close(self) -> None:
        """End the process that makes the parts."""
        self._maker.terminate()
        self._maker.wait()


def chips_of(image: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pupil's chip with its margin and the teacher's chip of one picture."""
    pyramid = Pyramid(image)
    points = openface.SPEC.template * openface.SPEC.input_px + MARGIN_PX
    mine = pyramid.warped(geometry.similarity(landmarks, points, LANDMARK_WEIGHTS), CHIP_PX)
    points = dlib_resnet.TEMPLATE * dlib_resnet.INPUT_PX
    return mine, pyramid.warped(geometry.similarity(landmarks, points, LANDMARK_WEIGHTS), dlib_resnet.INPUT_PX)


def _files(path: Path) -> tuple[Path, Path]:
    """Where the chips and the targets of a part lie."""
    return path.with_name(f"{path.name}-chips.npy"), path.with_name(f"{path.name}-targets.npy")


def is_made(path: Path) -> bool:
    """Whether the part under `path` is whole; its targets are written last."""
    return _files(path)[1].exists()


def opened(path: Path) -> Part:
    """The part under `path`."""
    chips, targets = _files(path)
    return Part(np.load(chips, mmap_mode="r"), np.load(targets))


def make(path: Path, pairs: Iterator[tuple[np.ndarray, np.ndarray]], count: int, teacher: Teacher) -> None:
    """Write a part of `count` pictures, of (pupil's chip, teacher's chip) and what the teacher says."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    chips = np.lib.format.open_memmap(part, "w+", np.uint8, (count, CHIP_PX, CHIP_PX, 3))
    targets = np.empty((count, EMBEDDING + POOLED), np.float32)
    for start in tqdm(range(0, count, BATCH), path.name, mininterval=5):
        mine, teachers = zip(*(next(pairs) for _ in range(min(BATCH, count - start))), strict=True)
        chips[start : start + len(mine)] = mine
        targets[start : start + len(mine)] = teacher.targets(np.stack(teachers))
    chips.flush()
    chips_path, targets_path = _files(path)
    part.replace(chips_path)
    unfinished = targets_path.with_suffix(".part.npy")
    np.save(unfinished, targets)
    unfinished.replace(targets_path)


def real(faces: utkface.Faces) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pictures of UTKFace as they are."""
    for image, landmarks in zip(faces.images, faces.landmarks, strict=True):
        yield chips_of(image, landmarks)


def emotions(archive: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pictures of FER2013's training part: grey, 48x48, with every expression."""
    finder = utkface.detector()
    for _, image in common.read_tar(archive):
        large = cv2.resize(image, (144, 144), interpolation=cv2.INTER_CUBIC)
        yield chips_of(large, cropped.detection_of_crop(finder, large).landmarks)


def morphs(faces: utkface.Faces, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Endless people who do not exist."""
    while True:
        first, second = rng.integers(0, len(faces.images), 2)
        yield chips_of(*morph(faces, int(first), int(second), rng))


def morph(faces: utkface.Faces, first: int, second: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two faces brought to one shape and blended, and the landmarks of the result.

    Half are blended evenly over the face at 0.25..0.75, the others each take one part of the face from one
    picture and the rest from the other, with a soft border.
    """
    shapes = [_centred(faces.landmarks[index]) for index in (first, second)]
    share = rng.uniform(0, 1)
    shape = (share * shapes[0] + (1 - share) * shapes[1] + rng.normal(0, 0.008, (5, 2))).astype(np.float32)
    shape *= CANVAS_PX
    layers = []
    for index in (first, second):
        transform = _affine(faces.landmarks[index], shape)
        layers.append(Pyramid(faces.images[index]).warped(transform, CANVAS_PX).astype(np.float32))
    if rng.random() < 0.5:
        weight = np.float32(rng.uniform(0.25, 0.75))
    else:
        weight = _soft_part(rng)[..., None]
        layers[1] = _matched(layers[1], layers[0])
    blended = layers[0] * weight + layers[1] * (1 - weight)
    return np.clip(blended + 0.5, 0, 255).astype(np.uint8), shape


def _centred(landmarks: np.ndarray) -> np.ndarray:
    """(5, 2) landmarks moved onto the canvas by a similarity, as fractions of its side; their shape remains."""
    transform = geometry.similarity(landmarks, CANVAS, LANDMARK_WEIGHTS)
    return landmarks @ transform[:, :2].T + transform[:, 2]


def _affine(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(2, 3) affine map of least squares."""
    matrix = np.hstack([source, np.ones((5, 1))])
    return np.linalg.lstsq(matrix, target, rcond=None)[0].T


def _soft_part(rng: np.random.Generator) -> np.ndarray:
    """(CANVAS_PX, CANVAS_PX) of 0..1: a half plane through the face, at any angle, with a soft border."""
    at = (np.arange(CANVAS_PX, dtype=np.float32) + 0.5) / CANVAS_PX - 0.5
    angle, offset, soft = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.06), rng.uniform(0.02, 0.08)
    along = np.cos(angle) * at[None] + np.sin(angle) * at[:, None] - offset
    return (1 / (1 + np.exp(-along / soft))).astype(np.float32)


def _matched(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """`image` with the mean and deviation of each colour of `other`, taken from the middle of the canvas."""
    middle = slice(CANVAS_PX // 4, -CANVAS_PX // 4)
    mine, theirs = image[middle, middle].reshape(-1, 3), other[middle, middle].reshape(-1, 3)
    scale = np.clip(theirs.std(0) / np.maximum(mine.std(0), 1), 0.5, 2)
    return (image - mine.mean(0)) * scale + theirs.mean(0)


def main() -> None:
    """Make every part that is missing: `python -m training.openface_faces FOLDER POOLS SEED`."""
    folder, pools, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    archive = common.data_file("fer2013_train.tar")
    order = ["real", "morphs-0", "emotions", *(f"morphs-{pool}" for pool in range(1, pools))]
    missing = [name for name in order if not is_made(folder / name)]
    if not missing:
        return
    faces, teacher = utkface.load(), Teacher().eval().to(memory_format=torch.channels_last)
    for name in missing:
        if name == "real":
            make(folder / name, real(faces), len(faces.images), teacher)
        elif name == "emotions":
            make(folder / name, emotions(archive), common.count_files(archive), teacher)
        else:
            rng = np.random.default_rng((seed, int(name.rpartition("-")[2])))
            make(folder / name, morphs(faces, rng), POOL, teacher)


if __name__ == "__main__":
    main()
