"""The stages joined, over fakes: coloured squares are faces, their colour is who they are."""

from __future__ import annotations

import time

import numpy as np
import pytest

from streamface import plugins
from streamface.analysis import FaceAnalysis
from streamface.attention import Attention
from streamface.attributes.base import AttributePredictor
from streamface.detection._ahead import DetectAhead
from streamface.memory import Memory
from streamface.naming import one_by_one
from streamface.pipeline import Pipeline
from streamface.scheduler import DetectionSchedule, Scheduler
from streamface.settings import AnalysisSettings, TrackingSettings
from streamface.testing import FakeDetector, FakeRecognizer
from streamface.types import Attribute, Frame, Match
from streamface.workers import InlineWorker, OrderedWorker

RED, GREEN = (40, 40, 220), (40, 200, 60)
PEOPLE = {"Rosa": np.array(RED) / 255, "Gwen": np.array(GREEN) / 255}


@one_by_one
def gallery(vector: np.ndarray, agreement: float, factor: float) -> Match:
    def far(person: np.ndarray) -> float:
        return float(1 - vector @ person / np.linalg.norm(vector) / np.linalg.norm(person))

    name = min(PEOPLE, key=lambda n: far(PEOPLE[n]))
    return Match(name if far(PEOPLE[name]) <= 0.01 * factor else None, far(PEOPLE[name]), "cosine", 0.01 * factor)


class FakeEmotion(AttributePredictor):
    """Happy where the chip is bright."""

    provides = ("emotion",)

    def predict(self, chips, actions, features=None):
        assert features is None or len(features) == len(chips)
        return [{"emotion": Attribute("emotion", "happy", 1.0, scores={"happy": 1.0, "sad": 0.0})} for _ in chips]


class Rig:
    """A pipeline and its fakes."""

    def __init__(self, actions: tuple[str, ...] = (), detect_every: int = 6, ahead: float | None = None) -> None:
        """ahead: seconds that the slowest look and detection take beside the loop; None: all in the loop."""
        settings = AnalysisSettings(actions=actions)
        self.detector, self.recognizer = FakeDetector(), FakeRecognizer()
        analysis = FaceAnalysis(self.recognizer, [FakeEmotion()] if actions else [])
        finding, worker = self.detector, InlineWorker(analysis)
        if ahead is not None:
            self.recognizer.forward = delayed(self.recognizer.forward, ahead)
            self.detector.detect = delayed(self.detector.detect, ahead)
            finding, worker = DetectAhead(self.detector, FakeDetector()), OrderedWorker(analysis)
        attention = Attention(
            analysis, worker, Memory(settings, gallery), Scheduler(settings, True), settings.min_quality
        )
        tracker = plugins.backend("tracking", "kalman").create(TrackingSettings(detect_every=detect_every))
        self.pipeline = Pipeline(finding, tracker, attention, DetectionSchedule(detect_every))

    def run_ahead(self, *images: np.ndarray, lag: int = 2):
        """The results when frames are expected four ahead and followed two ahead of their answers."""
        frames, followed, results = [Frame(image, i, 0.0, i * 0.04, "test") for i, image in enumerate(images)], [], []
        for frame in frames[:4]:
            self.pipeline.expect(frame)
        for index, frame in enumerate(frames):
            followed.append(self.pipeline.begin(frame))
            if index + 4 < len(frames):
                self.pipeline.expect(frames[index + 4])
            if len(followed) > lag:
                results.append(self.pipeline.finish(followed.pop(0)))
        results += [self.pipeline.finish(one) for one in followed]
        self.pipeline.close()
        return results

    def run(self, *images: np.ndarray):
        return [self.pipeline.step(Frame(image, i, 0.0, i * 0.04, "test"), dropped=0) for i, image in enumerate(images)]


def delayed(function, longest_s: float):
    """The same function, each call of it late by another time."""
    rng = np.random.default_rng(int(longest_s * 1e6))

    def late(*args):
        time.sleep(rng.uniform(0, longest_s))
        return function(*args)

    return late


def scene(*squares: tuple[tuple[int, int, int], int]) -> np.ndarray:
    """A grey frame with a 60-pixel square of each colour at the given left edge, with some texture."""
    image = np.full((160, 640, 3), 90, np.uint8)
    for colour, left in squares:
        image[50:110, left : left + 60] = colour
        image[60:70, left + 20 : left + 26] = np.array(colour) // 2
        image[60:70, left + 36 : left + 42] = np.array(colour) // 2
    return image


def test_a_person_keeps_number_and_name_while_moving():
    results = Rig().run(*(scene((RED, 40 + 6 * i)) for i in range(40)))
    settled = [r.faces[0] for r in results[3:]]
    assert {face.track.id for face in settled} == {1}
    assert {face.match.identity for face in settled} == {"Rosa"}
    assert [round(face.track.detection.box.left) for face in settled] == [40 + 6 * i for i in range(3, 40)]


@pytest.mark.parametrize("ahead", [None, 0.002])
def test_somebody_who_takes_the_place_of_another_gets_another_number(ahead):
    frames = [scene((RED, 100))] * 24 + [scene()] * 3 + [scene((GREEN, 100))] * 30
    rig = Rig(ahead=ahead)
    results = rig.run(*frames) if ahead is None else rig.run_ahead(*frames)
    (before,), (after,) = results[20].faces, results[-1].faces
    assert (before.track.id, before.match.identity) == (1, "Rosa")
    assert (after.track.id, after.match.identity) == (2, "Gwen")


