"""`kill -9` while the program records and its gallery is written. `python -m benchmarks.crash_gallery [--moments 50]`

The program itself watches a real RTSP camera (GStreamer's server, on this machine) in which people come and go, records
annotated and raw pictures, numbers strangers, writes events as SQLite and posts them to a receiver, while another
process copies pictures of new people into its folder, three a second, and takes others away. It is killed at random
moments, in turn with two commands: `streamface gallery list` while it embeds 120 new pictures, and
`streamface gallery add` while it copies. What one kill leaves is what the next one begins with.

After each kill: every SQLite file opens and passes `integrity_check`; of the embeddings, strangers and events that had
been written before it (read by another program a moment before) none is missing; every picture in the folder is whole;
and every new recording decodes up to 1.5 s before the kill. At the end: `gallery list` knows every picture, and the
receiver has every event of the file, each once, in order.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

from benchmarks import camera_clips
from benchmarks.crash import ALLOWED_S, frames_of
from benchmarks.crash_world import World, photographs_of_lfw
from benchmarks.running import ROOT, Program, is_well

sys.path.insert(0, str(ROOT / "tests" / "sinks"))

from fault_camera import RtspCamera, missing  # noqa: E402
from http_receiver import receiving  # noqa: E402
from mqtt_broker import free_port  # noqa: E402

FPS = 15
MANY = 120
"""New pictures that `gallery list` finds."""


def kill_program(world: World, chance: random.Random) -> str:
    """The program, killed while it records and follows its folder."""
    port, gone, stop = free_port(), set(), threading.Event()
    with Program([*world.arguments(), "--metrics", str(port)], world.folder / "log") as program:
        end = time.monotonic() + 120
        while not is_well(port):
            if time.monotonic() > end or program.process.poll() is not None:
                raise RuntimeError(f"the program is not well: {program.says()[-2000:]}")
            time.sleep(0.1)
        live_at, after_s = time.time(), chance.uniform(0.5, 8.0)
        copying = threading.Thread(target=_copy, args=(world, gone, stop))
        copying.start()
        time.sleep(max(0.0, after_s - 0.1))
        before = world.written()
        program.process.kill()
        at = time.time()
        stop.set()
        copying.join()
        program.process.wait()
    problems = world.look(before, gone)
    lost_s = _recorded(world, live_at, at, problems)
    world.problems += problems
    world.lost_s.append(lost_s)
    return f"recording and watching, after {at - live_at:.2f} s: lost {lost_s:.2f} s; {_told(before, problems)}"


def _copy(world: World, gone: set[str], stop: threading.Event) -> None:
    """Somebody new three times a second; every fifth of them is taken away again."""
    number = 0
    while not stop.wait(0.3):
        path, number = world.put(), number + 1
        if number % 5 == 0:
            time.sleep(0.5)
            gone.add(str(path.relative_to(world.folder / "people")))
            shutil.rmtree(path.parent)
            world.people -= 1


def _recorded(world: World, live_at: float, killed_at: float, problems: list[str]) -> float:
    """Seconds of video that are missing before the kill, the worse of annotated and raw."""
    lost, every = [], set((world.folder / "recordings").rglob("*.mp4"))
    for kind in ("annotated", "raw"):
        fresh = sorted(path for path in every - world.recorded if path.stem.endswith("_raw") == (kind == "raw"))
        times = [moment for path in fresh for moment in frames_of(path, problems)]
        lost.append(killed_at - (times[-1] if times else live_at))
        if lost[-1] > ALLOWED_S:
            problems.append(f"{kind}: the last {lost[-1]:.2f} s are missing")
        if any(after <= before for before, after in zip(times, times[1:], strict=False)):
            problems.append(f"{kind}: frames have the wrong order")
    world.recorded |= every
    return max(lost)


def kill_command(world: World, chance: random.Random, name: str) -> str:
    """A command of the gallery, killed at a moment of the time that it would have needed."""
    if name == "list":
        for _ in range(MANY):
            world.put()
        command = ("list",)
    else:
        incoming = world.folder / "incoming"
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir()
        for _ in range(40):
            picture, content = world.photographs.popitem()
            (incoming / picture).write_bytes(content)
        world.people += 1
        command = ("add", f"New {world.people}", *map(str, sorted(incoming.iterdir())), "--anyway")
    before, begun = world.written(), time.monotonic()
    with Program(world.arguments(command), world.folder / "log") as program:
        # Most of the time goes into starting, during which nothing is written.
        while program.process.poll() is None and not _has_begun(world, before, name):
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, 1.5))
        before = world.written()
        program.process.kill()
    problems = world.look(before, set())
    world.problems += problems
    return f"gallery {name}, after {time.monotonic() - begun:.2f} s: {_told(before, problems)}"


def _has_begun(world: World, before: dict[tuple[str, str], set], name: str) -> bool:
    if name == "add":
        return (world.folder / "people" / f"New {world.people}").is_dir()
    return world.written() != before


def _told(before: dict[tuple[str, str], set], problems: list[str]) -> str:
    counts = [len(found) for found in before.values()]
    said = f"{sum(counts)} rows were written"
    return f"{said}; {'; '.join(problems)}" if problems else f"{said}, all are there"


def finish(world: World, taken: dict[str, dict]) -> None:
    """Run once more to the end: everything is known, and every event arrives."""
    done = subprocess.run([sys.executable, "-m", "streamface", *world.arguments(("list", "--json"))],
                          capture_output=True, text=True, cwd=ROOT)  # fmt: skip
    people = json.loads(done.stdout)["people"].values()
    known = {path for person in people for path in (*person["pictures"], *(u["path"] for u in person["unusable"]))}
    there = {path.name for path in world.pictures()}
    if {Path(path).name for path in known} != there:
        world.problems.append(f"gallery list knows {len(known)} of {len(there)} pictures")
    port = free_port()
    with Program([*world.arguments(), "--metrics", str(port)], world.folder / "log") as program:
        end = time.monotonic() + 120
        while time.monotonic() < end and not (is_well(port) and _is_empty(world)):
            time.sleep(0.2)
        program.stop()
    with closing(sqlite3.connect(world.folder / "events.sqlite")) as db:
        written = [row[0] for row in db.execute("SELECT id FROM events ORDER BY number")]
    arrived = list(taken)
    if missing_ids := set(written) - set(arrived):
        world.problems.append(f"{len(missing_ids)} of {len(written)} events have not arrived")
    in_file = set(written)
    if [key for key in arrived if key in in_file] != [key for key in written if key in set(arrived)]:
        world.problems.append("events arrived in another order")
    print(f"at the end: {len(there)} pictures known, {len(written)} events in the file, {len(arrived)} at the receiver")


def _is_empty(world: World) -> bool:
    with closing(sqlite3.connect(world.folder / "queue.sqlite", timeout=10)) as db:
        return not db.execute("SELECT count(*) FROM waiting").fetchone()[0]


def main() -> int:
    """Print a line for each kill and the worst of all."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--moments", type=int, default=50, help="kills of the running program")
    options.add_argument("--commands", type=int, default=10, help="kills of each of the two commands")
    options.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = options.parse_args()
    if missing():
        sys.exit(missing())
    print(f"seed {given.seed}", flush=True)
    chance, total = random.Random(given.seed), given.moments + 2 * given.commands
    works = ["program"] * given.moments + ["list", "add"] * given.commands
    chance.shuffle(works)
    hanging_up = receiving(answers=lambda number: 0 if number % 5 == 0 else 204)
    with tempfile.TemporaryDirectory() as name, hanging_up as server:
        folder = Path(name)
        shutil.copytree(ROOT / "database", folder / "people")
        camera_clips.write(folder / "clip", "demo", FPS, empty_s=3.0)
        photographs = photographs_of_lfw()
        with RtspCamera(folder, "clip", FPS) as camera:
            world = World(folder, camera, f"http://127.0.0.1:{server.port}/hook", photographs)
            for number, work in enumerate(works, 1):
                done = kill_program(world, chance) if work == "program" else kill_command(world, chance, work)
                print(f"{number} of {total}: {done}", flush=True)
            finish(world, server.taken)
    worst = max(world.lost_s, default=0.0)
    print(f"{total} kills: at most {worst:.2f} s of video lost; {len(world.problems)} things wrong")
    for problem in world.problems:
        print(f"  {problem}")
    return bool(world.problems)


if __name__ == "__main__":
    sys.exit(main())
