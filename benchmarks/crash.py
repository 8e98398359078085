"""What is left after `kill -9` at random moments while recording and writing events. `python -m benchmarks.crash`

Each moment is a process of its own that plays a live camera of 640x360 at 25 frames a second, in which people come and
go, into the program's own sinks: annotated and raw recordings in segments of 3 s, events as JSON lines and SQLite. It
is killed after 0.5 to 8 s. Then every recording must decode without an error up to 1.5 s before the kill, without a
frame missing in between; the database must pass its own check; and every event that had been written, which the process
said after the sink returned, must be in both files.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from streamface.sinks.event_output import EventOutput, Row
from streamface.sinks.events import EventsSink, to_file
from streamface.sinks.recorder import RecorderSink, Recording
from streamface.types import Box, Detection, FaceResult, Frame, FrameResult, Match, Track

RATE = 25
ALLOWED_S = 1.5


class Said(EventOutput):
    """Comes last: says what the outputs before it have written."""

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            print(row["id"], flush=True)

    def close(self) -> None:
        pass


def play(folder: Path) -> None:
    """Until killed: one frame every 40 ms, somebody else every 0.4 s."""
    recorder = RecorderSink(Recording(folder / "recordings", ("annotated", "raw"), segment_s=3.0))
    events = EventsSink([to_file(folder / "e.jsonl"), to_file(folder / "e.sqlite"), Said()])
    wide = scenery()
    begun = time.time()
    for index in range(10**9):
        time.sleep(max(0.0, begun + index / RATE - time.time()))
        image = np.ascontiguousarray(np.roll(wide, index * 3, axis=1)[:, :640])
        number = 1 + index // 10
        track = Track(number, Detection(Box(100.0 * (number % 5), 50, 100.0 * (number % 5) + 90, 160), 0.9), 5)
        face = FaceResult(track, Match(f"Person {number}", 0.3, "cosine", 0.5))
        result = FrameResult(Frame(image, index, time.time(), None, "camera"), (face,))
        recorder.write(result, image)
        print(f"frame {result.frame.captured_at:.6f}", flush=True)
        events.write(result, None)


def scenery() -> np.ndarray:
    """A (360, 1280, 3) picture that is as hard to encode as a natural one."""
    import cv2

    noise = np.random.default_rng(7).integers(0, 255, (45, 160, 3), dtype=np.uint8)
    return cv2.resize(noise, (1280, 360), interpolation=cv2.INTER_CUBIC)


@dataclass(frozen=True, slots=True)
class Left:
    """What one kill left behind."""

    after_s: float
    lost_s: dict[str, float]
    """Kind of picture -> seconds of video that are missing before the kill."""
    said: int
    problems: tuple[str, ...]


def killed(folder: Path, after_s: float) -> Left:
    """Run, kill, and look."""
    command = [sys.executable, "-m", __spec__.name, "--play", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        running.stdout.readline()
        time.sleep(after_s)
        running.kill()
        at = time.time()
        said = [line.split() for line in running.stdout.read().splitlines()]
    given_at = [float(words[1]) for words in said if words[0] == "frame"]
    written = {words[0] for words in said if len(words) == 1}
    problems: list[str] = []
    lost = {}
    for kind, ending in (("annotated", "Z.mp4"), ("raw", "Z_raw.mp4")):
        files = sorted(path for path in (folder / "recordings").rglob("*.mp4") if path.name.endswith(ending))
        times = [t for path in files for t in frames_of(path, problems)]
        lost[kind] = at - times[-1] if times else after_s
        # The line of the first frame was read above; the last frame may be written and not said yet.
        both = max(0, min(len(times) - 1, len(given_at)))
        apart = np.abs(np.subtract(times[1 : both + 1], given_at[:both])).max(initial=0.0)
        if len(times) > len(given_at) + 2 or apart > 1e-3:
            problems.append(f"{kind}: frames are missing within, or have the wrong time")
        if lost[kind] > ALLOWED_S and after_s > ALLOWED_S:
            problems.append(f"{kind}: the last {lost[kind]:.2f} s are missing")
    problems += missing_events(folder, written)
    return Left(after_s, lost, len(written), tuple(problems))


def frames_of(path: Path, problems: list[str]) -> list[float]:
    """The time of every frame, in seconds since 1970."""
    times: list[float] = []
    try:
        with av.open(str(path)) as container:
            start = json.loads(container.metadata["comment"])["start"]
            for frame in container.decode(video=0):
                times.append(start + frame.time)
    except (av.FFmpegError, KeyError, ValueError) as error:
        problems.append(f"{path.name} ({path.stat().st_size} bytes) after {len(times)} frames: {error}")
    return times


def missing_events(folder: Path, said: set[str]) -> list[str]:
    """What is wrong with the files of events."""
    problems = []
    lines = (folder / "e.jsonl").read_text().splitlines()
    if missing := said - {json.loads(line)["id"] for line in lines}:
        problems.append(f"{len(missing)} events are missing in the JSON lines")
    db = sqlite3.connect(folder / "e.sqlite")
    check = db.execute("PRAGMA integrity_check").fetchone()[0]
    if check != "ok":
        problems.append(f"SQLite: {check}")
    if missing := said - {row[0] for row in db.execute("SELECT id FROM events")}:
        problems.append(f"{len(missing)} events are missing in SQLite")
    db.close()
    return problems


def main() -> int:
    """Print a line for each moment and the worst of all."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--play", type=Path)
    options.add_argument("--moments", type=int, default=50)
    options.add_argument("--seed", type=int, default=None)
    given = options.parse_args()
    if given.play:
        play(given.play)
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"seed {seed}")
    chance, found = random.Random(seed), []
    for number in range(given.moments):
        with tempfile.TemporaryDirectory() as folder:
            left = killed(Path(folder), chance.uniform(0.5, 8.0))
        found.append(left)
        told = "; ".join(left.problems) or "all is there"
        lost = ", ".join(f"{kind} {seconds:.2f} s" for kind, seconds in left.lost_s.items())
        print(f"{number + 1}: killed after {left.after_s:.2f} s, lost {lost}; {left.said} events: {told}", flush=True)
    worst = max(seconds for left in found for seconds in left.lost_s.values())
    failed = sum(bool(left.problems) for left in found)
    told = f"{len(found)} kills: at most {worst:.2f} s of video lost, {sum(left.said for left in found)} events written"
    print(f"{told}; {failed} kills with something wrong" if failed else f"{told}, none lost")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
