"""Whom the scheduler chooses, and what becomes of a stream under a simulated clock: nothing here waits."""

from __future__ import annotations

import numpy as np

from streamface.budget import FixedBudget, LiveBudget
from streamface.memory import Memory
from streamface.scheduler import DetectionSchedule, Scheduler
from streamface.settings import AnalysisSettings
from streamface.testing import track

SETTINGS = AnalysisSettings(actions=("age", "emotion"))


def fixed(looks: int | None, settings: AnalysisSettings = SETTINGS, identity: bool = True) -> Scheduler:
    return Scheduler(settings, identity, FixedBudget(looks))


def looks_of(scheduler, tracks, memory, at):
    scheduler.budget.begin(0, at)
    return list(scheduler.choose(tracks, memory, at))


def chosen(scheduler, tracks, memory, at):
    return [look.track.id for look in looks_of(scheduler, tracks, memory, at)]


def ask(memory, looks, at):
    for look in looks:
        memory[look.track.id].asked(look.kinds, at)


def test_new_people_come_first_and_no_more_than_the_budget():
    memory, scheduler = Memory(SETTINGS, None), fixed(2)
    tracks = [track(1), track(2), track(3)]
    first = looks_of(scheduler, tracks, memory, 0.0)
    assert [look.track.id for look in first] == [1, 2]
    assert first[0].kinds == ("identity", "age", "emotion")
    ask(memory, first, 0.0)
    assert chosen(scheduler, tracks, memory, 0.3)[0] == 3


def test_a_clock_that_is_set_back_keeps_nobody_from_being_looked_at():
    memory, scheduler = Memory(SETTINGS, None), fixed(None)
    ask(memory, looks_of(scheduler, [track(1)], memory, 1e9), 1e9)
    assert not chosen(scheduler, [track(1)], memory, 1e9 + 0.001)
    assert chosen(scheduler, [track(1)], memory, 1e9 - 3600) == [1]


def test_of_the_undecided_the_most_uncertain_comes_first_and_the_settled_wait(monkeypatch):
    memory, scheduler = Memory(SETTINGS, None), fixed(1)
    known = {1: (True, 1.0), 2: (False, 0.8), 3: (False, 0.2), 4: (True, 1.0)}
    for number, (settled, certainty) in known.items():
        memory[number].asked(("identity", "age", "emotion"), 0.0)
        monkeypatch.setattr(type(memory[number]), "certainty", property(lambda self: self._certainty), raising=True)
        memory[number]._certainty = certainty
        memory[number].is_settled = lambda kind, settled=settled: settled
    tracks, order, at = [track(n) for n in known], [], 0.3
    for _ in known:
        (look,) = looks_of(scheduler, tracks, memory, at)
        ask(memory, [look], at)
        order.append(look.track.id)
        at += 0.001
    assert order == [3, 2, 1, 4]


def test_a_poor_view_that_stays_poor_does_not_starve_the_settled(monkeypatch):
    """One person never settles and is due at every turn; the other waits no longer than some refreshes."""
    settings = AnalysisSettings(actions=())
    memory, scheduler = Memory(settings, None), fixed(1, settings)
    monkeypatch.setattr(type(memory[1]), "certainty", property(lambda self: 0.1))
    memory[1].is_settled, memory[2].is_settled = (lambda kind: False), (lambda kind: True)
    seen = []
    for frame in range(400):
        looks = looks_of(scheduler, [track(1), track(2)], memory, frame * 0.1)
        ask(memory, looks, frame * 0.1)
        seen += [look.track.id for look in looks]
    gaps = np.diff([i for i, number in enumerate(seen) if number == 2])
    assert len(seen) == 400 and gaps.max() <= 50


def test_nobody_is_looked_at_before_they_are_due():
    memory, scheduler = Memory(SETTINGS, None), fixed(2)
    ask(memory, looks_of(scheduler, [track(1)], memory, 10.0), 10.0)
    assert chosen(scheduler, [track(1)], memory, 10.04) == []
    assert chosen(scheduler, [track(1)], memory, 10.25) == [1]


def test_lost_and_waiting_tracks_are_left_alone():
    memory, scheduler = Memory(SETTINGS, None), fixed(2)
    memory[2].waiting = True
    assert chosen(scheduler, [track(1, missed=3), track(2)], memory, 0.0) == []


def test_a_view_that_was_too_poor_is_tried_again_a_little_later():
    memory, scheduler = Memory(SETTINGS, None), fixed(2)
    memory[1].tried_at = 1.0
    assert chosen(scheduler, [track(1)], memory, 1.04) == []
    assert chosen(scheduler, [track(1)], memory, 1.1) == [1]


