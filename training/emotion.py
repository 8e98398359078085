"""Train the emotion network on FER2013's training part: `python -m training.emotion`.

Needs PyTorch for training (1.6 times as fast as TensorFlow on a CPU with bfloat16: 488 against 298 pictures/s on
the same network and 2 threads); TensorFlow writes the LiteRT file. Goes on from the last finished epoch by itself.
What is held out by the seed serves the temperature and the curves; PublicTest's emotions are looked at once, at the
end (its pictures also at the start, for `check_alike`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from streamface.errors import SettingsError, StreamfaceError
from streamface.networks import emotion_cnn
from streamface.runtime import cache
from streamface.runtime.session import Session
from training import augmentation, common

BATCH = 128
HELD_OUT = 1000
RATE = 0.1
WARM_UP_EPOCHS = 2
WEIGHT_DECAY = 5e-4
SMOOTHING = 0.1
DROPOUT = 0.3
AVERAGE_DECAY = 0.999
"""Of the running mean of the weights, per step: a horizon of about 4.5 epochs."""


class Block(nn.Module):
    """One row of the table: its convolutions, each followed by batch normalisation."""

    def __init__(self, index: int, rows: list[tuple[str, int, int, int]]) -> None:
        super().__init__()
        self.units = nn.ModuleDict()
        for name, side, before, channels in rows:
            if name.startswith(f"{index}."):
                layer = nn.Conv2d(before, channels, side, padding=side // 2, bias=False)
                self.units[name.split(".")[1]] = nn.Sequential(layer, nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The row applied to a batch."""
        if not self.units:
            return F.max_pool2d(x, 2)
        if "conv" in self.units:
            return F.relu(self.units["conv"](x))
        inner = self.units["second"](F.relu(self.units["first"](x)))
        return F.relu(inner + (self.units["shortcut"](x) if "shortcut" in self.units else x))


class EmotionNet(nn.Module):
    """The table of `emotion_cnn` with batch normalisation; (N, 1, 48, 48) of 0..255 in, (N, 7) logits out."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        rows = list(emotion_cnn.convolutions(emotion_cnn.LAYERS))
        self.blocks = nn.ModuleList(Block(index, rows) for index in range(len(emotion_cnn.LAYERS)))
        self.head = nn.Linear(rows[-1][-1], len(emotion_cnn.LABELS))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits."""
        x = images - images.mean((1, 2, 3), keepdim=True)
        x = x / x.square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(emotion_cnn.FLATTEST)
        x = x.contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x)
        return self.head(F.dropout(x.mean((2, 3)), self.dropout, self.training))

    def folded(self) -> dict[str, np.ndarray]:
        """The weights as `emotion_cnn.build` takes them, batch normalisation folded into the convolutions."""
        weights = {"head.kernel": self.head.weight.T, "head.bias": self.head.bias}
        for index, block in enumerate(self.blocks):
            for name, (layer, norm) in block.units.items():
                gain = norm.weight / (norm.running_var + norm.eps).sqrt()
                weights[f"{index}.{name}.kernel"] = (layer.weight * gain.view(-1, 1, 1, 1)).permute(2, 3, 1, 0)
                weights[f"{index}.{name}.bias"] = norm.bias - norm.running_mean * gain
        return {name: tensor.detach().numpy().copy() for name, tensor in weights.items()}


