"""The functions for still pictures, on the networks that the package carries."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import streamface
from streamface import build, stills
from streamface.attributes.base import ACTIONS, AttributePredictor
from streamface.errors import GalleryError, ImageError, NoFaceError, SettingsError, UnknownNameError
from streamface.gallery.distances import distance
from streamface.gallery.opening import open_gallery
from streamface.settings import DetectionSettings, GallerySettings
from streamface.types import Attribute

HOPPER = Path(streamface.__file__).parent / "capture" / "portraits" / "grace_hopper.jpg"

pytestmark = pytest.mark.usefixtures("settings")


@pytest.fixture(scope="module")
def hopper():
    """The second portrait, (H, W, 3) uint8 BGR; one face, larger than that of `portrait`."""
    return cv2.imread(str(HOPPER))


@pytest.fixture(scope="module")
def both(portrait, hopper):
    """Collins on the left and Hopper, with the larger face, on the right."""
    height = max(len(portrait), len(hopper))
    padded = [cv2.copyMakeBorder(im, 0, height - len(im), 0, 0, cv2.BORDER_REPLICATE) for im in (portrait, hopper)]
    return np.hstack(padded)


@pytest.fixture(scope="module")
def noise():
    """A picture of nobody."""
    return np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)


class FakePredictor(AttributePredictor):
    """Old for a dark chip and young for a bright one; notes what it was asked."""

    provides = ACTIONS

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[int, ...], tuple[str, ...], bool]] = []

    def predict(self, chips, actions, features=None):
        self.asked.append((chips.shape, tuple(actions), features is not None))
        return [{action: self._answer(action, chip) for action in actions} for chip in chips]

    def shares_features(self, actions):
        return "age" in actions

    @staticmethod
    def _answer(action, chip):
        if action == "age":
            return Attribute("age", "40", 0.2, value=np.float32(100 - chip.mean() / 4), spread=np.float32(5))
        scores = {"gender": {"Man": 0.25, "Woman": 0.75}, "race": {"white": 0.5, "black": 0.3, "asian": 0.2},
                  "emotion": {"happy": 0.9, "sad": 0.1}}[action]  # fmt: skip
        scores = {label: np.float32(score) for label, score in scores.items()}
        best = max(scores, key=scores.get)
        return Attribute(action, best, float(scores[best]), scores=scores)


@pytest.fixture
def predictor(monkeypatch):
    """One fake network in the place of those that are installed."""
    made = FakePredictor()
    monkeypatch.setattr(build, "predictors", lambda *_: (made,))
    stills.forget()
    yield made
    stills.forget()


@pytest.fixture
def people(tmp_path, portrait_file):
    """A folder of Collins, in two pictures, and Hopper."""
    for name, image in (("Eileen Collins", cv2.imread(str(portrait_file))), ("Grace Hopper", cv2.imread(str(HOPPER)))):
        (tmp_path / "people" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "people" / name / "1.png"), image)
    cv2.imwrite(str(tmp_path / "people" / "Eileen Collins" / "2.png"), cv2.imread(str(portrait_file))[:, ::-1])
    return tmp_path / "people"


# verify


def test_verify_tells_one_person_from_two(portrait, portrait_file, hopper):
    changed = cv2.resize(cv2.convertScaleAbs(portrait, alpha=0.8, beta=10), None, fx=0.8, fy=0.8)
    same = streamface.verify(portrait_file, changed)
    other = streamface.verify(str(portrait_file), hopper)
    assert same["verified"] is True and 0 < same["distance"] < 0.02
    assert other["verified"] is False and other["distance"] > other["max_threshold_to_verify"]


def test_verify_answers_with_plain_types(portrait_file, hopper):
    answer = streamface.verify(portrait_file, hopper)
    kinds = {"verified": bool, "distance": float, "max_threshold_to_verify": float, "model": str,
             "similarity_metric": str, "face_1": dict, "face_2": dict, "time": float}  # fmt: skip
    assert {key: type(value) for key, value in answer.items()} == kinds
    assert answer["model"] == "Dlib" and answer["similarity_metric"] == "cosine"
    assert 0 < answer["time"] < 60
    json.dumps(answer)


def test_verify_says_where_the_faces_are(portrait, hopper):
    answer = streamface.verify(portrait, hopper)
    for box, (left, top, right, bottom) in (
        (answer["face_1"], (182, 64, 265, 171)),
        (answer["face_2"], (178, 110, 351, 330)),
    ):
        found = (box["x"], box["y"], box["x"] + box["w"], box["y"] + box["h"])
        assert np.abs(np.subtract(found, (left, top, right, bottom))).max() < 15


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "euclidean_l2", "Euclidean-L2"])
def test_verify_measures_as_asked(portrait, hopper, metric):
    a, b = (np.array(streamface.represent(image)[0]["embedding"]) for image in (portrait, hopper))
    answer = streamface.verify(portrait, hopper, distance_metric=metric)
    assert answer["distance"] == pytest.approx(float(distance(a, b, metric)), abs=1e-6)
    assert answer["similarity_metric"] == metric.lower().replace("-", "_")


def test_verify_takes_a_threshold(portrait, hopper):
    far = streamface.verify(portrait, hopper)["distance"]
    loose = streamface.verify(portrait, hopper, threshold=far)
    assert loose["verified"] is True and loose["max_threshold_to_verify"] == far
    assert streamface.verify(portrait, hopper, threshold=far - 1e-6)["verified"] is False


def test_naming_is_stricter_than_verifying(portrait, people, tmp_path, monkeypatch):
    module = build.model_module(stills.Settings())
    spec = replace(module.SPEC, thresholds={"cosine": 0.05}, verify_thresholds={"cosine": 0.09})
    monkeypatch.setattr(module, "SPEC", spec)
    assert streamface.verify(portrait, portrait)["max_threshold_to_verify"] == 0.09
    table = streamface.find(portrait, people, store=tmp_path / "store.sqlite")
    assert set(table.threshold) == {0.05}


def test_verify_averages_the_mirrored_face(portrait, hopper):
    mirrored = streamface.verify(portrait, portrait[:, ::-1], mirror=True)
    assert mirrored["distance"] < 0.5 * streamface.verify(portrait, portrait[:, ::-1])["distance"]
    assert streamface.verify(portrait, hopper, "Dlib", "euclidean", mirror=True)["max_threshold_to_verify"] < 0.5


def test_verify_compares_the_nearest_of_several_faces(portrait, both):
    answer = streamface.verify(portrait, both)
    assert answer["verified"] and answer["face_2"]["x"] < portrait.shape[1] / 2


def test_verify_takes_pairs_and_looks_at_each_picture_once(portrait_file, portrait, hopper, monkeypatch):
    looks = []
    look = stills.StillAnalysis.faces
    monkeypatch.setattr(stills.StillAnalysis, "faces", lambda *a: looks.append(a[2]) or look(*a))
    answers = streamface.verify([[portrait_file, portrait], (str(portrait_file), hopper), [hopper, portrait]])
    assert [answer["verified"] for answer in answers] == [True, False, False]
    assert len(looks) == 3
    assert streamface.verify([]) == []


def test_verify_refuses_what_are_no_pairs(portrait_file):
    with pytest.raises(SettingsError, match="pair 2 is not two pictures"):
        streamface.verify([[portrait_file, portrait_file], [portrait_file]])
    with pytest.raises(SettingsError, match="one picture cannot be verified"):
        streamface.verify(portrait_file)


def test_verify_names_the_picture_without_a_face(portrait, portrait_file, noise, tmp_path):
    cv2.imwrite(str(tmp_path / "nobody.png"), noise)
    with pytest.raises(NoFaceError, match=r"nobody\.png.*enforce_detection=False"):
        streamface.verify(portrait_file, tmp_path / "nobody.png")
    with pytest.raises(NoFaceError, match=r"img2 \(160x120 pixels\)"):
        streamface.verify(portrait, noise)
    with pytest.raises(NoFaceError, match=r"pair 2, img1 "):
        streamface.verify([[portrait, portrait], [noise, portrait]])


def test_verify_takes_the_whole_picture_where_nobody_is_found(portrait, noise):
    answer = streamface.verify(portrait, noise, enforce_detection=False)
    assert answer["face_2"] == {"x": 0, "y": 0, "w": 160, "h": 120} and answer["verified"] is False


# analyze


def test_analyze_answers_with_plain_types(portrait, predictor):
    answer = streamface.analyze(portrait, ["age", "gender", "race", "emotion"])
    assert set(answer) == {"age", "age_spread", "gender", "gender_probabilities", "race", "dominant_race", "emotion",
                           "dominant_emotion", "face", "score", "quality"}  # fmt: skip
    assert type(answer["age"]) is float and answer["age_spread"] == 5
    assert answer["gender"] == "Woman" and answer["gender_probabilities"] == {"Man": 0.25, "Woman": 0.75}
    assert answer["race"] == pytest.approx({"white": 50, "black": 30, "asian": 20})
    assert answer["dominant_race"] == "white" and answer["dominant_emotion"] == "happy"
    assert answer["emotion"] == pytest.approx({"happy": 90, "sad": 10}, abs=1e-4)
    json.dumps(answer)


def test_analyze_answers_all_that_the_networks_tell(portrait, predictor, monkeypatch):
    monkeypatch.setattr(build, "answers", lambda family: {"bundled": ("age", "emotion")}[family])
    assert {"age", "dominant_emotion"} <= set(streamface.analyze(portrait)) and predictor.asked[0][1] == (
        "age",
        "emotion",
    )


@pytest.mark.parametrize("actions", [["age"], "age", "Age"])
def test_analyze_answers_only_what_was_asked(portrait, predictor, actions):
    assert set(streamface.analyze(portrait, actions)) == {"age", "age_spread", "face", "score", "quality"}
    assert predictor.asked == [((1, 150, 150, 3), ("age",), True)]


def test_analyze_makes_no_features_that_nobody_shares(portrait, predictor):
    streamface.analyze(portrait, "emotion, gender")
    assert predictor.asked == [((1, 150, 150, 3), ("emotion", "gender"), False)]


class CropReader(FakePredictor):
    """Tells the emotion of a whole crop; keeps the crops."""

    def __init__(self) -> None:
        super().__init__()
        self.crops: list[np.ndarray] = []

    def predict_crops(self, images, actions):
        self.crops += images
        return [{"emotion": self._answer("emotion", image)} for image in images if "emotion" in actions] or [{}]


@pytest.fixture
def reader(monkeypatch):
    made = CropReader()
    monkeypatch.setattr(build, "predictors", lambda *_: (made,))
    stills.forget()
    yield made
    stills.forget()


def test_a_crop_that_a_face_fills_is_read_as_a_whole(portrait, reader):
    face = streamface.analyze(portrait, "age")["face"]
    crop = portrait[face["y"] : face["y"] + face["h"], face["x"] : face["x"] + face["w"]]
    answer = streamface.analyze(crop, "age, emotion", detector_backend="skip")
    assert answer["dominant_emotion"] == "happy" and answer["age"] > 0
    np.testing.assert_array_equal(reader.crops[0], crop)
    assert [asked[1] for asked in reader.asked] == [("age",), ("age",)]  # the second without the emotion
    noise = np.random.default_rng(0).integers(0, 255, (48, 48, 3), dtype=np.uint8)
    streamface.analyze(noise, "emotion", enforce_detection=False)
    np.testing.assert_array_equal(reader.crops[1], noise)


@pytest.mark.parametrize("detector, side", [("mtcnn", 1.0), ("skip", 2.2)])
def test_a_face_with_much_around_it_is_read_from_its_chip(portrait, reader, detector, side):
    face = streamface.analyze(portrait, "age")["face"]
    around = round((side - 1) / 2 * face["h"])
    padded = cv2.copyMakeBorder(portrait, *(around,) * 4, cv2.BORDER_REPLICATE)
    x, y = face["x"] + around, face["y"] + around
    crop = padded[y - around : y + face["h"] + around, x - around : x + face["w"] + around] if around else portrait
    answer = streamface.analyze(crop, "emotion", detector_backend=detector)
    assert answer["dominant_emotion"] == "happy" and not reader.crops
    assert reader.asked[-1][1] == ("emotion",)


def test_analyze_takes_the_largest_face_or_all(both, portrait, hopper, predictor):
    answers = streamface.analyze(both, ["age"], faces="all")
    assert [answer["face"]["x"] > portrait.shape[1] for answer in answers] == [True, False]
    assert streamface.analyze(both, ["age"]) == answers[0]
    assert answers[1]["age"] == pytest.approx(streamface.analyze(portrait, ["age"])["age"], abs=0.5)


def test_analyze_takes_a_list(portrait, hopper, predictor):
    alone = [streamface.analyze(image, ["age"]) for image in (portrait, hopper)]
    assert streamface.analyze([portrait, hopper], ["age"]) == alone
    assert streamface.analyze(np.stack([portrait, portrait]), ["age"]) == [alone[0]] * 2
    assert streamface.analyze([portrait], ["age"], faces="all") == [[alone[0]]]


def test_analyze_names_the_picture_of_a_list(portrait, noise, predictor):
    with pytest.raises(NoFaceError, match="picture 2 of 2 "):
        streamface.analyze([portrait, noise])
    with pytest.raises(ImageError, match="^picture 1 of 1: .*complex"):
        streamface.analyze([noise.astype(complex)])


TINY = [(1, 1), (1, 7), (2, 3), (3, 200), (5, 5), (13, 11), (48, 48)]


@pytest.mark.parametrize("size", TINY, ids=str)
@pytest.mark.parametrize("backend", ["skip", "mtcnn"])
def test_analyze_answers_for_tiny_pictures(size, backend, predictor):
    image = np.random.default_rng(1).integers(0, 255, (*size, 3), dtype=np.uint8)
    answer = streamface.analyze(image, detector_backend=backend, enforce_detection=False)
    assert 0 <= answer["age"] <= 100
    box = answer["face"]
    assert 0 <= box["x"] and box["x"] + box["w"] <= size[1] and 0 <= box["y"] and box["y"] + box["h"] <= size[0]


def test_a_crop_is_taken_for_the_face(portrait, predictor):
    crop = portrait[50:185, 160:290]
    answer = streamface.analyze(crop, detector_backend="skip")
    whole = streamface.analyze(portrait)
    assert answer["age"] == pytest.approx(whole["age"], abs=1.5)
    assert answer["face"]["w"] == pytest.approx(whole["face"]["w"], abs=15)


def test_skip_never_fails(noise, predictor):
    answer = streamface.analyze(noise, detector_backend="Skip", enforce_detection=True)
    assert answer["score"] == 0 and answer["face"] == {"x": 0, "y": 0, "w": 160, "h": 120}


FORMS = {
    "grey": lambda im: cv2.cvtColor(im, cv2.COLOR_BGR2GRAY),
    "grey with a channel": lambda im: cv2.cvtColor(im, cv2.COLOR_BGR2GRAY)[:, :, None],
    "alpha": lambda im: cv2.cvtColor(im, cv2.COLOR_BGR2BGRA),
    "16 bits": lambda im: im.astype(np.uint16) * 257,
    "floats": lambda im: im.astype(np.float32) / 255,
    "not contiguous": lambda im: np.asfortranarray(im),
    "read-only": lambda im: np.frombuffer(im.tobytes(), np.uint8).reshape(im.shape),
    "Pillow": lambda im: Image.fromarray(im[:, :, ::-1]),
    "Pillow, palette": lambda im: Image.fromarray(im[:, :, ::-1]).quantize(),
    "Pillow, alpha": lambda im: Image.fromarray(cv2.cvtColor(im, cv2.COLOR_BGR2RGBA)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_picture_is_the_same_person(portrait, form):
    answer = streamface.verify(portrait, FORMS[form](portrait))
    assert answer["verified"] and answer["distance"] < 0.03


def test_an_action_without_a_network_is_said(portrait, monkeypatch):
    monkeypatch.setattr(build, "predictors", lambda *_: ())
    stills.forget()
    try:
        with pytest.raises(SettingsError, match="no network for age, race is here: .*'published'"):
            streamface.analyze(portrait, ["age", "race"])
    finally:
        stills.forget()


# represent and extract_faces


def test_represent_gives_each_face(both, portrait):
    right, left = streamface.represent(both)
    (alone,) = streamface.represent(portrait)
    assert set(alone) == {"embedding", "model", "face", "score", "quality"}
    assert len(alone["embedding"]) == 128 and all(type(value) is float for value in alone["embedding"])
    assert distance(np.array(left["embedding"]), np.array(alone["embedding"]), "cosine") < 0.01
    assert distance(np.array(right["embedding"]), np.array(alone["embedding"]), "cosine") > 0.1
    assert right["face"]["x"] > portrait.shape[1] and 0.8 < right["score"] <= 1 and 0 < right["quality"] <= 1
    json.dumps(alone)


def test_represent_takes_a_list(portrait, both):
    assert [len(faces) for faces in streamface.represent([portrait, both])] == [1, 2]


def test_extract_faces_turns_them_upright(portrait):
    center = (223, 117)
    turned = cv2.warpAffine(portrait, cv2.getRotationMatrix2D(center, 20, 1), portrait.shape[1::-1])
    (upright,), (tilted,) = streamface.extract_faces(portrait), streamface.extract_faces(turned)
    assert upright["image"].shape == (150, 150, 3) and upright["image"].dtype == np.uint8
    unlike = np.abs(upright["image"].astype(int) - tilted["image"]).mean()
    assert unlike < 12  # 50 when only cut out
    tilted["image"][:] = 0  # the caller's own


def test_extract_faces_says_where_the_landmarks_are(portrait):
    (face,) = streamface.extract_faces(portrait, size_px=300)
    assert face["image"].shape == (300, 300, 3)
    points = face["landmarks"]
    assert list(points) == ["eye_left", "eye_right", "nose", "mouth_left", "mouth_right"]
    assert points["eye_left"] == pytest.approx((203.7, 100.8), abs=4)
    assert points["mouth_right"] == pytest.approx((244.8, 142.5), abs=4)
    assert all(type(value) is float for point in points.values() for value in point)


@pytest.mark.parametrize("size_px", [0, -1, 7, 5000, "224", 22.4])
def test_extract_faces_refuses_sizes(portrait, size_px):
    with pytest.raises(SettingsError, match="size_px"):
        streamface.extract_faces(portrait, size_px=size_px)


def test_small_faces_are_found_on_a_second_look(portrait):
    small = cv2.resize(portrait, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    (face,) = streamface.extract_faces(small)
    assert face["face"]["h"] < 40
    with pytest.raises(NoFaceError):
        streamface.extract_faces(small, DetectionSettings(min_face_px=60))


# find


def test_find_gives_the_pictures_of_whom_it_shows(people, both, portrait, tmp_path):
    table = streamface.find(both, people, store=tmp_path / "store.sqlite")
    assert list(table.columns) == ["identity", "image", "distance", "threshold", "face", "x", "y", "w", "h",
                                   "image_x", "image_y", "image_w", "image_h"]  # fmt: skip
    assert table.distance.is_monotonic_increasing and (table.distance <= table.threshold).all()
    assert list(table.index) == [0, 1, 2]
    hopper = table[table.identity == "Grace Hopper"]
    collins = table[table.identity == "Eileen Collins"]
    assert (hopper.face == 0).all() and (hopper.x > portrait.shape[1]).all() and len(hopper) == 1
    assert (collins.face == 1).all() and len(collins) == 2
    assert abs(hopper.image_x.item() - (hopper.x.item() - portrait.shape[1])) < 8
    assert Path(hopper.image.item()) == people / "Grace Hopper" / "1.png"


def test_find_gives_all_distances_on_request(people, portrait, tmp_path):
    table = streamface.find(portrait, str(people), all_distances=True, store=str(tmp_path / "store.sqlite"))
    assert list(table.identity) == ["Eileen Collins", "Eileen Collins", "Grace Hopper"]
    assert table.distance.iloc[-1] > table.threshold.iloc[-1] > table.distance.iloc[1]
    assert set(table.dtypes[["distance", "threshold"]].astype(str)) == {"float64"}


def test_find_takes_a_list_and_gives_empty_tables(people, portrait, noise, tmp_path):
    tables = streamface.find([portrait, noise], people, enforce_detection=False, store=tmp_path / "store.sqlite")
    assert [len(table) for table in tables] == [2, 0]
    assert list(tables[1].columns) == list(tables[0].columns)


def test_find_shares_the_store_of_the_stream(people, portrait, tmp_path, settings):
    store = tmp_path / "store.sqlite"
    streamface.find(portrait, people, store=store)
    _, report = open_gallery(people, store, [build.LazyEncoder(settings)])
    assert report.embedded == 0 and len(report.rows) == 3
    streamed = build.gallery(type(settings)(gallery=GallerySettings(people, store)))
    assert len(streamed) == 3


def test_find_refuses_folders_without_people(portrait, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(GalleryError, match="empty"):
        streamface.find(portrait, tmp_path / "empty")
    with pytest.raises(GalleryError, match="missing"):
        streamface.find(portrait, tmp_path / "missing")
    with pytest.raises(SettingsError, match="db_path"):
        streamface.find(portrait, None)


# names and files


@pytest.mark.parametrize(
    "call, known",
    [
        (lambda im: streamface.verify(im, im, model_name="Nobody"), "Dlib"),
        (lambda im: streamface.verify(im, im, distance_metric="manhattan"), "cosine, euclidean, euclidean_l2"),
        (lambda im: streamface.verify(im, im, detector_backend="opencv"), "MTCNN, .*skip"),
        (lambda im: streamface.analyze(im, ["age", "height"]), "age, gender, emotion, race"),
        (lambda im: streamface.analyze(im, faces="some"), "largest, all"),
        (lambda im: streamface.represent(im, "Nobody"), "Dlib"),
        (lambda im: streamface.extract_faces(im, "nobody"), "MTCNN"),
        (lambda im: streamface.find(im, ".", distance_metric=None), "cosine"),
    ],
)
def test_unknown_names_list_the_known(portrait, call, known):
    with pytest.raises(UnknownNameError, match=f"choose one of .*{known}"):
        call(portrait)


def test_arguments_out_of_range_are_refused(portrait):
    for threshold in (-1, float("nan"), "0.4", True):
        with pytest.raises(SettingsError, match="threshold"):
            streamface.verify(portrait, portrait, threshold=threshold)
    with pytest.raises(SettingsError, match="mirror"):
        streamface.verify(portrait, portrait, mirror="yes")
    with pytest.raises(SettingsError, match="no actions"):
        streamface.analyze(portrait, [])


@pytest.fixture
def bad_files(tmp_path, portrait_file):
    """Name -> a file that is no picture."""
    data = portrait_file.read_bytes()
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "half.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "head.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "folder.jpg").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["missing.jpg", "empty.jpg", "half.jpg", "head.png", "text.jpg", "folder.jpg"])
@pytest.mark.parametrize("function", ["verify", "analyze", "represent", "extract_faces", "find"])
def test_bad_files_are_named(bad_files, portrait_file, people, name, function, tmp_path):
    bad = bad_files / name
    arguments = {"verify": (portrait_file, bad), "find": (bad, people)}.get(function, (bad,))
    options = {"store": tmp_path / "store.sqlite"} if function == "find" else {}
    with pytest.raises(ImageError, match=name) as caught:
        getattr(streamface, function)(*arguments, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((0, 5, 3), np.uint8),  # empty
        np.zeros((5, 0), np.uint8),
        np.zeros((4, 4, 2), np.uint8),  # two channels
        np.zeros(7, np.uint8),  # a row
        np.full((4, 4, 3), np.nan),
        np.full((4, 4, 3), -1.0),
        np.full((4, 4, 3), 300, np.int32),
        Image.new("RGB", (0, 4)),
        None,
        7,
        b"bytes",
    ],
    ids=str,
)
def test_what_is_no_picture_is_refused_in_one_line(bad, portrait):
    with pytest.raises(ImageError, match="^img2: ") as caught:
        streamface.verify(portrait, bad if bad is not None else object(), detector_backend="skip")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://me:secret@host/a.jpg", "data:image/png;base64,secret"])
def test_addresses_are_refused_and_not_repeated(address):
    with pytest.raises(ImageError, match="save it as a file") as caught:
        streamface.analyze(address)
    assert "secret" not in str(caught.value)


# networks


def test_networks_are_loaded_once(portrait, hopper, monkeypatch):
    stills.forget()
    loads = []
    module, detector = build.model_module(stills.Settings()), build.detector
    create = module.create
    monkeypatch.setattr(module, "create", lambda *a: loads.append("model") or create(*a))
    monkeypatch.setattr(build, "detector", lambda *a: loads.append("detector") or detector(*a))
    streamface.verify(portrait, hopper)
    streamface.verify(portrait, hopper, "dlib", "euclidean", "MTCNN", threshold=0.5, mirror=True)
    streamface.represent(portrait, "auto", "skip")
    streamface.extract_faces(hopper)
    assert sorted(loads) == ["detector", "model"]


def test_cutting_out_loads_no_recognition_network(portrait, monkeypatch):
    stills.forget()
    module = build.model_module(stills.Settings())
    monkeypatch.setattr(module, "create", lambda *a: pytest.fail("loaded"))
    assert len(streamface.extract_faces(portrait)) == 1


def test_threads_take_turns(portrait, hopper):
    expected = [streamface.represent(image)[0]["embedding"] for image in (portrait, hopper)]
    found: dict[int, list] = {}

    def work(number: int) -> None:
        image = (portrait, hopper)[number % 2]
        found[number] = [streamface.represent(image)[0]["embedding"] for _ in range(3)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: all(e == expected[n % 2] for e in answers) for n, answers in found.items()} == dict.fromkeys(
        range(4), True
    )


# real photographs


def test_photographs_of_two_people(data):
    media = data / "media"
    assert streamface.verify(media / "obama.jpg", media / "obama2.jpg")["verified"]
    assert not streamface.verify(media / "obama.jpg", media / "biden.jpg")["verified"]
    assert len(streamface.represent(media / "two_people.jpg")) == 2
    assert streamface.verify(media / "two_people.jpg", media / "biden.jpg")["verified"]


def test_yunet_by_its_settings(yunet_file, portrait):
    detector = DetectionSettings("yunet", weights=yunet_file)
    assert streamface.verify(portrait, portrait, detector_backend=detector)["distance"] < 1e-9
    with pytest.raises(SettingsError, match="network file"):
        streamface.verify(portrait, portrait, detector_backend="yunet")


def test_boxes_end_at_the_edge(portrait):
    cut = portrait[75:, 190:]
    analysis = stills.StillAnalysis("mtcnn", stills.RecognitionSettings())
    (face,) = analysis.faces(cut, "cut", True)
    assert face.detection.box.left < 0 and face.detection.box.top < 0  # else this shows nothing
    (told,) = streamface.represent(cut)
    assert told["face"]["x"] == told["face"]["y"] == 0 and told["face"]["w"] <= cut.shape[1]