def test_a_look_that_is_given_back_goes_to_the_next_in_line():
    memory, scheduler = Memory(SETTINGS, None), fixed(1)
    scheduler.budget.begin(0, 0.0)
    seen = []
    for look in scheduler.choose([track(1), track(2), track(3)], memory, 0.0):
        seen.append(look.track.id)
        if look.track.id == 1:
            scheduler.budget.give_back()
    assert seen == [1, 2] and scheduler.postponed == 1


def test_without_gallery_or_actions_nothing_is_looked_at():
    settings = AnalysisSettings(actions=())
    assert looks_of(fixed(2, settings, identity=False), [track(1)], Memory(settings, None), 0.0) == []
    (look,) = looks_of(fixed(2, identity=False), [track(1)], Memory(SETTINGS, None), 0.0)
    assert look.identity is False


def test_everybody_gets_a_turn_when_there_are_more_people_than_looks():
    memory, scheduler = Memory(SETTINGS, None), fixed(1)
    tracks, seen = [track(i) for i in range(1, 9)], []
    for frame in range(24):
        looks = looks_of(scheduler, tracks, memory, frame * 0.04)
        ask(memory, looks, frame * 0.04)
        seen += [look.track.id for look in looks]
    assert {seen.count(i) for i in range(1, 9)} == {3}


def test_in_a_picture_of_its_own_everybody_is_looked_at():
    assert len(chosen(fixed(None), [track(i) for i in range(1, 31)], Memory(SETTINGS, None), 0.0)) == 30


def test_postponed_looks_are_counted_once_each():
    memory, scheduler = Memory(SETTINGS, None), fixed(1)
    tracks = [track(1), track(2), track(3)]
    for frame in range(3):
        ask(memory, looks_of(scheduler, tracks, memory, frame * 0.04), frame * 0.04)
    assert scheduler.postponed == 2


def test_detection_at_every_multiple_also_when_frames_are_missing():
    schedule = DetectionSchedule(6)
    assert [i for i in range(20) if schedule.detects(i, False)] == [0, 6, 12, 18]
    gaps = DetectionSchedule(6)
    assert [i for i in (3, 5, 7, 10, 13, 14, 30) if gaps.detects(i, False)] == [3, 7, 13, 30]


def test_what_the_tracker_wants_comes_soon_but_not_right_before_or_after_a_detection():
    schedule = DetectionSchedule(6)
    assert [i for i in range(14) if schedule.detects(i, True)] == [0, 2, 4, 6, 8, 10, 12]
    assert [i for i in range(9) if DetectionSchedule(6).detects(i, i in (0, 5))] == list(range(9))  # each is the first
    once = DetectionSchedule(6)
    assert [i for i in range(9) if once.detects(i, i in (1, 5, 7))] == [0, 6]


def test_every_frame_that_is_sure_is_detected_whatever_the_tracker_wants():
    rng, schedule = np.random.default_rng(0), DetectionSchedule(4)
    done = [i for i in range(200) if schedule.detects(i, rng.uniform() < 0.4)]
    assert {i for i in range(200) if schedule.is_sure(i)} <= set(done)


class Machine:
    """A camera, a loop and a worker in simulated time: what the budget sees is the clock and nothing else.

    period_s: of the camera. look_s, detect_s, follow_s: what things take here. people: in view.
    """

    def __init__(self, period_s: float, look_s: float, detect_s: float, follow_s: float, people: int) -> None:
        self.now, self._period_s = 0.0, period_s
        self._costs = look_s, detect_s, follow_s
        budget = LiveBudget(lambda: self.now)
        self.memory, self.scheduler = Memory(SETTINGS, None), Scheduler(SETTINGS, True, budget)
        self.schedule = DetectionSchedule(6, budget)
        self.people = [track(i + 1) for i in range(people)]
        self.latency, self.look_age, self.looked = [], [], []
        self.dropped = self.detections = 0
        self._busy_until, self._answers, self._index = 0.0, [], -1

    def run(self, frames: int) -> None:
        for _ in range(frames):
            self.step()

    def step(self) -> None:
        look_s, detect_s, follow_s = self._costs
        index = max(self._index + 1, int(self.now / self._period_s))  # the newest frame, or the next one to come
        self.dropped += index - self._index - 1
        self._index, captured_at = index, index * self._period_s
        self.now = max(self.now, captured_at)
        if self.schedule.detects(index, False):
            self.now += detect_s
            self.detections += 1
            self.schedule.detected(1e3 * detect_s)
        self.now += follow_s
        self._collect()
        self.scheduler.budget.begin(index, captured_at)
        for look in self.scheduler.choose(self.people, self.memory, captured_at):
            self._busy_until = max(self._busy_until, self.now) + look_s
            self._answers.append((self._busy_until, captured_at, look))
            self.memory[look.track.id].asked(look.kinds, captured_at)
            self.memory[look.track.id].waiting = True
            self.looked.append((captured_at, look.track.id))
        self.latency.append(self.now - captured_at)

    def _collect(self) -> None:
        ready = [entry for entry in self._answers if entry[0] <= self.now]
        self._answers = self._answers[len(ready) :]
        for done_at, asked_at, look in ready:
            self.memory[look.track.id].waiting = False
            self.scheduler.budget.answered(look.kinds, 1e3 * self._costs[0])
            self.look_age.append(done_at - asked_at)


