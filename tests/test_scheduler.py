from streamface.memory import Memory
from streamface.scheduler import Scheduler
from streamface.settings import AnalysisSettings
from streamface.testing import track


def chosen(scheduler, tracks, memory, at):
    return [look.track.id for look in scheduler.choose(tracks, memory, at)]


def ask(memory, looks, at):
    for look in looks:
        memory[look.track.id].asked((("identity",) if look.identity else ()) + look.actions, at)
        memory[look.track.id].waiting = False


SETTINGS = AnalysisSettings(actions=("age", "emotion"))


def test_new_people_come_first_and_no_more_than_the_budget():
    memory, scheduler = Memory(SETTINGS, None), Scheduler(SETTINGS, identity=True, per_frame=2)
    tracks = [track(1), track(2), track(3)]
    first = scheduler.choose(tracks, memory, 0.0)
    assert [look.track.id for look in first] == [1, 2]
    assert first[0].identity and first[0].actions == ("age", "emotion")
    ask(memory, first, 0.0)
    assert chosen(scheduler, tracks, memory, 0.3)[0] == 3


def test_nobody_is_looked_at_before_they_are_due():
    memory, scheduler = Memory(SETTINGS, None), Scheduler(SETTINGS, identity=True)
    ask(memory, scheduler.choose([track(1)], memory, 10.0), 10.0)
    assert chosen(scheduler, [track(1)], memory, 10.04) == []
    assert chosen(scheduler, [track(1)], memory, 10.25) == [1]


def test_lost_and_waiting_tracks_are_left_alone():
    memory, scheduler = Memory(SETTINGS, None), Scheduler(SETTINGS, identity=True)
    memory[2].waiting = True
    assert chosen(scheduler, [track(1, missed=3), track(2)], memory, 0.0) == []


def test_without_gallery_or_actions_nothing_is_looked_at():
    settings = AnalysisSettings(actions=())
    assert Scheduler(settings, identity=False).choose([track(1)], Memory(settings, None), 0.0) == ()
    (look,) = Scheduler(SETTINGS, identity=False).choose([track(1)], Memory(SETTINGS, None), 0.0)
    assert look.identity is False


def test_everybody_gets_a_turn_when_there_are_more_people_than_looks():
    memory, scheduler = Memory(SETTINGS, None), Scheduler(SETTINGS, identity=True, per_frame=1)
    tracks, seen = [track(i) for i in range(1, 9)], []
    for frame in range(24):
        looks = scheduler.choose(tracks, memory, frame * 0.04)
        ask(memory, looks, frame * 0.04)
        seen += [look.track.id for look in looks]
    assert {seen.count(i) for i in range(1, 9)} == {3}
