"""VGG-Face: the descriptor of 4096 numbers in front of the classes.

Source: Parkhi, Vedaldi, Zisserman, "Deep Face Recognition", BMVC 2015; weights CC BY-NC 4.0, not for commercial use.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from streamface.networks import vgg_face as network
from streamface.recognition.base import Forward, NetworkSpec, Recognizer
from streamface.runtime import device, weights
from streamface.runtime.convert import Network
from streamface.settings import RecognitionSettings, RuntimeSettings

NAME = "VGG-Face"

INPUT = "unit"
"""Which of the trunk's inputs: the one that the thresholds were measured with, and that attributes can share."""

SPEC = NetworkSpec(
    name=NAME,
    input_px=network.PUBLISHED.input_px,
    dimensions=network.PUBLISHED.dense,
    template=network.TEMPLATE,
    # As the deepface package publishes them (deepface/config/threshold.py), for vectors of length 1.
    thresholds=MappingProxyType({"cosine": 0.68, "euclidean": 1.17, "euclidean_l2": 1.17}),
)

WEIGHTS = (network.identity_file(),)


def required(settings: RecognitionSettings) -> tuple[Network, ...]:
    """Trunk and head, to convert before `create`; downloads the weights where they are not here."""
    path = weights.obtain(WEIGHTS[0])
    return network.trunk_network(path, INPUT), network.head_network(path, 0)


def create(settings: RecognitionSettings, runtime: RuntimeSettings) -> VggFace:
    """The recogniser; its networks must have been converted."""
    trunk, head = required(settings)
    return VggFace(device.opened(trunk, runtime), device.opened(head, runtime))


class VggFace(Recognizer):
    """Sixteen layers, 145 million parameters, 224x224 pixels to 4096 numbers of length 1.

    Its features are those behind the convolutions, (N, 7, 7, 512).

    Args:
        trunk, head: the networks, ready to run.
    """

    spec = SPEC

    def __init__(self, trunk: device.Runner, head: device.Runner) -> None:
        self._trunk, self._head = trunk, head

    def forward(self, chips: np.ndarray) -> Forward:
        features = [self._trunk.run(chip[None].astype(np.float32))[0] for chip in chips]
        embeddings = [self._head.run(row)[0] for row in features]
        shape = network.PUBLISHED.features
        return Forward(
            np.concatenate([np.empty((0, self.spec.dimensions), np.float32), *embeddings]),
            np.concatenate([np.empty((0, *shape), np.float32), *features]),
        )
