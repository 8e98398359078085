from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from streamface import plugins
from streamface.settings import TrackingSettings
from streamface.tracking import kalman
from streamface.types import Box, Detection

WIDTH = 80.0


def face(x: float, y: float = 300.0, width: float = WIDTH, score: float = 0.95) -> Detection:
    """A detection around (x, y), sure enough to be a face and not so sure that one is enough."""
    box = Box(x - width / 2, y - 0.6 * width, x + width / 2, y + 0.6 * width)
    return Detection(box, score, np.zeros((5, 2), np.float32))


def tracker(max_missed: int = 25) -> kalman.Kalman:
    return kalman.create(TrackingSettings(max_missed=max_missed))


def x_by_id(tracks) -> dict[int, float]:
    return {track.id: track.detection.box.center[0] for track in tracks}


def settled(*places: float, frames: int = 12, **options) -> kalman.Kalman:
    """A tracker that has seen standing faces at these x for so many frames, each with its number."""
    made = tracker(**options)
    for index in range(frames):
        made.predict(index)
        made.update([face(x) for x in places], index)
    return made


def test_the_backend_is_found_by_its_name():
    assert plugins.backend("tracking", "kalman") is kalman
    assert kalman.NAME == "Kalman"


def test_first_faces_are_shown_at_once_and_numbered_from_left_to_right():
    tracks = tracker().update([face(700), face(100), face(400)], 0)
    assert x_by_id(tracks) == {1: 100, 2: 400, 3: 700}
    assert all(track.confirmed and track.age == 1 and track.missed == 0 for track in tracks)


def test_a_seen_face_is_returned_as_it_was_found():
    seen = face(100)
    assert tracker().update([seen], 0)[0].detection is seen


def test_two_people_who_cross_keep_their_numbers():
    made = tracker()
    for index in range(60):
        right, left = 100 + 10 * index, 700 - 10 * index
        hidden = abs(right - left) < 0.6 * WIDTH
        made.predict(index)
        tracks = made.update([face(right)] + ([] if hidden else [face(left, 304)]), index)
    assert x_by_id(tracks) == {1: 690, 2: 110}


def test_crossing_holds_between_full_detections_where_both_boxes_are_refined_onto_the_nearer_face():
    made, most = tracker(), 0
    for index in range(60):
        right, left = 100 + 10 * index, 700 - 10 * index
        hidden = abs(right - left) < 0.6 * WIDTH
        expected = made.predict(index)
        if index % 6 == 0:
            tracks = made.update([face(right)] + ([] if hidden else [face(left, 304)]), index)
            continue
        there = [right] if hidden else [right, left]
        nearest = [min(there, key=lambda x, box=box: abs(x - box.center[0])) for box in expected]
        near = [abs(x - box.center[0]) < 0.4 * WIDTH for x, box in zip(nearest, expected, strict=True)]
        tracks = made.refine([face(x) if ok else None for x, ok in zip(nearest, near, strict=True)], index)
        most = max(most, sum(hidden and not track.missed for track in tracks))
    assert x_by_id(tracks) == pytest.approx({1: 690, 2: 110})
    assert most == 1, "one face was given to two tracks"


@pytest.mark.parametrize("hidden", [5, 25])
def test_a_short_occlusion_keeps_the_number_and_says_where_the_face_should_be(hidden):
    made = tracker()
    for index in range(20):
        made.update([face(100 + 6 * index)], index)
    for index in range(20, 20 + hidden):
        (track,) = made.update([], index)
        assert (track.id, track.missed) == (1, index - 19)
        assert track.detection.landmarks is None
        # A hidden speed fades, by an eighth in 10 frames.
        assert track.detection.box.center[0] == pytest.approx(100 + 6 * index, abs=0.25 * 6 * track.missed + 2)
    (track,) = made.update([face(100 + 6 * (20 + hidden))], 20 + hidden)
    assert (track.id, track.missed, track.age) == (1, 0, 21 + hidden)


def test_who_is_out_of_sight_for_longer_comes_back_with_a_new_number():
    made = settled(300, max_missed=5)
    for index in range(12, 18):
        tracks = made.update([], index)
    assert tracks == ()
    made.update([face(300)], 18)
    assert [track.id for track in made.update([face(300)], 19)] == [2]


