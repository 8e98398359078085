"""The networks that settings name: recognition, detection, attributes, and what is compared with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

import numpy as np

from streamface import plugins
from streamface.analysis import FaceAnalysis, FaceEncoder
from streamface.attributes.base import ACTIONS, FAMILIES, AttributePredictor
from streamface.detection.base import Detector
from streamface.errors import SettingsError, WeightsError
from streamface.gallery.base import EncodedFace
from streamface.recognition.base import METRICS, NetworkSpec
from streamface.runtime import cache, convert
from streamface.settings import Settings

AUTO_MODEL = "Dlib"
"""What `--model auto` means; see docs/models.md for the rule and the figures behind it."""


def model_module(settings: Settings) -> ModuleType:
    """The recognition backend that the settings name."""
    name = settings.recognition.model
    return plugins.backend("recognition", AUTO_MODEL if plugins.normalised(name) == "auto" else name, "model")


def spec(settings: Settings) -> NetworkSpec:
    """The facts of the recognition network with the weights that the settings choose."""
    module = model_module(settings)
    if hasattr(module, "spec"):
        return module.spec(settings.recognition)
    if settings.recognition.weights is not None:
        raise SettingsError(f"{module.NAME} has one set of weights: leave --weights out, or choose --model OpenFace")
    return module.SPEC


def network_key(settings: Settings) -> str:
    """What embeddings must have in common to be comparable: network, version, detector, mirroring."""
    facts, mirrored = spec(settings), "/mirrored" if settings.recognition.mirror else ""
    return f"{facts.name}/{facts.version}/{plugins.normalised(settings.detection.detector)}{mirrored}"


def threshold(settings: Settings, verifying: bool = False) -> float:
    """The largest distance that counts as the same person, as set or as the network has it for the metric.

    verifying: for a yes or no on two pictures, rather than for naming one person among many, which is stricter.
    """
    if settings.recognition.threshold is not None:
        return settings.recognition.threshold
    metric = plugins.choose("metric", settings.recognition.metric, METRICS)
    if settings.recognition.mirror and metric == "euclidean":
        metric = "euclidean_l2"  # averaged embeddings have length 1
    facts = spec(settings)
    return (verifying and facts.verify_thresholds or facts.thresholds)[metric]


def prepare(settings: Settings) -> None:
    """Convert the networks that are not converted yet; checks every name on the way."""
    cache.use(settings.runtime.home)
    plugins.choose("metric", settings.recognition.metric, METRICS)
    for action in settings.analysis.actions:
        plugins.choose("action", action, ACTIONS)
    detection = plugins.backend("detection", settings.detection.detector, "detector")
    networks = list(getattr(detection, "required", lambda _: ())(settings.detection))
    networks += model_module(settings).required(settings.recognition)
    for module in _attribute_modules(settings):
        networks += module.required(settings.analysis)
    convert.ensure(networks)


def detector(settings: Settings) -> Detector:
    """The detector that the settings name."""
    module = plugins.backend("detection", settings.detection.detector, "detector")
    return module.create(settings.detection, settings.runtime)


def analysis(settings: Settings) -> FaceAnalysis:
    """The networks that look at a face."""
    recognizer, attributes = model_module(settings).create(settings.recognition, settings.runtime), predictors(settings)
    answered = {action for predictor in attributes for action in predictor.provides}
    missing = [action for action in settings.analysis.actions if action not in answered]
    if missing:
        raise WeightsError(unanswered(missing))
    return FaceAnalysis(recognizer, attributes, settings.recognition.mirror)


def answers(family: str) -> tuple[str, ...]:
    """All attributes that a family of networks tells."""
    modules = _family(family)
    return tuple(action for action in ACTIONS if any(action in module.answers() for module in modules))


def unanswered(actions: Sequence[str]) -> str:
    """What to say where no network of the chosen family answers some actions."""
    names = ", ".join(actions)
    return f"no network for {names} is here: leave it out of the actions, or take attributes 'published', which has it"


def predictors(settings: Settings, template: np.ndarray | None = None) -> tuple[AttributePredictor, ...]:
    """The backends that answer the wanted attributes, from chips of this template (None: recognition's own)."""
    template = spec(settings).template if template is None else template
    return tuple(m.create(settings.analysis, settings.runtime, template) for m in _attribute_modules(settings))


def attribute_chip(settings: Settings) -> tuple[np.ndarray, int]:
    """Template and side of the chip that suits the wanted attributes best, where a face may be cut out once more."""
    own = [module.CHIP for module in _attribute_modules(settings) if hasattr(module, "CHIP")]
    return own[0] if own else (spec(settings).template, spec(settings).input_px)


def _attribute_modules(settings: Settings) -> list[ModuleType]:
    """The attribute backends of the chosen family, when attributes are wanted at all."""
    found = _family(settings.analysis.attributes)
    return found if settings.analysis.actions else []


def _family(name: str) -> list[ModuleType]:
    family = plugins.choose("attributes", name, FAMILIES)
    return [module for module in plugins.backends("attributes").values() if module.FAMILY == family]


class LazyEncoder:
    """A `gallery.base.Encoder` whose networks are loaded with the first picture, so that none costs nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: FaceEncoder | None = None
        self.network = network_key(settings)

    def encode(self, image: np.ndarray) -> tuple[EncodedFace, ...]:
        """All faces of an (H, W, 3) uint8 BGR image."""
        if self._made is None:
            plain = replace(self._settings, analysis=replace(self._settings.analysis, actions=()))
            self._made = FaceEncoder(detector(plain), analysis(plain))
        return self._made.encode(image)

    def close(self) -> None:
        """Give back the networks; the next picture loads them again."""
        made, self._made = self._made, None
        if made is not None:
            made.close()
