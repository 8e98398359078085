"""`streamface bench CLIP`: how fast this machine is through a clip, beside deepface where that is installed."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from streamface import build
from streamface.configuration import settings_from
from streamface.errors import OutputError, SettingsError, StreamfaceError
from streamface.sinks.base import Sink
from streamface.stream import Stream
from streamface.types import FrameResult

PEER_FRAMES = 3
"""Frames that deepface is given, from all over the clip: it takes seconds for each."""
CHILD = "import sys; from streamface.bench_command import child; child(sys.argv[1:])"


class Watching(Sink):
    """Notes when each annotated picture is there.

    draws: whether pictures are wanted at all.
    """

    def __init__(self, draws: bool) -> None:
        self.wants_image = draws
        self.latency_ms: list[float] = []
        self.first_at: float | None = None
        self.faces = 0

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Count a frame; its latency began when it was decoded."""
        now = time.time()
        self.first_at = self.first_at or now
        self.latency_ms.append(1e3 * (now - result.frame.captured_at))
        self.faces += len(result.faces)


def one_run(arguments: Sequence[str], draws: bool, started_at: float) -> dict[str, Any]:
    """The figures of one run in this process, which began at `started_at` of `time.time()`."""
    settings = settings_from(["--no-display", "--profile", *arguments])
    watching = Watching(draws)
    with Stream(settings) as stream:
        used = time.process_time()
        summary = stream.run([*build.files(settings), watching])
        used = time.process_time() - used
    frames = max(1, summary.frames)
    latency = watching.latency_ms or [0.0]
    return {
        "frames": summary.frames,
        "faces_per_frame": watching.faces / frames,
        "fps": summary.fps,
        "latency_p50_ms": float(np.percentile(latency, 50)),
        "latency_p95_ms": float(np.percentile(latency, 95)),
        "processor_ms_per_frame": 1e3 * used / frames,
        "cpu_share": used / max(summary.elapsed_s, 1e-9) / (os.cpu_count() or 1),
        "peak_mb": _peak_mb(),
        "first_frame_s": (watching.first_at or time.time()) - started_at,
        "stages": {stage.name: [stage.mean_ms, stage.p50_ms, stage.p95_ms] for stage in summary.profile.stages()},
    }


def child(arguments: Sequence[str]) -> None:
    """One run for `measured`: OUT STARTED_AT DRAWS, then the options of a stream."""
    out, started_at, draws, *options = arguments
    try:
        found = one_run(options, draws == "True", float(started_at))
    except StreamfaceError as error:
        found = {"error": str(error)}
    Path(out).write_text(json.dumps(found))


def measured(arguments: Sequence[str], runs: int = 3, draws: bool = True) -> dict[str, Any]:
    """The median of each figure over `runs` processes, after one that is not counted.

    arguments: options of a stream, `--source` among them. Raises `SettingsError` with what went wrong in a run.
    """
    found = [_in_a_process(arguments, draws) for _ in range(runs + 1)][1:]
    stages = {name for run in found for name in run["stages"]}
    figures = {key: statistics.median(run[key] for run in found) for key in found[0] if key != "stages"}
    middle = {
        s: [statistics.median(run["stages"].get(s, [0, 0, 0])[i] for run in found) for i in range(3)] for s in stages
    }
    order = sorted(stages, key=lambda name: list(found[0]["stages"]).index(name) if name in found[0]["stages"] else 99)
    return {**figures, "runs": runs, "stages": {name: middle[name] for name in order}}