@pytest.mark.parametrize("seen, lasts", [(1, 22), (3, 24), (40, 25)])
def test_the_shorter_a_face_was_seen_the_sooner_it_is_given_up(seen, lasts):
    made = settled(300, frames=seen)
    shown = [len(made.update([], seen + k)) for k in range(40)]
    assert sum(shown) == lasts


def walked_out(speed: float, size_wh, y_speed: float = 0.0) -> tuple[kalman.Kalman, int]:
    """A tracker whose face walked from the middle of 1280x720 until its centre was at the edge, and was then lost."""
    made, x, y, index = tracker(), 640.0, 360.0, 0
    made.size_wh = size_wh
    while 0 <= x <= 1280 and 0 <= y <= 720:
        made.update([face(x, y)], index)
        x, y, index = x + speed, y + y_speed, index + 1
    for later in range(8):
        made.update([], index + later)
    return made, index + later


@pytest.mark.parametrize("speed, y_speed", [(-8, 0), (8, 0), (0, -8), (0, 8)])
def test_who_walks_out_of_the_picture_is_not_waited_for(speed, y_speed):
    made, index = walked_out(speed, (1280, 720), y_speed)
    assert made.predict(index + 1) == ()


def test_without_the_size_of_the_picture_only_left_and_top_are_known():
    made, index = walked_out(8, None)
    assert len(made.predict(index + 40)) == 1


def test_false_alarms_are_never_shown_and_use_up_no_number():
    made = settled(300)
    for index in range(12, 100):
        alarm = [face(600 + 150 * (index % 3), 500)] if index % 2 else []
        tracks = made.update([face(300), *alarm], index)
        assert [track.id for track in tracks] == [1]
    made.update([face(300), face(900)], 100)
    assert [track.id for track in made.update([face(300), face(900)], 101)] == [1, 2]


@pytest.mark.parametrize("score, at_once", [(0.98, False), (0.995, True)])
def test_only_a_very_sure_face_is_shown_at_once(score, at_once):
    tracks = settled(300).update([face(300), face(800, score=score)], 12)
    assert len(tracks) == 1 + at_once


def test_three_refinements_stand_for_a_second_detection():
    made = settled(300)
    shown = [len(made.update([face(300), face(800)], 12))]
    for index in range(13, 16):
        shown.append(len(made.refine([face(300), face(800)], index)))
    assert shown == [1, 1, 1, 2]


@pytest.mark.parametrize("score, starts", [(0.4, False), (0.7, True)])
def test_a_weak_detection_continues_a_face_but_starts_none(score, starts):
    made = settled(300)
    for index in range(12, 16):
        tracks = made.update([face(300, score=score), face(800, score=score)], index)
    assert {track.id: track.missed for track in tracks} == {1: 0} | ({2: 0} if starts else {})


def test_a_confident_detection_is_chosen_before_a_weak_one():
    made = settled(300)
    (track,) = made.update([face(303, score=0.3), face(308, score=0.9)], 12)
    assert track.detection.score == 0.9


def test_two_boxes_on_one_new_face_start_one_track():
    made = settled(300)
    for index in range(12, 16):
        tracks = made.update([face(300), face(800), face(806, width=60)], index)
    assert len(tracks) == 2


def test_a_track_refined_onto_its_neighbour_gives_way_to_the_one_that_expected_the_face():
    made = settled(300, 360, frames=20)
    made.predict(20)
    tracks = made.refine([face(357), face(361)], 20)
    assert {track.id: track.missed for track in tracks} == {1: 1, 2: 0}
    assert tracks[1].detection.box.center[0] == pytest.approx(361, abs=5)


def test_a_face_that_another_track_asked_for_is_given_to_the_one_that_expected_it():
    made = settled(300, 340, frames=20)
    made.predict(20)
    tracks = made.refine([face(340), None], 20)
    assert {track.id: track.missed for track in tracks} == {1: 1, 2: 0}


def test_a_face_that_was_just_seen_is_believed_before_one_that_was_missing():
    made = settled(300, 330, frames=4)
    made.refine([None, face(330)], 4)
    tracks = made.refine([face(314), face(314)], 5)
    assert {track.id: track.missed for track in tracks} == {1: 2, 2: 0}


def test_a_missing_face_comes_back_by_refinement_only_when_it_is_sure():
    for score, missed in ((0.7, 2), (0.95, 0)):
        made = settled(300)
        made.refine([None], 12)
        assert made.refine([face(300, score=score)], 13)[0].missed == missed


