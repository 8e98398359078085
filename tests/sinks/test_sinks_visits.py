from dataclasses import replace

import pytest
from sink_results import EPOCH, face, match, result

from streamface.sinks.visit_events import Visit
from streamface.sinks.visits import Visits
from streamface.types import Stranger

ANN, BOB, NOBODY = match("Ann", 0.21), match("Bob", 0.4), match(None, 0.8)


def kinds(events):
    return [(event.kind, event.track, event.person) for event in events]


def played(*frames, live=False, step=0.2, **options):
    """Events of each frame, 5 frames a second by default, and those of the end."""
    log = Visits(**options)
    told = [log.update(result(i, *faces, live=live, seconds=i * step)) for i, faces in enumerate(frames)]
    return [*told, log.finish()]


def sequence(*parts):
    """Frames from (count, faces) pairs."""
    return [faces for count, faces in parts for _ in range(count)]


def flat(told):
    return [event for events in told for event in events]


def test_a_person_appears_is_recognised_and_leaves_after_the_pause():
    told = played(*sequence((1, [face(1)]), (5, [face(1, ANN)]), (30, [])))
    assert kinds(told[0]) == [("appeared", 1, None)]
    assert told[1] == told[2] == [], "a name must be the answer for 0.3 s before it is told"
    assert kinds(told[3]) == [("recognised", 1, "Ann")]
    (left,) = flat(told[4:])
    assert (left.kind, left.person, left.start_s, left.end_s, left.frame) == ("left", "Ann", 0.0, 1.0, 5)
    assert (left.distance, left.camera, left.started_at) == (0.21, "door", EPOCH)
    assert left.at - left.ended_at == pytest.approx(5.2), "told with the first frame after the pause of 5 s"
    assert {event.visit for event in flat(told)} == {left.visit} and len({e.id for e in flat(told)}) == 3


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([(9, None)], []),
        ([(9, ANN)], ["recognised Ann"]),  # known at first sight
        ([(9, NOBODY)], []),  # a stranger is no news
        ([(9, NOBODY), (9, ANN)], ["recognised Ann"]),
        ([(9, ANN), (9, BOB)], ["recognised Ann", "changed Bob"]),
        ([(9, ANN), (9, NOBODY)], ["recognised Ann", "changed None"]),
        ([(9, ANN), (9, NOBODY), (9, ANN)], ["recognised Ann", "changed None", "recognised Ann"]),
        ([(9, ANN), (9, None), (9, ANN)], ["recognised Ann"]),  # frames without an answer change nothing
        ([(9, ANN), (1, NOBODY), (9, ANN)], ["recognised Ann"]),  # one bad frame
        ([(9, ANN), (1, BOB), (9, None), (9, ANN)], ["recognised Ann"]),  # after which nobody looks for a while
        ([(9, ANN), (1, BOB), (9, ANN), (1, BOB), (9, ANN)], ["recognised Ann"]),
        ([(9, NOBODY), (1, BOB), (9, NOBODY)], []),
        ([(9, ANN), (1, BOB), (1, NOBODY), (1, BOB), (1, NOBODY), (9, ANN)], ["recognised Ann"]),
        ([(1, BOB), (9, ANN)], ["recognised Ann"]),
        ([(2, ANN)], ["recognised Ann"]),  # gone before the name had settled: told at the end
        ([(1, ANN)], []),  # one frame is not enough
    ],
)
def test_names_are_told_once_they_have_settled(answers, expected):
    frames = sequence(*((count, [face(1, answer)]) for count, answer in answers))
    first, *names, last = flat(played(*frames))
    assert (first.kind, last.kind) == ("appeared", "left")
    assert [f"{event.kind} {event.person}" for event in names] == expected


def test_a_slow_camera_tells_a_name_with_the_second_frame():
    told = played(*sequence((4, [face(1, ANN)])), step=10.0)
    assert [kinds(events) for events in told[:2]] == [[("appeared", 1, None)], [("recognised", 1, "Ann")]]
    assert told[2] == told[3] == []


def test_a_change_names_both_and_has_the_distance_of_the_new_name():
    (changed,) = [e for e in flat(played(*sequence((5, [face(1, ANN)]), (5, [face(1, BOB)])))) if e.kind == "changed"]
    assert (changed.person, changed.previous, changed.distance) == ("Bob", "Ann", 0.4)


