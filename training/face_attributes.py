"""Train age, gender and race on UTKFace, as a head on dlib's face ResNet: `python -m training.face_attributes`.

Makes a cache of features first (training/face_features.py), then trains in PyTorch; TensorFlow writes the LiteRT
file. Goes on from the last finished epoch by itself. The validation part is never trained on; the temperatures
come from a part of their own.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from streamface.networks import face_attributes as table
from streamface.runtime import cache
from streamface.runtime.session import Session
from training import augmentation, common, face_features, utkface
from training.dlib_torch import dlib_block
from training.utkface import Labels

BATCH = 128
RATE = 1e-3
RATE_OF_START = 0.2
"""Rate of the layers that start from dlib's weights, against that of the new one."""
WARM_UP_EPOCHS = 1
STANDARDISED = 2048
"""Pictures from which the scale of what the hidden layer sees is taken."""
LEAST_DEVIATION = 0.05
"""A fifth of the usual one, so that a number that is nearly always 0 is not blown up."""
FIRST_VARIATIONS = 3
"""Drawn from in the first epoch; one more every second epoch."""
WEIGHT_DECAY = 0.1
DROPOUT = (0.25, 0.5)
"""Before the hidden layer and after it."""
SMOOTHING = {"gender": 0.05, "race": 0.1}
AGE_SHARE = 0.15
"""Weight of a year of error of the expected age in the loss."""
LOSS_SHARES = {"age": 1.0, "gender": 2.0, "race": 1.5}
"""Weight of each cross-entropy; that of an age over 101 classes is the largest by itself."""
AVERAGE_DECAY = 0.996
"""Of the running mean of the weights, per step: a horizon of about 1.7 epochs."""


