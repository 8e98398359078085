"""OpenFace (nn4.small2): the fastest network, with weights that this project taught it and carries.

Network: Amos, Ludwiczuk, Satyanarayanan, CMU-CS-16-118, 2016; Apache 2.0. Carried weights: docs/models/openface.md.
`--weights published` takes the authors' instead, which are downloaded; a path takes a file of your own, in the
layout of the published one (.h5) or in LiteRT's (.tflite).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from streamface.errors import WeightsError
from streamface.networks import openface as network
from streamface.recognition._published import BothSides, Published
from streamface.recognition.base import NetworkSpec
from streamface.runtime import device, weights
from streamface.runtime.convert import Network
from streamface.runtime.session import Session
from streamface.settings import RecognitionSettings, RuntimeSettings

NAME = "OpenFace"
MODEL = Path(__file__).resolve().parents[1] / "bundled" / "openface.tflite"
CARRIED, PUBLISHED = "carried", "published"

SPEC = NetworkSpec(
    name=NAME,
    input_px=network.INPUT_PX,
    dimensions=network.DIMENSIONS,
    # Where the authors' alignment (openface/align_dlib.py, outer eyes and nose) puts MTCNN's five points.
    template=np.array([[0.277, 0.167], [0.706, 0.159], [0.492, 0.422], [0.307, 0.642], [0.695, 0.634]], np.float32),
    # From benchmarks/verification.py on lfw_dev.
    thresholds=MappingProxyType({"cosine": 0.0367, "euclidean": 0.271, "euclidean_l2": 0.271}),
    verify_thresholds=MappingProxyType({"cosine": 0.062, "euclidean": 0.352, "euclidean_l2": 0.352}),
)
"""The facts of the carried weights."""

PUBLISHED_THRESHOLDS = MappingProxyType({"cosine": 0.10, "euclidean": 0.55, "euclidean_l2": 0.55})
"""As the deepface package publishes them (deepface/config/threshold.py)."""

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


def spec(settings: RecognitionSettings) -> NetworkSpec:
    """The facts with the weights that the settings choose; the version tells embeddings of different ones apart.

    A file of one's own has the carried thresholds, which fit what training/openface.py teaches.
    """
    choice = settings.weights or CARRIED
    if choice == PUBLISHED:
        return replace(SPEC, weights=PUBLISHED, thresholds=PUBLISHED_THRESHOLDS, verify_thresholds=None)
    file = weights_file(choice)
    name = choice if choice == CARRIED else file.name
    return replace(SPEC, weights=name, version=weights.digest(file)[:12])


def weights_file(choice: str = CARRIED) -> Path:
    """The file that a choice means: 'carried', 'published' (downloaded where it is not here), or its path.

    Raises `WeightsError` where it is missing or of another network.
    """
    if choice == CARRIED:
        return MODEL
    if choice == PUBLISHED:
        return weights.obtain(WEIGHTS[0])
    path = Path(choice)
    if path.suffix != ".tflite":
        return weights.check(WEIGHTS[0], path)
    if not path.is_file():
        raise WeightsError(f"{path} is missing: give 'carried', 'published' or the path of a weights file")
    return path


def required(settings: RecognitionSettings) -> tuple[Network, ...]:
    """The network to convert before `create`: none for the carried weights, which are in LiteRT's form."""
    path = weights_file(settings.weights or CARRIED)
    if path.suffix == ".tflite":
        return ()
    sample = (1, network.INPUT_PX, network.INPUT_PX, 3)
    return (Network("openface", network.__name__, "build", (str(path),), str(path), sample),)


def create(settings: RecognitionSettings, runtime: RuntimeSettings) -> Published:
    """The recogniser; its network must have been converted.

    A file in LiteRT's form answers for both sides of a face: in int8 that takes less time than one pass in float32,
    and accepts 2 of 100 true pairs more.
    """
    facts, converted = spec(settings), required(settings)
    if converted:
        return Published(facts, device.opened(converted[0], runtime))
    path = weights_file(settings.weights or CARRIED)
    session = Session(path, runtime.threads)
    if session.shapes != ((1, facts.input_px, facts.input_px, 3), (1, facts.dimensions)):
        raise WeightsError(f"{path.name} is of another network: --weights takes one of OpenFace, of 96x96 pixels")
    return BothSides(facts, session)
