"""Age, gender and race by the published networks on VGG-Face's trunk.

Source: Serengil and Ozpinar, "HyperExtended LightFace: A Facial Attribute Analysis Framework", ICEET 2021 (MIT),
on VGG-Face (CC BY-NC 4.0: not for commercial use). Age and gender were trained on IMDB-WIKI, race on FairFace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from streamface import geometry
from streamface.attributes.base import AttributePredictor
from streamface.networks import vgg_face as network
from streamface.pyramid import Pyramid
from streamface.runtime import device, weights
from streamface.runtime.convert import Network
from streamface.settings import AnalysisSettings, RuntimeSettings
from streamface.types import Attribute

NAME = "VGG-Face-attributes"
FAMILY = "published"
CHIP = network.TEMPLATE, network.PUBLISHED.input_px
"""What the networks were trained on: a still picture's face is cut out like this."""

LABELS = {
    "age": tuple(str(years) for years in range(101)),
    "gender": ("Woman", "Man"),
    "race": ("asian", "indian", "black", "white", "middle eastern", "latino hispanic"),
}
FILES = {
    "age": network.weight_file("age_model_weights.h5", 101, "CC BY-NC 4.0", "Sefik Serengil, age on VGG-Face"),
    "gender": network.weight_file("gender_model_weights.h5", 2, "CC BY-NC 4.0", "Sefik Serengil, gender on VGG-Face"),
    "race": network.weight_file("race_model_single_batch.h5", 6, "CC BY-NC 4.0", "Sefik Serengil, race on VGG-Face"),
}
WEIGHTS = tuple(FILES.values())
INPUT = "unit"
"""The pictures of their training were divided by 255."""

AGE_REACH = 5
"""The score of an age is the probability of these many years around it."""


def answers() -> tuple[str, ...]:
    """The attributes that its networks tell, once their files are here."""
    return tuple(FILES)


def required(settings: AnalysisSettings) -> tuple[Network, ...]:
    """The networks of the wanted attributes, to convert before `create`; downloads what is not here."""
    trunks, heads = _networks(settings)
    return tuple(dict.fromkeys([*trunks.values(), *heads.values()]))


def create(
    settings: AnalysisSettings, runtime: RuntimeSettings, chip_template: np.ndarray | None = None
) -> VggAttributes:
    """The predictor of the wanted attributes; its networks must have been converted.

    chip_template: (5, 2), the recognition network's; None for that of VGG-Face.
    """
    trunks, heads = _networks(settings)
    sessions = {found: device.opened(found, runtime) for found in {*trunks.values(), *heads.values()}}
    identity = weights.find(network.identity_file())
    shared = network.trunk_network(identity, INPUT) if identity else None
    return VggAttributes(
        {name: (sessions[trunks[name]], sessions[heads[name]]) for name in heads},
        {name for name, trunk in trunks.items() if trunk == shared},
        network.TEMPLATE if chip_template is None else chip_template,
    )


def _networks(settings: AnalysisSettings) -> tuple[dict[str, Network], dict[str, Network]]:
    """Attribute -> its trunk, the identity's where that is here and equal, and its head."""
    paths = {name: weights.obtain(file) for name, file in FILES.items() if name in settings.actions}
    identity = weights.find(network.identity_file()) if paths else None
    served = network.trunks({**({"": identity} if identity else {}), **paths})
    trunks = {name: network.trunk_network(served[name], INPUT) for name in paths}
    return trunks, {name: network.head_network(path, len(LABELS[name])) for name, path in paths.items()}


class VggAttributes(AttributePredictor):
    """A head for each attribute on as few trunks as their weights allow.

    Args:
        parts: attribute -> its trunk and its head; a trunk that serves several is run once for all.
        on_identity: those attributes whose trunk equals the identity network's.
        chip_template: (5, 2) where the landmarks lie on the chips, in fractions of their side.
    """

    def __init__(
        self, parts: Mapping[str, tuple[device.Runner, device.Runner]], on_identity: set[str], chip_template: np.ndarray
    ) -> None:
        self.provides = tuple(name for name in LABELS if name in parts)
        self._parts, self._on_identity = dict(parts), frozenset(on_identity)
        self._chip_template = np.asarray(chip_template, np.float32)
        self._is_own_chip = np.array_equal(self._chip_template, network.TEMPLATE)

    def predict(
        self, chips: np.ndarray, actions: Sequence[str], features: np.ndarray | None = None
    ) -> list[Mapping[str, Attribute]]:
        wanted = [name for name in self.provides if name in actions]
        is_usable = features is not None and self._is_own_chip and features.ndim == 4
        rows = features if is_usable else [None] * len(chips)
        return [self._look(chip, wanted, row) for chip, row in zip(chips, rows, strict=True)]

    def _look(self, chip: np.ndarray, wanted: Sequence[str], row: np.ndarray | None) -> dict[str, Attribute]:
        made: dict[int, np.ndarray] = {}
        found = {}
        for name in wanted:
            trunk, head = self._parts[name]
            if row is not None and name in self._on_identity:
                features = row[None]
            else:
                if id(trunk) not in made:
                    made[id(trunk)] = trunk.run(self._as_taken(chip)[None].astype(np.float32))[0]
                features = made[id(trunk)]
            found[name] = attribute(name, head.run(features)[0][0])
        return found

    def _as_taken(self, chip: np.ndarray) -> np.ndarray:
        side = network.PUBLISHED.input_px
        if self._is_own_chip and len(chip) == side:
            return chip
        transform = geometry.similarity(self._chip_template * len(chip), network.TEMPLATE * side)
        return Pyramid(chip).warped(transform, side)

    def close(self) -> None:
        self._parts.clear()


def attribute(name: str, probabilities: np.ndarray) -> Attribute:
    """The answer of one network: (101,) of years, (2,) of gender or (6,) of race."""
    scores = {label: float(p) for label, p in zip(LABELS[name], probabilities, strict=True)}
    if name != "age":
        label = max(scores, key=scores.__getitem__)
        return Attribute(name, label, scores[label], scores=scores)
    years = np.arange(len(probabilities))
    value = float(years @ probabilities)
    spread = float(np.sqrt(max((years - value) ** 2 @ probabilities, 0.0)))
    near = float(probabilities[np.abs(years - value) <= AGE_REACH].sum())
    return Attribute(name, str(round(value)), near, value, scores, spread)
