"""Every figure of the engine in one run: `python -m benchmarks.engine [--runs 5] [--peer-python PYTHON] [--json FILE]`

Speed, memory and start of files; latency of a live source at its own rate and overloaded four times; accuracy as
scheduled beside everything on every frame; and deepface on the same frames, where an interpreter has it. Takes some
fifteen minutes; `--overload-minutes 10` adds nine. "Everything" is identity, age, gender, race and emotion.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import av
import cv2

from benchmarks import data, live, scheduling
from benchmarks.tracking import SCENES
from streamface import bench_command
from streamface.errors import SettingsError

ROOT = Path(__file__).resolve().parents[1]
ACTIONS = live.EVERYTHING
ONE_FACE_TIMES = 8
"""The clip of one face has but 23 frames."""
ONE_FACE = "media/head-pose-face-detection-female.gif"


class Table:
    """Prints a row for each figure, with what is to be reached, and keeps it."""

    def __init__(self) -> None:
        self.rows: dict[str, float] = {}

    def row(self, name: str, value: float, unit: str, least: float, aim: float) -> None:
        """least and aim as in the table of the requirements; smaller is better where the aim is the smaller."""
        better = (lambda limit: value >= limit) if aim > least else (lambda limit: value <= limit)
        verdict = "aim reached" if better(aim) else "reached" if better(least) else "NOT reached"
        self.rows[name] = value
        print(f"{name}: {value:.1f} {unit} (at least {least:g}, aim {aim:g}): {verdict}", flush=True)


def one_face(path: Path) -> None:
    """A clip of 640x360 with one woman who turns her head, made from the data folder's: forwards and backwards."""
    with av.open(str(data.file(ONE_FACE))) as source, av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        images = [cv2.resize(frame.to_ndarray(format="bgr24"), (640, 360)) for frame in source.decode(video=0)]
        for image in (images + images[::-1]) * ONE_FACE_TIMES:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())


def files(table: Table, runs: int, peer_python: str | None) -> None:
    """Clips from files, and deepface on some of their frames."""
    crowd = ["--source", str(data.file("media/crowd_1080p.mp4")), "--database", str(ROOT / "database")]
    crowd += ["--actions", ACTIONS]
    found = bench_command.measured(crowd, runs)
    print(bench_command.text(found))
    table.row("crowd_1080p, everything on, drawn", found["fps"], "frames/s", 45, 60)
    table.row("peak memory of that", found["peak_mb"], "MB", 600, 400)
    table.row("warm start to first annotated frame", found["first_frame_s"], "s", 1.5, 1.0)
    with tempfile.TemporaryDirectory() as folder:
        recorded = bench_command.measured([*crowd, "--output", str(Path(folder) / "o.mp4")], runs, draws=False)
        print(bench_command.text(recorded))
        table.row("the same with H.264 recording", recorded["fps"], "frames/s", 25, 35)
        clip = Path(folder) / "face.mp4"
        one_face(clip)
        face = bench_command.measured(["--source", str(clip), *crowd[2:]], runs)
    print(bench_command.text(face))
    table.row("one face, 640x360, everything on, drawn", face["fps"], "frames/s", 150, 300)
    if peer_python:
        beside_deepface(table, crowd, found["fps"], peer_python)


def beside_deepface(table: Table, crowd: list[str], fps: float, python: str) -> None:
    """Some frames of the clip through deepface, against `fps` of the stream; says so where it does not run."""
    try:
        told = bench_command.peer(crowd, python)
    except SettingsError as error:
        print(error)
        return
    for detector, figures in told.items():
        if "error" in figures:
            print(f"deepface with {detector} does not run: {figures['error']}")
            continue
        seconds = figures["seconds_per_frame"]
        name = f"against deepface with {detector} ({seconds:.2f} s a frame, {figures['faces_per_frame']:.1f} faces)"
        table.row(name, seconds * fps, "times", 100, 300)


def live_source(table: Table, overload_minutes: float) -> None:
    """The clip as a camera."""
    steady = live.steady(20.0, ACTIONS)
    table.row("live at 25/s, capture to annotated frame, p95", steady["p95_ms"], "ms", 120, 80)
    if overload_minutes:
        over = live.overloaded(overload_minutes, ACTIONS)
        growth = over["growth_ms_per_minute"] * overload_minutes / over["p50_ms"]
        print(f"growth over the whole overloaded run: {growth:+.1%} of the median latency")
        table.rows["overload: growth"] = growth


def accuracy(table: Table) -> None:
    """As scheduled beside everything on every frame."""
    found = scheduling.told([scene.name for scene in SCENES])
    scheduled, everything = (found["synthetic"][name] for name in ("scheduled", "everything"))
    for name in ("idf1", "right"):
        table.row(f"points of {name} lost to scheduling", everything[name] - scheduled[name], "points", 1, 0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--overload-minutes", type=float, default=1.0, help="0 leaves it out")
    parser.add_argument("--peer-python", metavar="PYTHON", help="the interpreter of an environment with deepface")
    parser.add_argument("--only", choices=("files", "live", "accuracy"))
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, actions {ACTIONS}")
    table = Table()
    parts: dict[str, Callable[[], None]] = {
        "files": lambda: files(table, given.runs, given.peer_python),
        "live": lambda: live_source(table, given.overload_minutes),
        "accuracy": lambda: accuracy(table),
    }
    for name, part in parts.items():
        if given.only in (None, name):
            part()
    if given.json:
        given.json.write_text(json.dumps(table.rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
