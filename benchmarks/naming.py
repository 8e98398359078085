"""Naming people in video: `python -m benchmarks.naming [MODEL[:WEIGHTS] ...] [--clip NAME ...]`

The clips of benchmarks/tracking.py, whose people are photographs of LFW, through the stream's own pipeline: detection,
tracking, the looks that the scheduler asks for, the averaging and the hysteresis of names. Half of the people in the
clips are enrolled, with other photographs than the clip shows, among `SIZE` in all; the others are strangers. Of each
track the last name counts. Each clip is followed once a network; then its names are decided again for many draws of
who is enrolled and for many thresholds, so that networks are compared at one rate of wrong names.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from benchmarks import data
from benchmarks.identification import settings_of
from benchmarks.mot import SAME_IOU
from benchmarks.scenes import Truth, truth
from benchmarks.synthetic import Clip
from benchmarks.tracking import SCENES
from benchmarks.verification import embeddings
from streamface import build
from streamface.analysis import Answer, FaceAnalysis, Request
from streamface.gallery.base import Photo, Row
from streamface.gallery.gallery import Gallery
from streamface.gallery.live import LiveGallery
from streamface.geometry import boxes_array, iou
from streamface.memory import NEAR
from streamface.naming import Matcher, NameVotes
from streamface.pipeline import Pace
from streamface.settings import Settings
from streamface.types import Box, Frame

SIZE, DRAWS = 20, 20
WRONG = 0.01
"""Rate of wrong names, of all tracks, at which networks are compared."""
SEARCH = 10
"""Halvings of the range of thresholds that is searched: a 1,000th of it."""


@dataclass(frozen=True)
class Seen:
    """What was seen of one track, in order."""

    person: str
    """Who it shows."""
    views: tuple[tuple[np.ndarray, float, float], ...]
    """(D,) embedding, weight, time."""


class Recording(FaceAnalysis):
    """The networks, with a note of every look at a face."""

    def __init__(self, inner: FaceAnalysis) -> None:
        super().__init__(inner.recognizer, inner.predictors, inner.mirror)
        self.looks: dict[int, list[tuple[np.ndarray, float, float]]] = {}

    def look(self, request: Request) -> Answer:
        """Answer one request, and keep what came of it."""
        answer = super().look(request)
        if answer.vector is not None:
            look = answer.vector, max(request.quality, 0.02), request.at
            self.looks.setdefault(request.track, []).append(look)
        return answer


def follow(settings: Settings, clip: Clip, frames: Sequence[Sequence[Truth]]) -> list[Seen]:
    """Every track of a clip that shows one of its people, with its looks.

    The gallery is empty meanwhile: when to look again depends on how much was seen, not on what a name was.
    """
    looking, nobody = Recording(build.analysis(settings)), LiveGallery(Gallery((), network_of(settings)))
    pipeline = build.pipeline(settings, nobody, looking, Pace.STEP)
    votes: dict[int, Counter[int]] = {}
    for index, (image, faces) in enumerate(zip(clip, frames, strict=True)):
        result = pipeline.step(Frame(image, index, 0.0, index / 25, "clip"))
        tracks = [face.track for face in result.faces if not face.track.missed]
        overlap = iou(boxes_array(f.box for f in faces), boxes_array(t.detection.box for t in tracks))
        for column, track in enumerate(tracks):
            if overlap[:, column].max(initial=0) >= SAME_IOU:
                votes.setdefault(track.id, Counter())[faces[int(overlap[:, column].argmax())].person] += 1
    pipeline.close()
    looks = {walk.person: clip.people[walk.look] for walk in clip.walks}
    shown = {track: looks[counts.most_common(1)[0][0]] for track, counts in votes.items()}
    return [Seen(shown[track], tuple(views)) for track, views in looking.looks.items() if track in shown]


def named(seen: Seen, hold_s: float, match: Matcher) -> str | None:
    """The last name of a track."""
    decided = NameVotes(hold_s, match, NEAR)
    for vector, weight, at in seen.views:
        decided.add(vector, weight, at)
    return decided.shown.identity if decided.shown is not None else None


def network_of(settings: Settings) -> str:
    """What the gallery's embeddings are marked with."""
    return build.LazyEncoder(settings).network


