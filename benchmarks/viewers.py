"""What viewers of the live page cost the analysis. `python -m benchmarks.viewers [--labels page|picture]`

crowd_1080p is analysed over and over as fast as it goes, with age, gender and emotion, and served as by
`streamface serve`. In turns nobody looks, five viewers do, and five have stopped reading what they asked for; the
order changes from round to round. A viewer is a client of its own over HTTP that does what a browser does with the
live page: it takes each picture of the WebSocket, asks for the next at once, and asks for visits and strangers as
often as the page. One looks at a large desktop's picture (1280 pixels wide), four at those of ordinary desktops and
phones (960). The viewers run on the same processors, which they would not otherwise: what they themselves take is
printed and counts as cost.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import data
from benchmarks.running import used_s
from benchmarks.viewer_clients import Stopped, Viewers
from streamface.capture.base import Source, SourceInfo
from streamface.types import Frame

ROOT = Path(__file__).resolve().parents[1]
CLIP = "media/crowd_1080p.mp4"
WIDTHS = (1280, 960, 960, 960, 960)
BAR = 0.2
SETTLING_S = 1.0


class Endless(Source):
    """A clip over and over, each frame as soon as it is wanted."""

    is_file = True

    def __init__(self, path: Path) -> None:
        from streamface.capture.video_file import VideoFile

        self._clip, self.name, self._index, self._fps = VideoFile(path), path.name, 0, 25.0

    def open(self) -> SourceInfo:
        info = self._clip.open()
        self._fps = info.fps or self._fps
        return replace(info, frame_count=None)

    def read(self) -> Frame:
        frame = self._clip.read()
        if frame is None:
            self._clip.close()
            self._clip.open()
            frame = self._clip.read()
        index, self._index = self._index, self._index + 1
        return replace(frame, index=index, media_time=index / self._fps)

    def close(self) -> None:
        self._clip.close()


def serve(home: Path) -> int:
    """In a process of its own: the stream and its pages, until it is told to end."""
    from streamface import build, cli
    from streamface.capture._ahead import ReadAhead

    path = data.file(CLIP)
    build.source = lambda settings: ReadAhead(Endless(path))
    kept = ["--database", str(ROOT / "database"), "--store", str(home / "store.sqlite")]
    return cli.main(["serve", "--serve", "0", "--source", str(path), "--no-watch", *kept])


class Site:
    """The process that analyses and serves."""

    def __init__(self, home: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.viewers", "--serve-in", str(home)]
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        said = []
        for line in self.process.stderr:
            said.append(line)
            if found := re.search(r"pages on (http://\S+)", line):
                self.url = found[1]
                break
        else:
            raise SystemExit("".join(said))
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.camera = self.get("api/cameras")[0]["camera"]

    def get(self, path: str) -> list:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def frames(self) -> int:
        """Frames analysed so far."""
        return self.get("api/cameras")[0]["version"]

    def cpu_s(self) -> float:
        """Seconds of processor time that it has taken."""
        return used_s([self.process.pid])

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@dataclass(frozen=True, slots=True)
class Round:
    """What was measured while one kind of viewers was there."""

    fps: float
    site_ms: float
    """Processor time of the site for each frame."""
    viewers_share: float
    """Processors that the viewers themselves took."""
    pictures: float
    """A second that each viewer got."""
    megabytes: float
    """A second of them all."""


@contextmanager
def looking(kind: type | None, site: Site, drawn: bool) -> Iterator[Viewers | Stopped | None]:
    """Viewers of that kind, until the block ends."""
    made = kind(site, WIDTHS, drawn) if kind else None
    try:
        yield made
    finally:
        if made:
            made.close()


def measured(site: Site, kind: type | None, drawn: bool, seconds: float) -> Round:
    """One round."""
    with looking(kind, site, drawn) as viewers:
        time.sleep(SETTLING_S)
        before = viewers.pictures if viewers else 0, viewers.bytes if viewers else 0
        frames, cpu, own, begun = site.frames(), site.cpu_s(), time.process_time(), time.monotonic()
        time.sleep(seconds)
        frames, cpu, own = site.frames() - frames, site.cpu_s() - cpu, time.process_time() - own
        elapsed = time.monotonic() - begun
        pictures = (viewers.pictures - before[0]) / elapsed / len(WIDTHS) if viewers else 0.0
        sent = (viewers.bytes - before[1]) / elapsed / 1e6 if viewers else 0.0
    return Round(frames / elapsed, 1e3 * cpu / frames, own / elapsed, pictures, sent)


KINDS = {"nobody": None, "five viewers": Viewers, "five who stopped reading": Stopped}


def table(rounds: dict[str, list[Round]]) -> str:
    """Medians over the rounds."""
    lines = ["| | frames/s | against nobody | site, ms of processor a frame | viewers, processors | pictures/s each | "
             "MB/s of all |", "|---|---|---|---|---|---|---|"]  # fmt: skip
    nobody = statistics.median(one.fps for one in rounds["nobody"])
    for name, found in rounds.items():
        fps, ms, own, pictures, sent = (statistics.median(getattr(one, part) for one in found) for part in
                                        ("fps", "site_ms", "viewers_share", "pictures", "megabytes"))  # fmt: skip
        lines.append(
            f"| {name} | {fps:.1f} | {fps / nobody - 1:+.1%} | {ms:.1f} | {own:.2f} | {pictures:.1f} | {sent:.1f} |"
        )
    return "\n".join(lines)


def told(what: str, costs: list[float]) -> float:
    """What five viewers cost, printed: the median over rounds, each compared with nobody in the same round."""
    cost, (low, _, high) = statistics.median(costs), statistics.quantiles(costs, n=4)
    print(f"five viewers take {cost:.1%} {what} (middle half of the rounds: {low:.1%} to {high:.1%})")
    return cost


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each kind of viewers in a round")
    parser.add_argument("--labels", choices=("page", "picture"), default="page", help="who draws them")
    parser.add_argument("--serve-in", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve_in:
        sys.exit(serve(given.serve_in))
    with tempfile.TemporaryDirectory() as home:
        site = Site(Path(home))
        try:
            measured(site, Viewers, given.labels == "picture", 1.0)  # warms up
            rounds: dict[str, list[Round]] = {name: [] for name in KINDS}
            for number in range(given.rounds):
                names = list(KINDS)
                for name in names[number % 3 :] + names[: number % 3]:
                    rounds[name].append(measured(site, KINDS[name], given.labels == "picture", given.seconds))
        finally:
            site.close()
    print(table(rounds))
    print()
    pairs = list(zip(rounds["nobody"], rounds["five viewers"], strict=True))
    fps = told("of the frame rate", [1 - five.fps / nobody.fps for nobody, five in pairs])
    told("of the processor time of a frame", [1 - nobody.site_ms / five.site_ms for nobody, five in pairs])
    print(f"at most {BAR:.0%} of the frame rate: {'reached' if fps <= BAR else 'NOT reached'}")


if __name__ == "__main__":
    main()
