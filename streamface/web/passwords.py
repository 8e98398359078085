"""Passwords: hashed where they are kept, and slow to guess."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from streamface.errors import SettingsError

VARIABLE = "STREAMFACE_PASSWORD_HASH"
"""Environment variable that holds what `hashed` gives."""
FREE_TRIES = 5
"""Wrong passwords from one address before it has to wait."""
LONGEST_S = 300.0
"""Longest wait after a wrong password."""
REMEMBERED = 10_000
"""Addresses whose wrong passwords are remembered at most."""


def hashed(password: str) -> str:
    """The password's Argon2id hash, as it is put into a file or `VARIABLE`.

    Source: Biryukov, Dinu, Khovratovich, "Argon2", RFC 9106. Raises `SettingsError` for fewer than 8 characters.
    """
    if len(password) < 8:
        raise SettingsError("the password has fewer than 8 characters: choose a longer one")
    return _hasher().hash(password)


def kept(file: Path | None) -> str | None:
    """The hash in `file`, else in `VARIABLE`; None where there is neither. Raises `SettingsError` for another text."""
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"cannot read the password file {file}: {str(error).splitlines()[0]}") from error
        where = str(file)
    else:
        text, where = os.environ.get(VARIABLE, "").strip(), VARIABLE
        if not text:
            return None
    if not text.startswith("$argon2"):
        raise SettingsError(f"{where} does not hold a password's hash: make one with `streamface password`")
    return text


def matches(password: str, kept_hash: str) -> bool:
    """True when `password` is the one that was hashed; takes about 30 ms, on purpose."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(kept_hash, password)
    except (InvalidHashError, VerificationError):
        return False


def _hasher():
    try:
        from argon2 import PasswordHasher
    except ImportError as error:
        raise SettingsError("the pages need more packages: pip install 'streamface[web]'") from error
    return PasswordHasher()


class Throttle:
    """How long an address has to wait after wrong passwords: 1 s after the fifth, then twice as long each time.

    Args:
        clock: seconds that never fall.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._wrong: dict[str, tuple[int, float]] = {}

    def wait_s(self, address: str) -> float:
        """Seconds until this address may try again; 0 when it may now."""
        with self._lock:
            count, last = self._wrong.get(address, (0, 0.0))
        if count < FREE_TRIES:
            return 0.0
        pause = min(LONGEST_S, 2.0 ** min(count - FREE_TRIES, 30))
        return max(0.0, last + pause - self._clock())

    def wrong(self, address: str) -> None:
        """Count a wrong password."""
        with self._lock:
            count, _ = self._wrong.pop(address, (0, 0.0))
            self._wrong[address] = count + 1, self._clock()  # at the end, as the latest
            while len(self._wrong) > REMEMBERED:
                del self._wrong[next(iter(self._wrong))]

    def right(self, address: str) -> None:
        """Forget the wrong ones."""
        with self._lock:
            self._wrong.pop(address, None)
