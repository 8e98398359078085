"""Is it well: `/healthz` for whoever restarts it, `/metrics` for Prometheus, on a port of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType

from streamface.errors import OutputError, SettingsError

STALE_S = 10.0
"""A camera without a new frame for so long is not well."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How one camera does at one moment."""

    camera: str
    state: str
    """'connecting', 'live', 'stalled', 'lost'; 'ended' after the last frame."""
    frames: int
    """Analysed since the start."""
    dropped: int
    """Skipped since the start, because a newer one was there."""
    people: int
    """In view now."""
    delay_s: float | None
    """From the capture of the latest frame to its result; None for a file."""
    frame_at: float | None
    """When the latest result was there, in seconds of `time.time()`; None before the first."""
    queues: Mapping[str, int] = field(default_factory=dict)
    """Entries that wait, by the queue's name."""
    spent_ms: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds in all, by stage."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "queues", MappingProxyType(dict(self.queues)))
        object.__setattr__(self, "spent_ms", MappingProxyType(dict(self.spent_ms)))

    def trouble(self, now: float) -> str | None:
        """Why the camera is not well at `now`, in seconds of `time.time()`; None when it is."""
        if self.state != "live":
            return self.state
        if self.frame_at is None:
            return "no frame yet"
        return f"no frame for {now - self.frame_at:.0f} s" if now - self.frame_at > STALE_S else None


class Monitor:
    """Answers `/healthz` and `/metrics` in a thread of its own until it is closed; a context manager.

    `/healthz` is 200 while every camera is live and gives frames, else 503; its JSON names what is wrong with which.

    Args:
        address: 'PORT' for this computer alone, or 'HOST:PORT'.
        readings: asked at each request, from another thread: how each camera does.

    Raises `SettingsError` for another form of address, `OutputError` where the port cannot be had.
    """

    def __init__(self, address: str, readings: Callable[[], Sequence[Reading]]) -> None:
        host, port = _parsed(address)
        try:
            self._server = ThreadingHTTPServer((host, port), _handler(readings))
        except OSError as error:
            raise OutputError(f"cannot listen on {host}:{port} ({error.strerror}): choose another port") from error
        self._server.daemon_threads = True
        self.port: int = self._server.server_port
        """The port in use; that of the address, or a free one where that is 0."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="streamface-monitor", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End the thread and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _parsed(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"{address} is no port: give one such as 9100, or HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def health(readings: Sequence[Reading], now: float) -> tuple[bool, dict[str, object]]:
    """Whether all is well, and what `/healthz` says: {'ok', 'cameras': {name: {'ok', 'state', ...}}}."""
    cameras = {
        reading.camera: {
            "ok": reading.trouble(now) is None,
            "state": reading.state,
            "trouble": reading.trouble(now),
            "frames": reading.frames,
            "dropped": reading.dropped,
            "people": reading.people,
            "delay_s": None if reading.delay_s is None else round(reading.delay_s, 3),
        }
        for reading in readings
    }
    well = all(camera["ok"] for camera in cameras.values())
    return well, {"ok": well, "cameras": cameras}


class _Collector:
    """The readings as families of metrics, made anew for each request."""

    def __init__(self, readings: Callable[[], Sequence[Reading]]) -> None:
        self._readings = readings

    def collect(self) -> Iterator:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        now, readings = time.time(), self._readings()
        for kind, name, says, value in (
            (CounterMetricFamily, "frames", "Frames analysed", lambda r: r.frames),
            (CounterMetricFamily, "frames_dropped", "Frames skipped for newer ones", lambda r: r.dropped),
            (GaugeMetricFamily, "people", "People in view", lambda r: r.people),
            (GaugeMetricFamily, "delay_seconds", "From capture to result", lambda r: r.delay_s),
            (GaugeMetricFamily, "camera_up", "1 while the camera is well", lambda r: float(r.trouble(now) is None)),
        ):
            family = kind(f"streamface_{name}", says, labels=["camera"])
            for reading in readings:
                if value(reading) is not None:
                    family.add_metric([reading.camera], value(reading))
            yield family
        yield from self._by_label(readings)

    @staticmethod
    def _by_label(readings: Sequence[Reading]) -> Iterator:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        stages = CounterMetricFamily("streamface_stage_seconds", "Time spent", labels=["camera", "stage"])
        queues = GaugeMetricFamily("streamface_queue_length", "Entries waiting", labels=["camera", "queue"])
        for reading in readings:
            for stage, spent_ms in reading.spent_ms.items():
                stages.add_metric([reading.camera, stage], spent_ms / 1000)
            for queue, length in reading.queues.items():
                queues.add_metric([reading.camera, queue], length)
        yield stages
        yield queues


def _handler(readings: Callable[[], Sequence[Reading]]) -> type[BaseHTTPRequestHandler]:
    try:
        import prometheus_client
    except ImportError as error:
        raise SettingsError("--metrics needs a package: pip install prometheus_client") from error
    registry = prometheus_client.CollectorRegistry()
    registry.register(_Collector(readings))

    class Handler(BaseHTTPRequestHandler):
        timeout = 5  # seconds that a silent client may keep a thread
        server_version, sys_version = "streamface", ""

        def do_GET(self) -> None:
            if self.path.split("?")[0] == "/healthz":
                well, body = health(readings(), time.time())
                self._answer(200 if well else 503, "application/json", json.dumps(body).encode())
            elif self.path.split("?")[0] == "/metrics":
                text = prometheus_client.generate_latest(registry)
                self._answer(200, prometheus_client.CONTENT_TYPE_LATEST, text)
            else:
                self._answer(404, "text/plain; charset=utf-8", b"/healthz or /metrics\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing: a probe every few seconds would fill the log."""

    return Handler
