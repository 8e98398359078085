"""One face at a time: align, embed, attributes; and the same for every face of a still picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from streamface.alignment import align, quality
from streamface.attributes.base import AttributePredictor
from streamface.detection.base import Detector
from streamface.gallery.base import EncodedFace
from streamface.pyramid import Pyramid
from streamface.recognition.base import Forward, Recognizer
from streamface.types import AlignedFace, Attribute, Detection


class Stopwatch:
    """Milliseconds spent in each stage since the last `take`."""

    def __init__(self) -> None:
        self._spent_ms: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time the block under the name `stage`; several blocks of one name add up."""
        start = perf_counter()
        try:
            yield
        finally:
            self.add(stage, (perf_counter() - start) * 1e3)

    def add(self, stage: str, spent_ms: float) -> None:
        """Put time that was measured elsewhere under `stage`."""
        self._spent_ms[stage] = self._spent_ms.get(stage, 0.0) + spent_ms

    def correct(self, stage: str, beside_ms: float | None) -> None:
        """Put work that another thread did in place of the time spent waiting for it; None: it was done here."""
        if beside_ms is not None:
            self._spent_ms[stage] = beside_ms

    def __getitem__(self, stage: str) -> float:
        """Milliseconds spent in a stage so far."""
        return self._spent_ms.get(stage, 0.0)

    def take(self) -> dict[str, float]:
        """Stage -> milliseconds, and start anew."""
        spent, self._spent_ms = self._spent_ms, {}
        return spent


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A view of one track that is to be looked at."""

    track: int
    face: AlignedFace
    quality: float
    at: float
    """Clock of the stream, in seconds."""
    identity: bool
    """Whether an embedding is wanted."""
    actions: tuple[str, ...] = ()
    """The attributes that are wanted."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """'identity' and the attributes that are wanted."""
        return (("identity",) if self.identity else ()) + self.actions


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What was seen in a `Request`."""

    request: Request
    vector: np.ndarray | None
    """(D,) float32, None where no embedding was wanted."""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds of each stage."""


class FaceAnalysis:
    """The networks that look at an aligned face; not thread-safe, one thread at a time.

    Args:
        recognizer: gives embeddings, and the features that attribute networks may share.
        predictors: give attributes.
        mirror: average each embedding with that of the mirrored chip.
    """

    def __init__(self, recognizer: Recognizer, predictors: Sequence[AttributePredictor] = (), mirror: bool = False):
        self.recognizer, self.predictors, self.mirror = recognizer, tuple(predictors), mirror

    def cut(self, pyramid: Pyramid, detection: Detection) -> AlignedFace:
        """The face as the recognition network takes it."""
        spec = self.recognizer.spec
        return align(pyramid, detection, spec.template, spec.input_px)

    def look(self, request: Request) -> Answer:
        """Answer one request."""
        watch, chips = Stopwatch(), request.face.image[None]
        shared = Forward(np.empty((1, 0), np.float32))
        if request.identity or self._shares_features(request.actions):
            with watch("embed"):
                shared = self.recognizer.forward(chips)
                vector = self.recognizer.embed(chips, self.mirror, first=shared)[0] if request.identity else None
        else:
            vector = None
        found = self.attributes(chips, request.actions, shared.features, watch)[0]
        return Answer(request, vector, found, watch.take())

    def attributes(
        self,
        chips: np.ndarray,
        actions: Sequence[str],
        features: np.ndarray | None,
        watch: Stopwatch | None = None,
    ) -> list[dict[str, Attribute]]:
        """Action -> attribute for each of (N, S, S, 3) chips; features as `AttributePredictor.predict` takes them.

        watch: times each pass of a network under what it answers, as 'age+gender'.
        """
        watch = watch or Stopwatch()
        found: list[dict[str, Attribute]] = [{} for _ in chips]
        for predictor in self.predictors:
            for wanted in predictor.passes([action for action in actions if action in predictor.provides]):
                if not wanted:
                    continue
                with watch("+".join(wanted)):
                    answers = predictor.predict(chips, wanted, features)
                for face, answer in zip(found, answers, strict=True):
                    face.update(answer)
        return found

    def _shares_features(self, actions: Sequence[str]) -> bool:
        return any(predictor.shares_features(actions) for predictor in self.predictors)

    def close(self) -> None:
        """Give back what the networks hold."""
        for part in (self.recognizer, *self.predictors):
            part.close()


class FaceEncoder:
    """All faces of a picture as embeddings, by the same way as those of a stream.

    Args:
        detector, analysis: used, and closed, by this object alone.
    """

    def __init__(self, detector: Detector, analysis: FaceAnalysis) -> None:
        self._detector, self._analysis = detector, analysis

    def encode(self, image: np.ndarray) -> tuple[EncodedFace, ...]:
        """All faces of an (H, W, 3) uint8 BGR image, best score first."""
        pyramid = Pyramid(image)
        return tuple(self._encoded(pyramid, detection) for detection in self._detector.detect(image))

    def _encoded(self, pyramid: Pyramid, detection: Detection) -> EncodedFace:
        face = self._analysis.cut(pyramid, detection)
        vector = self._analysis.recognizer.embed(face.image[None], self._analysis.mirror)[0]
        return EncodedFace(detection.box, detection.score, quality(detection, face), vector)

    def close(self) -> None:
        """Give back what detector and networks hold."""
        self._detector.close()
        self._analysis.close()
