"""What a turned view is worth to the guide for enrolment, and how long the guide takes. `python -m benchmarks.guide`

Photographs: lfw_dev with Dlib; of pairs of one person, one who looks straight and one by how far the head is turned,
how many are accepted at the threshold for names. Turned as `alignment.turn` says: where the nose is between the eyes.

Frames: the head-pose clips, a woman who turns from one profile towards the other side and a man who looks at the
camera; how the measure is spread, by how many degrees the head is turned there, how far the embedding is from the views
from the front, and what the guide says of each frame alone.

Enrolments: the woman's clip played so that her head follows what the guide asks for, a moment after it was said, as
real people do; and the same clip over and over, which follows nothing. The page looks every 0.3 s.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from benchmarks import data
from benchmarks.acting import FPS, Person, clip, mirrored
from benchmarks.liveness import BOTH, STILL, TURNS, WOMAN
from streamface import build
from streamface.alignment import align, turn, view_parts
from streamface.errors import NoFaceError
from streamface.gallery.distances import distance
from streamface.gallery.examine import Limits
from streamface.gallery.gallery import Gallery
from streamface.gallery.live import LiveGallery
from streamface.kiosk.flatness import degrees_turned
from streamface.kiosk.prompts import LEFT, RIGHT
from streamface.kiosk.screen import PROMPT
from streamface.pyramid import Pyramid
from streamface.settings import AnalysisSettings, RecognitionSettings, Settings
from streamface.stills import StillAnalysis
from streamface.types import Detection, FaceResult, Frame, FrameResult, Track
from streamface.web import guide
from streamface.web.enrolment import Enrolment
from streamface.web.people_desk import PeopleDesk
from streamface.web.views import View

EDGES = (0.0, 0.06, 0.10, 0.14, 0.18, 0.24, 0.30, 0.36, 0.50, 1.0)
STRAIGHT = 0.06
"""Views with less count as from the front."""
LOOK_S = 0.3
LONGEST_S = 30.0
PROMPTS = {guide.TURN_LEFT: LEFT, guide.TURN_RIGHT: RIGHT}
SETTINGS = Settings(analysis=AnalysisSettings(actions=()))


def photographs() -> None:
    """Print how many pairs of a straight and a turned view are accepted."""
    analysis, (images, _) = StillAnalysis("mtcnn", RecognitionSettings(model="Dlib")), data.lfw()
    vectors, turns, people = [], [], []
    for name, image in images.items():
        try:
            face = analysis.faces(image, name, True)[0]
        except NoFaceError:
            continue
        vectors.append(analysis.embedding(face))
        turns.append(abs(turn(face.detection)))
        people.append(data.person(name))
    unit, turns, who = np.stack(vectors), np.array(turns), np.array(people)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    limit = build.threshold(analysis.settings)
    print(f"lfw_dev, {len(turns)} photographs: half are turned by less than {np.median(turns):.2f}, one in 20 by more "
          f"than {np.percentile(turns, 95):.2f}\n")  # fmt: skip
    print("| turned | photographs | pairs with one from the front | accepted |\n|---|---|---|---|")
    front = turns <= STRAIGHT
    for low, high in zip(EDGES, EDGES[1:], strict=False):
        own = np.flatnonzero((turns > low) & (turns <= high))
        far = [1 - unit[i] @ unit[j] for i in own for j in np.flatnonzero(front & (who == who[i])) if i != j]
        accepted = f"{np.mean(np.array(far) <= limit):.1%}" if far else ""
        print(f"| {low:.2f} to {high:.2f} | {len(own)} | {len(far)} | {accepted} |")


def faces(frames: Sequence[np.ndarray], detector, right: bool = True) -> Iterator[tuple[int, np.ndarray, Detection]]:
    """(number, frame, the face most to the right, or to the left) of frames with a face."""
    for number, frame in enumerate(frames):
        found = sorted(detector.detect(frame), key=lambda one: one.box.left)
        if found:
            yield number, frame, found[-1 if right else 0]


def frames_of(name: str, frames: Sequence[np.ndarray], right: bool, detector, encoder, limit: float) -> None:
    """Print what the frames of one person say."""
    spec = build.spec(SETTINGS)
    seen = list(faces(frames, detector, right))
    turns = np.array([turn(found) for _, _, found in seen])
    straight = np.abs(turns) <= STRAIGHT
    front = [found.landmarks for (_, _, found), is_front in zip(seen, straight, strict=True) if is_front]
    degrees = np.array([degrees_turned(front, found.landmarks) for _, _, found in seen])
    vectors = [embedded(encoder, frame, found) for _, frame, found in seen]
    known = np.stack([v for v, is_front in zip(vectors, straight, strict=True) if is_front and v is not None])
    far = np.array([np.nan if v is None else _nearest(v, known) for v in vectors])
    said = Counter()
    print(f"\n{name}, {len(seen)} frames, {straight.sum()} from the front\n")
    print("| turned | frames | degrees | distance from the views from the front, of the threshold | taken as |\n"
          "|---|---|---|---|---|")  # fmt: skip
    for low, high in zip(EDGES, EDGES[1:], strict=False):
        here = np.flatnonzero((np.abs(turns) > low) & (np.abs(turns) <= high))
        if not len(here):
            continue
        kinds = Counter(_kind(seen[i][1], seen[i][2], spec) for i in here)
        said.update(kinds)
        taken = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        print(f"| {low:.2f} to {high:.2f} | {len(here)} | {np.median(degrees[here]):.0f} | "
              f"{np.nanmedian(far[here]) / limit:.2f} | {taken} |")  # fmt: skip
    print(f"\n{sum(said[kind] for kind in guide.WANTED)} of {len(seen)} frames are good views")


def embedded(encoder, frame: np.ndarray, found: Detection) -> np.ndarray | None:
    """The embedding of the face in a frame where it was found."""
    near = [face for face in encoder.encode(frame) if abs(face.box.left - found.box.left) < found.box.width / 2]
    return near[0].vector if near else None


def _nearest(vector: np.ndarray, known: np.ndarray) -> float:
    """Distance to the nearest of some views, the same one apart."""
    far = distance(vector, known, "cosine")
    return float(far[far > 1e-6].min())


def _kind(frame: np.ndarray, found: Detection, spec) -> str:
    """What the guide takes a view for while everything is wanted, or why it takes it for nothing."""
    parts = view_parts(found, align(Pyramid(frame), found, spec.template, spec.input_px))
    kind, _ = guide.judged(parts, turn(found), list(guide.WANTED))
    if kind is not None:
        return kind
    hints = [guide.judged(parts, turn(found), [one])[1] for one in guide.WANTED]
    rest = set(hints) - set(guide.ASKED.values())
    return min(rest) if rest else "between"


class Session:
    """One enrolment of somebody who plays."""

    def __init__(self, desk: PeopleDesk, detector) -> None:
        self._now, self._detector = 0.0, detector
        self._view = View("door")
        self.made = Enrolment(self._view, 1, desk, build.spec(SETTINGS), lambda: self._now)
        self.hints: Counter[str] = Counter()

    def play(self, camera: Callable[[str], np.ndarray]) -> float | None:
        """Seconds until all pictures are taken; None where that takes longer than `LONGEST_S`."""
        looked_at = -LOOK_S
        while self._now < LONGEST_S:
            image = camera(self.made.hint)
            self._show(image)
            if self._now - looked_at >= LOOK_S - 1e-9:
                looked_at = self._now
                self.made.look()
                self.hints[self.made.hint] += 1
                if not self.made.wanted:
                    return self._now
            self._now += 1 / FPS
        return None

    def _show(self, image: np.ndarray) -> None:
        found = sorted(self._detector.detect(image), key=lambda one: one.box.left)
        seen = (FaceResult(Track(1, found[-1], 9)),) if found else ()
        index = self._view.newest.version
        self._view.write(FrameResult(Frame(image, index, 1e9 + self._now, self._now, "door"), seen), None)


def following(frames: Sequence[np.ndarray], turns: dict, rng: random.Random) -> Callable[[str], np.ndarray]:
    """A person who does what is asked for."""
    person = Person(frames, STILL, turns, rng)
    return lambda hint: person.frame(SimpleNamespace(state=PROMPT, detail=PROMPTS.get(hint), done=0))


def over_and_over(frames: Sequence[np.ndarray], start: int) -> Callable[[str], np.ndarray]:
    """The clip there and back."""
    order = [*range(len(frames)), *range(len(frames) - 1, -1, -1)]
    shown = iter(order[(start + i) % len(order)] for i in range(10_000))
    return lambda hint: frames[next(shown)]


def enrolments(desk: PeopleDesk, detector, frames: Sequence[np.ndarray], trials: int) -> None:
    """Print how long the guide takes."""
    mirror = {LEFT: TURNS[RIGHT], RIGHT: TURNS[LEFT]}
    sides = ((frames, TURNS), (mirrored(frames), mirror))
    actors = {
        "who follows the guide": lambda n: following(*sides[n % 2], random.Random(n)),
        "the clip over and over": lambda n: over_and_over(sides[n % 2][0], n * len(frames) // max(1, trials // 2)),
    }
    print("\n| who | complete | seconds, median, longest | looks that said 'somebody else' |\n|---|---|---|---|")
    for name, actor in actors.items():
        took, others, looks = [], 0, 0
        for number in range(trials):
            session = Session(desk, detector)
            took.append(session.play(actor(number)))
            others += session.hints[guide.OTHER]
            looks += sum(session.hints.values())
        done = [seconds for seconds in took if seconds is not None]
        times = f"{np.median(done):.1f}, {max(done):.1f}" if done else ""
        print(f"| {name} | {len(done)} of {trials} | {times} | {others} of {looks} |", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print all three."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--trials", type=int, default=20, help="enrolments of each kind")
    options.add_argument("--no-photographs", action="store_true", help="leave out lfw_dev, which takes minutes")
    given = options.parse_args(arguments)
    build.prepare(SETTINGS)
    if not given.no_photographs:
        photographs()
    detector, encoder, limit = build.detector(SETTINGS), build.LazyEncoder(SETTINGS), build.threshold(SETTINGS)
    clips = {name: clip(data.file(f"media/{name}")) for name in (WOMAN, BOTH)}
    frames_of("Woman", clips[WOMAN], True, detector, encoder, limit)
    frames_of("Man", clips[BOTH], True, detector, encoder, limit)
    limits = Limits(SETTINGS.recognition.metric, limit, max(limit, build.threshold(SETTINGS, True)))
    with tempfile.TemporaryDirectory() as folder:
        nobody = LiveGallery(Gallery((), encoder.network))
        desk = PeopleDesk(Path(folder), Path(folder) / "s", nobody, encoder, limits)
        enrolments(desk, detector, clips[WOMAN], given.trials)
    encoder.close()
    detector.close()


if __name__ == "__main__":
    main()
