import numpy as np

from streamface import build, plugins
from streamface.networks import dlib_resnet
from streamface.settings import Settings


def test_published_attribute_networks_are_chosen_by_name_only():
    found = plugins.backends("attributes")
    assert {"VGG-Face-attributes", "Emotion-published"} <= set(found)
    aside = {name for name, module in found.items() if not getattr(module, "DEFAULT", True)}
    assert aside == {"VGG-Face-attributes", "Emotion-published"}
    assert not [p for p in build.predictors(Settings()) if "vgg" in type(p).__module__]


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
