"""An hour of everything at once: whether memory, handles and threads stay flat. `python -m benchmarks.soak`

The program itself watches two RTSP cameras (GStreamer's server, on this machine) in which people come and go. One is
cut, stalled or disturbed every minute or so. It names people and strangers, writes recordings in segments, of which the
oldest are deleted, and clips, writes events with pictures as SQLite and JSON lines, posts them to a receiver that is
down for a while, publishes them over MQTT where mosquitto is installed, and answers `/metrics` and `/healthz`; pictures
of people are added to its folder, changed and removed all the time.

Printed: what it holds, every tenth of the time; the slope of a straight line through its memory after the first five
minutes (a twelfth of a shorter run), which is to stay under 1 MB an hour; handles and threads then and at the end; and
whether SIGTERM ended it within 2 s with every event at the receiver.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from benchmarks import camera_clips, soak_world
from benchmarks.running import ROOT, Held, Program, held, is_well, metrics

from fault_camera import missing  # isort: skip, where `camera_clips` finds it
from fault_proxy import Proxy  # isort: skip
from mqtt_broker import free_port  # isort: skip, where `soak_world` finds it

LIMIT_MB_PER_HOUR = 1.0
SAMPLE_S = 5.0
PICTURES_EVERY_S = 20.0
FAULT_EVERY_S = 60.0
PORTRAITS = ROOT / "streamface" / "capture" / "portraits"


@dataclass(slots=True)
class Soaked:
    """What came of a run."""

    samples: list[tuple[float, Held]] = field(default_factory=list)
    """(seconds since the cameras were live, what was held)."""
    frames: int = 0
    faults: int = 0
    changes: int = 0
    """Of the folder of people."""
    ended_s: float = 0.0
    code: int = -1
    written: int = 0
    """Events in the program's files."""
    arrived: int = 0
    """Of them, at the receiver, each counted once."""
    waiting: int = 0
    """Of the others, in the queue for the next start."""
    recorded_mb: float = 0.0
    says: str = ""

    def after(self, seconds: float) -> list[tuple[float, Held]]:
        """The samples from then on."""
        return [(at, holds) for at, holds in self.samples if at >= seconds]

    def slope(self, seconds: float, of: str = "memory_mb") -> float:
        """MB an hour from then on."""
        times, values = zip(*((at, getattr(holds, of)) for at, holds in self.after(seconds)), strict=True)
        return 3600 * float(np.polyfit(times, values, 1)[0])


def run(
    folder: Path,
    seconds: float,
    seed: int,
    tell: Callable[[float, Held], None] = lambda at, holds: None,
    pictures_every_s: float = PICTURES_EVERY_S,
    fault_every_s: float = FAULT_EVERY_S,
) -> Soaked:
    """The program, for so long after its cameras are live; `tell` gets every sample."""
    soaked, chance, port = Soaked(), random.Random(seed), free_port()
    with ExitStack() as closing:
        door = closing.enter_context(soak_world.camera(folder, "demo"))
        yard = closing.enter_context(soak_world.camera(folder, "pair" if camera_clips.has("pair") else "demo"))
        proxy = closing.enter_context(Proxy(yard.port, chance))
        receiver = closing.enter_context(soak_world.Receiver())
        mqtt = soak_world.mosquitto(closing, folder)
        config = soak_world.configuration(folder, {"door": door.port, "yard": proxy.port}, receiver.url, mqtt)
        program = closing.enter_context(
            Program(["--config", str(config), "--no-display", "--metrics", str(port)], folder / "log")
        )
        _until(lambda: is_well(port), 120, program)
        begun = time.monotonic()
        works = [
            _sampling(program.pid, port, soaked, begun, tell),
            _changing_people(folder / "people", pictures_every_s, soaked),
            _failing(proxy, chance, fault_every_s, soaked),
            receiver.failing(begun, seconds),
        ]
        _take_turns(works, begun + seconds, program)
        proxy.set("pass")
        receiver.be_up()
        time.sleep(3.0)
        soaked.ended_s, soaked.code = program.stop()
        soaked.says = program.says()
        soaked.written, soaked.arrived = _events(folder), len(receiver.taken)
        soaked.waiting = _waiting(folder / "queue.sqlite", receiver.taken)
        soaked.recorded_mb = sum(file.stat().st_size for file in (folder / "recordings").rglob("*.mp4")) / 1e6
    return soaked


def _until(condition, limit_s: float, program: Program) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end or program.process.poll() is not None:
            raise RuntimeError(f"the program is not well: {program.says()[-2000:]}")
        time.sleep(0.2)


def _take_turns(works: list[Iterator[float]], end: float, program: Program) -> None:
    """Let each work go on when its pause is over; each yields the seconds until its next turn."""
    due = [(time.monotonic(), number) for number in range(len(works))]
    while time.monotonic() < end:
        at, number = min(due)
        time.sleep(min(max(0.0, at - time.monotonic()), max(0.0, end - time.monotonic())))
        if program.process.poll() is not None:
            raise RuntimeError(f"the program ended: {program.says()[-2000:]}")
        if time.monotonic() >= at:
            due[number] = (time.monotonic() + next(works[number]), number)


