"""Age, gender and race on one trunk or on several, with files of a few channels."""

from dataclasses import replace

import numpy as np
import pytest
import weight_files

from streamface import build
from streamface.analysis import Request
from streamface.attributes import vgg
from streamface.networks import dlib_resnet, vgg_face
from streamface.recognition import vgg_face as recognition
from streamface.runtime import convert, device
from streamface.runtime.session import Session
from streamface.settings import AnalysisSettings, RecognitionSettings, Settings
from streamface.types import AlignedFace

# As the published layout, with 224 pixels and 7x7 features, but narrow.
NARROW = vgg_face.Widths(blocks=((2, 1),) * 5, dense=8)


class Counting:
    """A session that counts its runs."""

    def __init__(self, session: Session) -> None:
        self.session, self.runs, self.inputs = session, 0, []

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        self.runs += 1
        self.inputs.append(batch)
        return self.session.run(batch)


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """Attribute -> (trunk, head) of its own file; age and gender have equal trunks, race another."""
    pytest.importorskip("keras")
    folder, made = tmp_path_factory.mktemp("vgg"), {}
    for name, seed in (("age", 0), ("gender", 0), ("race", 5)):
        layers = weight_files.vgg(NARROW, len(vgg.LABELS[name]), trunk_seed=seed)
        path = str(weight_files.write(folder / f"{name}.h5", layers))
        trunk = convert.convert(vgg_face.build_trunk(path, vgg.INPUT, NARROW), (1, 224, 224, 3))[0]
        head = convert.convert(vgg_face.build_head(path, str(len(vgg.LABELS[name])), NARROW), (1, 7, 7, 2))[0]
        made[name] = Session(trunk), Session(head)
    return made


@pytest.fixture
def parts(sessions):
    """As `sessions`, with age's trunk for both age and gender, counted."""
    shared, alone = Counting(sessions["age"][0]), Counting(sessions["race"][0])
    trunks = {"age": shared, "gender": shared, "race": alone}
    return {name: (trunks[name], head) for name, (_, head) in sessions.items()}


@pytest.fixture
def chips() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3)).astype(np.uint8)


def test_a_shared_trunk_is_run_once_a_face_and_answers_as_each_network_alone(parts, sessions, chips):
    predictor = vgg.VggAttributes(parts, set(), vgg_face.TEMPLATE)
    found = predictor.predict(chips, ("age", "gender", "emotion", "race"))
    assert predictor.provides == ("age", "gender", "race")
    assert parts["age"][0].runs == parts["race"][0].runs == 2
    for chip, answer in zip(chips, found, strict=True):
        assert set(answer) == {"age", "gender", "race"}
        for name, (trunk, head) in sessions.items():
            expected = head.run(trunk.run(chip[None].astype(np.float32))[0])[0][0]
            assert list(answer[name].scores.values()) == pytest.approx(expected, abs=1e-6)


def test_features_of_the_identity_network_spare_equal_trunks_only(parts, sessions, chips):
    features = np.stack([sessions["age"][0].run(chip[None].astype(np.float32))[0][0] for chip in chips])
    predictor = vgg.VggAttributes(parts, {"age", "gender"}, vgg_face.TEMPLATE)
    found = predictor.predict(chips, ("age", "gender", "race"), features)
    assert parts["age"][0].runs == 0 and parts["race"][0].runs == 2
    without = predictor.predict(chips, ("age", "gender", "race"))
    for one, other in zip(found, without, strict=True):
        for name in one:
            assert dict(one[name].scores) == pytest.approx(dict(other[name].scores), abs=1e-6)


def test_features_of_another_network_are_not_taken_for_the_trunks(parts, chips):
    predictor = vgg.VggAttributes(parts, {"age", "gender"}, dlib_resnet.TEMPLATE)
    features = np.zeros((2, *dlib_resnet.FEATURES_SHAPE), np.float32)
    assert "age" in predictor.predict(chips, ("age",), features)[0] and parts["age"][0].runs == 2


def test_chips_of_another_alignment_are_brought_onto_the_networks_own(parts):
    from streamface import geometry

    predictor = vgg.VggAttributes(parts, set(), dlib_resnet.TEMPLATE)
    chip = np.zeros((150, 150, 3), np.uint8)
    for x, y in dlib_resnet.TEMPLATE * 150:
        chip[round(float(y)) - 3 : round(float(y)) + 4, round(float(x)) - 3 : round(float(x)) + 4] = 255
    predictor.predict(chip[None], ("age",))
    (taken,) = parts["age"][0].inputs[0]
    move = geometry.similarity(dlib_resnet.TEMPLATE * 150, vgg_face.TEMPLATE * 224)
    for x, y in dlib_resnet.TEMPLATE * 150 @ move[:, :2].T + move[:, 2]:
        assert taken[round(float(y)), round(float(x))].min() > 200
    assert taken.shape == (224, 224, 3) and taken[5, 5].max() == 0


