"""What is around the program in an hour of soak: cameras, a folder of people, a broker, and a receiver that fails."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import camera_clips
from benchmarks.running import ROOT

sys.path.insert(0, str(ROOT / "tests" / "sinks"))

from fault_camera import RtspCamera  # noqa: E402
from http_receiver import receiving  # noqa: E402
from mqtt_broker import broker, free_port  # noqa: E402

FPS = 5


@contextmanager
def camera(folder: Path, scene: str) -> Iterator[RtspCamera]:
    if not (folder / scene).exists():
        camera_clips.write(folder / scene, scene, FPS, empty_s=6.0)
    with RtspCamera(folder, scene, FPS) as camera:
        yield camera


def configuration(folder: Path, ports: dict[str, int], webhook: str, mqtt: int | None) -> Path:
    """Everything on, with limits that are reached within minutes."""
    shutil.copytree(ROOT / "database", folder / "people")
    common = {
        "database": folder / "people",
        "store": folder / "people.sqlite",
        "actions": "age,gender,emotion,race",
        "strangers": True,
        "stranger-pictures": True,
        "stranger-limit": 20,
        "recordings": folder / "recordings",
        "keep-gb": 0.02,
        "event-pictures": folder / "pictures",
        "webhook": webhook,
        "webhook-queue": folder / "queue.sqlite",
        "leave-after": 2,
        "frozen-after": 600,
        "timeout": 3,
        "wait": True,
    }
    if mqtt is not None:
        common["mqtt"] = f"127.0.0.1:{mqtt}"
    own = {
        "door": {"events": folder / "door.sqlite", "segment": 0.25, "record": "both"},
        "yard": {"events": folder / "yard.jsonl", "segment": 0.5, "clip-on": "person", "faces": folder / "yard.csv"},
    }
    cameras = [{"name": name, "source": f"rtsp://127.0.0.1:{port}/live", **own[name]} for name, port in ports.items()]
    path = folder / "cameras.yaml"  # YAML holds JSON
    path.write_text(json.dumps({**common, "cameras": cameras}, default=str))
    return path


def mosquitto(closing: ExitStack, folder: Path) -> int | None:
    """A port at which mosquitto listens; None where it is not installed."""
    if not shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"):
        return None
    port = free_port()
    closing.enter_context(broker(folder, port))
    return port


class Receiver:
    """A receiver of webhooks that is down in the middle of a run, and hangs up on every fifth request it has taken."""

    def __enter__(self) -> Receiver:
        self.taken: dict[str, dict] = {}
        self._port, self._running = free_port(), ExitStack()
        self.url = f"http://127.0.0.1:{self._port}/hook"
        self._is_up = False
        self.be_up()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._running.close()

    def be_up(self) -> None:
        if self._is_up:
            return
        server = self._running.enter_context(receiving(self._port, lambda number: 0 if number % 5 == 0 else 204))
        server.taken, server.requests = self.taken, _Counted()
        self._is_up = True

    def failing(self, begun: float, seconds: float) -> Iterator[float]:
        """Down for a tenth of the time, then up again."""
        yield max(0.0, begun + 0.4 * seconds - time.monotonic())
        self._running.close()
        self._is_up = False
        yield 0.1 * seconds
        self.be_up()
        yield float("inf")


class _Counted(list):
    """Requests that are counted and not kept."""

    def __init__(self) -> None:
        self._count = 0

    def append(self, entry: object) -> None:
        self._count += 1

    def __len__(self) -> int:
        return self._count
