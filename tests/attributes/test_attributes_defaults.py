"""Which family of attribute networks is used, and what the carried one takes."""

from dataclasses import replace

import numpy as np
import pytest

from streamface import build, plugins
from streamface.attributes import emotion, face
from streamface.attributes.base import ACTIONS
from streamface.errors import UnknownNameError
from streamface.networks import dlib_resnet, vgg_face
from streamface.settings import AnalysisSettings, Settings

FAMILIES = {
    "bundled": {"Bundled"},
    "Published": {"VGG-Face-attributes", "Emotion-published"},  # names are matched without case
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_setting_says_whose_networks_answer(family, monkeypatch):
    for module in plugins.backends("attributes").values():
        monkeypatch.setattr(module, "create", lambda *_, made=module.NAME: made)
    settings = Settings(analysis=AnalysisSettings(attributes=family))
    assert set(build.predictors(settings)) == FAMILIES[family]
    assert build.predictors(replace(settings, analysis=AnalysisSettings(actions=(), attributes=family))) == ()


def test_each_family_says_what_it_tells(monkeypatch, tmp_path):
    assert build.answers("published") == ACTIONS
    monkeypatch.setattr(emotion, "MODEL", tmp_path / "gone.tflite")
    assert build.answers("bundled") == ("age", "gender", "race")
    monkeypatch.setattr(emotion, "MODEL", face.MODEL)
    assert build.answers("bundled") == ACTIONS


def test_an_unknown_family_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="unknown attributes 'theirs': choose one of bundled, published"):
        build.predictors(Settings(analysis=AnalysisSettings(attributes="theirs")))


def test_still_pictures_are_cut_as_the_published_networks_were_trained():
    carried, published = (AnalysisSettings(("age",), family) for family in ("bundled", "published"))
    template, side = build.attribute_chip(Settings(analysis=published))
    assert side == 224 and template is vgg_face.TEMPLATE
    template, side = build.attribute_chip(Settings(analysis=carried))
    assert side == 150 and template is dlib_resnet.TEMPLATE


def test_features_of_another_shape_are_not_given_to_the_carried_networks(monkeypatch):
    from streamface.attributes.bundled import BundledPredictor

    seen = []

    class Trunk:
        def features(self, chips):
            return np.ones((len(chips), *dlib_resnet.FEATURES_SHAPE), np.float32)

    class Head:
        def predict(self, features, actions):
            seen.append(features.shape[1:])
            return [{} for _ in features]

    predictor = BundledPredictor(dlib_resnet.TEMPLATE)
    predictor.__dict__.update(_trunk=Trunk(), _face=Head())
    chips = np.zeros((1, 224, 224, 3), np.uint8)
    predictor.predict(chips, ("age",), np.zeros((1, 7, 7, 512), np.float32))
    assert seen == [dlib_resnet.FEATURES_SHAPE]