def test_only_what_is_wanted_is_run(parts, chips):
    found = vgg.VggAttributes(parts, set(), vgg_face.TEMPLATE).predict(chips[:1], ("race",))
    assert list(found[0]) == ["race"] and parts["age"][0].runs == 0
    assert vgg.VggAttributes(parts, set(), vgg_face.TEMPLATE).predict(chips[:0], ("race",)) == []


def test_the_age_is_an_expectation_with_its_spread():
    chances = np.zeros(101, np.float32)
    chances[[20, 30]] = 0.25, 0.75
    found = vgg.attribute("age", chances)
    assert (found.value, found.label, found.score) == (27.5, "28", 0.75)
    assert found.spread == pytest.approx(4.330127)


def test_labels_are_in_the_published_order():
    assert vgg.attribute("gender", np.float32([0.9, 0.1])).label == "Woman"
    assert vgg.attribute("race", np.float32([0, 0, 0, 0, 0.6, 0.4])).label == "middle eastern"


@pytest.fixture
def on_this_machine(tmp_path, monkeypatch):
    """Files of narrow networks where `find` and `obtain` look for the published ones."""
    monkeypatch.setattr(vgg_face, "PUBLISHED", NARROW)
    classes = {file.filename: len(vgg.LABELS[name]) for name, file in vgg.FILES.items()}
    classes["vgg_face_weights.h5"] = vgg_face.IDENTITIES
    paths = {}
    for name, count in classes.items():
        layers = weight_files.vgg(NARROW, count, trunk_seed=5 if "race" in name else 0)
        paths[name] = weight_files.write(tmp_path / name, layers)
    monkeypatch.setattr(vgg.weights, "find", lambda file: paths.get(file.filename))
    monkeypatch.setattr(vgg.weights, "obtain", lambda file: paths[file.filename])
    monkeypatch.setenv("STREAMFACE_HOME", str(tmp_path / "home"))
    return paths


def test_the_identitys_trunk_serves_where_it_is_here_and_equal(on_this_machine):
    names = [(n.name, n.weights.rpartition("/")[2]) for n in vgg.required(AnalysisSettings(actions=("age", "race")))]
    assert names == [
        ("vgg_face_trunk_unit", "vgg_face_weights.h5"),
        ("vgg_face_trunk_unit", "race_model_single_batch.h5"),
        ("vgg_face_head_101", "age_model_weights.h5"),
        ("vgg_face_head_6", "race_model_single_batch.h5"),
    ]
    del on_this_machine["vgg_face_weights.h5"]
    both = vgg.required(AnalysisSettings(actions=("age", "gender")))
    assert [n.weights.rpartition("/")[2] for n in both][0] == "age_model_weights.h5" and len(both) == 3
    assert vgg.required(AnalysisSettings(actions=("emotion",))) == ()


@pytest.mark.slow
def test_one_look_of_the_stream_runs_a_trunk_once_for_all_that_have_it(on_this_machine, monkeypatch):
    """From settings to answers, with the files' own arrays: race has another trunk, all others one."""
    pytest.importorskip("keras")
    runs: list[str] = []

    class Named(Session):
        def __init__(self, model, threads=1):
            super().__init__(model, threads)
            self.name = model.name.rpartition("-r")[0]

        def run(self, batch):
            runs.append(self.name)
            return super().run(batch)

    monkeypatch.setattr(convert, "_convert_in_process", lambda networks: [*map(convert._convert_and_store, networks)])
    monkeypatch.setattr(recognition.VggFace, "spec", replace(recognition.SPEC, dimensions=NARROW.dense))
    monkeypatch.setattr(device, "Session", Named)
    asked = AnalysisSettings(("age", "gender", "race"), "published")
    settings = Settings(recognition=RecognitionSettings("VGG-Face"), analysis=asked)
    build.prepare(settings)
    looking = build.analysis(settings)
    chip = AlignedFace(np.random.default_rng(0).integers(0, 256, (224, 224, 3)).astype(np.uint8), np.eye(2, 3), 1.0)

    answer = looking.look(Request(1, chip, 1.0, 0.0, True, asked.actions))
    assert answer.vector.shape == (NARROW.dense,) and set(answer.attributes) == set(asked.actions)
    trunks = [name for name in runs if "trunk" in name]
    assert len(trunks) == 2 and len(set(trunks)) == 2 and len(runs) == 6
    runs.clear()
    alone = looking.look(Request(1, chip, 1.0, 0.0, False, asked.actions))
    assert len([name for name in runs if "trunk" in name]) == 2 and len(runs) == 5
    for name in asked.actions:
        assert dict(alone.attributes[name].scores) == pytest.approx(dict(answer.attributes[name].scores), abs=1e-6)
