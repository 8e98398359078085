import pytest
from sink_results import EPOCH, face, match, result

from streamface.sinks import visits
from streamface.sinks.visits import Visit, Visits


def kinds(events):
    return [(event.kind, event.track, event.identity) for event in events]


def played(*frames, live=False):
    """Events of each frame, and those of the end."""
    log = Visits()
    return [log.update(result(i, *faces, live=live)) for i, faces in enumerate(frames)] + [log.finish()]


def test_a_person_appears_is_recognised_and_leaves():
    ann = match("Ann", 0.21)
    first, second, third, fourth, end = played([face(1)], [face(1, ann)], [face(1, ann)], [])
    assert kinds(first) == [("appeared", 1, None)]
    assert kinds(second) == [("recognised", 1, "Ann")]
    assert third == [] and end == []
    (left,) = fourth
    assert (left.kind, left.identity, left.start_s, left.end_s, left.frame) == ("left", "Ann", 0.0, 2 / 25, 2)
    assert (left.distance, left.source, left.started_at) == (0.21, "door", None)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([None, None], ["appeared"]),
        ([match("Ann")], ["appeared", "recognised"]),  # known at first sight
        ([match(None), match(None)], ["appeared"]),  # a stranger is no news
        ([match(None), match("Ann")], ["appeared", "recognised"]),
        ([match("Ann"), match("Bob")], ["appeared", "recognised", "changed"]),
        ([match("Ann"), match(None)], ["appeared", "recognised", "changed"]),
        ([match("Ann"), None, match("Ann")], ["appeared", "recognised"]),  # a frame without an answer changes nothing
        ([match("Ann"), match(None), match("Ann")], ["appeared", "recognised", "changed", "recognised"]),
    ],
)
def test_kinds_of_events(answers, expected):
    *frames, end = played(*([face(1, answer)] for answer in answers))
    assert [event.kind for events in frames for event in events] == expected
    assert [event.kind for event in end] == ["left"]


def test_a_change_names_both():
    events = played([face(1, match("Ann"))], [face(1, match("Bob", 0.4))])[1]
    assert [(e.identity, e.previous, e.distance) for e in events] == [("Bob", "Ann", 0.4)]


def test_unconfirmed_tracks_do_not_count():
    *frames, end = played([face(1, confirmed=False)], [face(1, confirmed=False)], [])
    assert frames == [[], [], []] and end == []


def test_the_end_is_the_last_sight_not_the_last_guess():
    events = played([face(1)], [face(1)], [face(1, missed=1)], [face(1, missed=2)], [])[4]
    assert (events[0].end_s, events[0].frame) == (1 / 25, 1)


def test_at_the_end_everybody_leaves_in_order():
    assert kinds(played([face(2), face(1, match("Ann"))])[-1]) == [("left", 1, "Ann"), ("left", 2, None)]


def test_times_of_a_live_source():
    log = Visits()
    log.update(result(0, live=True))
    (appeared,) = log.update(result(50, face(3), live=True))
    log.update(result(100, face(3), live=True))
    (left,) = log.finish()
    assert (appeared.start_s, appeared.started_at) == (2.0, EPOCH + 2)
    assert (left.end_s, left.ended_at) == (4.0, EPOCH + 4)


def test_visits_sum_a_run_up():
    log = Visits()
    for index, faces in enumerate([[face(1, match("Ann"))], [face(2)], [face(2), face(3, match("Ann"))]]):
        log.update(result(index, *faces))
    expected = (Visit(1, "Ann", 0.0, 0.0), Visit(2, None, 0.04, 0.08), Visit(3, "Ann", 0.08, 0.08))
    assert log.visits == expected
    log.finish()
    assert log.visits == expected


def test_a_camera_that_runs_for_months_keeps_only_the_latest_visits(monkeypatch):
    monkeypatch.setattr(visits, "KEPT", 3)
    log = Visits()
    for index in range(10):
        log.update(result(index, face(index + 1)))
    assert [visit.track for visit in log.visits] == [7, 8, 9, 10]
