"""Does it cost accuracy not to do everything on every frame? `python -m benchmarks.scheduling [--clip NAME ...]`

The synthetic clips of benchmarks/tracking.py go through the stream's pipeline twice: as a file is scheduled, and with
a full detection and a look at everybody on every frame. Photographs of LFW walk through them; of people with a second
photograph that one is in the gallery, all others are strangers. Printed are IDF1, ID switches, and the share of
people in view, after their first half second, that have their right name (or, for a stranger, none) and a wrong one.
On the real clip crowd_1080p, where no truth is known, the two are compared with each other.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks import data
from benchmarks.mot import COUNTED, SAME_IOU, Score, total
from benchmarks.scenes import Truth, truth
from benchmarks.synthetic import Clip
from benchmarks.tracking import SCENES
from streamface import build, scheduler
from streamface.budget import FixedBudget
from streamface.capture.video_file import VideoFile
from streamface.geometry import boxes_array, iou
from streamface.pipeline import Pace
from streamface.settings import AnalysisSettings, CaptureSettings, GallerySettings, Settings
from streamface.types import Frame, FrameResult

LAG, AHEAD = Pace.FILE.lag, 4
GRACE_FRAMES = 12
"""Of each stay, so many are not counted: somebody must have been seen before a name can be said."""


@contextmanager
def pipelines(folder: Path | None) -> Iterator[tuple[dict[str, object], tuple[str, ...]]]:
    """As scheduled, and everything on every frame; and who is known."""
    plain = Settings(
        capture=CaptureSettings("clip"),
        gallery=GallerySettings(folder),
        analysis=AnalysisSettings(actions=("age", "gender")),
    )
    always = replace(
        plain,
        analysis=replace(plain.analysis, identity_refresh_s=0.0, attribute_refresh_s=0.0),
        tracking=replace(plain.tracking, detect_every=1),
    )
    build.prepare(plain)
    with build.people(plain, False) as known:
        scheduled = build.pipeline(plain, known, build.analysis(plain), Pace.FILE)
        every = build.pipeline(always, known, build.analysis(always), Pace.FILE)
        every._attention._scheduler.budget = every._attention._budget = FixedBudget(None)
        try:
            yield {"scheduled": scheduled, "everything": every}, known.gallery.identities if known else ()
        finally:
            scheduled.close()
            every.close()


def results(images: Iterable[np.ndarray], lines: dict[str, object]) -> Iterator[dict[str, FrameResult]]:
    """What each pipeline says of each frame, both fed as a stream feeds a file."""
    waiting: deque[Frame] = deque()
    followed = {name: deque() for name in lines}
    frames = (Frame(image, i, 0.0, i / 25, "clip") for i, image in enumerate(images))
    while True:
        while len(waiting) <= AHEAD and (frame := next(frames, None)) is not None:
            waiting.append(frame)
            for line in lines.values():
                line.expect(frame)
        frame = waiting.popleft() if waiting else None
        for name, line in lines.items():
            if frame is not None:
                with _unsettled(name):
                    followed[name].append(line.begin(frame))
        ready = len(followed["scheduled"]) > LAG or (frame is None and followed["scheduled"])
        if ready:
            yield {name: line.finish(followed[name].popleft()) for name, line in lines.items()}
        elif frame is None:
            return


@contextmanager
def _unsettled(name: str) -> Iterator[None]:
    """No pause between two looks at somebody undecided where everything is done on every frame."""
    before = scheduler.UNSETTLED_S
    scheduler.UNSETTLED_S = before if name == "scheduled" else 0.01
    try:
        yield
    finally:
        scheduler.UNSETTLED_S = before


class Names:
    """Counts right and wrong names of people in view."""

    def __init__(self) -> None:
        self.right = self.wrong = self.counted = 0
        self._seen: Counter[int] = Counter()

    def frame(self, faces: tuple[Truth, ...], result: FrameResult, names: dict[int, str | None]) -> None:
        """One frame; names: person -> name in the gallery, None for a stranger."""
        shown = [face for face in result.faces if not face.track.missed]
        overlap = iou(boxes_array(f.box for f in faces), boxes_array(f.track.detection.box for f in shown))
        for i, face in enumerate(faces):
            if face.visible < COUNTED:
                continue
            self._seen[face.person] += 1
            if self._seen[face.person] <= GRACE_FRAMES or not len(shown) or overlap[i].max() < SAME_IOU:
                continue
            match = shown[int(overlap[i].argmax())].match
            said, meant = match and match.identity, names[face.person]
            self.counted += 1
            self.right += match is not None and said == meant
            self.wrong += said is not None and said != meant

    def shares(self) -> tuple[float, float]:
        """Right and wrong, in percent."""
        return 100 * self.right / max(1, self.counted), 100 * self.wrong / max(1, self.counted)


def gallery(folder: Path, clip: Clip) -> dict[int, str | None]:
    """Put second photographs into `folder`; person -> name there, None for who has but one."""
    photographs: dict[str, list[np.ndarray]] = {}
    for name, image in data.lfw()[0].items():
        photographs.setdefault(data.person(name), []).append(image)
    names = {}
    for walk in clip.walks:
        person = clip.people[walk.look]
        names[walk.person] = person if len(photographs[person]) > 1 else None
        if names[walk.person]:
            (folder / person).mkdir(exist_ok=True)
            cv2.imwrite(str(folder / person / "1.png"), photographs[person][1])
    return names


def synthetic(wanted: Iterable[str]) -> dict[str, dict[str, float]]:
    """Both over the synthetic clips; the figures of each."""
    scores: dict[str, list[Score]] = {"scheduled": [], "everything": []}
    names = {name: Names() for name in scores}
    for scene in (scene for scene in SCENES if scene.name in wanted):
        clip, known = Clip(scene), {name: Names() for name in scores}
        for name in scores:
            scores[name].append(Score())
        with tempfile.TemporaryDirectory() as folder:
            people = gallery(Path(folder), clip)
            with pipelines(Path(folder) if any(people.values()) else None) as (lines, identities):
                people = {number: name if name in identities else None for number, name in people.items()}
                for faces, said in zip(truth(scene, clip.walks), results(clip, lines), strict=True):
                    for name, result in said.items():
                        scores[name][-1].frame(faces, [face.track for face in result.faces])
                        known[name].frame(faces, result, people)
        print(
            f"  {scene.name:10s} " + "   ".join(_row(n, _figures(scores[n][-1:], known[n])) for n in scores), flush=True
        )
        for name, counted in known.items():
            for field in ("right", "wrong", "counted"):
                setattr(names[name], field, getattr(names[name], field) + getattr(counted, field))
    return {name: _figures(scores[name], names[name]) for name in scores}


def _figures(scores: list[Score], names: Names) -> dict[str, float]:
    found = total(scores)
    right, wrong = names.shares()
    return {"idf1": 100 * found["idf1"], "switches": found["num_switches"], "right": right, "wrong": wrong}


def _row(name: str, figures: dict[str, float]) -> str:
    return (
        f"{name} {figures['idf1']:5.1f} {figures['switches']:2.0f} {figures['right']:5.1f} % {figures['wrong']:4.1f} %"
    )


def real() -> dict[str, float]:
    """How far the two agree on the real clip: faces in common, and of these names, gender and years of age."""
    root = Path(__file__).resolve().parents[1]
    pairs = Counter()
    ages = []
    with VideoFile(data.file("media/crowd_1080p.mp4")) as source, pipelines(root / "database") as (lines, _):
        for said in results((frame.image for frame in source), lines):
            mine, all_of = ([f for f in said[n].faces if not f.track.missed] for n in ("scheduled", "everything"))
            overlap = iou(*(boxes_array(f.track.detection.box for f in part) for part in (mine, all_of)))
            pairs["faces"] += len(all_of)
            for j in range(len(all_of)):
                if not len(mine) or overlap[:, j].max() < SAME_IOU:
                    continue
                a, b = mine[int(overlap[:, j].argmax())], all_of[j]
                pairs["found"] += 1
                if a.match and b.match:
                    pairs["named"] += 1
                    pairs["same name"] += a.match.identity == b.match.identity
                if "gender" in a.attributes and "gender" in b.attributes:
                    pairs["told"] += 1
                    pairs["same gender"] += a.attributes["gender"].label == b.attributes["gender"].label
                    ages.append(abs(a.attributes["age"].value - b.attributes["age"].value))
    share = {"found": pairs["found"] / pairs["faces"], "same name": pairs["same name"] / max(1, pairs["named"]),
             "same gender": pairs["same gender"] / max(1, pairs["told"])}  # fmt: skip
    return {**{name: 100 * part for name, part in share.items()}, "years apart": float(np.mean(ages))}


def told(wanted: Iterable[str]) -> dict[str, object]:
    """Measure and print."""
    print("synthetic clips: IDF1, ID switches, right names or rightly none, wrong names")
    found = synthetic(wanted)
    print("  all        " + "   ".join(_row(name, figures) for name, figures in found.items()))
    agreed = real()
    shares = ", ".join(f"{name} {value:.1f} %" for name, value in agreed.items() if name != "years apart")
    print(f"crowd_1080p, scheduled against everything: {shares}, {agreed['years apart']:.1f} years apart", flush=True)
    return {"synthetic": found, "real": agreed}


def main() -> None:
    """The clips that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", nargs="*", default=[scene.name for scene in SCENES])
    told(parser.parse_args().clip)


if __name__ == "__main__":
    main()
