"""Still pictures: which networks look at them, loaded once a process, and what they find."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from streamface import build, plugins
from streamface.alignment import align, quality
from streamface.analysis import FaceAnalysis, Request
from streamface.attributes.base import ACTIONS, FAMILIES, AttributePredictor
from streamface.cropped import detection_of_crop, fills
from streamface.detection.base import Detector
from streamface.errors import ImageError, NoFaceError, SettingsError, UnknownNameError
from streamface.images import as_bgr
from streamface.pyramid import Pyramid
from streamface.recognition.base import NetworkSpec, Recognizer
from streamface.settings import AnalysisSettings, DetectionSettings, RecognitionSettings, Settings
from streamface.types import AlignedFace, Attribute, Box, Detection

SKIP = "skip"
"""The name of a detector that takes the picture for the face."""

SMALL_FACE_PX = 20.0
"""Smallest face looked for where the usual size finds nobody."""

_LOCK = threading.RLock()
"""The networks are not thread-safe: whoever loads or runs one holds this."""

_ASKED: dict[str, tuple[str, ...]] = {}
"""Family of attribute networks -> what it has answered."""


@dataclass(frozen=True, slots=True, eq=False)
class StillFace:
    """One face of a picture, cut out."""

    detection: Detection
    box: Box
    """The part of the face's box that lies in the picture."""
    chip: AlignedFace
    quality: float
    """0..1: size, sharpness, pose and light together."""
    pyramid: Pyramid | None
    """The picture; None where it need not be looked at again."""
    is_crop: bool = False
    """Whether the picture was taken for the face, without detection."""


class StillAnalysis:
    """Finds the faces of pictures and looks at them; threads may share it, and take turns.

    All objects of a process that need the same network use the same one.

    Args:
        detector: a detector's name; 'skip' for pictures that are a face and little else; or settings.
        recognition: which network compares faces.
        attributes: whose networks tell attributes, one of `attributes.base.FAMILIES`.
    """

    def __init__(
        self, detector: str | DetectionSettings, recognition: RecognitionSettings, attributes: str = "bundled"
    ) -> None:
        self._family = plugins.choose("attributes", attributes, FAMILIES)
        self._skips = plugins.normalised(detector) == SKIP
        self._retries = not isinstance(detector, DetectionSettings)
        module = build.model_module(Settings(recognition=recognition))
        self.spec: NetworkSpec = build.spec(Settings(recognition=recognition))
        self.settings = Settings(
            detection=_detection_settings(detector) if self._retries else detector,
            recognition=replace(recognition, model=module.NAME),
            analysis=AnalysisSettings(actions=()),
        )

    def prepared(self) -> Settings:
        """The settings, once their networks have been converted for this machine."""
        with _LOCK:
            return _prepared(self.settings)

    def faces(self, image: np.ndarray, name: str, enforce_detection: bool) -> list[StillFace]:
        """The faces of an (H, W, 3) uint8 BGR image, largest first.

        Without one, the whole picture is taken for a face, or, with `enforce_detection`, `NoFaceError` is raised
        about the picture `name`.
        """
        pyramid = Pyramid(image)
        with _LOCK:
            found = self._detections(pyramid)
            if not found and enforce_detection and not self._skips:
                raise NoFaceError(
                    f"no face found in {name}: take a larger or clearer picture, or pass enforce_detection=False to "
                    "take all of it for a face"
                )
            if not found:
                return [self._cut(pyramid, detection_of_crop(self._detector(), image), is_crop=True)]
        found = sorted(found, key=lambda detection: -detection.box.area)
        return [self._cut(pyramid, detection) for detection in found]

    def embedding(self, face: StillFace) -> np.ndarray:
        """(D,) float32."""
        with _LOCK:
            return self._recognizer().embed(face.chip.image[None], self.settings.recognition.mirror)[0]

    def attributes(self, face: StillFace, actions: Sequence[str]) -> Mapping[str, Attribute]:
        """Action -> attribute, from a chip of the attribute networks' own where they have one.

        What a network tells better from a whole crop it gets the whole crop for, where the face fills it. Raises
        `SettingsError` for an action that no network here answers.
        """
        with _LOCK:
            wanted = AnalysisSettings(_with_those_asked(self._family, actions), self._family)
            _prepared(replace(self.settings, analysis=wanted))
            settings = Settings(recognition=self._network(), analysis=wanted)
            found = _of_whole_crop(face, _predictors(settings), actions)
            rest = tuple(action for action in actions if action not in found)
            if rest:
                found |= self._of_chip(face, settings, rest)
            _ASKED[self._family] = wanted.actions
        missing = [action for action in actions if action not in found]
        if missing:
            raise SettingsError(build.unanswered(missing))
        return found

    def _of_chip(self, face: StillFace, settings: Settings, actions: tuple[str, ...]) -> Mapping[str, Attribute]:
        template, side = build.attribute_chip(settings)
        chip = face.chip if template is self.spec.template else align(face.pyramid, face.detection, template, side)
        request = Request(0, chip, face.quality, 0.0, False, actions)
        return FaceAnalysis(self._recognizer(), _predictors(settings)).look(request).attributes

    def chip(self, face: StillFace, side: int) -> np.ndarray:
        """The aligned face at (side, side, 3) uint8 BGR, read-only."""
        if side == self.spec.input_px:
            return face.chip.image
        return align(face.pyramid, face.detection, self.spec.template, side).image

    def _detections(self, pyramid: Pyramid) -> Sequence[Detection]:
        if self._skips:
            return ()
        found = self._detector().detect(pyramid)
        return found or (self._detector(min_face_px=SMALL_FACE_PX).detect(pyramid) if self._retries else ())

    def _detector(self, **changes: float) -> Detector:
        return _detector(replace(_prepared(self.settings).detection, **changes))

    def _recognizer(self) -> Recognizer:
        _prepared(self.settings)
        return _recognizer(self._network())

    def _network(self) -> RecognitionSettings:
        """What decides which network is loaded, and nothing else."""
        return replace(self.settings.recognition, metric="cosine", threshold=None, mirror=False)

    def _cut(self, pyramid: Pyramid, detection: Detection, is_crop: bool = False) -> StillFace:
        height, width = pyramid.image.shape[:2]
        chip = align(pyramid, detection, self.spec.template, self.spec.input_px)
        box, score = detection.box.clipped(width, height), quality(detection, chip)
        return StillFace(detection, box, chip, score, pyramid, is_crop)


