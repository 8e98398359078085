"""How well people keep their numbers, on made-up clips whose truth is known.

python -m benchmarks.tracking             the clips of benchmarks/synthetic.py through MTCNN and the tracker
python -m benchmarks.tracking --simulated the same scenes without images, 10 seeds each, in about a minute
python -m benchmarks.tracking --speed     what the tracker itself takes for 8 and 50 faces
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.greedy import GreedyIou
from benchmarks.mot import Score, total
from benchmarks.scenes import Scene, SimulatedDetector, Truth, numbered, truth
from streamface.budget import FixedBudget
from streamface.detection._beside import DetectBeside, Late
from streamface.detection.base import Detector
from streamface.geometry import boxes_array
from streamface.live_pipeline import LivePipeline
from streamface.pipeline import Pipeline
from streamface.pyramid import Pyramid
from streamface.scheduler import DetectionSchedule
from streamface.settings import TrackingSettings
from streamface.tracking import kalman
from streamface.tracking.base import Tracker
from streamface.types import Box, Detection, FaceResult, Frame, Track

SCENES = (
    Scene("calm", seed=0, people=3, lanes=3),
    Scene("crossing", seed=1, people=4, lanes=1, speed=(0.05, 0.15)),
    Scene("same way", seed=2, people=5, lanes=1, speed=(0.03, 0.15), alternate=False),
    Scene("turning", seed=3, people=4, lanes=1, pause=0.7),
    Scene("pillars", seed=4, people=4, lanes=2, pillars=2, speed=(0.1, 0.2)),
    Scene("growing", seed=5, people=4, lanes=2, growth=0.8),
    Scene("fast", seed=6, people=3, lanes=2, speed=(0.25, 0.5)),
    Scene("restless", seed=9, people=4, lanes=2, speed=(0.0, 0.06), jerk=0.5),
    Scene("dim", seed=7, people=4, lanes=2, blur_px=2.0, light=(0.35, 1.1)),
    Scene("crowd", seed=8, people=12, lanes=4, face_px=(45, 80)),
)


@dataclass(frozen=True, slots=True)
class System:
    """What is compared."""

    create: Callable[[TrackingSettings], Tracker]
    every: int
    """Frames between two full detections."""
    takes: int = 0
    """Frames that a full detection takes on a camera's clock; 0 where time does not count, as in a file."""
    beside: bool = False
    """Whether it is made beside the loop; otherwise frames that come meanwhile are dropped and the last tracks stay."""


SYSTEMS = {
    "Kalman, detection every 4": System(kalman.create, 4),
    "Kalman, detection on every frame": System(kalman.create, 1),
    "Kalman, detection every 4, taking 2 frames, waited for": System(kalman.create, 4, 2),
    "Kalman, detection every 4, taking 2 frames, beside the loop": System(kalman.create, 4, 2, True),
    "Kalman, detection every 4, taking 5 frames, waited for": System(kalman.create, 4, 5),
    "Kalman, detection every 4, taking 5 frames, beside the loop": System(kalman.create, 4, 5, True),
    "Kalman, detection every 4, taking 10 frames, waited for": System(kalman.create, 4, 10),
    "Kalman, detection every 4, taking 10 frames, beside the loop": System(kalman.create, 4, 10, True),
    "greedy IoU, detection every 4": System(lambda s: GreedyIou(s.max_missed), 4),
    "greedy IoU, detection on every frame": System(lambda s: GreedyIou(s.max_missed), 1),
}


class NoAttention:
    """Stands in for `streamface.attention.Attention`: nobody is looked at."""

    postponed = 0

    def ask(self, frame: Frame, pyramid: Pyramid, tracks: Sequence[Track], watch: object) -> int:
        """Nothing."""
        return 0

    def learn(self, taken: int, tracks: Sequence[Track], watch: object) -> tuple[FaceResult, ...]:
        """The tracks as they are."""
        return tuple(FaceResult(track) for track in tracks)

    def handovers(self) -> list:
        """Nobody is found to be somebody else."""
        return []

    def close(self) -> None:
        """Nothing to give back."""


class Counting(Detector):
    """A detector that counts its full detections."""

    def __init__(self, inner: Detector) -> None:
        self._inner, self.can_refine, self.full = inner, inner.can_refine, 0

    def detect(self, image: np.ndarray | Pyramid) -> tuple[Detection, ...]:
        self.full += 1
        return self._inner.detect(image)

    def refine(self, image: np.ndarray | Pyramid, boxes: Sequence[Box]) -> tuple[Detection | None, ...]:
        return self._inner.refine(image, boxes)


