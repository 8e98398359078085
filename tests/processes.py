"""Processes as the system lists them; one that ends meanwhile is left out."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil


def running() -> Iterator[psutil.Process]:
    """All that run now, with `pid`, `ppid` and `command` (a text, empty where it may not be read) in their `info`."""
    for process in psutil.process_iter(["pid", "ppid", "status", "cmdline"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE:
            process.info["command"] = " ".join(process.info["cmdline"] or [])
            yield process


def children(pid: int | None = None, command: str = "") -> list[int]:
    """Process ids of what `pid`, or this process, has started, with `command` in their command line."""
    parent = os.getpid() if pid is None else pid
    return [each.pid for each in running() if each.info["ppid"] == parent and command in each.info["command"]]


def readers() -> list[int]:
    """Process ids of the readers of cameras that this process has."""
    return children(command="streamface-reader")
