"""Viewers of the live page without a browser: such as take every picture, and such as have stopped reading."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import urllib.request
from typing import Protocol
from urllib.parse import urlsplit

PAGE = ("", "static/style.css", "static/live.css", "static/app.js", "api/session", "api/people?search=")
"""What a browser gets when the page is opened; its other scripts are as small."""
AGAIN = {"api/visits": 10.0, "api/visits/names": 10.0, "api/strangers": 15.0}
"""What the page asks for again and again -> seconds between."""


class Site(Protocol):
    """What is looked at."""

    url: str
    camera: str


class Viewers:
    """Browsers that look at the live page, in a thread."""

    def __init__(self, site: Site, widths: tuple[int, ...], drawn: bool) -> None:
        self.pictures, self.bytes = 0, 0
        self._site, self._drawn = site, drawn
        self._loop = asyncio.new_event_loop()
        work = [self._poll(index) for index in range(len(widths))] + [self._watch(width) for width in widths]
        self._tasks = [self._loop.create_task(one) for one in work]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        ends = self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self.faults = [end for end in ends if not isinstance(end, asyncio.CancelledError)]

    async def _watch(self, width: int) -> None:
        from websockets.asyncio.client import connect

        address = f"{self._site.url.replace('http:', 'ws:')}api/cameras/{self._site.camera}/live"
        query = f"drawn={str(self._drawn).lower()}&width={width}"
        async with connect(f"{address}?{query}", max_size=None) as viewer:
            async for message in viewer:
                if isinstance(message, bytes):
                    self.pictures, self.bytes = self.pictures + 1, self.bytes + len(message)
                elif json.loads(message)["picture"]:
                    continue
                await viewer.send("next")

    async def _poll(self, number: int) -> None:
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        for path in PAGE:
            await asyncio.to_thread(self._get, browser, path)
        due = {path: time.monotonic() + number for path in AGAIN}
        while True:
            for path in [path for path, at in due.items() if at <= time.monotonic()]:
                await asyncio.to_thread(self._get, browser, path)
                due[path] = time.monotonic() + AGAIN[path]
            await asyncio.sleep(0.2)

    def _get(self, browser: urllib.request.OpenerDirector, path: str) -> None:
        with browser.open(self._site.url + path, timeout=30) as answer:
            answer.read()

    def close(self) -> None:
        for task in self._tasks:
            self._loop.call_soon_threadsafe(task.cancel)
        self._thread.join()
        self._loop.close()
        if self.faults:
            raise SystemExit(f"a viewer failed: {self.faults[0]!r}")


class Stopped:
    """Viewers who ask for picture after picture and read none."""

    pictures = bytes = 0

    def __init__(self, site: Site, widths: tuple[int, ...], drawn: bool) -> None:
        where = urlsplit(site.url)
        self._connections = []
        for width in widths:
            made = socket.socket()
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            made.connect((where.hostname, where.port))
            path = f"/api/cameras/{site.camera}/picture.jpg?drawn={str(drawn).lower()}&width={width}"
            made.sendall(f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode() * 50)
            self._connections.append(made)

    def close(self) -> None:
        for made in self._connections:
            made.close()
