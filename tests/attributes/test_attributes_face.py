"""Age, gender and race: answers, the shared pass, the carried network on real faces."""

import numpy as np
import pytest

from streamface import build
from streamface.alignment import align
from streamface.attributes import bundled, face
from streamface.attributes.face import FaceAttributes, SharedTrunk, attributes_of
from streamface.cropped import detection_of_crop
from streamface.errors import WeightsError
from streamface.networks import dlib_resnet
from streamface.networks.face_attributes import AGES, OUTPUTS, PARTS
from streamface.pyramid import Pyramid
from streamface.settings import AnalysisSettings, RuntimeSettings
from training import utkface

needs_model = pytest.mark.skipif(not face.MODEL.exists(), reason="the face attribute network is not carried")
EVERY = 40
"""Of the held-out pictures, one in so many is looked at."""


def _row(ages: dict[int, float], gender=(0.25, 0.75), race=(0.1, 0.2, 0.4, 0.2, 0.1)) -> np.ndarray:
    row = np.zeros(OUTPUTS, np.float32)
    row[list(ages)] = list(ages.values())
    row[PARTS["gender"]], row[PARTS["race"]] = gender, race
    return row


@pytest.fixture(scope="module")
def recognizer(settings):
    return build.analysis(settings).recognizer


@pytest.fixture(scope="module")
def chip(settings, recognizer, portrait) -> np.ndarray:
    (found,) = build.detector(settings).detect(portrait)
    return align(Pyramid(portrait), found, recognizer.spec.template, recognizer.spec.input_px).image


def test_age_is_an_expectation_with_its_deviation():
    age = attributes_of(_row({20: 0.5, 40: 0.5}))["age"]
    assert (age.label, age.value, age.spread) == ("30", pytest.approx(30), pytest.approx(10))
    assert age.scores["20-29"] == age.scores["40-49"] == pytest.approx(0.5)
    assert sum(age.scores.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "years, band", [(0, "0-2"), (2, "0-2"), (3, "3-12"), (19, "13-19"), (69, "60-69"), (AGES - 1, "70+")]
)
def test_bands_of_ages(years, band):
    age = attributes_of(_row({years: 1.0}))["age"]
    assert age.scores[band] == 1 and age.spread == 0 and age.label == str(years)


def test_gender_and_race_are_the_most_probable_labels():
    found = attributes_of(_row({30: 1.0}))
    assert (found["gender"].label, found["gender"].score) == ("Woman", pytest.approx(0.75))
    assert dict(found["gender"].scores) == pytest.approx({"Man": 0.25, "Woman": 0.75})
    assert (found["race"].label, found["race"].score) == ("asian", pytest.approx(0.4))
    assert tuple(found["race"].scores) == ("white", "black", "asian", "indian", "other")


def test_only_what_was_asked_for():
    assert set(attributes_of(_row({1: 1.0}), ("race",))) == {"race"}


def test_the_trunk_gives_embeddings_first_and_then_features(recognizer, chip):
    both = recognizer.forward(np.stack([chip, chip[:, ::-1]]))
    assert both.embeddings.shape == (2, 128) and both.features.shape == (2, *dlib_resnet.FEATURES_SHAPE)
    assert both.features.dtype == np.float32 and both.features.min() == 0 and both.features.std() > 0.1
    assert recognizer.forward(chip[None][:0]).features.shape == (0, *dlib_resnet.FEATURES_SHAPE)


def test_a_trunk_of_its_own_gives_the_features_of_the_shared_pass(recognizer, chip):
    model = dlib_resnet.conversion().path().read_bytes()
    own = SharedTrunk(model, dlib_resnet.TEMPLATE)
    shared = recognizer.forward(chip[None]).features
    np.testing.assert_array_equal(own.features(chip[None]), shared)
    assert own.features(chip[None][:0]).shape == (0, *dlib_resnet.FEATURES_SHAPE)


def test_chips_of_another_framing_are_brought_to_dlibs(recognizer, settings, portrait, chip):
    other = np.array([[0.25, 0.25], [0.75, 0.25], [0.5, 0.55], [0.28, 0.8], [0.72, 0.8]], np.float32)
    (found,) = build.detector(settings).detect(portrait)
    theirs = align(Pyramid(portrait), found, other, 200).image
    model = dlib_resnet.conversion().path().read_bytes()
    moved = SharedTrunk(model, other).features(theirs[None])
    shared = recognizer.forward(chip[None]).features
    plain = SharedTrunk(model, dlib_resnet.TEMPLATE).features(theirs[None])
    middle = np.s_[:, 5:12, 5:12]  # a tighter chip has no edges to give
    assert np.abs(moved - shared)[middle].mean() < 0.5 * np.abs(plain - shared)[middle].mean()


