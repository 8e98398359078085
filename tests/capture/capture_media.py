"""Clips, pictures and cameras for the tests of this room, made on the spot."""

from __future__ import annotations

import http.server
import io
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np

STEP = 6
"""Grey levels between two frames, so that a frame's number can be read from its brightness."""


def picture(number: int, size_wh: tuple[int, int] = (64, 48)) -> np.ndarray:
    """A picture whose brightness tells its number, with a bright block at the top left."""
    image = np.full((size_wh[1], size_wh[0], 3), min(20 + STEP * number, 250), np.uint8)
    image[: size_wh[1] // 4, : size_wh[0] // 4] = 255
    return image


def number_of(image: np.ndarray) -> int:
    """The number of a `picture`, after any codec."""
    height, width = image.shape[:2]
    return round((float(image[height // 2 :, width // 2 :].mean()) - 20) / STEP)


def write_clip(target, count: int = 10, times=None, fps: int = 25, size_wh=(64, 48), **options) -> None:
    """Write `count` pictures as H.264, at `times` in seconds or evenly."""
    container_format = options.pop("format", None)
    codec = options.pop("codec", "libx264")
    muxer = {"movflags": "faststart"} if options.pop("faststart", False) else {}
    place = target if isinstance(target, io.IOBase) else str(target)
    with av.open(place, "w", format=container_format, options=muxer) as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height = size_wh
        stream.pix_fmt = options.pop("pix_fmt", "yuv420p")
        stream.gop_size = options.pop("gop_size", 12)
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for i in range(count):
            frame = av.VideoFrame.from_ndarray(picture(i, size_wh), format="bgr24")
            frame.time_base = Fraction(1, 1000)
            frame.pts = round(1000 * (times[i] if times else i / fps))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def turn_clip(path, matrix: tuple[int, ...]) -> None:
    """Overwrite the display matrix of an MP4's video track, as a phone that was held upright writes it."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # version 0: past times, ids, duration, layer, volume
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    path.write_bytes(data)


def jpeg(number: int) -> bytes:
    """A `picture` as JPEG."""
    import cv2

    return cv2.imencode(".jpg", picture(number))[1].tobytes()


@contextmanager
def http_camera(body) -> Iterator[str]:
    """'127.0.0.1:port' of a server that calls `body(handler)` for each request; what it waits for must end by
    itself or by the connection's end."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                body(self)
            except OSError:
                return

        def log_message(self, *args: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def start_mjpeg(handler) -> None:
    """Send the head of an MJPEG stream."""
    handler.send_response(200)
    handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
    handler.end_headers()


def send_mjpeg(handler, number: int) -> None:
    """Send one picture of an MJPEG stream."""
    data = jpeg(number)
    handler.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data))
    handler.wfile.write(data + b"\r\n")
    handler.wfile.flush()


@contextmanager
def silent_server() -> Iterator[str]:
    """'127.0.0.1:port' of a server that accepts a connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:track1\r\n"


@contextmanager
def rtsp_camera(stream: bytes, repeats: int = 1) -> Iterator[tuple[str, list[str]]]:
    """'127.0.0.1:port' of an RTSP camera that sends an MPEG transport stream over TCP, then says nothing more;
    and the list of requests that it got."""
    requests: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve_rtsp, args=(listener, stream, repeats, requests))
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", requests
        finally:
            thread.join()


def _serve_rtsp(listener: socket.socket, stream: bytes, repeats: int, requests: list[str]) -> None:
    listener.settimeout(10)
    connection = listener.accept()[0]
    connection.settimeout(10)
    with connection, connection.makefile("rb") as lines:
        try:
            while request := _rtsp_request(lines):
                requests.append(request)
                connection.sendall(_rtsp_answer(request))
                if request.startswith("PLAY"):
                    for packet in _rtp(stream * repeats):
                        connection.sendall(packet)
        except OSError:
            return


def _rtsp_request(lines) -> str:
    text = ""
    while (line := lines.readline().decode()) not in ("\r\n", ""):
        text += line
    return text


def _rtsp_answer(request: str) -> bytes:
    sequence = re.search(r"CSeq: (\d+)", request).group(1)
    body, head = "", f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nSession: 1\r\n"
    if request.startswith("DESCRIBE"):
        body = SDP
        head += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
    if request.startswith("SETUP"):
        head += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
    return f"{head}\r\n{body}".encode()


def _rtp(stream: bytes) -> Iterator[bytes]:
    for number, at in enumerate(range(0, len(stream), 7 * 188)):
        payload = stream[at : at + 7 * 188]
        packet = (
            bytes((0x80, 33)) + number.to_bytes(2, "big") + (number * 900).to_bytes(4, "big") + b"\0\0\0\1" + payload
        )
        yield b"$\0" + len(packet).to_bytes(2, "big") + packet