def read(image: object, place: str) -> tuple[np.ndarray, str]:
    """A path, array or Pillow picture as (H, W, 3) uint8 BGR, and what to call it in a message.

    `place` ('img1', 'picture 3 of 7') stands for a picture without a path. Raises `ImageError`.
    """
    if isinstance(image, (str, os.PathLike)):
        if str(image).startswith("data:") or "://" in str(image):  # not repeated: it may hold a password
            raise ImageError(f"{place} is an address or coded text: save it as a file and give its path")
        return as_bgr(image), str(image)
    try:
        pixels = as_bgr(image)
    except ImageError as error:
        raise ImageError(f"{place}: {error}") from None
    return pixels, f"{place} ({pixels.shape[1]}x{pixels.shape[0]} pixels)"


def each(images: object, look: Callable[[object, str], object], place: str = "img"):
    """`look(image, place)` for one image, or the list of answers for a list of images or an (N, H, W, C) array."""
    if isinstance(images, (list, tuple)) or (isinstance(images, np.ndarray) and images.ndim == 4):
        return [look(image, f"picture {i} of {len(images)}") for i, image in enumerate(images, 1)]
    return look(images, place)


def forget() -> None:
    """Drop all networks that are loaded, and their memory; the next call loads what it needs."""
    with _LOCK:
        for kept in (_prepared, _detector, _recognizer, _predictors):
            kept.cache_clear()
        _ASKED.clear()


def _detection_settings(name: str) -> DetectionSettings:
    """Those of a detector by its name, spelled as its file has it, so that each is loaded once."""
    if plugins.normalised(name) == SKIP:
        name = "mtcnn"
    try:
        module = plugins.backend("detection", name, "detector")
    except UnknownNameError as error:
        raise UnknownNameError("detector", name, (*error.known, SKIP)) from None
    return DetectionSettings(module.NAME)


@cache
def _prepared(settings: Settings) -> Settings:
    """The same settings, once their networks have been converted for this machine."""
    build.prepare(settings)
    return settings


@cache
def _detector(detection: DetectionSettings) -> Detector:
    return build.detector(Settings(detection=detection))


@cache
def _recognizer(recognition: RecognitionSettings) -> Recognizer:
    settings = Settings(recognition=recognition)
    return build.model_module(settings).create(recognition, settings.runtime)


@cache
def _predictors(settings: Settings) -> tuple[AttributePredictor, ...]:
    return build.predictors(settings, build.attribute_chip(settings)[0])


def _of_whole_crop(
    face: StillFace, predictors: Sequence[AttributePredictor], actions: Sequence[str]
) -> dict[str, Attribute]:
    """What is told from the whole picture: nothing, unless it is a crop that the face fills."""
    if not face.is_crop or not fills(face.detection, face.pyramid.image):
        return {}
    return {
        name: attribute
        for predictor in predictors
        for name, attribute in predictor.predict_crops([face.pyramid.image], actions)[0].items()
    }


def _with_those_asked(family: str, actions: Sequence[str]) -> tuple[str, ...]:
    """The actions that a family of networks has answered so far, and these.

    Networks of one family may share a trunk, so they are loaded together, and anew when one is added.
    """
    answered = _ASKED.get(family, ())
    if not set(actions) <= set(answered):
        _predictors.cache_clear()
    return tuple(action for action in ACTIONS if action in {*answered, *actions})