class Pupil:
    """`EmotionNet` in training: SGD with Nesterov momentum, a cosine rate, and a running mean of the weights.

    What it learns from is said by those that inherit.
    """

    batch_size = BATCH
    warm_up_epochs: float = WARM_UP_EPOCHS
    average_decay = AVERAGE_DECAY

    def __init__(self, epochs: int, seed: int, dropout: float = 0.0) -> None:
        self.seed, self.epochs = seed, epochs
        torch.manual_seed(seed)
        self.net, self.average = EmotionNet(dropout), EmotionNet().eval()
        self.average.load_state_dict(self.net.state_dict())
        decayed = [p for p in self.net.parameters() if p.ndim > 1]
        plain = [p for p in self.net.parameters() if p.ndim == 1]
        groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.SGD(groups, lr=RATE, momentum=0.9, nesterov=True)

    def order(self, index: int, rng: torch.Generator) -> torch.Tensor:
        """Indices of the pictures of an epoch."""
        raise NotImplementedError

    def batch(self, indices: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, 1, 48, 48) float32 pictures of 0..255 and their (N, 7) targets."""
        raise NotImplementedError

    def held_out_figures(self) -> Mapping[str, float]:
        """What is plotted after each epoch."""
        raise NotImplementedError

    def epoch(self, index: int) -> Mapping[str, float]:
        """One pass; order, variations and dropout come from the seed and the epoch alone."""
        torch.manual_seed(self.seed * 100_003 + index)
        rng = torch.Generator().manual_seed(self.seed * 100_003 + index)
        order = self.order(index, rng)
        steps = len(order) // self.batch_size
        total = 0.0
        self.net.train()
        for step in tqdm(range(steps), f"epoch {index + 1}/{self.epochs}", mininterval=2, leave=False):
            self._set_rate(index + step / steps)
            total += self._step(*self.batch(order[step * self.batch_size : (step + 1) * self.batch_size], rng))
            self._average(index * steps + step)
        return {"train loss": total / steps} | self.held_out_figures()

    def rate_share(self, epoch: float) -> float:
        """Of `RATE` at a time in epochs, after the warm-up: a cosine to 0."""
        return 0.5 * (1 + np.cos(np.pi * epoch / self.epochs))

    def _set_rate(self, epoch: float) -> None:
        ramp = min(1.0, (epoch + 0.01) / self.warm_up_epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = RATE * ramp * self.rate_share(epoch)

    def _step(self, images: torch.Tensor, targets: torch.Tensor) -> float:
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.net(images)
        loss = F.cross_entropy(logits.float(), targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    @torch.no_grad()
    def _average(self, step: int) -> None:
        share = 1 - min(self.average_decay, (1 + step) / (10 + step))
        for mean, value in zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, share)

    @torch.no_grad()
    def logits(self, images: torch.Tensor) -> np.ndarray:
        """(N, 7) of the averaged weights, for (N, 1, 48, 48) uint8."""
        return np.concatenate([self.average(part.float()).numpy() for part in images.split(256)])

    def state(self) -> Mapping[str, np.ndarray]:
        """Weights, their mean, and the momentum of each."""
        arrays = {f"net/{name}": t.numpy() for name, t in self.net.state_dict().items()}
        arrays |= {f"average/{name}": t.numpy() for name, t in self.average.state_dict().items()}
        for name, parameter in self.net.named_parameters():
            arrays[f"momentum/{name}"] = self.optimizer.state[parameter]["momentum_buffer"].numpy()
        return arrays

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `state` gave."""
        parts: dict[str, dict[str, torch.Tensor]] = {"net": {}, "average": {}, "momentum": {}}
        for name, array in state.items():
            kind, _, rest = name.partition("/")
            parts[kind][rest] = torch.from_numpy(np.array(array))
        self.net.load_state_dict(parts["net"])
        self.average.load_state_dict(parts["average"])
        for name, parameter in self.net.named_parameters():
            self.optimizer.state[parameter]["momentum_buffer"] = parts["momentum"][name]


class EmotionTask(Pupil):
    """Learns from pictures with labels, of which `HELD_OUT` are kept aside."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, epochs: int, seed: int, soft: bool = False) -> None:
        super().__init__(epochs, seed, DROPOUT)
        kept, held_out = common.split(len(labels), HELD_OUT, seed)
        self.images, self.labels = torch.from_numpy(images)[:, None], torch.from_numpy(labels)
        self.kept, self.held_out, self.soft = torch.from_numpy(kept), torch.from_numpy(held_out), soft

    def order(self, index: int, rng: torch.Generator) -> torch.Tensor:
        return self.kept[torch.randperm(len(self.kept), generator=rng)]

    def batch(self, indices: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        images, targets = varied(self.images[indices].float(), self.labels[indices], rng, self.soft)
        return images, targets * (1 - SMOOTHING) + SMOOTHING / len(emotion_cnn.LABELS)

    def held_out_figures(self) -> Mapping[str, float]:
        logits, labels = self.logits(self.images[self.held_out]), self.labels[self.held_out].numpy()
        return {
            "held-out loss": common.log_loss(common.softmax(logits), labels),
            "held-out accuracy": float((logits.argmax(1) == labels).mean()),
        }


def varied(
    images: torch.Tensor, labels: torch.Tensor, rng: torch.Generator, soft: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """The chance variations of one batch, and its (N, 7) targets; (N, 1, 48, 48) float32 of 0..255.

    `soft` pictures are not blurred further.
    """
    images = augmentation.moved(images, rng)
    images = images if soft else augmentation.degraded(images, rng)
    images = augmentation.covered(augmentation.relit(images, rng), rng)
    return augmentation.mixed(images, F.one_hot(labels, len(emotion_cnn.LABELS)).float(), rng)


def load(archive: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, 48, 48) uint8 pictures and (N,) int64 labels of one of FER2013's parts."""
    pairs = [(emotion_cnn.LABELS.index(name.split("/")[0]), image) for name, image in read(archive)]
    return np.stack([image for _, image in pairs]), np.array([label for label, _ in pairs], np.int64)