class Head(nn.Module):
    """The table of `face_attributes`; (N, 64, 17, 17) features in, (N, 108) logits out.

    What the hidden layer sees is standardised by fixed numbers, which `weights` folds into that layer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(dlib_block(start) for start, _, _ in table.BLOCKS)
        width = table.POOLED_WIDTH
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))
        self.hidden, self.head = nn.Linear(width, table.HIDDEN), nn.Linear(table.HIDDEN, table.OUTPUTS)

    def pooled(self, x: torch.Tensor) -> torch.Tensor:
        """(N, width): the maps of `POOLED`, averaged two by two, rows first."""
        found = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in table.POOLED:
                found.append(F.avg_pool2d(x.float(), 2).permute(0, 2, 3, 1).flatten(1))
        return torch.cat(found, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        x = F.dropout((self.pooled(x) - self.mean) / self.deviation, DROPOUT[0], self.training)
        return self.head(F.dropout(F.relu(self.hidden(x)), DROPOUT[1], self.training))

    @torch.no_grad()
    def standardise(self, x: torch.Tensor) -> None:
        """Take mean and deviation from (N, 64, 17, 17) features, before any training."""
        pooled = torch.cat([self.pooled(part) for part in x.split(256)])
        self.mean.copy_(pooled.mean(0))
        self.deviation.copy_(pooled.std(0).clamp_min(LEAST_DEVIATION))

    def weights(self) -> dict[str, np.ndarray]:
        """As `face_attributes.build` takes them."""
        kernel = self.hidden.weight.T / self.deviation[:, None]
        found = {"hidden.kernel": kernel, "hidden.bias": self.hidden.bias - self.mean @ kernel}
        found |= {"head.kernel": self.head.weight.T, "head.bias": self.head.bias}
        for index, block in enumerate(self.blocks):
            for name in ("first", "second"):
                layer = getattr(block, name)
                found[f"{index}.{name}.kernel"] = layer.weight.permute(2, 3, 1, 0)
                found[f"{index}.{name}.bias"] = layer.bias
        return {name: tensor.detach().numpy().copy() for name, tensor in found.items()}


def targets_of(labels: Labels) -> torch.Tensor:
    """(N, 109): the target of each probability, and last the age in years.

    An age is a normal distribution around the truth, wider where ages are harder to tell (Gao et al., "Deep
    Label Distribution Learning with Label Ambiguity", IEEE TIP 2017).
    """
    years = torch.from_numpy(np.minimum(labels.ages, table.AGES - 1)).float()[:, None]
    spread = (0.8 + 0.06 * years).clamp(max=3.5)
    age = torch.softmax(-(((torch.arange(table.AGES) - years) / spread) ** 2) / 2, 1)
    return torch.cat([age, _smoothed(labels.genders, "gender"), _smoothed(labels.races, "race"), years], 1)


def _smoothed(labels: np.ndarray, name: str) -> torch.Tensor:
    part = table.PARTS[name]
    classes = part.stop - part.start
    return F.one_hot(torch.from_numpy(labels), classes) * (1 - SMOOTHING[name]) + SMOOTHING[name] / classes


def loss_of(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the three attributes, and the distance of the expected age."""
    logs = {name: torch.log_softmax(logits[:, part], 1) for name, part in table.PARTS.items()}
    each = {name: -(targets[:, part] * logs[name]).sum(1).mean() for name, part in table.PARTS.items()}
    entropy = sum(LOSS_SHARES[name] * loss for name, loss in each.items())
    expected = logs["age"].exp() @ torch.arange(table.AGES, dtype=torch.float32)
    return entropy + AGE_SHARE * (expected - targets[:, -1]).abs().mean()


class FaceTask:
    """Training of `Head` by AdamW with a cosine rate and a running mean of the weights.

    Args:
        variation: gives the (N, 17, 17, 64) features of a variation, by its number, of the pictures of `labels`.
        held_out: features and labels whose figures are plotted.
        options: `epochs` that the rate is spread over, `variations`, `seed` that all chance comes from.
    """

    def __init__(
        self, variation: Callable[[int], np.ndarray], labels: Labels, held_out: tuple, options: argparse.Namespace
    ) -> None:
        self.variation, self.targets, self.held_out = variation, targets_of(labels), held_out
        self.variations: list[np.ndarray] = []
        self.epochs, self.seed, self.count = options.epochs, options.seed, options.variations
        torch.manual_seed(self.seed)
        self.net, self.average = Head().to(memory_format=torch.channels_last), Head().eval()
        self.net.standardise(_as_batch(self.variation(0)[:STANDARDISED]))
        self.average.load_state_dict(self.net.state_dict())
        self.average.to(memory_format=torch.channels_last)
        groups = [
            {"params": [*self.net.hidden.parameters(), *self.net.head.parameters()], "share": 1.0},
            {"params": self.net.blocks.parameters(), "share": RATE_OF_START},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=WEIGHT_DECAY)

    def epoch(self, index: int) -> Mapping[str, float]:
        """One pass; order, variations and dropout come from the seed and the epoch alone."""
        torch.manual_seed(self.seed * 100_003 + index)
        rng = torch.Generator().manual_seed(self.seed * 100_003 + index)
        order = torch.randperm(len(self.targets), generator=rng)
        ready = min(self.count, FIRST_VARIATIONS + index // 2)
        self.variations = [self.variation(number) for number in range(ready)]
        steps, total = len(order) // BATCH, 0.0
        self.net.train()
        for step in tqdm(range(steps), f"epoch {index + 1}/{self.epochs}", mininterval=2, leave=False):
            self._set_rate(index + step / steps)
            total += self._step(order[step * BATCH : (step + 1) * BATCH], rng)
            self._average(index * steps + step)
        features, labels = self.held_out
        found = {f"held-out {name}": value for name, value in figures(chances(self.logits(features)), labels).items()}
        return {"train loss": total / steps} | found

    def _set_rate(self, epoch: float) -> None:
        ramp = min(1.0, (epoch + 0.01) / WARM_UP_EPOCHS)
        for group in self.optimizer.param_groups:
            group["lr"] = RATE * group["share"] * ramp * 0.5 * (1 + np.cos(np.pi * epoch / self.epochs))

    def _step(self, indices: torch.Tensor, rng: torch.Generator) -> float:
        choice = torch.randint(len(self.variations), (len(indices),), generator=rng)
        rows = np.stack([self.variations[v][i] for v, i in zip(choice.tolist(), indices.tolist(), strict=True)])
        features, targets = augmentation.mixed(_as_batch(rows), self.targets[indices], rng)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.net(features)
        loss = loss_of(logits.float(), targets)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        return float(loss.detach())

    @torch.no_grad()
    def _average(self, step: int) -> None:
        share = 1 - min(AVERAGE_DECAY, (1 + step) / (10 + step))
        for mean, value in zip(self.average.parameters(), self.net.parameters(), strict=True):
            mean.lerp_(value, share)

    @torch.no_grad()
    def logits(self, features: np.ndarray) -> np.ndarray:
        """(N, 108) of the averaged weights."""
        parts = [self.average(_as_batch(features[i : i + 256])).numpy() for i in range(0, len(features), 256)]
        return np.concatenate(parts)

    def state(self) -> Mapping[str, np.ndarray]:
        """Weights, their mean, and AdamW's two moments of each."""
        arrays = {f"net/{name}": t.numpy() for name, t in self.net.state_dict().items()}
        arrays |= {f"average/{name}": t.numpy() for name, t in self.average.state_dict().items()}
        for name, parameter in self.net.named_parameters():
            kept = self.optimizer.state[parameter]
            arrays |= {f"{key}/{name}": kept[key].numpy() for key in ("exp_avg", "exp_avg_sq", "step")}
        return arrays

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `state` gave."""
        parts: dict[str, dict[str, torch.Tensor]] = {}
        for name, array in state.items():
            kind, _, rest = name.partition("/")
            parts.setdefault(kind, {})[rest] = torch.from_numpy(np.array(array))
        self.net.load_state_dict(parts["net"])
        self.average.load_state_dict(parts["average"])
        for name, parameter in self.net.named_parameters():
            kept = {key: parts[key][name] for key in ("exp_avg", "exp_avg_sq", "step")}
            self.optimizer.state[parameter] = kept


def _as_batch(rows: np.ndarray) -> torch.Tensor:
    """(N, rows, columns, C) features as (N, C, rows, columns) float32, channels last in memory."""
    return torch.from_numpy(np.asarray(rows, np.float32)).permute(0, 3, 1, 2)


def chances(logits: np.ndarray, temperatures: Mapping[str, float] | None = None) -> np.ndarray:
    """(N, 108) probabilities of (N, 108) logits."""
    given = temperatures or {}
    return np.hstack([common.softmax(logits[:, p] / given.get(name, 1.0)) for name, p in table.PARTS.items()])


def expected_ages(found: np.ndarray) -> np.ndarray:
    """(N,) years of (N, 108) probabilities."""
    return found[:, table.PARTS["age"]] @ np.arange(table.AGES)


def figures(found: np.ndarray, labels: Labels) -> dict[str, float]:
    """Mean error in years and the two accuracies of (N, 108) probabilities."""
    return {
        "age error": float(np.abs(expected_ages(found) - labels.ages).mean()),
        "gender accuracy": float((found[:, table.PARTS["gender"]].argmax(1) == labels.genders).mean()),
        "race accuracy": float((found[:, table.PARTS["race"]].argmax(1) == labels.races).mean()),
    }


def calibration(found: np.ndarray, labels: Labels) -> dict[str, float]:
    """Expected calibration error of gender and race, and the share of ages within one and two spreads."""
    ages = found[:, table.PARTS["age"]]
    spread = np.sqrt(ages @ np.arange(table.AGES) ** 2 - expected_ages(found) ** 2)
    off = np.abs(expected_ages(found) - labels.ages) / spread
    error = common.expected_calibration_error
    return {
        "gender": error(found[:, table.PARTS["gender"]], labels.genders),
        "race": error(found[:, table.PARTS["race"]], labels.races),
        "age within one spread": float((off <= 1).mean()),
        "age within two spreads": float((off <= 2).mean()),
    }


def fit_temperatures(logits: np.ndarray, labels: Labels) -> dict[str, float]:
    """What to divide the logits of each attribute by."""
    truth = {"age": np.minimum(labels.ages, table.AGES - 1), "gender": labels.genders, "race": labels.races}
    return {name: common.fit_temperature(logits[:, part], truth[name]) for name, part in table.PARTS.items()}


def finish(task: FaceTask, calibrating: tuple[np.ndarray, Labels], folder: Path, report: dict) -> None:
    """Write weights, LiteRT files and figures of a trained task into its run folder."""
    weights = task.average.weights()
    np.savez(folder / "weights.npz", **weights)
    temperatures = fit_temperatures(task.logits(calibrating[0]), calibrating[1])
    features, labels = task.held_out
    raw = chances(task.logits(features))
    report |= {"temperatures": temperatures, "uncalibrated": figures(raw, labels) | calibration(raw, labels)}
    model = table.build(weights, temperatures)
    for kind in ("float16", "int8"):
        data = common.to_litert(model, kind)
        cache.write_atomically(folder / f"face_attributes-{kind}.tflite", data)
        session = Session(data)
        found = np.concatenate([session.run(row[None].astype(np.float32))[0] for row in features])
        report[kind] = figures(found, labels) | calibration(found, labels) | {"bytes": len(data)}
    common.finish_run(folder, "face_attributes", report)


def main() -> None:
    """Read the command line, train or go on, and write what came of it."""
    parser = argparse.ArgumentParser(prog="python -m training.face_attributes", description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=common.RUNS / "face_attributes", help="folder of the run")
    features = Path(tempfile.gettempdir()) / "streamface-face-features"
    parser.add_argument("--features", type=Path, default=features, help="folder of the cache, 0.7 GB a variation")
    parser.add_argument("--variations", type=int, default=6, help="of each picture; more is better, up to about 8")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    faces = utkface.load()
    parts = utkface.parts(len(faces.images))
    store = face_features.Cache(options.features, faces, parts.training)
    held_out = store.plain("validation", parts.validation), faces.labels(parts.validation)
    calibrating = store.plain("calibration", parts.calibration), faces.labels(parts.calibration)
    task = FaceTask(store.variation, faces.labels(parts.training), held_out, options)
    settings = {name: getattr(options, name) for name in ("variations", "epochs", "seed")}
    settings |= {"blocks": [list(row) for row in table.BLOCKS], "pooled": list(table.POOLED)}
    history = common.train(task, common.Run(options.run, settings), options.epochs)
    finish(task, calibrating, options.run, {"settings": settings, "history": history})


if __name__ == "__main__":
    main()
