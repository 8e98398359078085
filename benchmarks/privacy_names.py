"""Faces that are seen because they go by another person's name. `python -m benchmarks.privacy_names [--scene NAME ...]`

People walk in front of and behind each other (the clips of benchmarks/scheduling.py): those with a second photograph in
LFW are known, the others are not. With `--blur unknown` no face of a stranger may be seen, with `--blur known` none of
a known person; a number that goes on with somebody else shows one until the names have followed. Counted are faces in
clear view, frame by frame: those that are seen and may not be, and, as its price, those that may be seen and are
covered. "Without doubt" is the same without `FaceResult.doubted`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.mot import COUNTED
from benchmarks.privacy import still_there
from benchmarks.scenes import Truth, truth
from benchmarks.scheduling import gallery, pipelines, results
from benchmarks.synthetic import Clip
from benchmarks.tracking import SCENES
from streamface.privacy import Privacy
from streamface.types import FrameResult

WAYS = {"unknown": lambda name: name is None, "known": lambda name: name is not None}
"""--blur -> who may not be seen."""


def without_doubt(result: FrameResult) -> FrameResult:
    """The result as if nothing were known of doubts."""
    return replace(result, faces=tuple(replace(face, doubted=False) for face in result.faces))


class Counted:
    """What one way of covering shows."""

    def __init__(self, privacy: Privacy, blur: str) -> None:
        self.privacy, self._may_not = privacy, WAYS[blur]
        self.counts: Counter[str] = Counter()

    def count(
        self, shown: FrameResult, before: np.ndarray, faces: Sequence[Truth], names: dict[int, str | None]
    ) -> None:
        """Take one frame that was let go."""
        for face in faces:
            if face.visible < COUNTED:
                continue
            who = "hidden" if self._may_not(names[face.person]) else "open"
            seen = still_there(before, shown.frame.image, face.box)
            self.counts[who] += 1
            self.counts["leaks"] += who == "hidden" and seen
            self.counts["price"] += who == "open" and not seen


def played(scene) -> dict[str, Counter]:
    """Both ways of covering, with and without doubt, over one clip."""
    clip = Clip(scene)
    with tempfile.TemporaryDirectory() as folder:
        people = gallery(Path(folder), clip)
        with pipelines(Path(folder) if any(people.values()) else None) as (lines, identities):
            line = lines["scheduled"]
            names = {number: name if name in identities else None for number, name in people.items()}
            ways = {
                f"{blur}, {how}": Counted(Privacy(blur, None, line.look), blur)
                for blur in WAYS
                for how in ("without doubt", "as it is")
            }
            kept: dict[int, tuple[np.ndarray, Sequence[Truth]]] = {}
            for faces, said in zip(truth(scene, clip.walks), results(clip, {"scheduled": line}), strict=True):
                result = said["scheduled"]
                kept[result.frame.index] = result.frame.image, faces
                for name, way in ways.items():
                    given = result if name.endswith("as it is") else without_doubt(result)
                    for shown in way.privacy.take(given):
                        way.count(shown, *kept[shown.frame.index], names)
                for old in [index for index in kept if index < result.frame.index - 40]:
                    del kept[old]
    return {name: way.counts for name, way in ways.items()}


def main() -> None:
    """Print a row for each scene and way, and the sums."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--scene", nargs="+", default=[scene.name for scene in SCENES])
    given = options.parse_args()
    sums: dict[str, Counter] = {}
    for scene in (scene for scene in SCENES if scene.name in given.scene):
        for name, counts in played(scene).items():
            sums.setdefault(name, Counter()).update(counts)
            print(_row(scene.name, name, counts), flush=True)
    for name, counts in sums.items():
        print(_row("all", name, counts))


def _row(scene: str, way: str, counts: Counter) -> str:
    leaks, price = counts["leaks"] / max(1, counts["hidden"]), counts["price"] / max(1, counts["open"])
    seen = f"seen that may not be {counts['leaks']:4d} of {counts['hidden']} ({leaks:.2%})"
    covered = f"covered that may be seen {counts['price']:4d} of {counts['open']} ({price:.1%})"
    return f"{scene:10s} --blur {way:24s} {seen}, {covered}"


if __name__ == "__main__":
    main()
