"""Teach the emotion network what others answer to sharp faces: `python -m training.emotion_distil`.

For the damaged copy of FER2013's training part (docs/models/emotion.md); with the undamaged one use training.emotion.
No label is used. Needs the two packages that training/emotion_teachers.py names. Goes on from the last finished
variation and epoch by itself; PublicTest's emotions are looked at once, at the end.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from streamface.errors import StreamfaceError
from training import common, emotion, emotion_pool, emotion_teachers

FALLING = 0.3
"""Share of the epochs over which the rate falls."""


class DistilTask(emotion.Pupil):
    """Learns the teachers' answers; each epoch is one variation of the faces.

    Args:
        pool: gives the variations.
        options: `epochs` after which the rate is 0, `variations` there are, `seed` that all chance comes from.
    """

    batch_size = 64
    warm_up_epochs = 0.5
    average_decay = 0.995
    """A horizon of about one epoch, which is short here."""

    def __init__(self, pool: emotion_pool.Pool, options: argparse.Namespace) -> None:
        super().__init__(options.epochs, options.seed)
        self.pool, self.variations = pool, options.variations
        self.held_out = torch.from_numpy(pool.plain[pool.held_out])[:, None]
        self.held_out_answers = pool.answers[pool.held_out]

    def rate_share(self, epoch: float) -> float:
        """Level, then a line to 0: where training stops may be decided until then (Hu et al., "MiniCPM", 2024)."""
        return min(1.0, (self.epochs - epoch) / (FALLING * self.epochs))

    def order(self, index: int, rng: torch.Generator) -> torch.Tensor:
        self.pictures, self.answers = self.pool.variation(index % self.variations)
        chances = torch.from_numpy(emotion_pool.shares(self.answers))
        return torch.multinomial(chances, len(self.pictures), replacement=True, generator=rng)

    def batch(self, indices: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        images = torch.from_numpy(self.pictures[indices.numpy()])[:, None].float()
        mirror = torch.rand((len(images), 1, 1, 1), generator=rng) < 0.5
        return torch.where(mirror, images.flip(3), images), torch.from_numpy(self.answers[indices.numpy()])

    def held_out_figures(self) -> Mapping[str, float]:
        found = common.softmax(self.logits(self.held_out))
        agreed = found.argmax(1) == self.held_out_answers.argmax(1)
        return {"held-out loss": soft_loss(found, self.held_out_answers), "held-out agreement": float(agreed.mean())}


def soft_loss(found: np.ndarray, wanted: np.ndarray) -> float:
    """Cross-entropy of (N, 7) probabilities against (N, 7) others."""
    return float(-(wanted * np.log(np.maximum(found, 1e-12))).sum(1).mean())


def fit_temperature(task: DistilTask) -> float:
    """What to divide the logits by, so that the answers to held-out faces are as sure as the teachers'."""
    logits, powers = task.logits(task.held_out), np.linspace(-1, 1, 201)
    losses = [soft_loss(common.softmax(logits / np.exp(power)), task.held_out_answers) for power in powers]
    return float(np.exp(powers[int(np.argmin(losses))]))


def train(options: argparse.Namespace) -> None:
    """Train or go on as the command line says, and write weights, LiteRT files and figures."""
    torch.set_num_threads(options.threads)
    teachers = emotion_teachers.Teachers(options.teachers)
    task = DistilTask(emotion_pool.Pool(options.faces, teachers), options)
    settings = {name: getattr(options, name) for name in ("seed", "variations")}
    history = common.train(task, common.Run(options.run, settings), options.epochs)
    images, labels = emotion.load("fer2013_publictest.tar")
    report = {"settings": settings, "history": history}
    for name, found in zip(("small teacher", "wide teacher"), teachers.each(images), strict=True):
        report[name] = emotion.figures(found, labels)
    report["teachers together"] = emotion.figures(teachers(images), labels)
    report |= emotion.finish(task, options.run, fit_temperature(task))
    common.finish_run(options.run, "emotion_distil", report)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion_distil", description=__doc__.splitlines()[0])
    parser.add_argument("--teachers", type=Path, required=True, help="folder of the two packages")
    parser.add_argument("--run", type=Path, default=common.RUNS / "emotion_distil", help="folder of the run")
    faces = Path(tempfile.gettempdir()) / "streamface-emotion-faces"
    parser.add_argument("--faces", type=Path, default=faces, help="folder of faces and variations, 0.06 GB each")
    parser.add_argument("--variations", type=int, default=24, help="of each face")
    parser.add_argument("--epochs", type=int, default=48, help="may be changed for a run that is going on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="1 where other programs use the cores too")
    try:
        train(parser.parse_args())
    except StreamfaceError as error:
        sys.exit(f"emotion_distil: {error}")


if __name__ == "__main__":
    main()