def test_refinement_does_not_follow_a_jump():
    assert settled(300).refine([face(300 + 2 * WIDTH)], 12)[0].missed == 1


def test_refinement_alone_does_not_keep_a_face_for_ever():
    made = settled(300, max_missed=10)
    lasted = 0
    for index in range(12, 60):
        tracks = made.update([], index) if index % 2 else made.refine([face(300)] * len(made.predict(index)), index)
        lasted += bool(tracks)
    assert 10 <= lasted <= 21  # it ends with the next full detection


def test_gaps_in_the_index_count_as_time():
    made = tracker()
    for index in range(0, 60, 5):
        (box,) = made.predict(index) or (face(100).box,)
        if index >= 15:
            assert box.center[0] == pytest.approx(100 + 3 * index, abs=4)
        (track,) = made.update([face(100 + 3 * index)], index)
    assert (track.id, track.age) == (1, 56)
    assert [track.missed for track in made.update([], 60)] == [5]
    assert made.update([], 90) == ()


@pytest.mark.parametrize("sizes, unseen, kept", [(0.8, 1, True), (0.8, 7, False), (1.3, 1, False)])
def test_a_face_that_jumps_keeps_its_number_for_a_moment(sizes, unseen, kept):
    made = settled(300, frames=40)
    for index in range(40, 39 + unseen):
        made.refine([None], index)
    jumped = face(300 + sizes * WIDTH * np.sqrt(1.2))  # a size is the root of the area
    made.update([jumped], 39 + unseen)
    tracks = made.update([jumped], 40 + unseen)
    assert [track.id for track in tracks if not track.missed] == [1 if kept else 2]


def test_after_a_jump_the_face_is_expected_where_it_jumped_to():
    made = settled(300, frames=40)
    made.update([face(360)], 40)
    assert made.predict(41)[0].center[0] == pytest.approx(360, abs=8)


def test_a_gap_moves_the_expected_box_by_as_many_frames():
    made = tracker()
    for index in range(20):
        made.update([face(100 + 5 * index)], index)
    assert made.predict(31)[0].center[0] == pytest.approx(100 + 5 * 31, abs=6)


def test_predict_may_be_called_twice_and_not_at_all():
    asked, silent = tracker(), tracker()
    for index in range(10):
        boxes = [asked.predict(index) for _ in range(2)]
        assert boxes[0] == boxes[1]
        for made in (asked, silent):
            made.update([face(100 + 9 * index)], index)
    assert asked.predict(10) == silent.predict(10)


def test_half_a_face_a_frame_is_followed():
    """The speed is known after the second detection; from then on the box is less than a quarter off."""
    made, step = tracker(), WIDTH / 2
    for index in range(24):
        x = 100 + step * index
        expected = made.predict(index)
        if index in (0, 2) or index % 6 == 0:
            tracks = made.update([face(x)], index)
        else:
            off = abs(expected[0].center[0] - x) / WIDTH
            assert off < 0.25 or index == 1
            tracks = made.refine([face(x) if off < 0.25 else None], index)
        assert [track.id for track in tracks] == [1]
        assert made.wants_detection == (index == 1)


def test_growing_faces_are_expected_larger():
    made = tracker()
    for index in range(30):
        made.update([face(400, width=80 * 1.02**index)], index)
    assert made.predict(30)[0].width == pytest.approx(80 * 1.02**30, rel=0.03)


def test_a_full_detection_is_wanted_when_something_is_unclear():
    made = settled(300, 600)
    assert not made.wants_detection
    made.refine([face(300), None], 12)
    assert made.wants_detection, "a face went missing"
    made.update([face(300)], 13)
    assert not made.wants_detection, "a full detection has looked for it"
    made.refine([face(300), None], 14)
    assert not made.wants_detection, "it is still missing, which is no news"
    made.update([face(300), face(600), face(900)], 15)
    made.refine([face(300), face(600), None], 16)
    assert made.wants_detection, "a new face moves, and nobody knows where to"
    assert not settled(300, 350).wants_detection
    assert settled(300, 340).wants_detection, "two faces overlap much"


