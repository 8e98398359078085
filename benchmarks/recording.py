"""What recording costs the whole stream. `python -m benchmarks.recording [--rounds 3]`

The command line's own run over crowd_1080p.mp4 with age and gender, drawn, with events and best pictures, in a process
of its own each: without a recording, with annotated pictures, with raw ones, with both, and as clips that wait for
somebody with a name, of whom there is none, so that all is encoded and kept in memory. One round runs each once.
Printed
are the best and the median of the rounds, and for the clips how many bytes waited at most.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import data

ROOT = Path(__file__).resolve().parents[1]
WAYS = {
    "no recording": [],
    "annotated": ["--recordings", "r"],
    "raw": ["--recordings", "r", "--record", "raw"],
    "both": ["--recordings", "r", "--record", "both"],
    "clips, waiting": ["--recordings", "r", "--clip-on", "named", "--threshold", "0.001"],
}


def one_run(source: str, folder: str, way: str) -> dict[str, float]:
    """Run the stream in this process."""
    from streamface import build
    from streamface.configuration import settings_from
    from streamface.sinks import _footage
    from streamface.stream import Stream

    waited = [0]
    keep = _footage.Footage._put

    def put(self: _footage.Footage, *args: object) -> bool:
        grew = keep(self, *args)
        waited[0] = max(waited[0], self._waiting_bytes)
        return grew

    _footage.Footage._put = put
    options = [option if option != "r" else f"{folder}/r" for option in WAYS[way]]
    events = ["--events", f"{folder}/e.sqlite", "--event-pictures", f"{folder}/best"]
    settings = settings_from(
        ["--source", source, "--database", str(ROOT / "database"), "--no-display", *events, *options]
    )
    with Stream(settings) as stream:
        summary = stream.run(build.files(settings))
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "fps": summary.fps,
        "processor_ms": (used.ru_utime + used.ru_stime) * 1e3 / summary.frames,
        "peak_mb": used.ru_maxrss / 1024,
        "waited_mb": waited[0] / 1e6,
    }


def main() -> None:
    """Print one row a way."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--way", choices=tuple(WAYS))
    options.add_argument("--folder")
    given = options.parse_args()
    source = str(data.file("media/crowd_1080p.mp4"))
    if given.way:
        print(json.dumps(one_run(source, given.folder, given.way)))
        return
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(given.rounds):
        for way, runs in found.items():
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-m", __spec__.name, "--way", way, "--folder", folder]
                done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            runs.append(json.loads(done.stdout.splitlines()[-1]))
    for way, runs in found.items():
        rates = [run["fps"] for run in runs]
        figures = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        print(
            f"{way}: {max(rates):.1f} frames/s at best, {figures['fps']:.1f} in the median, "
            f"{figures['processor_ms']:.0f} ms of processor time a frame with the start, "
            f"{figures['peak_mb']:.0f} MB" + (f", {figures['waited_mb']:.1f} MB waited" if "clips" in way else "")
        )


if __name__ == "__main__":
    main()