def test_two_people_have_their_own_names():
    result = Rig().run(*(scene((RED, 50), (GREEN, 300)) for _ in range(8)))[-1]
    assert [face.match.identity for face in result.faces] == ["Rosa", "Gwen"]


def test_somebody_else_is_unknown():
    result = Rig().run(*(scene(((230, 30, 30), 50)) for _ in range(8)))[-1]
    assert result.faces[0].match.identity is None and result.faces[0].match.distance > 0.01


def test_full_detection_only_now_and_then():
    rig = Rig(detect_every=5)
    rig.run(*(scene((RED, 50)) for _ in range(41)))
    assert 8 <= rig.detector.detected <= 12
    assert rig.detector.detected + rig.detector.refined == 41


def test_a_detector_that_cannot_refine_detects_always():
    rig = Rig()
    rig.detector.can_refine = False
    rig.run(*(scene((RED, 50)) for _ in range(10)))
    assert (rig.detector.detected, rig.detector.refined) == (10, 0)


def test_a_newcomer_is_seen_by_the_next_detection():
    frames = [scene((RED, 50))] * 10 + [scene((RED, 50), (GREEN, 400))] * 14
    results = Rig(detect_every=6).run(*frames)
    assert len(results[9].faces) == 1 and len(results[-1].faces) == 2


def test_a_settled_person_is_looked_at_once_a_second():
    rig = Rig()
    rig.run(*(scene((RED, 50)) for _ in range(25 * 4)))
    assert 4 <= rig.recognizer.passes <= 10


def test_one_pass_serves_identity_and_attributes():
    rig = Rig(actions=("emotion",))
    (first,) = rig.run(scene((RED, 50)))
    face = first.faces[0]
    assert rig.recognizer.passes == 1
    assert face.attributes["emotion"].label == "happy"
    assert face.quality > 0 and face.analyzed_at == 0.0
    assert face.match is None  # one small view is not enough for a word on the name


def test_every_stage_is_timed():
    (result,) = Rig(actions=("emotion",)).run(scene((RED, 50)))
    assert set(result.timings) == {"track", "detect", "align", "embed", "emotion", "match"}
    assert all(spent >= 0 for spent in result.timings.values())


def test_the_result_does_not_depend_on_the_machine():
    def labels():
        frames = (scene((RED, 40 + 5 * i), (GREEN, 500 - 7 * i)) for i in range(60))
        return [
            [(f.track.id, f.match and f.match.identity, f.match and f.match.distance) for f in result.faces]
            for result in Rig().run(*frames)
        ]

    assert labels() == labels()


def labels_of(results):
    return [
        [(f.track.id, f.track.detection.box, f.match and f.match.identity, f.analyzed_at) for f in result.faces]
        for result in results
    ]


def test_work_beside_the_loop_gives_the_same_results_however_long_it_takes():
    def frames():
        walking = [scene((RED, 40 + 5 * i), (GREEN, 500 - 7 * i)) for i in range(40)]
        return [*walking, *(scene((GREEN, 220)) for _ in range(20))]

    fast, slow = (Rig(("emotion",), ahead=late).run_ahead(*frames()) for late in (0.0, 0.008))
    assert [r.frame.index for r in slow] == list(range(60))
    assert labels_of(fast) == labels_of(slow)
    in_the_loop = Rig(("emotion",)).run(*frames())
    assert [len(r.faces) for r in fast] == [len(r.faces) for r in in_the_loop]
    assert [f.match.identity for f in fast[30].faces] == [f.match.identity for f in in_the_loop[30].faces]


def test_a_face_in_the_first_of_frames_followed_ahead_has_its_own_answer():
    first = Rig(("emotion",), ahead=0.005).run_ahead(*(scene((RED, 50)) for _ in range(5)))[0]
    assert first.faces[0].attributes["emotion"].label == "happy" and first.faces[0].analyzed_at == 0.0


def test_people_who_leave_while_frames_are_followed_ahead_keep_their_names_until_then():
    frames = [scene((RED, 50))] * 12 + [scene()] * 40
    results = Rig(ahead=0.0).run_ahead(*frames)
    assert all(face.match.identity == "Rosa" for r in results[3:] for face in r.faces)
    assert results[-1].faces == ()


def test_an_empty_frame_has_nobody():
    assert Rig().run(scene())[0].faces == ()


def test_frames_dropped_are_reported():
    rig = Rig()
    assert rig.pipeline.step(Frame(scene(), 7, 0.0, None, "cam"), dropped=6).dropped == 6


@pytest.mark.parametrize("side", [(1, 1), (3, 500)])
def test_odd_frames_do_not_crash(side):
    assert Rig().run(np.zeros((*side, 3), np.uint8))[0].faces == ()


def test_the_tracker_knows_the_size_of_each_frame():
    """Else whoever comes in at the right or bottom edge takes the number of somebody who has just left there."""
    rig = Rig()
    rig.run(scene())
    assert rig.pipeline._tracker.size_wh == (640, 160)
