"""From a Keras model to a LiteRT file, made once and cached: the only place that imports TensorFlow.

The work is done in a process of its own, so that TensorFlow's 400 MB never enter a running stream.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from streamface.errors import WeightsError
from streamface.runtime import cache, weights

log = logging.getLogger(__name__)

LARGEST_DIFFERENCE = 1e-3
"""Refuse a conversion whose outputs differ from Keras by more than this share of the largest output."""

LARGE = 100_000_000
"""Bytes of a weights file from which on its network is converted alone."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network to convert: `function` of `module`, called with `arguments`, returns the Keras model.

    `weights` is the file that decides when the cached result is stale, `revision` counts changes of the graph;
    `sample_shape` is an input on which Keras and LiteRT are compared.
    """

    name: str
    module: str
    function: str
    arguments: tuple[str, ...]
    weights: str
    sample_shape: tuple[int, ...]
    revision: int = 1

    def model(self):
        """The Keras model; loads TensorFlow."""
        return getattr(importlib.import_module(self.module), self.function)(*self.arguments)

    def path(self) -> Path:
        """Where the converted file lies, or will lie."""
        digest = weights.digest(Path(self.weights))[:16]
        return cache.folder("networks") / f"{self.name}-{digest}-r{self.revision}.tflite"


def ensure(networks: Sequence[Network]) -> None:
    """Convert those of `networks` that are not in the cache, each once; raises `WeightsError`.

    Small ones share a process, as loading TensorFlow takes longer than converting them; each large one has a
    process of its own, as it needs some ten times its size for a moment.
    """
    missing = [network for network in dict.fromkeys(networks) if not network.path().exists()]
    large = [network for network in missing if Path(network.weights).stat().st_size > LARGE]
    small = [network for network in missing if network not in large]
    for together in filter(None, [small, *([network] for network in large)]):
        _convert_in_process(together)


def _convert_in_process(networks: Sequence[Network]) -> None:
    names = ", ".join(network.name for network in networks)
    log.info("preparing %s for this machine (once, about half a minute)", names)
    job = json.dumps([asdict(network) for network in networks])
    done = subprocess.run([sys.executable, "-m", __name__], input=job, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise WeightsError(f"could not prepare {names}: {reason}")


def convert(model, sample_shape: tuple[int, ...]) -> tuple[bytes, float]:
    """The LiteRT form of a Keras model, and its largest difference from it relative to the largest output.

    sample_shape is (N, H, W, C) of the random 0..255 input on which both are run.
    """
    import tensorflow as tf

    with contextlib.redirect_stdout(io.StringIO()):  # Keras prints the signature of what it exports
        data = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    sample = np.random.default_rng(0).uniform(0, 255, sample_shape).astype(np.float32)
    return data, _difference(model, data, sample)


def _difference(model, data: bytes, sample: np.ndarray) -> float:
    from streamface.runtime.session import Session

    expected = model(sample, training=False)
    expected = list(expected) if isinstance(expected, (list, tuple)) else [expected]
    found = Session(data).run(sample)
    pairs = [(np.asarray(a), b) for a, b in zip(expected, found, strict=True)]
    return float(np.max([np.abs(a - b).max() / max(np.abs(a).max(), 1e-6) for a, b in pairs]))


def _convert_and_store(network: Network) -> None:
    model = network.model()
    data, difference = convert(model, network.sample_shape)
    if not difference <= LARGEST_DIFFERENCE:  # also when it is not a number
        raise WeightsError(
            f"{network.name} differs from Keras by {difference:.1e} after conversion: please report this"
        )
    path = network.path()
    note = {"name": network.name, "weights": Path(network.weights).name, "difference": difference}
    cache.write_atomically(path.with_suffix(".json"), json.dumps(note).encode())
    cache.write_atomically(path, data)


def main() -> None:
    """Read networks as JSON from standard input and convert each."""
    for entry in json.load(sys.stdin):
        entry["arguments"], entry["sample_shape"] = tuple(entry["arguments"]), tuple(entry["sample_shape"])
        _convert_and_store(Network(**entry))


if __name__ == "__main__":
    main()
