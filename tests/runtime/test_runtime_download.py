"""Downloads from a server on this machine that breaks off, hangs, lies about lengths, or knows no ranges."""

import http.server
import io
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from streamface.errors import WeightsError
from streamface.runtime import download

ROOT = Path(__file__).resolve().parents[2]
CONTENT = bytes(range(256)) * 4000


class Server:
    """Serves CONTENT with faults; `asked` holds the ranges of the requests that came."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.ranges = True
        self.break_after: list[int] = []
        """Bytes after which each of the next answers ends."""
        self.status = 200
        self.hang = False
        self.declared: int | None = None
        self.hold_after: int | None = None
        """Bytes of the next answer after which nothing more comes, until the test ends."""
        self.content = CONTENT
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *_) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.released = threading.Event()
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/weights.h5"

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.asked.append(wanted)
        request.close_connection = True
        if self.hang:
            self.released.wait(5)
            return
        if self.status != 200:
            request.send_error(self.status)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.ranges else 0
        if wanted and self.ranges and start >= len(self.content):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(self.content)}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        body = self.content[start:]
        request.send_response(206 if wanted and self.ranges else 200)
        if wanted and self.ranges:
            request.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        request.send_header("Content-Length", str(self.declared or len(body)))
        request.end_headers()
        request.wfile.write(body[: self.break_after.pop(0)] if self.break_after else body[: self.hold_after])
        if self.hold_after is not None:
            self.released.wait(20)

    def close(self) -> None:
        self.released.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def part(tmp_path):
    return tmp_path / "weights.h5.part"


def test_a_whole_file_with_a_bar_on_standard_error(server, part, capfd):
    download.fetch(server.url, part)
    assert part.read_bytes() == CONTENT and server.asked == [None]
    out, err = capfd.readouterr()
    assert not out and "weights.h5: 100%" in err


def test_broken_connections_go_on_where_they_broke(server, part):
    server.break_after = [300_000, 100_000, 1]
    download.fetch(server.url, part)
    assert part.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=400000-", "bytes=400001-"]


def test_a_part_of_an_earlier_run_is_gone_on_with(server, part):
    part.write_bytes(CONTENT[:500_000])
    download.fetch(server.url, part)
    assert part.read_bytes() == CONTENT and server.asked == ["bytes=500000-"]


def test_a_killed_download_is_gone_on_with_by_the_next_process(server, part):
    server.hold_after = 300_000
    code = f"""
from pathlib import Path
from streamface.runtime import download
download.ANSWER_S = 30
download.fetch({server.url!r}, Path({str(part)!r}))
"""
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL, cwd=ROOT) as killed:
        deadline = time.monotonic() + 30
        while (not part.exists() or part.stat().st_size < 300_000) and time.monotonic() < deadline:
            time.sleep(0.02)
        killed.kill()
    assert part.read_bytes() == CONTENT[:300_000]
    server.hold_after = None
    download.fetch(server.url, part)
    assert part.read_bytes() == CONTENT and server.asked == [None, "bytes=300000-"]


def test_a_part_that_is_whole_already_is_kept(server, part):
    part.write_bytes(CONTENT)
    download.fetch(server.url, part)
    assert part.read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_begun_anew(server, part):
    part.write_bytes(CONTENT + b"more")
    download.fetch(server.url, part)
    assert part.read_bytes() == CONTENT


def test_a_server_without_ranges_begins_anew(server, part):
    server.ranges, server.break_after = False, [300_000]
    download.fetch(server.url, part)
    assert part.read_bytes() == CONTENT and len(server.asked) == 2


def test_a_server_that_always_breaks_at_the_same_place_is_given_up(server, part):
    server.ranges, server.break_after = False, [300_000] * 10
    with pytest.raises(WeightsError, match="127.0.0.1: the connection broke"):
        download.fetch(server.url, part)
    assert len(server.asked) == 1 + download.FRUITLESS


@pytest.mark.parametrize("status", [403, 404, 500])
def test_refusals_are_told_with_their_number_and_cost_nothing(server, part, status):
    server.status = status
    part.write_bytes(CONTENT[:1000])
    with pytest.raises(WeightsError, match=f"127.0.0.1: answer {status}"):
        download.fetch(server.url, part)
    assert part.read_bytes() == CONTENT[:1000]


def test_a_length_other_than_the_known_one_is_refused(server, part):
    with pytest.raises(WeightsError, match="1,024,000 bytes instead of 5"):
        download.fetch(server.url, part, size=5)
    assert not part.exists()


def test_a_promise_of_more_than_comes_is_no_whole_file(server, part):
    server.declared, server.ranges = len(CONTENT) + 10, False
    with pytest.raises(WeightsError, match="the connection broke"):
        download.fetch(server.url, part)


def test_a_hanging_server_is_left_after_the_time_of_an_answer(server, part, monkeypatch):
    monkeypatch.setattr(download, "ANSWER_S", 0.3)
    server.hang = True
    began = time.monotonic()
    with pytest.raises(WeightsError, match="127.0.0.1: no answer in 0.3 s"):
        download.fetch(server.url, part)
    assert time.monotonic() - began < 3 and len(server.asked) == 1 and not part.exists()


def test_nobody_there(part):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(WeightsError, match="127.0.0.1: .*refused"):  # nobody else can take it meanwhile
            download.fetch(f"http://127.0.0.1:{port}/x.h5", part)


def test_a_full_disk_is_told_as_such_and_not_tried_again(server, part, monkeypatch):
    class Full(io.BytesIO):
        def write(self, _) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_opened", lambda *_: Full())
    with pytest.raises(WeightsError, match="cannot write .*weights.h5.part: No space left on device"):
        download.fetch(server.url, part)
    assert len(server.asked) == 1


def test_a_folder_that_cannot_be_written_is_told_as_such(server, tmp_path):
    with pytest.raises(
        WeightsError, match="cannot write .*weights.h5.part: No such file or directory: .*STREAMFACE_HOME"
    ):
        download.fetch(server.url, tmp_path / "gone" / "weights.h5.part")


def test_drive_is_left_to_gdown(part, monkeypatch):
    import contextlib

    import gdown

    url = "https://drive.google.com/uc?id=abc"
    monkeypatch.setattr(download.urllib.request, "urlopen", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(gdown, "download", lambda address, output, **_: part.write_bytes(address.encode()) and output)
    download.fetch(url, part)
    assert part.read_bytes() == url.encode()
    monkeypatch.setattr(gdown, "download", lambda *_, **__: None)
    with pytest.raises(WeightsError, match="drive.google.com"):
        download.fetch(url, part)
