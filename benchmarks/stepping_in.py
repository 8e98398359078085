"""How long the kiosk takes to answer whoever steps in front of it: `python -m benchmarks.stepping_in [--visits 20]`

The program itself (`python -m streamface kiosk`) on an MJPEG camera of 960x540 at 25 pictures a second on this machine,
and a page's connections, which take the camera's pictures and what is said. Somebody comes in from the side within 0.4
seconds and stands there: the woman of the head-pose clip, who is known, with and without prompts; the man of the
second clip, who is not; and the woman too far away. Counted from the moment the camera sends the first picture in which
they stand until the page is told: who it is, that they are not known, or what to do. To be reached: 1.5 seconds.
"""

from __future__ import annotations

import argparse
import http.server
import json
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import cv2
import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks import data
from benchmarks.acting import SIZE_WH, clip
from benchmarks.liveness import BOTH, WOMAN, backdrop
from benchmarks.running import ROOT, Program

sys.path.insert(0, str(ROOT / "tests" / "sinks"))

from mqtt_broker import free_port  # noqa: E402

FPS, STEP_S, STANDING = 25, 0.4, 25
"""Pictures a second; how long it takes to step in; pictures of somebody who stands, which are repeated."""
LIMIT_S, WAIT_S, EMPTY_S = 1.5, 6.0, 1.5
"""To be reached; after what time there is no answer; how long nobody is there between two visits."""
Told = dict[str, object]
VISITS: dict[str, tuple[str, int, Callable[[Told], bool]]] = {
    "known: 'Welcome, Woman'": ("woman", 0, lambda told: told["state"] == "accepted" and told["person"] == "Woman"),
    "not known: 'I do not know you'": ("man", 0, lambda told: told["detail"] == "unknown"),
    "too far away: 'Come nearer'": ("far", 0, lambda told: told["detail"] == "nearer"),
    "known, with prompts: the first prompt": ("woman", 3, lambda told: told["state"] == "prompt"),
}
"""What is measured -> (who comes, prompts, whether what the page is told is the answer)."""