def test_unconfirmed_tracks_do_not_count():
    assert flat(played([face(1, confirmed=False)], [face(1, confirmed=False)], [])) == []


def test_the_end_is_the_last_sight_not_the_last_guess():
    told = played(*sequence((2, [face(1)]), (28, [face(1, missed=1)])))
    (left,) = flat(told[1:])
    assert (left.end_s, left.frame) == (0.2, 1)


def test_at_the_end_everybody_leaves_in_order():
    assert kinds(played([face(2), face(1)])[-1]) == [("left", 1, None), ("left", 2, None)]


@pytest.mark.parametrize(
    ("away", "back", "expected"),
    [
        ((1, []), face(1, ANN), []),  # the same track missing in one frame
        ((1, []), face(1), []),  # and not looked at again
        ((1, [face(1, missed=1)]), face(1, ANN), []),
        ((20, []), face(9, ANN), []),  # another track, elsewhere, of the same name
        ((30, []), face(9, ANN), ["left 1 Ann", "appeared 9 None", "recognised 9 Ann"]),  # after the pause
        ((20, []), face(9, BOB), ["appeared 9 None", "recognised 9 Bob", "left 1 Ann"]),
        ((20, []), face(9, NOBODY), ["appeared 9 None", "left 1 Ann"]),
        ((15, []), face(9), ["appeared 9 None", "left 1 Ann"]),  # nobody has looked at the newcomer
    ],
)
def test_a_visit_outlives_its_track(away, back, expected):
    told = played(*sequence((5, [face(1, ANN)]), away, (9, [back]), (3, [back])))
    events = flat(told[5:-1])
    assert [f"{event.kind} {event.track} {event.person}" for event in events] == expected
    assert flat(told[-1:])[-1].track == back.track.id


@pytest.mark.parametrize(
    ("back", "same"),
    [
        (face(2, NOBODY), True),  # ten pixels beside
        (face(20, NOBODY), False),  # elsewhere
        (face(2, ANN), True),  # the stranger gets a name
        (face(20, ANN), False),
    ],
)
def test_somebody_unknown_is_found_again_by_the_place(back, same):
    told = flat(played(*sequence((5, [face(1, NOBODY)]), (5, []), (9, [back]))))
    assert len({event.visit for event in told}) == (1 if same else 2)
    assert [event.kind for event in told].count("appeared") == (1 if same else 2)


def test_a_number_of_a_stranger_joins_and_parts():
    def stranger(track, number):
        found = face(track, NOBODY)
        return type(found)(found.track, found.match, stranger=Stranger(number))

    for track, number, parts in ((30, 7, 1), (2, 8, 2), (30, 8, 2)):
        told = flat(played(*sequence((5, [stranger(1, 7)]), (5, []), (5, [stranger(track, number)]))))
        assert len({event.visit for event in told}) == parts, (track, number)
        assert told[-1].stranger in (7, 8) and told[-1].person is None


def test_two_people_are_never_joined_while_both_are_in_view():
    told = flat(played(*sequence((5, [face(1, ANN)]), (9, [face(1, ANN), face(9, ANN)]))))
    assert len({event.visit for event in told}) == 2


def test_a_newcomer_waits_for_a_name_only_while_somebody_is_away():
    told = played(*sequence((1, [face(1)]), (1, []), (9, [face(9)])))
    assert kinds(told[2]) == []
    assert [kinds(events) for events in told if ("appeared", 9, None) in kinds(events)] == [[("appeared", 9, None)]]
    assert kinds(told[7]) == [("appeared", 9, None)], "one second later"


def test_a_pause_of_nothing_tells_at_once():
    told = played([face(1)], [face(1)], [], leave_after_s=0)
    assert kinds(told[2]) == [("left", 1, None)]


def test_times_of_a_live_source():
    log = Visits()
    log.update(result(0, live=True))
    (appeared,) = log.update(result(50, face(3), live=True))
    log.update(result(100, face(3), live=True))
    (left,) = log.finish()
    assert (appeared.start_s, appeared.started_at, appeared.at) == (2.0, EPOCH + 2, EPOCH + 2)
    assert (left.end_s, left.ended_at) == (4.0, EPOCH + 4)