def test_numbers_are_never_used_again_and_tracks_come_in_their_order():
    rng, made, seen, last = np.random.default_rng(3), tracker(max_missed=3), {}, -1
    for index in range(300):
        people = [face(100 + 200 * k, score=0.999) for k in range(6) if (index // (11 + 3 * k)) % 2]
        tracks = made.update([people[i] for i in rng.permutation(len(people))], index)
        ids = [track.id for track in tracks]
        assert ids == sorted(set(ids))
        for number in ids:
            assert seen.get(number, index - 1) == index - 1, "a retired number came back"
            seen[number] = index
        assert all(number > last for number in set(ids) - set(seen))
    assert sorted(seen) == list(range(1, len(seen) + 1))
    assert len(seen) > 20


def test_fifty_people():
    rng, made = np.random.default_rng(0), tracker()
    start = np.array([(100 + 170 * (k % 10), 100 + 180 * (k // 10)) for k in range(50)])
    speed = rng.uniform(-2, 2, (50, 2))
    people: list[dict[int, int]] = []
    for index in range(30):
        given = {face(*(start + speed * index)[k]): k for k in rng.permutation(50)}
        tracks = made.update(list(given), index)
        people.append({track.id: given[track.detection] for track in tracks})
    assert len(people[0]) == 50
    assert people[0] == people[-1]


def test_frames_without_faces():
    made = tracker()
    assert made.predict(0) == ()
    assert made.refine([], 0) == ()
    for index in range(1, 4):
        assert made.update([], index) == ()
    assert not made.wants_detection
    made.update([face(100)], 4)
    assert [track.id for track in made.update([face(100)], 5)] == [1]


def test_each_predicted_box_needs_an_answer():
    with pytest.raises(ValueError, match="0 answers for 1 tracks: give one"):
        settled(300).refine([], 12)


def test_results_do_not_change_later():
    made = settled(300)
    (before,) = made.update([face(303)], 12)
    (gone,) = made.update([], 13)
    kept = dataclasses.astuple(gone.detection.box), before.missed
    for index in range(14, 20):
        made.update([face(310)], index)
    assert kept == (dataclasses.astuple(gone.detection.box), before.missed)
    with pytest.raises(dataclasses.FrozenInstanceError):
        gone.missed = 7


def test_arguments_are_left_alone():
    given = [face(300), face(800)]
    made = tracker()
    made.update(given, 0)
    answers = [None, given[1]]
    made.refine(answers, 1)
    assert len(given) == 2 and answers == [None, given[1]]


@pytest.mark.parametrize(("gap", "is_known"), [(25, True), (49, True), (52, False), (90_000, False)])
def test_after_a_long_gap_whoever_stands_there_is_somebody_else(gap, is_known):
    made, index = settled(300), 11 + gap
    assert len(made.predict(index)) == is_known
    made.update([face(304)], index)
    made.predict(index + 1)
    assert list(x_by_id(made.update([face(304)], index + 1))) == [1 if is_known else 2]


def test_a_face_that_is_handed_over_goes_on_under_its_owners_number():
    made = settled(200, 600)
    made.predict(12)
    assert set(x_by_id(made.update([face(600)], 12))) == {1, 2}
    made.hand_over(2, 1)
    made.predict(13)
    tracks = made.update([face(602)], 13)
    assert [(track.id, track.missed) for track in tracks] == [(1, 0)], "the place where 1 was missed is given up"


def test_a_face_that_is_handed_over_to_somebody_new_gets_a_number_never_used_before():
    made = settled(200, 600)
    made.hand_over(1, None)
    made.predict(12)
    assert x_by_id(made.update([face(200), face(600), face(900, score=0.995)], 12)).keys() == {2, 3, 4}


def test_an_owner_who_has_ended_gets_the_number_back():
    made = settled(200)
    made.hand_over(1, 7)
    made.predict(12)
    assert x_by_id(made.update([face(200)], 12)).keys() == {7}


def test_nothing_is_handed_over_to_somebody_in_sight_nor_from_nobody():
    made = settled(200, 600)
    made.hand_over(2, 1)
    made.hand_over(9, 1)
    made.predict(12)
    assert x_by_id(made.update([face(200), face(600)], 12)).keys() == {1, 2}


def test_nobody_who_is_seen_goes_because_no_full_detection_was_made():
    made = settled(100)
    for index in range(12, 300):
        made.predict(index)
        (track,) = made.refine([face(100)], index)
    assert (track.id, track.missed) == (1, 0)
