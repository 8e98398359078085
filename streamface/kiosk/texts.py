"""The words of the kiosk: what each state says to whoever stands there."""

from __future__ import annotations

import math

from streamface.kiosk.screen import Screen

TITLES = {
    "idle": ("Step in front of the camera", ""),
    "claim": ("Who are you?", "Type your name, or hold your QR code before the camera"),
    "guide nearer": ("Come nearer", ""),
    "guide back": ("Step back a little", ""),
    "guide middle": ("Come to the middle", ""),
    "guide one": ("One person at a time", "The others please step aside"),
    "guide light": ("More light, please", "Your face is too dark or too bright"),
    "guide still": ("Hold still", ""),
    "guide straight": ("Look straight at the camera", ""),
    "checking": ("One moment", "Look at the camera"),
    "prompt left": ("Turn your head to the left", "Slowly, then look back"),
    "prompt right": ("Turn your head to the right", "Slowly, then look back"),
    "prompt smile": ("Smile", ""),
    "prompt straight": ("Look straight at the camera", "Relax your face"),
    "accepted": ("Welcome, {person}", ""),
    "refused unknown": ("I do not know you", ""),
    "refused not claimed": ("You are not recognised as {person}", ""),
    "refused astray": ("That was not what was asked for", "Please try again"),
    "refused flat": ("No head was seen turning", "Please try again, a little slower"),
    "refused slow": ("That took too long", "Please try again"),
    "refused changed": ("Somebody else came before the camera", "Please try again"),
    "refused left": ("You left before the end", "Please try again"),
    "locked": ("Locked", "Too many failed tries. Open again in {wait}"),
    "offline": ("The camera gives no picture", "Please wait, or ask for help"),
}
"""State, or state and detail -> what is said large, and what below it."""


def told(screen: Screen, at: float) -> tuple[str, str]:
    """(large, below) of what is shown at a time in the stream's clock."""
    key = screen.state if screen.detail is None else f"{screen.state} {screen.detail}"
    title, more = TITLES[key]
    wait = _minutes(0.0 if screen.until is None else max(0.0, screen.until - at))
    return title.replace("{person}", screen.person or ""), more.replace("{wait}", wait)


def _minutes(seconds: float) -> str:
    whole = math.ceil(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