def matcher(settings: Settings, people: dict[str, np.ndarray], limit: float) -> Matcher:
    """The stream's own answers from a gallery of one (D,) embedding a person, with another threshold."""
    rows = [
        Row(Photo(f"{name}.jpg", name, -1, 0), None, Box(0, 0, 1, 1), 1.0, np.asarray(vector, np.float32))
        for name, vector in people.items()
    ]
    changed = replace(settings, recognition=replace(settings.recognition, threshold=limit))
    return build.matcher(changed, LiveGallery(Gallery(rows, network_of(settings))))


def galleries(shown: dict[str, str], files: Sequence[str]) -> list[tuple[dict[str, str], set[str]]]:
    """For each draw: name -> the file enrolled for it, and the people of the clips who are among them.

    shown: person in a clip -> the file that the clip shows, which is never enrolled.
    """
    others: dict[str, list[str]] = {}
    for file in files:
        person = data.person(file)
        if shown.get(person) != file:
            others.setdefault(person, []).append(file)
    able = sorted(person for person in shown if person in others)
    rest = sorted(person for person in others if person not in shown)
    draws = []
    for number in range(DRAWS):
        rng = np.random.default_rng(number)
        known = list(rng.permutation(able)[: len(able) // 2])
        filling = list(rng.permutation(rest)[: max(0, SIZE - len(known))])
        draws.append(({person: str(rng.choice(others[person])) for person in known + filling}, set(known)))
    return draws


def rates(
    seen: Sequence[Seen], vectors: dict[str, np.ndarray], draws, settings: Settings, limit: float
) -> tuple[float, float]:
    """(share of the enrolled people's tracks with their own name, share of all tracks with a wrong one)."""
    right = wrong = known = total = 0
    for enrolled, inside in draws:
        match = matcher(settings, {person: vectors[file] for person, file in enrolled.items()}, limit)
        for track in seen:
            name = named(track, settings.analysis.hold_s, match)
            known, total = known + (track.person in inside), total + 1
            right += track.person in inside and name == track.person
            wrong += name is not None and name != track.person
    return right / max(known, 1), wrong / max(total, 1)


def loosest(counted: Callable[[float], tuple[float, float]], low: float, high: float) -> float:
    """The largest threshold, between `low` and `high`, with no more wrong names than `WRONG`."""
    for _ in range(SEARCH):
        middle = (low + high) / 2
        low, high = (middle, high) if counted(middle)[1] <= WRONG else (low, middle)
    return low


def main() -> None:
    """Print tracks named and named wrongly: with the network's own threshold, and at `WRONG`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["OpenFace", "Dlib"], help="MODEL, or MODEL:WEIGHTS")
    parser.add_argument("--clip", nargs="*", default=(), help="names of the clips; all by default")
    given = parser.parse_args()
    scenes = [scene for scene in SCENES if not given.clip or scene.name in given.clip]
    images, _ = data.lfw()
    clips = [Clip(scene) for scene in scenes]
    inside = {person for clip in clips for person in clip.people}
    shown = {data.person(file): file for file in reversed(images) if data.person(file) in inside}  # their first files
    draws = galleries(shown, list(images))
    print(
        f"| network | tracks | own threshold: named | wrong | at {WRONG:.0%} wrong: named | threshold |\n"
        + "|---" * 6
        + "|"
    )
    for name in given.models:
        settings = settings_of(name)
        wanted = {file: images[file] for enrolled, _ in draws for file in enrolled.values()}
        vectors = {file: rows[0] for file, rows in embeddings(settings, wanted).items() if rows is not None}
        usable = [({p: f for p, f in enrolled.items() if f in vectors}, inside) for enrolled, inside in draws]
        seen = [s for clip in clips for s in follow(settings, clip, truth(clip.scene, clip.walks))]
        own = build.threshold(settings)
        counted = partial(rates, seen, vectors, usable, settings)
        limit = loosest(counted, 0.0, 3 * own)
        there, equal = counted(own), counted(limit)
        cells = (name, len(seen), f"{there[0]:.1%}", f"{there[1]:.2%}", f"{equal[0]:.1%}", f"{limit:.3f}")
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