def test_a_machine_with_time_to_spare_drops_nothing_and_postpones_little():
    machine = Machine(period_s=0.04, look_s=0.008, detect_s=0.03, follow_s=0.004, people=4)
    machine.run(1000)
    assert machine.dropped == 0 and machine.detections == 167
    assert max(machine.latency) < 0.04
    assert machine.scheduler.postponed < 30 and machine.schedule.postponed == 0


def test_overloaded_four_times_nothing_grows_and_everybody_is_still_looked_at():
    """Looks, detections and following each take more than there is; 10 minutes at 25/s."""
    machine = Machine(period_s=0.04, look_s=0.1, detect_s=0.2, follow_s=0.06, people=8)
    while machine.now < 600:
        machine.step()
    latency, age = np.array(machine.latency), np.array(machine.look_age)
    half = len(latency) // 2
    assert np.percentile(latency[half:], 99) <= np.percentile(latency[:half], 99) + 1e-6
    assert latency.max() < 0.04 + 0.2 + 0.06 + 1e-6
    assert age.max() <= latency.max() + 0.1 + 1e-6  # no answer waits behind another
    assert age[len(age) // 2 :].mean() <= age[: len(age) // 2].mean() * 1.05
    assert machine.dropped > 5000 and machine.scheduler.postponed > 100 and machine.schedule.postponed > 100
    assert machine.detections * 0.2 < 0.55 * 600
    times = {i: [at for at, number in machine.looked if number == i] for i in range(1, 9)}
    assert max(np.diff(at).max() for at in times.values()) < 8 * 0.1 * 3


def test_somebody_new_is_looked_at_first_also_under_overload():
    machine = Machine(period_s=0.04, look_s=0.1, detect_s=0.05, follow_s=0.03, people=8)
    machine.run(200)
    machine.people.append(track(9))
    came = machine.now
    while not any(number == 9 for _, number in machine.looked):
        machine.step()
    assert machine.now - came < 0.35


def test_the_budget_learns_what_things_take_here():
    fast = Machine(period_s=0.04, look_s=0.002, detect_s=0.01, follow_s=0.002, people=12)
    fast.run(50)
    slow = Machine(period_s=0.04, look_s=0.030, detect_s=0.01, follow_s=0.002, people=12)
    slow.run(50)
    assert len(fast.looked) > 90 and len(slow.looked) < 60  # due are 48 a second
    assert fast.scheduler.postponed < slow.scheduler.postponed


def test_the_fixed_budget_knows_no_clock():
    """The same looks and detections however long anything took."""
    runs = []
    for took_ms in (1.0, 1000.0):
        memory, scheduler, schedule = Memory(SETTINGS, None), fixed(2), DetectionSchedule(6, FixedBudget())
        seen = []
        for index in range(100):
            if schedule.detects(index, index % 7 == 0):
                schedule.detected(took_ms)
                seen.append(("detect", index))
            looks = looks_of(scheduler, [track(i) for i in range(1, 6)], memory, index * 0.04)
            ask(memory, looks, index * 0.04)
            for look in looks:
                scheduler.budget.answered(look.kinds, took_ms)
                seen.append((look.track.id, look.kinds))
        runs.append(seen)
    assert runs[0] == runs[1]


def test_a_detection_is_long_when_it_takes_more_than_one_and_a_half_frames_time():
    budget = LiveBudget(lambda: 0.0)
    for index in range(50):
        budget.begin(index, index / 10)
    for took_ms, is_long in ((140, False), (160, True), (140, False)):
        for _ in range(50):
            budget.detected(took_ms)
        assert budget.detection_is_long is is_long
    assert not FixedBudget().detection_is_long
