"""The program itself as a process of its own: what it is asked, what it holds, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Held:
    """What the program and its readers hold at a moment."""

    program_mb: float
    """Memory of the program as `own_mb` has it, 10^6 bytes."""
    readers_mb: float
    """The same of the processes that read its cameras."""
    threads: int
    handles: int
    """Of the program."""
    readers: int

    @property
    def memory_mb(self) -> float:
        """All of it."""
        return self.program_mb + self.readers_mb


def held(pid: int) -> Held:
    """What the process and its children hold now."""
    readers = [own_mb(child) for child in children(pid)]
    threads, handles = len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))
    return Held(own_mb(pid), sum(readers), threads, handles, len(readers))


def children(pid: int) -> list[int]:
    """The processes that a process started and that are there."""
    return [child.pid for child in psutil.Process(pid).children()]


def used_s(pids: Iterable[int]) -> float:
    """Processor seconds of some processes so far."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(each.user + each.system for each in times)


def own_mb(pid: int) -> float:
    """Memory that the process has for itself and that cannot be read from a file again; 0 of one that has ended.

    Not with what it shares or only read: a library's pages count as its own as soon as no other program uses it.
    """
    lines = _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) * 1024 / 1e6


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


class Program:
    """`python -m streamface ARGUMENTS` until the block ends, its messages in a file.

    cores: the processors it may use; None for all.
    """

    def __init__(self, arguments: list[str], log: Path, cores: set[int] | None = None) -> None:
        self._command, self._cores, self.log = [sys.executable, "-m", "streamface", *arguments], cores, log

    def __enter__(self) -> Program:
        before = os.sched_getaffinity(0)
        with open(self.log, "wb") as log:
            os.sched_setaffinity(0, self._cores or before)
            try:
                self.process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=ROOT)
            finally:
                os.sched_setaffinity(0, before)
        self.pid = self.process.pid
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, limit_s: float = 60.0) -> tuple[float, int]:
        """Send SIGTERM: the seconds until the process is gone, and its exit code."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(limit_s)
        return time.monotonic() - begun, code

    def says(self) -> str:
        """All of its messages."""
        return self.log.read_text(errors="replace")


def metrics(port: int) -> dict[tuple[str, ...], float]:
    """What `/metrics` says: (name, label, label...) -> value."""
    from prometheus_client.parser import text_string_to_metric_families

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def health(port: int) -> dict:
    """What `/healthz` says."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


def is_well(port: int) -> bool:
    """True once every camera is live."""
    try:
        return health(port)["ok"]
    except OSError:
        return False
