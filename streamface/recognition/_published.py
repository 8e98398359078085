"""What the backends of published networks share: one network from chip to embedding."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import numpy as np

from streamface.recognition.base import Forward, NetworkSpec, Recognizer, unit
from streamface.runtime import device, weights
from streamface.runtime.convert import Network
from streamface.settings import RuntimeSettings


class Published(Recognizer):
    """A network that takes raw pixels, one chip at a time.

    Args:
        spec: its facts.
        session: the network, ready to run.
    """

    def __init__(self, spec: NetworkSpec, session: device.Runner) -> None:
        self.spec, self._session = spec, session

    def forward(self, chips: np.ndarray) -> Forward:
        passes = [self._session.run(chip[None].astype(np.float32))[0] for chip in chips]
        return Forward(np.concatenate([np.empty((0, self.spec.dimensions), np.float32), *passes]))


class BothSides(Published):
    """A network whose answer is always the mean over a chip and its mirror image, brought to length 1."""

    def forward(self, chips: np.ndarray) -> Forward:
        sides = [super(BothSides, self).forward(side).embeddings for side in (chips, chips[:, :, ::-1])]
        return Forward(unit(unit(sides[0]) + unit(sides[1])))

    def embed(self, chips: np.ndarray, mirror: bool = False, first: Forward | None = None) -> np.ndarray:
        return (first or self.forward(chips)).embeddings


def network(name: str, graph: ModuleType, file: weights.WeightFile, *arguments: str) -> Network:
    """What to convert: `graph.build(path of the file, *arguments)`; downloads the file where it is not here."""
    path = str(weights.obtain(file))
    return Network(name, graph.__name__, "build", (path, *arguments), path, (1, graph.INPUT_PX, graph.INPUT_PX, 3))


def created(spec: NetworkSpec, networks: Sequence[Network], runtime: RuntimeSettings) -> Published:
    """The recogniser of the one network, which must have been converted."""
    (converted,) = networks
    return Published(spec, device.opened(converted, runtime))
