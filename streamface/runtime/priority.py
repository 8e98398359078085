"""Work beside the stream that can wait."""

from __future__ import annotations

import os
import threading

NICENESS = 10
"""On Linux, where each thread has its own."""


def lower_priority() -> None:
    """Of this thread and those that it starts."""
    if hasattr(os, "setpriority") and os.path.isdir("/proc/self/task"):
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))
