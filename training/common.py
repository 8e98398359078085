"""What every training script shares: data, runs that can be resumed, curves, calibration, export to LiteRT.

Nothing here knows a framework of training: a `Task` gives and takes its state as named numpy arrays.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from streamface.errors import SettingsError, SourceError
from streamface.runtime import cache

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "training" / "runs"
History = list[dict[str, float]]


def data_file(name: str) -> Path:
    """A file of the data folder: `STREAMFACE_DATA`, else `../shared/data` beside the project."""
    path = Path(os.environ.get("STREAMFACE_DATA") or ROOT.parent / "shared" / "data") / name
    if not path.is_file():
        raise SourceError(f"{path} is missing: set STREAMFACE_DATA to the folder that holds {name}")
    return path


def read_tar(path: Path, grey: bool = False, skip: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """(name inside the archive, picture) of every file of a tar, in order of name, read in place.

    Pictures are (H, W, 3) uint8 BGR, or (H, W) uint8 with `grey`. `skip`: the ending of names to leave out.
    """
    import cv2

    with tarfile.open(path) as archive:
        for member in sorted((m for m in archive if m.isfile()), key=lambda m: m.name):
            if skip and member.name.endswith(skip):
                continue
            data = np.frombuffer(archive.extractfile(member).read(), np.uint8)
            image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
            if image is None:
                raise SourceError(f"{member.name} in {path.name} is not a picture: fetch the archive again")
            yield member.name, image


def count_files(path: Path) -> int:
    """How many files a tar holds."""
    with tarfile.open(path) as archive:
        return sum(member.isfile() for member in archive)


def detail(image: np.ndarray) -> float:
    """Strength of fine detail in an (H, W) grey picture against its contrast: about 0.9 when sharp, 0.1 when blurred.

    The deviation of the Laplacian over that of the brightness (at least 8 grey levels).
    """
    import cv2

    return float(cv2.Laplacian(image, cv2.CV_32F).std() / max(image.std(), 8.0))


def split(count: int, held_out: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices 0..count-1 in two parts by chance: those to train on, and `held_out` others; both sorted."""
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


class Task(Protocol):
    """What is trained; all its chance must come from its seed and the epoch's number, so that a resumed run agrees."""

    def epoch(self, index: int) -> Mapping[str, float]:
        """One pass over the data; the figures to plot."""

    def state(self) -> Mapping[str, np.ndarray]:
        """All that the next epoch depends on, as named arrays."""

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `state` gave."""


@dataclass(frozen=True)
class Run:
    """A folder of one training run; `settings` (plain JSON) are what makes it another run."""

    folder: Path
    settings: Mapping[str, Any]

    @property
    def checkpoint(self) -> Path:
        """State, history and settings of the last finished epoch, in one file, so that they cannot disagree."""
        return self.folder / "checkpoint.npz"

    def save(self, state: Mapping[str, np.ndarray], history: History) -> None:
        """Keep the run as it is now; a crash while writing leaves the one before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        note = json.dumps({"settings": dict(self.settings), "history": history})
        buffer = io.BytesIO()
        np.savez(buffer, note=np.array(note), **{f"state/{name}": array for name, array in state.items()})
        cache.write_atomically(self.checkpoint, buffer.getvalue())

    def load(self) -> tuple[dict[str, np.ndarray], History]:
        """(state, history) of the last finished epoch; both empty for a new run."""
        if not self.checkpoint.exists():
            return {}, []
        with np.load(self.checkpoint) as file:
            note = json.loads(str(file["note"]))
            state = {name.removeprefix("state/"): file[name] for name in file.files if name != "note"}
        if note["settings"] != json.loads(json.dumps(dict(self.settings))):
            raise SettingsError(f"{self.folder} holds a run of other settings: choose another --run, or delete it")
        return state, note["history"]


def train(task: Task, run: Run, epochs: int) -> History:
    """Train to `epochs` epochs, going on from the run's last finished one; plots the curves after each."""
    state, history = run.load()
    if state:
        task.restore(state)
    for index in range(len(history), epochs):
        history.append(dict(task.epoch(index)))
        run.save(task.state(), history)
        plot_curves(history, run.folder / "curves.png")
    return history


def plot_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """A PNG with one panel per quantity; 'train loss' and 'held-out loss' share the panel 'loss'."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels: dict[str, list[str]] = {}
    for name in history[-1]:
        panels.setdefault(name.split()[-1], []).append(name)
    figure = Figure(figsize=(5 * len(panels), 4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (quantity, names) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for name in names:
            axes.plot(range(1, len(history) + 1), [row[name] for row in history], label=name)
        axes.set(xlabel="epoch", ylabel=quantity)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=100)


def finish_run(folder: Path, name: str, report: Mapping[str, Any]) -> None:
    """Write figures into the folder of a run: all as `metrics.json`, and `card.md` to start a model card from."""
    cache.write_atomically(folder / "metrics.json", json.dumps(report, indent=1).encode())
    cache.write_atomically(folder / "card.md", card(name, report).encode())


def card(name: str, report: Mapping[str, Any]) -> str:
    """Markdown of a run: its settings, its last epoch, and a table a part of what `report` says in single numbers."""
    lines = [f"# Model card: {name}", "", f"`python -m training.{name}` with {json.dumps(report['settings'])}", ""]
    parts = {"last epoch": report["history"][-1]} | {key: part for key, part in report.items() if key != "history"}
    for title, part in parts.items():
        numbers = _numbers(part) if isinstance(part, Mapping) and title != "settings" else {}
        rows = [f"| {row} | {value:.4g} |" for row, value in numbers.items()]
        lines += [f"## {title}", "", "| | |", "|---|---|", *rows, ""] if rows else []
    return "\n".join([*lines, "Data and its terms, weaknesses, and what it must not be used for: to be written.", ""])


def _numbers(part: Mapping[str, Any], before: str = "") -> dict[str, float]:
    """The single numbers of nested mappings, by their path."""
    found: dict[str, float] = {}
    for name, value in part.items():
        if isinstance(value, Mapping):
            found |= _numbers(value, f"{before}{name} ")
        elif isinstance(value, (int, float)):
            found[f"{before}{name}"] = value
    return found


def softmax(logits: np.ndarray) -> np.ndarray:
    """(N, K) probabilities of (N, K) logits."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean of -log of the probability given to the right one of (N, K); `labels` (N,) are indices."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)).mean())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """What to divide (N, K) logits by for the least log loss; above 1 where the network is too sure of itself.

    Method: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda power: log_loss(softmax(logits / np.exp(power)), labels), bounds=(-3, 3), method="bounded"
    )
    return float(np.exp(found.x))


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Mean distance between how sure and how right (N, K) probabilities are, over `bins` equal steps of sureness, 0..1.

    Each step counts by how many of the N fall into it; sureness is the largest probability. Source: as above.
    """
    sure, right = probabilities.max(1), probabilities.argmax(1) == labels
    step = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = np.bincount(step, sure - right, bins)
    return float(np.abs(gaps).sum() / len(labels))


def confusion_matrix(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) counts; rows are the truth, columns the answer."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def to_litert(model, weights: str = "float16") -> bytes:
    """The LiteRT form of a Keras model, its weights kept as 'float32', 'float16' or 'int8'.

    int8 has one scale per output channel, and activations are rounded by their own range at run time.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with contextlib.redirect_stdout(io.StringIO()):  # Keras prints the signature of what it exports
        return converter.convert()
