"""What the backends of published networks share: one LiteRT network from chip to embedding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from streamface.recognition.base import Forward, NetworkSpec, Recognizer
from streamface.runtime import weights
from streamface.runtime.convert import Network
from streamface.runtime.session import Session
from streamface.settings import RuntimeSettings


class Published(Recognizer):
    """A network of one LiteRT file that takes raw pixels, one chip at a time.

    Args:
        spec: its facts.
        model: the converted file; mapped, not read, as some have 400 MB.
        threads: threads of one pass.
    """

    def __init__(self, spec: NetworkSpec, model: Path, threads: int = 1) -> None:
        self.spec = spec
        self._session = Session(model, threads)

    def forward(self, chips: np.ndarray) -> Forward:
        passes = [self._session.run(chip[None].astype(np.float32))[0] for chip in chips]
        return Forward(np.concatenate([np.empty((0, self.spec.dimensions), np.float32), *passes]))


def network(name: str, graph: ModuleType, file: weights.WeightFile, *arguments: str) -> Network:
    """What to convert: `graph.build(path of the file, *arguments)`; downloads the file where it is not here."""
    path = str(weights.obtain(file))
    return Network(name, graph.__name__, "build", (path, *arguments), path, (1, graph.INPUT_PX, graph.INPUT_PX, 3))


def created(spec: NetworkSpec, networks: Sequence[Network], runtime: RuntimeSettings) -> Published:
    """The recogniser of the one network, which must have been converted."""
    (converted,) = networks
    return Published(spec, converted.path(), runtime.threads)
