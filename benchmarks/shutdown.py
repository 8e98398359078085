"""How SIGTERM ends a program that is at work. `python -m benchmarks.shutdown [--times 20]`

The program itself records three RTSP cameras of 640x360 at 15 pictures a second (GStreamer's server, on this machine),
annotated and raw, one of which a proxy holds up in every other run; it names people and strangers, writes events as
SQLite with pictures, posts them to a receiver that is down (in turn: refuses, and takes the connection but never
answers), and publishes them to a broker that never answers. SIGTERM comes at a random moment.

Printed for each time: seconds to the end. To be reached: 2 s, and everything flushed: exit code 0, no process left,
every visit over with its 'left', every event of the database in the queue for the receiver, and recordings that decode
up to half a second before the signal.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from benchmarks import camera_clips
from benchmarks.crash import frames_of
from benchmarks.running import ROOT, Program, children, is_well

sys.path.insert(0, str(ROOT / "tests" / "sinks"))

from fault_camera import RtspCamera, missing  # noqa: E402
from fault_proxy import Proxy  # noqa: E402
from mqtt_broker import free_port  # noqa: E402

FPS = 15
LIMIT_S, FLUSHED_S = 2.0, 0.5


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def configuration(folder: Path, ports: dict[str, int], webhook: int, broker: int) -> Path:
    """Everything that has to be flushed."""
    common = {
        "database": ROOT / "database",
        "actions": "age,gender,emotion,race",
        "strangers": True,
        "stranger-store": folder / "strangers.sqlite",
        "recordings": folder / "recordings",
        "record": "both",
        "events": folder / "events.sqlite",
        "event-pictures": folder / "pictures",
        "webhook": f"http://127.0.0.1:{webhook}/hook",
        "webhook-queue": folder / "queue.sqlite",
        "mqtt": f"127.0.0.1:{broker}",
        "wait": True,
    }
    cameras = [{"name": name, "source": f"rtsp://127.0.0.1:{port}/live"} for name, port in ports.items()]
    path = folder / "cameras.yaml"  # YAML holds JSON
    path.write_text(json.dumps({**common, "cameras": cameras}, default=str))
    return path


def once(folder: Path, cameras: dict[str, RtspCamera], chance: random.Random, number: int) -> tuple[float, list[str]]:
    """Seconds that one end took, and what is wrong with what it left."""
    port = free_port()
    with ExitStack() as stack:
        first, *others = cameras.items()
        proxy = stack.enter_context(Proxy(first[1].port, chance))
        hanging, broker = stack.enter_context(silent()), stack.enter_context(silent())
        webhook = hanging if number % 2 else free_port()
        ports = {first[0]: proxy.port, **{name: camera.port for name, camera in others}}
        config = configuration(folder, ports, webhook, broker)
        arguments = ["--config", str(config), "--no-display", "--metrics", str(port)]
        program = stack.enter_context(Program(arguments, folder / "log"))
        end = time.monotonic() + 120
        while not is_well(port):
            if time.monotonic() > end or program.process.poll() is not None:
                sys.exit(f"the program is not well: {program.says()[-2000:]}")
            time.sleep(0.1)
        time.sleep(chance.uniform(1.0, 5.0))
        if number // 2 % 2:
            proxy.set("stall")
            time.sleep(3.0)
        readers, told_at = children(program.pid), time.time()
        took_s, code = program.stop()
        problems = [f"exit code {code}: {program.says()[-300:]}"] if code else []
        if left := [pid for pid in readers if Path(f"/proc/{pid}").exists()]:
            problems.append(f"{len(left)} readers are left")
    problems += _unflushed(folder, [name for name, _ in others], told_at)
    return took_s, problems


def _unflushed(folder: Path, names: list[str], told_at: float) -> list[str]:
    """What did not get onto the disk. names: of the cameras that gave pictures to the end."""
    problems: list[str] = []
    with closing(sqlite3.connect(folder / "events.sqlite")) as db:
        if (check := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            problems.append(f"events: {check}")
        written = {row[0] for row in db.execute("SELECT id FROM events")}
        came, left, going_on = (
            db.execute(f"SELECT count(*) FROM {what}").fetchone()[0]
            for what in ("events WHERE event = 'appeared'", "events WHERE event = 'left'", "visits WHERE NOT over")
        )
    if going_on or came != left:
        problems.append(f"{came} people appeared, {left} left, {going_on} visits go on")
    if not came:
        problems.append("nobody appeared")
    with closing(sqlite3.connect(folder / "queue.sqlite")) as db:
        if lost := written - {row[0] for row in db.execute("SELECT id FROM waiting")}:
            problems.append(f"{len(lost)} of {len(written)} events are not in the queue")
    for name in names:
        for ending in ("Z.mp4", "Z_raw.mp4"):
            files = sorted(path for path in (folder / "recordings").rglob(f"{name}_*{ending}"))
            times = [moment for path in files for moment in frames_of(path, problems)]
            if not times or told_at - times[-1] > FLUSHED_S:
                problems.append(
                    f"{name} {ending}: ends {told_at - times[-1] if times else 1e9:.2f} s before the signal"
                )
    return problems


def main() -> int:
    """Print a line for each time and the worst of all."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--times", type=int, default=20)
    options.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = options.parse_args()
    if missing():
        sys.exit(missing())
    print(f"seed {given.seed}", flush=True)
    chance, took, wrong = random.Random(given.seed), [], 0
    scenes = [scene for scene in ("demo", "pair", "walking") if camera_clips.has(scene)]
    with tempfile.TemporaryDirectory() as clips, ExitStack() as stack:
        for scene in scenes:
            camera_clips.write(Path(clips) / scene, scene, FPS)
        cameras = {f"{scenes[n % len(scenes)]}-{n}": scenes[n % len(scenes)] for n in range(3)}
        running = {name: stack.enter_context(RtspCamera(Path(clips), scene, FPS)) for name, scene in cameras.items()}
        for number in range(given.times):
            with tempfile.TemporaryDirectory() as folder:
                took_s, problems = once(Path(folder), running, chance, number)
            took.append(took_s)
            wrong += bool(problems)
            print(
                f"{number + 1}: ended after {took_s:.2f} s; {'; '.join(problems) or 'everything flushed'}", flush=True
            )
    print(f"{len(took)} ends: {sum(took) / len(took):.2f} s on average, {max(took):.2f} s at most; {wrong} not flushed")
    return max(took) >= LIMIT_S or bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