class Frames(FixedBudget):
    """Detections take half of the time at most, on a clock that counts frames."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self._system, self._now, self._ends = system, 0, -system.takes

    @property
    def detection_is_long(self) -> bool:
        return self._system.beside

    def is_free(self, index: int) -> bool:
        """Whether the loop is ready for that frame."""
        self._now = index
        return self._system.beside or index >= self._ends

    def allows_detection(self) -> bool:
        return self._now >= self._ends + self._system.takes

    def detected(self, took_ms: float) -> None:
        self._ends = self._now if self._system.beside else self._now + self._system.takes


class Later(DetectBeside):
    """A detector whose answers are there a number of frames later, on any machine."""

    def __init__(self, inner: Detector, frames: int) -> None:
        super().__init__(inner, inner)
        self._takes, self._left, self._asked = frames, 0, ()

    @property
    def is_busy(self) -> bool:
        return bool(self._asked)

    def start(self, image: np.ndarray, known: Sequence[Box] = ()) -> None:
        self._since, self._asked, self._left = [], (image, boxes_array(known)), self._takes

    def take(self) -> Late | None:
        self._left -= 1
        if not self._asked or self._left > 0:
            return None
        asked, self._asked = self._asked, ()
        return self._work(*asked)


def follow(
    images: Iterable[np.ndarray], detector: Detector, tracker: Tracker, system: System
) -> list[tuple[Track, ...]]:
    """The tracks of each image, from the stream's own pipeline."""
    budget = Frames(system)
    finding = Later(detector, system.takes) if system.beside else detector
    line = LivePipeline if system.beside else Pipeline
    pipeline = line(finding, tracker, NoAttention(), DetectionSchedule(system.every, budget))
    said = []
    for i, image in enumerate(images):
        if budget.is_free(i):
            result = pipeline.step(Frame(image, i, 0.0, i / 25, "clip"))
            said.append(tuple(face.track for face in result.faces))
        else:
            said.append(said[-1])
    return said


def scored(frames: Sequence[Sequence[Truth]], tracks: Sequence[Sequence[Track]]) -> Score:
    """The score of one clip."""
    score = Score()
    for faces, said in zip(frames, tracks, strict=True):
        score.frame(faces, said)
    return score


def simulated(seeds: int) -> None:
    """Every scene with several seeds and a simulated detector."""
    for name, system in SYSTEMS.items():
        rows, all_scores, full, count = [], [], 0, 0
        for scene in SCENES:
            scores = []
            for seed in range(seeds):
                frames = truth(replace(scene, seed=seed))
                detector = Counting(SimulatedDetector(frames, seed))
                images = map(numbered, range(len(frames)))
                scores.append(scored(frames, follow(images, detector, system.create(TrackingSettings()), system)))
                full, count = full + detector.full, count + len(frames)
            rows.append((scene.name, total(scores)))
            all_scores += scores
        _print_table(f"{name} ({full / count:.0%} of frames detected in full)", [*rows, ("all", total(all_scores))])


def rendered(names: Sequence[str]) -> None:
    """Every scene as pictures, through MTCNN."""
    from benchmarks.synthetic import Clip
    from streamface import build
    from streamface.settings import AnalysisSettings, Settings

    settings = Settings(analysis=AnalysisSettings(actions=()))
    build.prepare(settings)
    found: dict[str, list[tuple[str, Score]]] = {name: [] for name in SYSTEMS}
    full = dict.fromkeys(SYSTEMS, 0)
    scenes = [scene for scene in SCENES if not names or scene.name in names]
    for scene in scenes:
        clip = Clip(scene)
        frames = truth(scene, clip.walks)
        for name, system in SYSTEMS.items():
            detector = Counting(build.detector(settings))
            tracks = follow(clip, detector, system.create(settings.tracking), system)
            found[name].append((scene.name, scored(frames, tracks)))
            full[name] += detector.full
    count = sum(scene.frames for scene in scenes)
    for name, scores in found.items():
        rows = [(scene, score.result()) for scene, score in scores]
        rows.append(("all", total([score for _, score in scores])))
        _print_table(f"{name} ({full[name] / count:.0%} of frames detected in full)", rows)


def _print_table(title: str, rows: Sequence[tuple[str, dict[str, float]]]) -> None:
    print(f"\n{title}")
    print("| clip | MOTA | IDF1 | switches | fragments | misses | false | faces |\n|" + "---|" * 8)
    for name, r in rows:
        numbers = [r[k] for k in ("num_switches", "num_fragmentations", "num_misses", "num_false_positives")]
        counts = " | ".join(f"{int(n)}" for n in (*numbers, r["num_objects"]))
        print(f"| {name} | {100 * r['mota']:.1f} | {100 * r['idf1']:.1f} | {counts} |")


def speed() -> None:
    """Milliseconds of predict and update together."""
    for people in (8, 50):
        frames = truth(Scene("speed", people=people, lanes=5, size_wh=(1920, 1080), frames=300, away=1))
        detector, tracker, spent = SimulatedDetector(frames), kalman.create(TrackingSettings()), []
        for index in range(len(frames)):
            full = index % 6 == 0
            start = time.perf_counter()
            boxes = tracker.predict(index)
            spent.append(time.perf_counter() - start)
            said = detector.detect(numbered(index)) if full else detector.refine(numbered(index), boxes)
            start = time.perf_counter()
            (tracker.update if full else tracker.refine)(said, index)
            spent[-1] += time.perf_counter() - start
        full, rest = np.array(spent[::6]) * 1e3, np.delete(np.array(spent) * 1e3, np.s_[::6])
        print(
            f"{people} people: {np.median(full):.2f} ms with a full detection, {np.median(rest):.2f} ms with refinement"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulated", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--seeds", type=int, default=10, help="clips of each scene with --simulated")
    parser.add_argument("--clip", nargs="*", default=(), help="names of the clips; all by default")
    args = parser.parse_args()
    if args.speed:
        speed()
    elif args.simulated:
        simulated(args.seeds)
    else:
        rendered(args.clip)


if __name__ == "__main__":
    main()
