"""A TCP proxy between a camera and the program that does to the stream what cables, switches and cameras do."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Coroutine
from typing import Any

FAULTS = ("stall", "cut", "delay", "drop", "corrupt")
CHUNK = 8192


class Proxy:
    """127.0.0.1:`port` -> the camera at 127.0.0.1:`target`; a context manager with a thread of its own.

    `mode` says what happens to what passes:

    - 'pass': nothing.
    - 'stall': connections stand and are accepted, no byte passes in either direction.
    - 'cut': all connections are reset, new ones refused.
    - 'delay': everything from the camera comes `delay_s` later.
    - 'drop': the first chunk from the camera is swallowed, then one in five.
    - 'corrupt': in the first and then in one chunk in five some bytes are replaced.
    """

    def __init__(self, target: int, chance: random.Random) -> None:
        self._target, self._chance = target, chance
        self.mode = "pass"
        self._spared = True  # nothing was harmed in this mode yet
        self.delay_s = 1.0
        self.harmed = 0
        """Chunks that were stalled, delayed, dropped or corrupted, and connections that were cut."""
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        self.port = 0
        self._do(self._listen())
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def set(self, mode: str) -> None:
        """Change the mode; returns when it is in effect."""
        self._do(self._set(mode))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _set(self, mode: str) -> None:
        before, self.mode, self._spared = self.mode, mode, True
        if mode == "cut":
            self._server.close()
            self._reset()
        elif before == "cut":
            await self._listen()

    def _reset(self) -> None:
        for writer in self._writers:
            self.harmed += 1
            writer.transport.abort()

    async def _close(self) -> None:
        self._server.close()
        self._reset()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        there_writer: asyncio.StreamWriter | None = None
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(there_writer)
            if self.mode == "cut":  # between the two, the line was cut
                return
            ways = (self._pass(reader, there_writer, False), self._pass(there_reader, writer, True))
            await asyncio.wait([asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            return
        finally:
            for end in filter(None, (writer, there_writer)):
                end.transport.abort()
                self._writers.discard(end)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_camera: bool) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(2000)
        sending = asyncio.ensure_future(self._send(queue, writer))
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                delay_s = self.delay_s if is_camera and self.mode == "delay" else 0.0
                while self.mode == "stall":
                    self.harmed += 1
                    await asyncio.sleep(0.02)
                data = self._harmed(data) if is_camera else data
                await queue.put((self._loop.time() + delay_s, data))
        sending.cancel()

    async def _send(self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                due, data = await queue.get()
                if due > self._loop.time():
                    self.harmed += 1
                    await asyncio.sleep(due - self._loop.time())
                writer.write(data)
                await writer.drain()

    def _harmed(self, data: bytes) -> bytes:
        if self.mode not in ("drop", "corrupt") or (self._chance.random() > 0.2 and not self._spared):
            return data
        self._spared = False
        self.harmed += 1
        if self.mode == "drop":
            return b""
        broken = bytearray(data)
        for _ in range(4):
            broken[self._chance.randrange(len(broken))] = self._chance.randrange(256)
        return bytes(broken)