def read(archive: str):
    """(name, picture) of each file of `archive` in the data folder."""
    return common.read_tar(common.data_file(archive), grey=True)


def check_alike(images: np.ndarray) -> None:
    """Refuse (N, 48, 48) training pictures with less than half of the fine detail of PublicTest's, or over twice it.

    A network learns nothing of what is seen in detail from pictures without it, whatever is done afterwards.
    """
    medians = [
        float(np.median([common.detail(image) for image in part[::10]]))
        for part in (images, load("fer2013_publictest.tar")[0])
    ]
    if not 0.5 < medians[0] / medians[1] < 2:
        raise SettingsError(
            f"the training pictures' fine detail is {medians[0]:.2f}, PublicTest's {medians[1]:.2f}: get the original "
            "pictures, or pass --soft 2 for a network of blurred ones"
        )


def figures(probabilities: np.ndarray, labels: np.ndarray) -> dict:
    """Accuracy, recall of each class, log loss, calibration error and confusion of (N, 7) probabilities."""
    confusion = common.confusion_matrix(probabilities.argmax(1), labels, len(emotion_cnn.LABELS))
    recall = confusion.diagonal() / confusion.sum(1)
    return {
        "accuracy": float((probabilities.argmax(1) == labels).mean()),
        "recall": dict(zip(emotion_cnn.LABELS, recall.round(4).tolist(), strict=True)),
        "log_loss": common.log_loss(probabilities, labels),
        "expected_calibration_error": common.expected_calibration_error(probabilities, labels),
        "confusion": confusion.tolist(),
    }


def litert_figures(data: bytes, images: np.ndarray, labels: np.ndarray) -> dict:
    """`figures` and size of a LiteRT network on (N, 48, 48) uint8 pictures, one by one as in a stream."""
    session = Session(data)
    found = [session.run(image[None, ..., None].astype(np.float32))[0] for image in images]
    return figures(np.concatenate(found), labels) | {"bytes": len(data)}


def finish(pupil: Pupil, folder: Path, temperature: float, soften_px: float = 0.0) -> dict:
    """Write weights and LiteRT files of a trained network into its run folder; its figures on PublicTest."""
    weights = pupil.average.folded()
    np.savez(folder / "weights.npz", **weights)
    images, labels = load("fer2013_publictest.tar")
    plain = common.to_litert(emotion_cnn.build(weights, soften_px=soften_px), "float32")
    report = {"temperature": temperature, "uncalibrated float32": litert_figures(plain, images, labels)}
    model = emotion_cnn.build(weights, temperature, soften_px)
    for kind in ("float16", "int8"):
        data = common.to_litert(model, kind)
        cache.write_atomically(folder / f"emotion-{kind}.tflite", data)
        report[kind] = litert_figures(data, images, labels)
    return report


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion", description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=common.RUNS / "emotion", help="folder of the run")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="1 where other programs use the cores too")
    parser.add_argument(
        "--soft", type=float, default=0.0, metavar="PX", help="the training pictures are blurred by a Gaussian of PX"
    )
    try:
        train(parser.parse_args())
    except StreamfaceError as error:
        sys.exit(f"emotion: {error}")


def train(options: argparse.Namespace) -> None:
    """Train or go on as the command line says, and write weights, LiteRT files and figures."""
    torch.set_num_threads(options.threads)
    images, labels = load("fer2013_train.tar")
    if not options.soft:
        check_alike(images)
    task = EmotionTask(images, labels, options.epochs, options.seed, options.soft > 0)
    layers = [list(row) for row in emotion_cnn.LAYERS]
    settings = {"epochs": options.epochs, "seed": options.seed, "soft": options.soft > 0, "layers": layers}
    history = common.train(task, common.Run(options.run, settings), options.epochs)
    report = {"settings": settings, "soften_px": options.soft, "history": history}
    temperature = common.fit_temperature(task.logits(task.images[task.held_out]), task.labels[task.held_out].numpy())
    report |= finish(task, options.run, temperature, options.soft)
    common.finish_run(options.run, "emotion", report)


if __name__ == "__main__":
    main()
