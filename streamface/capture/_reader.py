"""The process that reads one camera: connects, decodes, and hands each picture to the program through a pipe.

A process and not a thread, because a call into FFmpeg, a driver or the name service cannot be interrupted from
outside, while a process can be killed whatever it hangs in: its socket, its device and its memory come back at once,
and a crash in a decoder ends one connection instead of the program.

Here is the side of the child. It gets one line of JSON on standard input; the end of that input tells it to go.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol

from streamface.capture._decode import Broken
from streamface.capture._wire import Answering, Damage, Ended, Message, Opened, RawPicture, Trying, send
from streamface.errors import SourceError

LEAVE_S = 0.4
"""How long the process may take to say goodbye to the camera once it is told to go."""
KNOCK_EVERY_S = 0.5
"""How often a camera that is away is asked whether it is back."""
KNOCK_TIMEOUT_S = 1.0
PATIENCE_S = 30.0
"""A camera that answered before and now does not is left alone for so long, then tried all the same."""


class Device(Protocol):
    """A camera, open; used by one thread of the child's process."""

    opened: Opened

    def read(self) -> RawPicture | Damage | None:
        """The next picture, waiting for it; None at the orderly end. Raises `Broken` or `SourceError`."""

    def close(self) -> None:
        """Give the device back."""


class Kind(Protocol):
    """A module that knows how to open one kind of device, named in the request."""

    def connect(self, **arguments: Any) -> Device:
        """Open the device; raises `Broken` or `SourceError`."""

    def knock(self, limit_s: float, **arguments: Any) -> bool:
        """True where the device is there, found out without opening it."""


def main(request: dict[str, Any]) -> None:
    """Read one device until it ends, breaks, or the program closes the standard input.

    request: `module` (a `Kind`), `arguments` for it, `delay_s` before connecting, `knocks`: whether the device is
    known to answer knocks.
    """
    pipe = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints must not get between the messages
    leaving = threading.Event()
    threading.Thread(target=_leave_when_told, args=(leaving,), daemon=True).start()
    try:
        _read(request, pipe, leaving)
    except OSError:  # nobody is there to read
        return
    except Exception as fault:
        send(pipe, _fault(fault))


def _leave_when_told(leaving: threading.Event) -> None:
    while os.read(0, 4096):  # not through sys.stdin, whose lock would be missing when Python shuts down
        continue
    leaving.set()
    time.sleep(LEAVE_S)
    os._exit(0)  # the main thread may hang in a call that never returns


def _read(request: dict[str, Any], pipe: BinaryIO, leaving: threading.Event) -> None:
    kind: Kind = importlib.import_module(request["module"])
    arguments, lock = request["arguments"], threading.Lock()

    def tell(message: Message) -> None:
        with lock:
            send(pipe, message)

    def knock() -> bool:
        return kind.knock(KNOCK_TIMEOUT_S, **arguments)

    if request["delay_s"]:
        wait(request["delay_s"], knock, tell, PATIENCE_S if request["knocks"] else 0.0)
    tell(Trying())
    tell(_pump(lambda: kind.connect(**arguments), knock, tell, leaving))


def _pump(
    connect: Callable[[], Device], knock: Callable[[], bool], tell: Callable[[Message], None], leaving: threading.Event
) -> Ended:
    """Every picture of the device; why it ended."""
    try:
        device = connect()
        try:
            tell(device.opened)
            if device.opened.is_live:
                threading.Thread(target=lambda: knock() and tell(Answering(back=False)), daemon=True).start()
            while not leaving.is_set() and (picture := device.read()) is not None:
                tell(picture)
        finally:
            device.close()
    except Broken as broken:
        return Ended(broken.reason)
    except SourceError as error:
        return Ended(str(error).partition(":")[0], str(error))
    except BrokenPipeError:
        raise
    except Exception as fault:
        return _fault(fault)
    return Ended(None)


def _fault(fault: Exception) -> Ended:
    """Only its kind: the text may hold the address."""
    return Ended(f"the reader failed with {type(fault).__name__}")


def wait(
    delay_s: float,
    knock: Callable[[], bool],
    tell: Callable[[Message], None],
    patience_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait before the next attempt: `delay_s`, less when the camera answers again, more while it does not.

    A camera that answers all along is left alone for the whole delay: it is there and refused. One that was silent
    and answers is tried at once, so that it is back on the screen a moment after it is back on the network. One that
    stays silent is not tried before `patience_s` more are over, because an attempt at nothing takes long to fail.
    """
    end, silent = clock() + delay_s, False
    while True:
        answers = knock()
        if answers and silent:
            tell(Answering(back=True))
            return
        silent = not answers
        left = end - clock()
        if left + (patience_s if silent else 0.0) <= 0:
            return
        sleep(min(left, KNOCK_EVERY_S) if left > 0 else KNOCK_EVERY_S)