def _sampling(pid: int, port: int, soaked: Soaked, begun: float, tell) -> Iterator[float]:
    while True:
        said, holds = metrics(port), held(pid)
        soaked.frames = int(sum(value for (name, *_), value in said.items() if name == "streamface_frames_total"))
        soaked.samples.append((time.monotonic() - begun, holds))
        tell(*soaked.samples[-1])
        yield SAMPLE_S


def _changing_people(folder: Path, every_s: float, soaked: Soaked) -> Iterator[float]:
    """Grace Hopper becomes known, her picture changes, another comes, she is forgotten; each picture is a new one."""
    hers, portrait, number = folder / "Grace Hopper", cv2.imread(str(PORTRAITS / "grace_hopper.jpg")), 0
    while True:
        hers.mkdir(exist_ok=True)
        for name in ("one.png", "one.png", "two.png"):
            number += 1
            cv2.imwrite(str(hers / name), cv2.convertScaleAbs(portrait, alpha=1 - 0.02 * (number % 7), beta=number % 5))
            soaked.changes += 1
            yield every_s
        shutil.rmtree(hers)
        soaked.changes += 1
        yield every_s


def _failing(proxy: Proxy, chance: random.Random, every_s: float, soaked: Soaked) -> Iterator[float]:
    while True:
        yield chance.uniform(0.5, 1.5) * every_s
        proxy.set(chance.choice(("cut", "stall", "corrupt", "drop", "delay")))
        soaked.faults += 1
        yield chance.uniform(1.0, 8.0)
        proxy.set("pass")


def _events(folder: Path) -> int:
    with sqlite3.connect(folder / "door.sqlite") as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        in_database = db.execute("SELECT count(*) FROM events").fetchone()[0]
    db.close()
    return in_database + len((folder / "yard.jsonl").read_text().splitlines())


def _waiting(queue: Path, taken: dict[str, dict]) -> int:
    with closing(sqlite3.connect(queue)) as db:
        return len({row[0] for row in db.execute("SELECT id FROM waiting")} - set(taken))


def say(soaked: Soaked, settled_s: float) -> bool:
    """Print what came of it; whether all is well."""
    later = [holds for _, holds in soaked.after(settled_s)]
    slope = soaked.slope(settled_s)
    program, readers = soaked.slope(settled_s, "program_mb"), soaked.slope(settled_s, "readers_mb")
    print(
        f"\n{soaked.frames} frames, {soaked.faults} faults of one camera, {soaked.changes} changes of the folder of "
        f"people; {soaked.written} events written, {soaked.arrived} at the receiver, {soaked.waiting} in the queue; "
        f"{soaked.recorded_mb:.0f} MB of "
        f"recordings kept"
    )
    print(
        f"memory after the first {settled_s / 60:.1f} minutes: {slope:+.2f} MB an hour, of which the program "
        f"{program:+.2f}, its readers {readers:+.2f}; from {later[0].memory_mb:.1f} to {later[-1].memory_mb:.1f} MB"
    )
    for line in soaked.says.splitlines():
        if "the picture is now" in line:  # costs memory for some minutes
            print(line)
    for name in ("threads", "handles", "readers"):
        values = [getattr(holds, name) for holds in later]
        print(f"{name}: {values[0]} then, {values[-1]} at the end, {min(values)} to {max(values)} in between")
    print(f"SIGTERM: ended after {soaked.ended_s:.2f} s with exit code {soaked.code}")
    ended_well = soaked.ended_s < 2.0 and soaked.code == 0
    return slope < LIMIT_MB_PER_HOUR and ended_well and soaked.arrived + soaked.waiting == soaked.written


def main() -> int:
    """Print a line every tenth of the time, and what came of it."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options.add_argument("--samples", type=Path, help="file for every sample, as CSV")
    given = options.parse_args()
    if missing():
        sys.exit(missing())
    seconds = 60 * given.minutes
    told_at = [-seconds]
    print(f"seed {given.seed}\n| minute | program | readers | threads | handles |\n|---|---|---|---|---|", flush=True)

    def tell(at: float, holds: Held) -> None:
        if given.samples:
            with open(given.samples, "a") as file:
                print(at, holds.program_mb, holds.readers_mb, holds.threads, holds.handles, sep=",", file=file)
        if at - told_at[0] >= seconds / 10 - SAMPLE_S / 2:
            told_at[0] = at
            print(f"| {at / 60:.1f} | {holds.program_mb:.1f} MB | {holds.readers_mb:.1f} MB | {holds.threads} | "
                  f"{holds.handles} |", flush=True)  # fmt: skip

    with tempfile.TemporaryDirectory() as folder:
        soaked = run(Path(folder), seconds, given.seed, tell)
    return not say(soaked, min(300.0, seconds / 12))


if __name__ == "__main__":
    sys.exit(main())
