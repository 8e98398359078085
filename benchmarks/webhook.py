"""A receiver of webhooks that is down for a minute. `python -m benchmarks.webhook [--down 60]`

A process queues two events a second and is killed and started again every 10 s; the receiver is down at first, then up,
and answers every fifth request only by hanging up after it has taken the event. Printed: how many events were queued,
how many arrived, how often each, and how long after the receiver's return the last one came.
"""

from __future__ import annotations

import argparse
import http.server
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from streamface.sinks.event_output import COLUMNS
from streamface.sinks.webhook import Webhook

EVERY_S = 0.5
RESTART_S = 10.0


def play(url: str, queue: Path, first: int) -> None:
    """Until killed: an event every half a second; each is said once it is queued."""
    output = Webhook(url, queue)
    output.begin("camera")
    for number in range(first, 10**9):
        output.add([{**dict.fromkeys(COLUMNS), "id": f"{number:032x}", "event": "appeared", "track": number}])
        print(number, flush=True)
        time.sleep(EVERY_S)


class Receiver(http.server.ThreadingHTTPServer):
    """Counts requests and keeps each key once."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.requests: Counter[str] = Counter()
        self.order: list[int] = []
        self.last_at = 0.0
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        row, server = json.loads(self.rfile.read(int(self.headers["Content-Length"]))), self.server
        key = self.headers["Idempotency-Key"]
        if not server.requests[key]:
            server.order.append(row["track"])
            server.last_at = time.monotonic()
        server.requests[key] += 1
        if server.requests.total() % 5 == 0:
            self.close_connection = True
            return
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def queued(url: str, folder: Path, down_s: float) -> int:
    """Run, kill and restart for so long; the number of events that were queued."""
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < down_s:
        command = [sys.executable, "-m", __spec__.name, "--play", url, str(folder / "q.sqlite"), str(count)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            time.sleep(min(RESTART_S, max(1.0, down_s - (time.monotonic() - begun))))
            running.kill()
            said = running.stdout.read().split()
        count = int(said[-1]) + 1 if said else count
    return count


def main() -> int:
    """Print what arrived."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--down", type=float, default=60.0)
    options.add_argument("--play", nargs=3)
    given = options.parse_args()
    if given.play:
        play(given.play[0], Path(given.play[1]), int(given.play[2]))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        url, path = f"http://127.0.0.1:{port}/hook", Path(folder)
        count = queued(url, path, given.down)
        output = Webhook(url, path / "q.sqlite")
        output.begin("camera")
        time.sleep(1.0)  # its first tries fail
        server, up_at = Receiver(port), time.monotonic()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        while len(output._outbox) and time.monotonic() - up_at < 120:
            time.sleep(0.05)
        output.close()
        server.shutdown()
    arrived, again = len(server.requests), server.requests.total() - len(server.requests)
    once = server.order == list(range(arrived))  # of one event under two keys there would be two
    print(
        f"down for {given.down:.0f} s: {count} events queued, {arrived} arrived, "
        f"{'each once by its key and in order' if once else 'NOT each once and in order'}, {again} requests were "
        f"repeats; the last one {server.last_at - up_at:.1f} s after the receiver's return"
    )
    return arrived < count or not once


if __name__ == "__main__":
    sys.exit(main())
