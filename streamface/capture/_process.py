"""The program's side of a reader's process: started, listened to, killed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from streamface.capture._reader import LEAVE_S
from streamface.capture._wire import Ended, Message, receive

DIE_S = 1.0
"""How long a killed process may take to be gone; longer, and it hangs inside the system. On a machine with ten times
the work that it can do half a second was not enough."""

_START = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "  # systemd sends it to all of a service
    "import sys, json; request = json.loads(sys.stdin.buffer.readline()); sys.path[:] = request.pop('path'); "
    "from streamface.capture._reader import main; main(request); "
    "import os; os._exit(0)"  # threads may hang in calls that Python would wait for, or trip over, as it shuts down
)


class ReaderProcess:
    """A process that reads one camera; a thread here hands each of its messages to `deliver`.

    The address travels through a pipe, so that it stands neither in the list of processes nor in an environment;
    what the process and FFmpeg in it write to standard error goes nowhere.

    request: as `_reader.main` takes it. deliver: called in the thread, and a last time with `Ended`.
    """

    def __init__(self, request: dict[str, Any], deliver: Callable[[Message], None]) -> None:
        self._deliver = deliver
        self._child = subprocess.Popen(
            [sys.executable, "-c", _START, "streamface-reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for the program, which ends its readers itself
        )
        self.pid = self._child.pid
        self._thread = threading.Thread(target=self._listen, name="streamface-reader", daemon=True)
        self._thread.start()
        line = json.dumps({**request, "path": [str(place) for place in sys.path]}) + "\n"
        try:
            self._child.stdin.write(line.encode())
        except BrokenPipeError:  # it died at once; the thread says so
            return

    def _listen(self) -> None:
        message: Message | None = None
        while (message := receive(self._child.stdout)) is not None:
            self._deliver(message)
            if isinstance(message, Ended):
                return
        self._deliver(Ended("the reader's process ended"))

    def close(self, politely: bool) -> bool:
        """End the process and the thread; True when both are gone, False when not even killing helped.

        politely: let it take leave of the camera first, for `LEAVE_S` at most.
        """
        self._child.stdin.close()
        if not (politely and self._is_gone(LEAVE_S)):
            self._child.kill()
        return self.is_gone(DIE_S)

    def is_gone(self, wait_s: float = 0.0) -> bool:
        """True when process and thread have ended; gives their handles back."""
        if not self._is_gone(wait_s):
            return False
        self._thread.join(max(wait_s, 0.1))
        if self._thread.is_alive():
            return False
        self._child.stdout.close()
        return True

    def _is_gone(self, wait_s: float) -> bool:
        try:
            self._child.wait(wait_s)
        except subprocess.TimeoutExpired:
            return False
        return True