def test_people_leave_while_the_camera_gives_nothing():
    log = Visits()
    log.update(result(0, face(1), live=True))
    assert log.idle(EPOCH + 4.9) == []
    assert kinds(log.idle(EPOCH + 5.1)) == [("left", 1, None)]
    assert kinds(log.update(result(150, face(1), live=True, seconds=6.0))) == [("appeared", 1, None)]


def test_after_a_long_outage_the_same_track_is_another_visit():
    log = Visits()
    log.update(result(0, face(1), live=True))
    events = log.update(result(1, face(1), live=True, seconds=61.0))
    assert kinds(events) == [("left", 1, None), ("appeared", 1, None)]


def test_a_clock_that_is_set_back_holds_nobody_in_view():
    log = Visits()
    log.update(result(0, face(1), live=True, seconds=3600.0))
    told = [log.update(result(i, live=True, seconds=i / 5)) for i in range(1, 32)]
    assert kinds(flat(told)) == [("left", 1, None)]


def test_visits_sum_a_run_up():
    log = Visits()
    frames = sequence((5, [face(1, ANN)]), (5, [face(9)]), (5, [face(9), face(3, BOB)]))
    for index, faces in enumerate(frames):
        log.update(result(index, *faces, seconds=index / 5))
    expected = (Visit(1, "Ann", 0.0, 0.8), Visit(9, None, 1.0, 2.8), Visit(3, "Bob", 2.0, 2.8))
    assert log.visits == expected
    log.finish()
    assert log.visits == expected


def test_a_camera_that_runs_for_months_keeps_only_the_latest_visits():
    log = Visits(kept=3)
    for index in range(10):
        log.update(result(index, face(100 * (index + 1)), seconds=index * 6.0))
    assert [visit.track for visit in log.visits] == [700, 800, 900, 1000]


def erased(index, *faces, **options):
    return replace(result(index, *faces, seconds=index * 0.2, **options), erased=frozenset({"Ann"}))


def test_of_somebody_whose_traces_are_deleted_nothing_more_is_told():
    """In view, out of sight for a moment, and under a new number in the same place; others are."""
    log = Visits()
    for i in range(5):
        log.update(result(i, face(1, ANN), face(2, BOB), seconds=i * 0.2))
    hers = log.present[1]
    told = log.update(erased(5, face(1, NOBODY), face(2, BOB)))
    assert log.take_forgotten() == [hers] and log.take_forgotten() == []
    assert log.present.keys() == {2} and hers not in log.seen_at
    for i in range(6, 20):
        told += log.update(erased(i, face(1, NOBODY), face(2, BOB)))
    for i in range(20, 24):
        told += log.update(erased(i, face(2, BOB)))
    for i in range(24, 40):
        told += log.update(erased(i, replace(face(1, NOBODY), track=replace(face(1).track, id=7)), face(2, BOB)))
    told += log.finish()
    assert kinds(told) == [("left", 2, "Bob")]
    assert [visit.identity for visit in log.visits] == ["Bob"]


def test_a_face_that_is_not_to_be_recorded_is_told_of_by_nobody():
    log = Visits()
    told = [log.update(erased(i, replace(face(1, NOBODY), unrecorded=True))) for i in range(9)]
    assert flat([*told, log.finish()]) == [] and log.visits == ()


def test_visits_that_are_over_or_paused_are_forgotten_too():
    log = Visits()
    for i in range(5):
        log.update(result(i, face(1, ANN), seconds=i * 0.2))
    log.update(result(5, seconds=1.0))
    log.forget({"Ann"})
    assert log.idle(EPOCH + 100) == [] and log.finish() == [] and log.visits == ()
    log = Visits()
    for i in range(5):
        log.update(result(i, face(1, ANN), seconds=i * 0.2))
    log.finish()
    log.forget({"Ann"})
    assert log.visits == ()


def test_whoever_is_known_anew_begins_a_new_visit():
    log = Visits()
    for i in range(5):
        log.update(result(i, face(1, ANN), seconds=i * 0.2))
    hers = log.present[1]
    log.update(erased(5, face(1, NOBODY)))
    told = [log.update(result(i, face(1, ANN), seconds=i * 0.2)) for i in range(6, 10)]
    assert kinds(flat(told)) == [("appeared", 1, None), ("recognised", 1, "Ann")] and log.present[1] != hers
