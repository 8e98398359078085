"""Passwords out of the list of processes: what stands on a command line is for everybody on the machine to read."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Callable
from pathlib import Path

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def hide(shown: Callable[[str], str]) -> None:
    """Replace each address among the arguments of this process by `shown(address)` in what `ps` shows.

    On Linux alone: the arguments are overwritten where the system keeps them. `sys.argv` stays as it is. Elsewhere, and
    where the system does not say where that is, nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(fields[45]), int(fields[46])  # arg_start and arg_end: 48 and 49 in proc(5), from 1
        known = Path("/proc/self/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return
    if not start or end - start != len(known):
        return
    hidden = b"\0".join(_hidden(argument, shown) for argument in known.split(b"\0"))
    if hidden != known:
        ctypes.memmove(start, hidden, len(hidden))


def _hidden(argument: bytes, shown: Callable[[str], str]) -> bytes:
    """The argument as it may be shown, as long as before: everything must stay where it is."""
    text = argument.decode(errors="surrogateescape")
    address = _SCHEME.search(text)
    if address is None:
        return argument
    at = address.start()
    may_be_seen = (text[:at] + shown(text[at:])).encode(errors="surrogateescape")
    return may_be_seen[: len(argument)].ljust(len(argument))
