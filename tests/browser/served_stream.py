"""A stream that serves its pages, in a process of its own, as a user starts it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_S = 120.0
"""Seconds that a start may take, on a machine that does much else."""


class ServedStream:
    """Runs `streamface ARGUMENTS` until closed, once it has said where its pages are; a context manager.

    Args:
        arguments: of the command line; `--serve 0` where they name no port.
        environment: variables beside those of this process.
    """

    def __init__(self, arguments: Sequence[str], environment: dict[str, str] | None = None) -> None:
        where = [] if "--serve" in arguments else ["--serve", "0"]
        command = [sys.executable, "-m", "streamface", *arguments, *where]
        variables = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.said: list[str] = []
        self.url = ""
        self._there = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def cameras(self) -> list[dict]:
        """What the API says of the cameras; of a stream without a password."""
        with urllib.request.urlopen(f"{self.url}api/cameras", timeout=20) as answer:
            return json.load(answer)

    def version(self) -> int:
        """Results that the first camera has given so far."""
        return self.cameras()[0]["version"]

    def wait_for_pictures(self, more: int = 1) -> None:
        """Until the first camera has given some more results."""
        begun, end = self.version(), time.monotonic() + START_S
        while self.version() < begun + more:
            if time.monotonic() > end:
                raise TimeoutError(f"no picture came: {self.said[-5:]}")
            time.sleep(0.1)

    def _read(self) -> None:
        for line in self._process.stderr:
            self.said.append(line.rstrip())
            if found := re.search(r"pages on (http://\S+)", line):
                self.url = found.group(1)
                self._there.set()
        self._there.set()

    def _wait(self) -> None:
        if not self._there.wait(START_S) or not self.url:
            raise RuntimeError(f"it did not start: {self.said[-5:]}")

    def close(self) -> None:
        """End it in good order."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        self._process.stderr.close()

    def __enter__(self) -> ServedStream:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
