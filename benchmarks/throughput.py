"""Frames per second, memory and warm start of the whole stream. `python -m benchmarks.throughput [--actions A,B]`

Each figure is the median of several runs of the command line's own path, each in a process of its own after one
run that is not counted. Frame rate: from the first frame read to the last result, without start-up. Memory: the
largest resident size of the process. Warm start: from the start of the process to the first annotated frame.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import data

ROOT = Path(__file__).resolve().parents[1]


def one_run(started_at: float, source: str, actions: str, annotate: bool) -> dict[str, float]:
    """Run the stream in this process; annotate: draw each frame, as for a window."""
    from streamface.configuration import settings_from
    from streamface.stream import Stream

    settings = settings_from(
        ["--source", source, "--database", str(ROOT / "database"), "--no-display", "--actions", actions]
    )
    first_s = None
    with Stream(settings) as stream:
        for result in stream:
            if annotate or first_s is None:
                stream.overlay.render(result, 0.0)
            first_s = first_s or time.time() - started_at
        summary = stream.summary
    stages = {stage: spent / summary.frames for stage, spent in summary.spent_ms.items()}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"fps": summary.fps, "peak_mb": peak_mb, "first_frame_s": first_s, **stages}


def repeated(source: str, actions: str, annotate: bool, runs: int) -> dict[str, float]:
    """The median of each figure over `runs` processes."""
    found = []
    for _ in range(runs + 1):
        command = [sys.executable, "-m", __spec__.name, "--child", str(time.time()), "--source", source]
        command += ["--actions", actions, *(["--annotate"] if annotate else [])]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    keys = {key for run in found[1:] for key in run}
    return {key: statistics.median(run.get(key, 0.0) for run in found[1:]) for key in sorted(keys)}


def main() -> None:
    """Print one row per situation."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--child", type=float)
    options.add_argument("--source")
    options.add_argument("--actions", default="none")
    options.add_argument("--annotate", action="store_true")
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    if given.child is not None:
        print(json.dumps(one_run(given.child, given.source, given.actions, given.annotate)))
        return
    sources = [given.source] if given.source else [str(data.file("media/crowd_1080p.mp4")), "demo"]
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("STREAMFACE_HOME", home)
        for source in sources:
            for annotate in (False, True):
                found = repeated(source, given.actions, annotate, given.runs)
                head = f"{Path(source).name}, actions {given.actions}, {'drawn' if annotate else 'not drawn'}"
                whole = {key: found.pop(key) for key in ("fps", "peak_mb", "first_frame_s")}
                print(f"{head}: {whole['fps']:.1f} frames/s, {whole['peak_mb']:.0f} MB, first annotated frame after "
                      f"{whole['first_frame_s']:.2f} s")  # fmt: skip
                print("  ms per frame: " + ", ".join(f"{stage} {spent:.1f}" for stage, spent in found.items()))


if __name__ == "__main__":
    main()
