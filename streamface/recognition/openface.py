"""OpenFace (nn4.small2): the fastest of the published networks.

Source: Amos, Ludwiczuk, Satyanarayanan, CMU-CS-16-118, 2016; Apache 2.0.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import numpy as np

from streamface.networks import openface as network
from streamface.recognition._published import Published
from streamface.recognition.base import NetworkSpec
from streamface.runtime import device, weights
from streamface.runtime.convert import Network
from streamface.settings import RecognitionSettings, RuntimeSettings

NAME = "OpenFace"

SPEC = NetworkSpec(
    name=NAME,
    input_px=network.INPUT_PX,
    dimensions=network.DIMENSIONS,
    # Where the authors' alignment (openface/align_dlib.py, outer eyes and nose) puts MTCNN's five points.
    template=np.array([[0.277, 0.167], [0.706, 0.159], [0.492, 0.422], [0.307, 0.642], [0.695, 0.634]], np.float32),
    # As the deepface package publishes them (deepface/config/threshold.py).
    thresholds=MappingProxyType({"cosine": 0.10, "euclidean": 0.55, "euclidean_l2": 0.55}),
)

WEIGHTS = (
    weights.WeightFile(
        filename="openface_weights.h5",
        urls=weights.published("openface_weights.h5"),
        size=None,
        licence="Apache 2.0",
        source="Brandon Amos, OpenFace nn4.small2.v1",
        parameters=network.PARAMETERS,
    ),
)

PUBLISHED = "published"


def weights_file(choice: str = PUBLISHED) -> Path:
    """The weights that a choice means: 'published', or the path of a file of the same layout."""
    if choice == PUBLISHED:
        return weights.obtain(WEIGHTS[0])
    return weights.check(WEIGHTS[0], Path(choice))


def required(settings: RecognitionSettings) -> tuple[Network, ...]:
    """The network to convert before `create`; downloads its weights where they are not here."""
    sample = (1, network.INPUT_PX, network.INPUT_PX, 3)
    return (Network("openface", network.__name__, "build", (str(path := weights_file()),), str(path), sample),)


def create(settings: RecognitionSettings, runtime: RuntimeSettings) -> Published:
    """The recogniser; its network must have been converted."""
    (converted,) = required(settings)
    return Published(SPEC, device.opened(converted, runtime))
