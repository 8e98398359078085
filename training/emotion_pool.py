"""Sharp faces without emotions, varied by chance, and what the teachers answer to each variation.

The teachers are asked about the very picture that the pupil will see, mixtures of two faces included (Beyer et al.,
"Knowledge distillation: A good teacher is patient and consistent", CVPR 2022).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from streamface import cropped, geometry
from streamface.attributes.emotion import TEMPLATE
from streamface.networks import emotion_cnn
from streamface.pyramid import Pyramid
from training import augmentation, common, utkface

ARCHIVES = ("utkface_train.tar", "lfw_dev.tar")
SIDE_PX = 96
FRAME_PX = 64
"""Of a face's picture of `SIDE_PX`, how much lies in FER2013's frame; the rest is room to move."""
BATCH = 256
HELD_OUT = 1000
SPLIT_SEED = 7
DRAWN = 12_000
"""Pictures of a variation."""
SHARES = np.array([0.139, 0.015, 0.143, 0.251, 0.173, 0.168, 0.111])
"""Of each emotion in FER2013's training part (Goodfellow et al. 2013), towards which faces are drawn: few of UTKFace's
and LFW's are angry, afraid or disgusted."""
Teacher = Callable[[np.ndarray], np.ndarray]


class Pool:
    """Faces and their variations in `folder`, each file made when first asked for and kept.

    Args:
        folder: where the files are; 0.03 GB a variation, 0.2 GB for the faces.
        teacher: (N, 48, 48) pictures of 0..255 to (N, 7) probabilities.
    """

    def __init__(self, folder: Path, teacher: Teacher) -> None:
        self.folder, self.teacher = folder, teacher
        folder.mkdir(parents=True, exist_ok=True)
        self.faces = _kept(folder / "faces.npy", lambda: np.stack(list(tqdm(_framed(), "faces", mininterval=2))))
        middle = slice((SIDE_PX - FRAME_PX) // 2, (SIDE_PX + FRAME_PX) // 2)
        self.plain = _shrunk(self.faces[:, middle, middle])
        self.answers = _kept(folder / "answers.npy", lambda: self._asked(self.plain, "plain"))
        self.kept, self.held_out = common.split(len(self.faces), HELD_OUT, SPLIT_SEED)

    def variation(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """(DRAWN, 48, 48) uint8 pictures, of none that is held out, and the (DRAWN, 7) answers of the teachers."""

        def pictures() -> np.ndarray:
            rng = torch.Generator().manual_seed(number)
            chances = torch.from_numpy(shares(self.answers[self.kept]))
            drawn = self.kept[torch.multinomial(chances, DRAWN, replacement=True, generator=rng).numpy()]
            return varied(self.faces[drawn], rng)

        made = _kept(self.folder / f"pictures-{number}.npy", pictures)
        return made, _kept(self.folder / f"answers-{number}.npy", lambda: self._asked(made, f"variation {number}"))

    def _asked(self, pictures: np.ndarray, name: str) -> np.ndarray:
        parts = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
        return np.concatenate([self.teacher(part) for part in tqdm(parts, name, mininterval=2)])


def varied(faces: np.ndarray, rng: torch.Generator) -> np.ndarray:
    """(N, 48, 48) uint8: each of (N, 96, 96) faces moved, warped, relit, some degraded, covered or mixed."""
    found = np.empty((len(faces), emotion_cnn.INPUT_PX, emotion_cnn.INPUT_PX), np.uint8)
    for rows in torch.randperm(len(faces), generator=rng).split(BATCH):
        images = _warped(torch.from_numpy(faces[rows.numpy()])[:, None].float(), rng)
        images = augmentation.degraded(_sharpened(augmentation.relit(images, rng), rng), rng, share=0.15)
        images = augmentation.covered(_contrasted(_mixed(images, rng), rng), rng, share=0.2)
        found[rows.numpy()] = images[:, 0].round().clamp(0, 255).byte().numpy()
    return found


def shares(answers: np.ndarray) -> np.ndarray:
    """(N,) chances of drawing each row, so that the mean of the (N, 7) answers moves towards `SHARES`."""
    chances = answers @ (SHARES / answers.mean(0)) ** 0.7
    return chances / chances.sum()


def _framed() -> Iterator[np.ndarray]:
    """Each face of the archives, (96, 96) uint8, with its landmarks where FER2013 has them."""
    import cv2

    finder, margin = utkface.detector(), (SIDE_PX - FRAME_PX) / 2
    for archive in ARCHIVES:
        for _, image in common.read_tar(common.data_file(archive), skip=".csv"):
            landmarks = cropped.detection_of_crop(finder, image).landmarks
            transform = geometry.similarity(landmarks, TEMPLATE * FRAME_PX + margin)
            yield cv2.cvtColor(Pyramid(image).warped(transform, SIDE_PX), cv2.COLOR_BGR2GRAY)


def _warped(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """(N, 1, 48, 48) of (N, 1, 96, 96): mirrored half of the time, turned, zoomed, shifted, most bent smoothly."""
    n, side = len(images), emotion_cnn.INPUT_PX
    turn = torch.randn((n,), generator=rng) * 0.16
    scale = torch.exp(torch.randn((n,), generator=rng) * 0.12) * FRAME_PX / SIDE_PX
    mirror = (torch.rand((n,), generator=rng) < 0.5).float() * 2 - 1
    cos, sin = torch.cos(turn) * scale, torch.sin(turn) * scale
    shift = torch.randn((n, 2), generator=rng) * 0.06
    rows = [cos * mirror, -sin, shift[:, 0], sin * mirror, cos, shift[:, 1]]
    grid = F.affine_grid(torch.stack(rows, 1).view(n, 2, 3), [n, 1, side, side], align_corners=False)
    nodes = torch.randn((n, 2, 6, 6), generator=rng) * augmentation.uniform((n, 1, 1, 1), 0, 0.06, rng)
    bend = F.interpolate(nodes, (side, side), mode="bicubic", align_corners=False).permute(0, 2, 3, 1)
    return F.grid_sample(images, grid + bend, padding_mode="border", align_corners=False)


def _sharpened(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Most made sharper: FER2013's pictures have 0.86 of `common.detail` in the median, these 0.5 without it."""
    soft = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), "replicate"), 3, 1)
    strength = augmentation.uniform((len(images), 1, 1, 1), -0.5, 2.5, rng).clamp(min=0)
    return images + (images - soft) * strength


def _mixed(images: torch.Tensor, rng: torch.Generator, share: float = 0.4) -> torch.Tensor:
    """A share blended with another picture of the batch, at any weight."""
    other = images[torch.randperm(len(images), generator=rng)]
    weight = augmentation.uniform((len(images), 1, 1, 1), 0, 0.5, rng) * augmentation.chosen(len(images), share, rng)
    return images + (other - images) * weight


def _contrasted(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Another contrast and brightness each."""
    n, mean = len(images), images.mean((1, 2, 3), keepdim=True)
    gain = torch.exp(torch.randn((n, 1, 1, 1), generator=rng) * 0.25)
    return (images - mean) * gain + mean + torch.randn((n, 1, 1, 1), generator=rng) * 15


def _shrunk(frames: np.ndarray) -> np.ndarray:
    """(N, 48, 48) uint8 of (N, S, S) frames."""
    import cv2

    size = (emotion_cnn.INPUT_PX, emotion_cnn.INPUT_PX)
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames])


def _kept(path: Path, make: Callable[[], np.ndarray]) -> np.ndarray:
    """What the file holds, made and written first where it is not there."""
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.save(file, make())
        part.replace(path)
    return np.load(path)