def _in_a_process(arguments: Sequence[str], draws: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.json"
        command = [sys.executable, "-c", CHILD, str(out), str(time.time()), str(draws), *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if not out.exists():
            raise SettingsError(f"a run failed: {(done.stderr.strip().splitlines() or ['no reason'])[-1]}")
        found = json.loads(out.read_text())
    if "error" in found:
        raise SettingsError(found["error"])
    return found


def peer(arguments: Sequence[str], python: str, frames: int = PEER_FRAMES) -> dict[str, Any]:
    """What deepface takes for a few frames of the clip: detector -> seconds a frame and faces found.

    python: the interpreter that has deepface. The clip's frames are decoded here and handed over as arrays. Raises
    `SettingsError` where deepface cannot run.
    """
    settings = settings_from(["--no-display", *arguments])
    images = _spread(settings, frames)
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "frames.npy", Path(folder) / "out.json"
        np.save(given, images)
        code = (Path(__file__).parent / "bench_peer.py").read_text(encoding="utf-8")
        actions = ",".join(settings.analysis.actions)
        command = [python, "-c", code, str(given), str(out), actions]
        done = subprocess.run(command, capture_output=True, text=True)
        told = json.loads(out.read_text()) if out.exists() else {}
    if all("error" in figures for figures in told.values()):
        reasons = [f"{name}: {figures['error']}" for name, figures in told.items()]
        reason = "; ".join(reasons) or (done.stderr.strip().splitlines() or ["no reason"])[-1]
        raise SettingsError(f"deepface does not run ({reason}): compare without it, --no-peer")
    return told


def _spread(settings: Any, count: int) -> np.ndarray:
    """(count, H, W, 3) frames from all over the clip."""
    with build.source(settings) as source:
        total = source.info.frame_count or 100
        wanted = set(np.linspace(0, total - 1, count + 2).astype(int)[1:-1].tolist())
        return np.stack([frame.image for frame in source if frame.index in wanted])


def main(argv: Sequence[str], say: Callable[[str], None]) -> int:
    """Run the command with what follows `streamface bench`; `say` prints a line. Returns the exit code."""
    given, options = _parser().parse_known_args(list(argv))
    arguments = ["--source", given.clip, *options]
    settings_from(arguments)  # a mistake is said before anything runs
    found = measured(arguments, given.runs, given.draw)
    say(text(found))
    python = given.peer_python or (sys.executable if importlib.util.find_spec("deepface") else None)
    if python and given.peer:
        found["deepface"] = peer(arguments, python)
        say(_compared(found))
    if given.json:
        _write(given.json, found)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "streamface bench",
        description="How fast this machine is through a clip; every option of a stream may follow.",
    )
    parser.add_argument("clip", help="a video file, a folder of pictures, or 'demo'")
    parser.add_argument("--runs", type=int, default=3, help="processes that count (default: 3)")
    parser.add_argument("--draw", action=argparse.BooleanOptionalAction, default=True, help="draw each frame")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures as JSON")
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=True, help="compare with deepface")
    parser.add_argument("--peer-python", metavar="PYTHON", help="the interpreter of an environment with deepface")
    return parser


def text(found: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [
        f"{found['frames']:.0f} frames with {found['faces_per_frame']:.1f} faces each, median of {found['runs']} runs",
        f"{found['fps']:.1f} frames/s; from decoded to told {found['latency_p50_ms']:.0f} ms, 95 % within "
        f"{found['latency_p95_ms']:.0f} ms (a file is worked on several frames at a time)",
        f"{found['processor_ms_per_frame']:.1f} ms of processor time a frame, {found['cpu_share']:.0%} of the machine",
        f"{found['peak_mb']:.0f} MB at the most; first annotated frame {found['first_frame_s']:.2f} s after the start",
        f"{'stage':14s} {'mean':>8s} {'p50':>8s} {'p95':>8s}   milliseconds per frame",
    ]
    return "\n".join(lines + [f"{n:14s} {a:8.2f} {b:8.2f} {c:8.2f}" for n, (a, b, c) in found["stages"].items()])


def _compared(found: dict[str, Any]) -> str:
    lines = [f"deepface on {PEER_FRAMES} of the same frames, extrapolated to all:"]
    for detector, told in found["deepface"].items():
        if "error" in told:
            lines.append(f"  {detector}: does not run ({told['error']})")
            continue
        ratio = told["seconds_per_frame"] * found["fps"]
        lines.append(
            f"  {detector}: {told['seconds_per_frame']:.2f} s a frame, {told['faces_per_frame']:.1f} faces found; "
            f"streamface is {ratio:.0f} times as fast"
        )
    return "\n".join(lines)


def _write(path: Path, found: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(found, indent=1) + "\n")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}; choose another place") from error


def _peak_mb() -> float:
    """Largest resident size of this process so far; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1 << 20) if sys.platform == "darwin" else size / (1 << 10)