def test_a_file_that_is_no_network_is_refused():
    with pytest.raises(WeightsError):
        FaceAttributes(b"not a network")


def test_only_face_attributes_need_dlibs_network_and_share_it():
    assert bundled.required(AnalysisSettings(actions=("emotion",))) == ()
    assert bundled.required(AnalysisSettings(actions=("emotion", "race"))) == (dlib_resnet.conversion(),)
    own = bundled.create(AnalysisSettings(), RuntimeSettings())
    assert own.shares_features(("age",)) and not own.shares_features(("emotion",))
    foreign = bundled.create(AnalysisSettings(), RuntimeSettings(), dlib_resnet.TEMPLATE * 0.9)
    assert not foreign.shares_features(("age",))


@needs_model
class TestCarriedNetwork:
    @pytest.fixture
    def predictor(self):
        return bundled.create(AnalysisSettings(), RuntimeSettings())

    def test_probabilities_sum_to_one_and_do_not_depend_on_the_batch(self, recognizer, chip):
        network = FaceAttributes()
        features = recognizer.forward(np.stack([chip, chip[:, ::-1], np.zeros_like(chip)])).features
        together = network.probabilities(features)
        assert together.shape == (3, OUTPUTS) and together.min() >= 0
        for part in PARTS.values():
            np.testing.assert_allclose(together[:, part].sum(1), 1, atol=1e-3)
        np.testing.assert_array_equal(together[1:2], network.probabilities(features[1:2]))
        assert network.probabilities(features[:0]).shape == (0, OUTPUTS)

    def test_the_shared_pass_equals_the_separate_one(self, predictor, recognizer, chip):
        actions = ("age", "gender", "race")
        shared = predictor.predict(chip[None], actions, recognizer.forward(chip[None]).features)[0]
        alone = predictor.predict(chip[None], actions)[0]
        assert {name: a.scores for name, a in shared.items()} == {name: a.scores for name, a in alone.items()}

    def test_no_faces_no_answers(self, predictor, chip):
        assert predictor.predict(chip[None][:0], ("age", "emotion")) == []

    def test_a_woman_of_about_forty(self, predictor, chip):
        found = predictor.predict(chip[None], ("age", "gender"))[0]
        assert found["gender"].label == "Woman" and 25 < found["age"].value < 55

    def test_held_out_faces_through_the_path_for_crops(self, predictor, recognizer, settings, held_out):
        """The bars lie between the carried network and the same with red and blue swapped or chips cut wrongly."""
        detector = build.detector(settings)
        found, truth = [], []
        for image, labels in held_out:
            chip = _chip(detector, recognizer, image)
            found.append(predictor.predict(chip[None], ("age", "gender", "race"))[0])
            truth.append(labels)
        races = ("white", "black", "asian", "indian", "other")
        assert np.mean([abs(f["age"].value - age) for f, (age, _, _) in zip(found, truth, strict=True)]) < 6.2
        assert (
            np.mean([f["gender"].label == ("Man", "Woman")[g] for f, (_, g, _) in zip(found, truth, strict=True)]) > 0.9
        )
        assert np.mean([f["race"].label == races[r] for f, (_, _, r) in zip(found, truth, strict=True)]) > 0.78


def _chip(detector, recognizer, image: np.ndarray) -> np.ndarray:
    spec = recognizer.spec
    return align(Pyramid(image), detection_of_crop(detector, image), spec.template, spec.input_px).image


@pytest.fixture(scope="module")
def held_out(data) -> list:
    """(picture, (age, gender, race)) of some of the pictures that were never trained on, as the recipe splits them."""
    if not (data / "utkface_train.tar").exists():
        pytest.skip("utkface_train.tar is not there")
    images, labels = utkface.validation()
    rows = zip(labels.ages, labels.genders, labels.races, strict=True)
    return list(zip(images, rows, strict=True))[::EVERY]


def test_one_head_is_one_pass_and_emotion_another():
    from streamface.attributes.bundled import BundledPredictor
    from streamface.networks import dlib_resnet

    passes = BundledPredictor(dlib_resnet.TEMPLATE).passes
    assert passes(["age", "emotion", "gender"]) == [("age", "gender"), ("emotion",)]
    assert passes(["race"]) == [("race",)] and passes([]) == []
