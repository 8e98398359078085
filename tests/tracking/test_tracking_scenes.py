"""The tracker in the stream's own pipeline, on made-up people found by a detector that errs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks.scenes import Errors, Scene, SimulatedDetector, numbered, truth, walks  # noqa: E402
from benchmarks.tracking import SCENES, SYSTEMS, Counting, follow, scored  # noqa: E402
from streamface.geometry import boxes_array, iou  # noqa: E402
from streamface.settings import TrackingSettings  # noqa: E402

CALM, CROSSING = (next(scene for scene in SCENES if scene.name == name) for name in ("calm", "crossing"))
OURS = "Kalman, detection every 4"


def run(scene: Scene, system: str = OURS, errors: Errors | None = None):
    """The truth, the tracks, and how many frames were detected in full."""
    frames = truth(scene)
    detector = Counting(SimulatedDetector(frames, scene.seed, errors))
    made = SYSTEMS[system]
    images = map(numbered, range(len(frames)))
    return frames, follow(images, detector, made.create(TrackingSettings()), made), detector.full


@pytest.mark.parametrize("seed", range(3))
def test_people_who_do_not_meet_keep_their_numbers_through_misses_and_false_alarms(seed):
    frames, tracks, full = run(replace(CALM, seed=seed, frames=150))
    result = scored(frames, tracks).result()
    assert result["num_switches"] == 0
    assert result["idf1"] > 0.95
    assert result["num_false_positives"] <= 3
    assert full < 60, "refinement has to do most of the work"


def test_crossings_beat_a_greedy_tracker_that_detects_on_every_frame():
    scenes = [replace(CROSSING, seed=seed, frames=150) for seed in range(4)]
    ours, greedy = (
        np.mean([scored(*run(scene, name)[:2]).result()["idf1"] for scene in scenes])
        for name in (OURS, "greedy IoU, detection on every frame")
    )
    assert ours > greedy + 0.1


def test_a_detection_that_takes_ten_frames_is_better_made_beside_the_loop():
    scenes = [replace(CROSSING, seed=seed, frames=150) for seed in range(4)]
    beside, waited = (
        np.mean([scored(*run(scene, f"{OURS}, taking 10 frames, {how}")[:2]).result()["idf1"] for scene in scenes])
        for how in ("beside the loop", "waited for")
    )
    assert beside > waited + 0.2


def test_a_perfect_detector_leaves_no_errors_but_the_first_look():
    frames, tracks, _ = run(replace(CALM, frames=80), errors=Errors(jitter=0, miss=0, false_alarms=0, sees_nothing=0))
    result = scored(frames, tracks).result()
    assert result["num_switches"] == result["num_false_positives"] == 0
    for faces, said in zip(frames[20:], tracks[20:], strict=True):
        clear = boxes_array(face.box for face in faces if face.visible > 0.7)
        assert iou(clear, boxes_array(track.detection.box for track in said)).max(1, initial=0).min(initial=1) > 0.99


def test_scenes_follow_from_their_seed():
    first, again, other = (truth(replace(CROSSING, frames=20, seed=seed)) for seed in (4, 4, 5))
    assert first == again
    assert first != other


def test_people_cross_hide_leave_and_come_back():
    people = walks(CROSSING)
    assert len(people) > CROSSING.people, "nobody left and came back"
    frames = truth(CROSSING, people)
    assert {face.person for faces in frames for face in faces} == {walk.person for walk in people}
    hidden = [face.visible for faces in frames for face in faces if 100 < face.box.center[0] < 1180]
    assert min(hidden) == 0 and max(hidden) == 1
    assert all(face.visible <= 0.6 for faces in frames for face in faces if face.box.center[0] < 0)


def test_a_track_on_nobody_and_a_face_without_track_are_counted():
    frames, tracks, _ = run(replace(CALM, frames=60))
    whole = scored(frames, tracks).result()
    without = scored(frames, [said[1:] for said in tracks]).result()
    assert without["num_misses"] > whole["num_misses"] + 20
    empty = scored([()] * 60, tracks).result()
    assert empty["num_false_positives"] == sum(not track.missed for said in tracks for track in said)
