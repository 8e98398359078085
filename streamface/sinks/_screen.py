"""Is there a display, and how large is it: asked of the system, because OpenCV ends the process when there is none."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys

import cv2

USUAL_WH = (1920, 1080)
"""Assumed where the system does not tell."""


def problem() -> str | None:
    """Why no window can be shown, in words that end in what to do; None when one can."""
    if _toolkit() == "NONE":
        return "this OpenCV was built without windows: pip uninstall opencv-python-headless, then install opencv-python"
    if sys.platform.startswith("linux") and size_wh() is None and not _wayland():
        return "there is no display: set DISPLAY, or go on without a window (--no-display)"
    return None


def size_wh() -> tuple[int, int] | None:
    """(width, height) of the main screen in pixels; None without one."""
    if sys.platform == "win32":
        metrics = ctypes.windll.user32.GetSystemMetrics
        return metrics(0), metrics(1)
    if sys.platform == "darwin":
        return _size_on_mac()
    return _size_on_x11() if os.environ.get("DISPLAY") else None


def _toolkit() -> str:
    """The window system that OpenCV was built with, such as 'QT5', 'GTK3', 'WIN32UI', 'COCOA' or 'NONE'."""
    for line in cv2.getBuildInformation().splitlines():
        if line.strip().startswith("GUI:"):
            return line.partition(":")[2].strip().upper()
    return ""


def _wayland() -> bool:
    """True where OpenCV can use Wayland itself: builds with GTK can, those on the package index (Qt) cannot."""
    return bool(os.environ.get("WAYLAND_DISPLAY")) and _toolkit().startswith("GTK")


def _size_on_x11() -> tuple[int, int] | None:
    """Opens the display and closes it again: the only test that also covers a refused connection."""
    name = ctypes.util.find_library("X11")
    if name is None:
        return USUAL_WH if _x11_socket() else None
    x11 = ctypes.CDLL(name)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    for function in (x11.XCloseDisplay, x11.XDefaultScreen):
        function.argtypes = [ctypes.c_void_p]
    for function in (x11.XDisplayWidth, x11.XDisplayHeight):
        function.argtypes = [ctypes.c_void_p, ctypes.c_int]
    display = x11.XOpenDisplay(None)
    if not display:
        return None
    try:
        screen = x11.XDefaultScreen(display)
        return x11.XDisplayWidth(display, screen), x11.XDisplayHeight(display, screen)
    finally:
        x11.XCloseDisplay(display)


def _x11_socket() -> bool:
    """True where a local display's socket exists; used where the X11 library is not installed."""
    host, _, number = os.environ["DISPLAY"].rpartition(":")
    return host in ("", "unix") and os.path.exists(f"/tmp/.X11-unix/X{number.partition('.')[0]}")


def _size_on_mac() -> tuple[int, int] | None:
    path = ctypes.util.find_library("CoreGraphics")
    if path is None:
        return None
    graphics = ctypes.CDLL(path)
    screen = graphics.CGMainDisplayID()
    for function in (graphics.CGDisplayPixelsWide, graphics.CGDisplayPixelsHigh):
        function.restype = ctypes.c_size_t
    return graphics.CGDisplayPixelsWide(screen), graphics.CGDisplayPixelsHigh(screen)
