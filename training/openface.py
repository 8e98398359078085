"""Teach OpenFace's network what dlib's says of a face: `python -m training.openface`.

Makes the data first (training/openface_faces.py), then trains in PyTorch; TensorFlow writes the LiteRT files. Goes
on from the last finished epoch by itself. lfw_dev is looked at after each epoch and never trained on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from streamface.runtime import cache
from training import augmentation, common, openface_export, openface_faces, openface_validation
from training.muon import Muon
from training.openface_faces import EMBEDDING, MARGIN_PX, Part
from training.openface_torch import OpenFace

BATCH = 64
STEPS = 320
"""In an epoch: 20,480 pictures, about as many as UTKFace has."""
RATE, RATE_OF_VECTORS, RATE_OF_HEADS = 3e-3, 1.5e-3, 3e-4
"""Of Muon for the kernels; of AdamW for biases and normalisation, and for the two last layers, whose 736 inputs are all
positive, so that the same step moves their output far."""
MOMENTS = ("exp_avg", "exp_avg_sq", "step")
WARM_UP_STEPS = 200
COOLDOWN = 0.4
"""Share of the epochs, at the end, over which the rate falls to zero; before them it stays (Haegele et al., "Scaling
Laws and Compute-Optimal Training Beyond Fixed Training Durations", NeurIPS 2024), so that a run can be prolonged."""
SMALL_PX, FULL_PX = 72, 96
"""Side of the chips before the cooldown and in it: a small chip takes 0.6 of the time."""
WEIGHT_DECAY = 0.05
AVERAGE_DECAY = 0.998
"""Of the running mean of the weights, per step."""
RELATION_SHARE, POOLED_SHARE = 0.5, 0.5
"""Weights of the loss of the batch's similarities and of the teacher's pooled maps, against that of the embedding."""


@dataclass(frozen=True)
class Scale:
    """Fixed numbers that make each part of the loss 1 for a pupil that knows nothing."""

    mean: torch.Tensor
    """(384,) of the teacher's numbers."""
    deviation: torch.Tensor
    """(256,) of the pooled maps."""
    spread: float
    """Mean squared distance of an embedding from the mean."""
    relation: float
    """Mean squared product of two embeddings less the mean: faces are alike in much, and that is not to be learnt."""

    @classmethod
    def of(cls, targets: np.ndarray) -> Scale:
        """From (N, 384) targets."""
        rows = torch.from_numpy(targets[:: max(1, len(targets) // 4096)])
        vectors, pooled = rows[:, :EMBEDDING], rows[:, EMBEDDING:]
        centred = vectors - vectors.mean(0)
        found = centred @ centred.T
        apart = found[~torch.eye(len(found), dtype=torch.bool)]
        spread = centred.square().sum(1).mean()
        return cls(rows.mean(0), pooled.std(0).clamp_min(1e-3), float(spread), float(apart.square().mean()))


class Pupil(nn.Module):
    """The network, and the layer that guesses the teacher's 256 pooled maps, which is dropped afterwards."""

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        self.net = OpenFace()
        self.guess = nn.Linear(self.net.dense.in_features, openface_faces.POOLED)
        self.net.dense.weight.data *= 0.1  # begins with the mean
        # All faces have much in common, |mean| is 0.9: the last layer gives the rest, in its own unit.
        self.register_buffer("mean", scale.mean[:EMBEDDING])
        self.unit = (scale.spread / EMBEDDING) ** 0.5

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, 128) of length 1 and (N, 256) standardised."""
        with torch.autocast("cpu", torch.bfloat16):
            features, embedding = self.net(x)
        return F.normalize(self.mean + self.unit * embedding), self.guess(features.float())


def loss_of(vectors: torch.Tensor, guess: torch.Tensor, targets: torch.Tensor, scale: Scale) -> dict[str, torch.Tensor]:
    """The three parts: distance of the embeddings, of the batch's similarities, and of the pooled maps."""
    wanted, pooled = targets[:, :EMBEDDING], targets[:, EMBEDDING:]
    apart = ~torch.eye(len(vectors), dtype=torch.bool)
    mine, theirs = vectors - scale.mean[:EMBEDDING], wanted - scale.mean[:EMBEDDING]
    relation = (mine @ mine.T - theirs @ theirs.T)[apart].square().mean() / scale.relation
    standard = (pooled - scale.mean[EMBEDDING:]) / scale.deviation
    return {
        "embedding": (vectors - wanted).square().sum(1).mean() / scale.spread,
        "relation": relation,
        "pooled": (guess - standard).square().mean(),
    }


def varied(chips: torch.Tensor, side: int, rng: torch.Generator) -> torch.Tensor:
    """(N, 3, side, side) of (N, 3, CHIP_PX, CHIP_PX): as another camera and another detection would give them."""
    x = cut(chips, side, rng)
    x = _bleached(augmentation.relit(x, rng), rng)
    x = augmentation.degraded(x, rng, share=0.1)
    return augmentation.covered(x, rng, share=0.1).clamp(0, 255)


def cut(chips: torch.Tensor, side: int, rng: torch.Generator | None = None) -> torch.Tensor:
    """The chip without its margin at `side` pixels; with chance, mirrored half of the time and misplaced a little."""
    n, inner = len(chips), 1 - 2 * MARGIN_PX / chips.shape[-1]
    turn, zoom, shift, mirror = torch.zeros(n), torch.ones(n), torch.zeros(n, 2), torch.ones(n)
    if rng is not None:
        turn = 0.04 * torch.randn(n, generator=rng)
        zoom = torch.exp(0.035 * torch.randn(n, generator=rng))
        shift = 0.035 * torch.randn((n, 2), generator=rng)
        mirror = (torch.rand(n, generator=rng) < 0.5).float() * 2 - 1
    cos, sin = inner * zoom * torch.cos(turn), inner * zoom * torch.sin(turn)
    rows = [cos * mirror, -sin, shift[:, 0], sin * mirror, cos, shift[:, 1]]
    grid = F.affine_grid(torch.stack(rows, 1).view(n, 2, 3), [n, 3, side, side], align_corners=False)
    return F.grid_sample(chips, grid, padding_mode="border", align_corners=False)


def _bleached(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """One in ten without colour, the others with a little more or less."""
    grey = images.mean(1, keepdim=True)
    saturation = torch.exp(0.15 * torch.randn((len(images), 1, 1, 1), generator=rng))
    return grey + (images - grey) * saturation * (1 - augmentation.chosen(len(images), 0.1, rng))


def recompressed(chips: np.ndarray, rng: np.random.Generator, share: float = 0.1) -> np.ndarray:
    """A share of (N, H, W, 3) uint8 chips after a JPEG of low quality."""
    chips = chips.copy()
    for index in np.flatnonzero(rng.random(len(chips)) < share):
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(25, 80))]
        chips[index] = cv2.imdecode(cv2.imencode(".jpg", chips[index], quality)[1], cv2.IMREAD_COLOR)
    return chips


def optimizers(pupil: Pupil) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon for the kernels; AdamW for biases, normalisation and the two last layers."""
    parameters = [p for layer in pupil.net.layers() for p in layer.parameters()]
    kernels, vectors = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim == 1]
    heads = [*pupil.net.dense.parameters(), *pupil.guess.parameters()]
    groups = [{"params": vectors, "rate": RATE_OF_VECTORS}, {"params": heads, "rate": RATE_OF_HEADS}]
    muon = Muon([{"params": kernels, "rate": RATE}], lr=RATE, weight_decay=WEIGHT_DECAY)
    return muon, torch.optim.AdamW(groups, lr=RATE, weight_decay=0.0, fused=True)


class OpenFaceTask:
    """Training of `Pupil`, with a running mean of the weights.

    Args:
        parts: the data of an epoch, each part with its share of a batch.
        lfw: what is looked at after each epoch.
        options: `epochs`, `seed`.
    """

    def __init__(
        self,
        parts: Callable[[int], Sequence[tuple[Part, float]]],
        lfw: openface_validation.Lfw,
        options: argparse.Namespace,
    ) -> None:
        self.parts, self.lfw, self.epochs, self.seed = parts, lfw, options.epochs, options.seed
        self.scale = Scale.of(parts(0)[0][0].targets)
        torch.manual_seed(self.seed)
        self.pupil, self.average = Pupil(self.scale), Pupil(self.scale).eval()
        self.average.load_state_dict(self.pupil.state_dict())
        for module in (self.pupil, self.average):
            module.to(memory_format=torch.channels_last)
        self.optimizers = optimizers(self.pupil)

    def epoch(self, index: int) -> Mapping[str, float]:
        """`STEPS` batches; all chance comes from the seed and the epoch alone."""
        rng = np.random.default_rng((self.seed, index))
        chance = torch.Generator().manual_seed(self.seed * 100_003 + index)
        batches, totals = self._batches(self.parts(index), rng), dict.fromkeys(("embedding", "relation", "pooled"), 0.0)
        self.pupil.train()
        for step in tqdm(range(STEPS), f"epoch {index + 1}/{self.epochs}", mininterval=10, leave=False):
            self._set_rate(index, step)
            chips, targets = next(batches)
            images = varied(as_batch(recompressed(chips, rng)), self._side(index), chance)
            for name, value in self._step(images, targets).items():
                totals[name] += value / STEPS
            self._average(index * STEPS + step)
        found = openface_validation.figures(self.lfw, self.embeddings(self.lfw.chips, self._side(index)))
        return {f"{name} loss": value for name, value in totals.items()} | found

    def _batches(self, parts: Sequence[tuple[Part, float]], rng: np.random.Generator):
        """Chips and targets, each part in an order of its own, begun anew where it ends."""
        orders = [np.empty(0, np.int64) for _ in parts]
        while True:
            chips, targets = [], []
            for number, (part, share) in enumerate(parts):
                count = round(share * BATCH)
                if len(orders[number]) < count:
                    orders[number] = rng.permutation(len(part.targets))
                rows, orders[number] = np.sort(orders[number][:count]), orders[number][count:]
                chips.append(part.chips[rows])
                targets.append(part.targets[rows])
            yield np.concatenate(chips), torch.from_numpy(np.concatenate(targets))

    def _side(self, index: int) -> int:
        return SMALL_PX if index < round(self.epochs * (1 - COOLDOWN)) else FULL_PX

    def _set_rate(self, index: int, step: int) -> None:
        begin = round(self.epochs * (1 - COOLDOWN))
        left = (self.epochs - index - step / STEPS) / (self.epochs - begin)
        ramp = (index * STEPS + step + 1) / WARM_UP_STEPS
        for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
            group["lr"] = group["rate"] * min(1.0, ramp, left)

    def _step(self, images: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        losses = loss_of(*self.pupil(images), targets, self.scale)
        loss = losses["embedding"] + RELATION_SHARE * losses["relation"] + POOLED_SHARE * losses["pooled"]
        self.pupil.zero_grad()
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        return {name: float(value.detach()) for name, value in losses.items()}

    @torch.no_grad()
    def _average(self, step: int) -> None:
        share = 1 - min(AVERAGE_DECAY, (1 + step) / (10 + step))
        for mean, value in zip(self.average.state_dict().values(), self.pupil.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, share)

    @torch.no_grad()
    def embeddings(self, chips: np.ndarray, side: int) -> np.ndarray:
        """(N, 128) of the averaged weights for (N, 96, 96, 3) chips, shrunk to `side`."""
        found = []
        for start in range(0, len(chips), 256):
            x = as_batch(chips[start : start + 256])
            x = F.interpolate(x, (side, side), mode="bilinear", antialias=True) if side != x.shape[-1] else x
            found.append(self.average(x.contiguous(memory_format=torch.channels_last))[0].numpy())
        return np.concatenate(found)

    @torch.no_grad()
    def renew_statistics(self, batches: int = 40) -> None:
        """Measure what normalisation divides by anew, with the averaged weights, on full-size training pictures."""
        norms = [layer.norm for layer in self.average.net.layers()]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over all batches
        rng, chance = np.random.default_rng(self.seed), torch.Generator().manual_seed(self.seed)
        found = self._batches(self.parts(self.epochs), rng)
        self.average.train()
        for _ in range(batches):
            self.average(varied(as_batch(next(found)[0]), FULL_PX, chance))
        self.average.eval()

    def state(self) -> Mapping[str, np.ndarray]:
        """Weights, their mean, and the moments of each that the optimizers keep."""
        arrays = {f"net/{name}": t.numpy() for name, t in self.pupil.state_dict().items()}
        arrays |= {f"average/{name}": t.numpy() for name, t in self.average.state_dict().items()}
        for name, parameter in self.pupil.named_parameters():
            arrays |= {f"{key}/{name}": kept.numpy() for key, kept in self._kept(parameter).items()}
        return arrays

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `state` gave."""
        parts: dict[str, dict[str, torch.Tensor]] = {}
        for name, array in state.items():
            kind, _, rest = name.partition("/")
            parts.setdefault(kind, {})[rest] = torch.from_numpy(np.array(array))
        self.pupil.load_state_dict(parts["net"])
        self.average.load_state_dict(parts["average"])
        for name, parameter in self.pupil.named_parameters():
            self._kept(parameter).update({key: parts[key][name] for key in MOMENTS if name in parts[key]})

    def _kept(self, parameter: nn.Parameter) -> dict[str, torch.Tensor]:
        """What the optimizer of a parameter remembers of it."""
        muon, adam = self.optimizers
        return (adam if any(parameter is p for g in adam.param_groups for p in g["params"]) else muon).state[parameter]


def as_batch(chips: np.ndarray) -> torch.Tensor:
    """(N, H, W, 3) uint8 chips as (N, 3, H, W) float32, channels last in memory."""
    return torch.from_numpy(np.ascontiguousarray(chips)).permute(0, 3, 1, 2).float()


def main() -> None:
    """Read the command line, train or go on, and write what came of it."""
    parser = argparse.ArgumentParser(prog="python -m training.openface", description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=common.RUNS / "openface", help="folder of the run")
    folder = Path(tempfile.gettempdir()) / "streamface-openface"
    parser.add_argument("--faces", type=Path, default=folder, help="folder of the pictures and what dlib says of them")
    parser.add_argument("--morphs", type=int, default=6, help="pools of 16,384 people who do not exist")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with contextlib.closing(openface_faces.Store(options.faces, options.morphs, options.seed)) as store:
        _teach(store, options)


def _teach(store: openface_faces.Store, options: argparse.Namespace) -> None:
    lfw = openface_validation.load(options.faces)
    task = OpenFaceTask(store.parts, lfw, options)
    settings = {"seed": options.seed, "morphs": options.morphs, "batch": BATCH, "steps": STEPS}
    history = common.train(task, common.Run(options.run, settings), options.epochs)
    task.renew_statistics()
    pupil = task.average
    layers = openface_export.layers_of(pupil.net, pupil.mean.numpy(), pupil.unit)
    report = {"settings": settings, "history": history, **openface_export.finish(layers, lfw, options.run)}
    cache.write_atomically(options.run / "metrics.json", json.dumps(report, indent=1).encode())


if __name__ == "__main__":
    main()
