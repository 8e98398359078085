"""Several cameras in one process: does each get its share? `python -m benchmarks.cameras [--seconds 120] [--record]`

The program itself (`python -m streamface --config`) analyses four RTSP cameras of 640x360 at 15 pictures a second:
names, age, gender, emotion and race, and events into SQLite; with `--record` each is also drawn and recorded as H.264.
The cameras are GStreamer's RTSP server, a process each on this machine, which sends clips that were encoded before;
what they and the program use of the processors is printed. The program may use `--cores` processors, by default the
first two; the simulated cameras share them where the machine has no others.

Printed for each camera: analysed frames per second as `/metrics` counts them, over all of the time and in the worst
ten seconds, how many were dropped, and the delay from capture to result. To be reached: 12 a second for each.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import camera_clips
from benchmarks.running import ROOT, Program, children, health, held, is_well, metrics, used_s

sys.path.insert(0, str(ROOT / "tests" / "sinks"))

from fault_camera import RtspCamera, missing  # noqa: E402
from mqtt_broker import free_port  # noqa: E402

LEAST = 12.0
"""Analysed frames a second."""
WINDOW_S, SAMPLE_S, SETTLING_S = 10, 1.0, 10.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What the program said at a moment."""

    at: float
    frames: dict[str, float]
    dropped: dict[str, float]
    delay_s: dict[str, float]


def sample(port: int) -> Sample:
    """What it says now."""
    said, at = metrics(port), time.monotonic()
    by_name = {
        name: {labels[0]: value for (entry, *labels), value in said.items() if entry == f"streamface_{name}"}
        for name in ("frames_total", "frames_dropped_total", "delay_seconds")
    }
    return Sample(at, *by_name.values())


def configuration(folder: Path, ports: dict[str, int], record: bool) -> Path:
    """Everything on for each camera."""
    common = {"database": ROOT / "database", "actions": "age,gender,emotion,race", "events": folder / "events.sqlite"}
    if record:
        common["recordings"] = folder / "recordings"
    cameras = [{"name": name, "source": f"rtsp://127.0.0.1:{port}/live"} for name, port in ports.items()]
    path = folder / "cameras.yaml"  # YAML holds JSON
    path.write_text(json.dumps({**common, "cameras": cameras}, default=str))
    return path


def measure(folder: Path, count: int, fps: int, seconds: float, cores: set[int], record: bool) -> bool:
    """Run and print; whether every camera had its share."""
    scenes = [scene for scene in camera_clips.CAMERAS if camera_clips.has(scene)]
    port = free_port()
    with ExitStack() as closing:
        cameras = {}
        for number in range(count):
            scene = scenes[number % len(scenes)]
            if not (folder / scene).exists():
                camera_clips.write(folder / scene, scene, fps)
            name = scene if number < len(scenes) else f"{scene} {number // len(scenes) + 1}"
            cameras[name] = closing.enter_context(RtspCamera(folder, scene, fps))
        ports = {name: camera.port for name, camera in cameras.items()}
        config = configuration(folder, ports, record)
        arguments = ["--config", str(config), "--no-display", "--metrics", str(port)]
        program = closing.enter_context(Program(arguments, folder / "log", cores))
        end = time.monotonic() + 120
        while not is_well(port):
            if time.monotonic() > end or program.process.poll() is not None:
                sys.exit(f"the program is not well: {program.says()[-2000:]}")
            time.sleep(0.2)
        time.sleep(SETTLING_S)
        groups = {"program": [program.pid], "readers": children(program.pid),
                  "simulated cameras": [camera.pid for camera in cameras.values()]}  # fmt: skip
        before = {name: used_s(pids) for name, pids in groups.items()}
        samples = [sample(port)]
        while samples[-1].at - samples[0].at < seconds:
            time.sleep(max(0.0, samples[0].at + len(samples) * SAMPLE_S - time.monotonic()))
            samples.append(sample(port))
        took_s = samples[-1].at - samples[0].at
        shares = {name: (used_s(pids) - before[name]) / took_s for name, pids in groups.items()}
        people = {name: camera["people"] for name, camera in health(port)["cameras"].items()}
        memory_mb = held(program.pid).memory_mb
        program.stop()
    print("\n| camera | frames/s | worst 10 s | dropped | delay, median | 95 % | in view at the end |")
    print("|---|---|---|---|---|---|---|")
    rates = [_say(name, samples, people[name]) for name in ports]
    told = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items())
    print(
        f"\nof one core: {told}; the program may use {sorted(cores)} of {os.cpu_count()}; "
        f"{memory_mb:.0f} MB with its readers"
    )
    return min(rates) >= LEAST


def _say(name: str, samples: list[Sample], people: int) -> float:
    first, last = samples[0], samples[-1]
    rate = (last.frames[name] - first.frames[name]) / (last.at - first.at)
    windows = [
        (after.frames[name] - before.frames[name]) / (after.at - before.at)
        for before, after in zip(samples, samples[WINDOW_S:], strict=False)
    ]
    dropped = last.dropped[name] - first.dropped[name]
    delays = sorted(1e3 * s.delay_s[name] for s in samples)
    cells = (
        name,
        f"{rate:.1f}",
        f"{min(windows, default=rate):.1f}",
        f"{dropped:.0f}",
        f"{statistics.median(delays):.0f} ms",
        f"{delays[int(0.95 * len(delays))]:.0f} ms",
        f"{people}",
    )
    print(f"| {' | '.join(cells)} |", flush=True)
    return rate


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cameras", type=int, default=4)
    options.add_argument("--fps", type=int, default=15)
    options.add_argument("--seconds", type=float, default=120.0)
    options.add_argument("--cores", type=int, default=2, help="processors that the program may use")
    options.add_argument("--record", action="store_true", help="draw and record each as well")
    given = options.parse_args()
    if missing():
        sys.exit(missing())
    cores = set(sorted(os.sched_getaffinity(0))[: given.cores])
    with tempfile.TemporaryDirectory() as folder:
        return not measure(Path(folder), given.cameras, given.fps, given.seconds, cores, given.record)


if __name__ == "__main__":
    sys.exit(main())
