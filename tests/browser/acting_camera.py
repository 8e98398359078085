"""A network camera before which somebody stands, and turns the head to the side that they are asked to."""

from __future__ import annotations

import http.server
import threading
import time

import cv2
import numpy as np
from turning_head import FPS, SIZE_WH, Acts

EMPTY = "nobody"
NOBODY: Acts = {"straight": [np.full((SIZE_WH[1], SIZE_WH[0], 3), 70, np.uint8)]}


class ActingCamera:
    """An MJPEG camera at `url`, until closed; a context manager.

    people: name -> whoever may stand before it. At first nobody does.
    """

    def __init__(self, people: dict[str, Acts]) -> None:
        self._people = {
            name: {act: [_jpeg(image) for image in images] for act, images in acts.items()}
            for name, acts in {**people, EMPTY: NOBODY}.items()
        }
        self._who, self._act, self._since, self._is_off = EMPTY, "straight", 0.0, threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/video.mjpg"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def step_in(self, who: str) -> None:
        """From now on this person stands there, alone."""
        self._who, self._act = who, "straight"

    def do(self, asked: str | None) -> None:
        """Turn to the 'left' or 'right', again and again; for anything else look straight."""
        act = asked if asked in self._people[self._who] else "straight"
        if act != self._act:
            self._act, self._since = act, time.monotonic()

    def shot(self) -> bytes:
        """The picture of this moment as JPEG."""
        shots = self._people[self._who].get(self._act) or self._people[self._who]["straight"]
        return shots[int((time.monotonic() - self._since) * FPS) % len(shots)]

    def off(self) -> None:
        """From now on it gives nothing more."""
        self._is_off.set()

    @property
    def is_off(self) -> bool:
        """True once it gives nothing more."""
        return self._is_off.is_set()

    def close(self) -> None:
        """End it."""
        self.off()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> ActingCamera:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _handler(camera: ActingCamera) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            while not camera.is_off:
                data = camera.shot()
                head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data)
                try:
                    self.wfile.write(head + data + b"\r\n")
                except OSError:  # the reader has left
                    return
                time.sleep(1 / FPS)

        def log_message(self, *args: object) -> None:
            return

    return Handler


def _jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