class Camera:
    """An MJPEG camera on this machine before which somebody may step; a context manager.

    Args:
        takes: who -> JPEGs of one who steps in, then of one who stands; None for nobody.
    """

    def __init__(self, takes: dict[str | None, tuple[Sequence[bytes], Sequence[bytes]]]) -> None:
        self._takes, self._stands, self._ends = takes, threading.Event(), False
        self._who: str | None = None
        self._sent = 0
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                with suppress(ConnectionError):  # the program has ended
                    self._send()

            def _send(self) -> None:
                due = time.monotonic()
                while not camera._ends:
                    picture, stands = camera._next()
                    head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture)
                    if stands:
                        camera._stands.set()
                    self.wfile.write(head + picture + b"\r\n")
                    due += 1 / FPS
                    time.sleep(max(0.0, due - time.monotonic()))

            def log_message(self, *args: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/video.mjpg"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def _next(self) -> tuple[bytes, bool]:
        steps, stands = self._takes[self._who]
        number, self._sent = self._sent, self._sent + 1
        if number < len(steps):
            return steps[number], False
        return stands[(number - len(steps)) % len(stands)], self._who is not None

    def come(self, who: str) -> float:
        """Somebody steps in; the time when they stand."""
        self._stands.clear()
        self._who, self._sent = who, 0
        if not self._stands.wait(10):
            sys.exit("the program takes no pictures any more")
        return time.monotonic()

    def go(self) -> None:
        """Nobody is there any more."""
        self._who = None

    def __enter__(self) -> Camera:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ends = True
        self._server.shutdown()
        self._server.server_close()


class Page:
    """What a kiosk's page takes: what is said, and the pictures; a context manager."""

    def __init__(self, port: int) -> None:
        host = f"ws://127.0.0.1:{port}/api/kiosk"
        self._live, self._picture = connect(f"{host}/live"), connect(f"{host}/picture?width=960")
        self._told: list[tuple[float, Told]] = []
        self._threads = [threading.Thread(target=part, daemon=True) for part in (self._listen, self._watch)]

    def _listen(self) -> None:
        try:
            for text in self._live:
                self._told.append((time.monotonic(), json.loads(text)))
        except ConnectionClosed:
            return

    def _watch(self) -> None:
        try:
            for _ in self._picture:
                self._picture.send("next")
        except ConnectionClosed:
            return

    def first(self, wanted: Callable[[Told], bool], since: float) -> float | None:
        """Seconds from `since` until the page was told what is wanted; None where it was not."""
        while time.monotonic() - since < WAIT_S:
            for at, told in list(self._told):
                if at >= since - STEP_S and wanted(told):
                    return max(0.0, at - since)
            time.sleep(0.01)
        return None

    def wait(self, state: str) -> None:
        """Until that is shown."""
        end = time.monotonic() + 60
        while not self._told or self._told[-1][1]["state"] != state:
            if time.monotonic() > end:
                sys.exit(f"the kiosk does not become {state}: {self._told[-1:]}")
            time.sleep(0.05)

    def __enter__(self) -> Page:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._live.close()
        self._picture.close()


def takes(clips: dict[str, list[np.ndarray]]) -> dict[str | None, tuple[list[bytes], list[bytes]]]:
    """Everybody who comes, and nobody."""
    empty = backdrop(clips[WOMAN])
    man, far = empty.copy(), empty.copy()
    man[:, 120:360] = clips[BOTH][0][:, 240:]
    small = cv2.resize(clips[WOMAN][18], None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    far[-small.shape[0] :, 144 : 144 + small.shape[1]] = small
    people = {"woman": clips[WOMAN][18], "man": man, "far": far}
    return {None: ([], [jpeg(empty)]), **{name: take(image, empty) for name, image in people.items()}}


def take(image: np.ndarray, empty: np.ndarray) -> tuple[list[bytes], list[bytes]]:
    """Somebody who comes in from the right, then stands, trembling and under the noise of a camera."""
    rng, width, steps = np.random.default_rng(0), image.shape[1], round(STEP_S * FPS)
    coming = []
    for number in range(steps):
        picture, left = empty.copy(), round(width * (1 - number / steps))
        picture[:, left:] = image[:, : width - left]
        coming.append(jpeg(picture))
    return coming, [jpeg(trembling(image, rng)) for _ in range(STANDING)]


def trembling(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture moved by about a pixel, with noise."""
    shift = np.float32([[1, 0, rng.normal(0, 0.7)], [0, 1, rng.normal(0, 0.7)]])
    moved = cv2.warpAffine(image, shift, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.clip(moved + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


def jpeg(image: np.ndarray) -> bytes:
    """Twice as large, as a camera sends it."""
    large = cv2.resize(image, (2 * SIZE_WH[0], 2 * SIZE_WH[1]), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def measured(camera: Camera, database: Path, prompts: int, visits: int, log: Path) -> dict[str, list[float | None]]:
    """Seconds to the answer of each visit, None where there was none, of everybody who comes with so many prompts."""
    port = free_port()
    arguments = ["kiosk", "--source", camera.url, "--database", str(database), "--serve", str(port), "--liveness",
                 str(prompts), "--lock-after", "0", "--strictness", "normal"]  # fmt: skip
    with ExitStack() as closing:
        program = closing.enter_context(Program(arguments, log))
        wait_for(port, program)
        page = closing.enter_context(Page(port))
        found: dict[str, list[float | None]] = {}
        for name, (who, wanted, is_answer) in VISITS.items():
            if wanted != prompts:
                continue
            found[name] = []
            for _ in range(visits):
                page.wait("idle")
                time.sleep(EMPTY_S)
                found[name].append(page.first(is_answer, camera.come(who)))
                camera.go()
                time.sleep(0.1)
    return found


def wait_for(port: int, program: Program) -> None:
    """Until the kiosk sees that nobody is there."""
    end = time.monotonic() + 120
    while time.monotonic() < end and program.process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/kiosk", timeout=5) as answer:
                if json.load(answer)["state"] == "idle":
                    return
        except OSError:
            pass
        time.sleep(0.2)
    sys.exit(f"the program is not well: {program.says()[-2000:]}")


def line(name: str, waits: Sequence[float | None]) -> str:
    """A row of the table."""
    answered = sorted(wait for wait in waits if wait is not None)
    if not answered:
        return f"| {name} | 0 of {len(waits)} | | | |"
    half, most = np.percentile(answered, [50, 95], method="higher")
    return f"| {name} | {len(answered)} of {len(waits)} | {half:.2f} s | {most:.2f} s | {answered[-1]:.2f} s |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 where an answer was missing or late in more than one visit of twenty."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--visits", type=int, default=20, help="of each kind")
    given = options.parse_args(arguments)
    clips = {name: clip(data.file(f"media/{name}")) for name in (WOMAN, BOTH)}
    late = False
    print("| what the page is told | answered | median | 95 % | longest |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, Camera(takes(clips)) as camera:
        pictures = Path(folder) / "people" / "Woman"
        pictures.mkdir(parents=True)
        for number in (8, 20):
            cv2.imwrite(str(pictures / f"{number}.png"), clips[WOMAN][number])
        for prompts in sorted({prompts for _, prompts, _ in VISITS.values()}):
            found = measured(camera, pictures.parent, prompts, given.visits, Path(folder) / "log")
            for name, waits in found.items():
                print(line(name, waits), flush=True)
                late |= sum(wait is None or wait > LIMIT_S for wait in waits) > len(waits) / 20
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
