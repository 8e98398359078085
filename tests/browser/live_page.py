"""The live page as somebody uses it, and a demo that fills all of its parts."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from chromium import PATIENCE_MS, ROOT

from streamface import build
from streamface.capture import demo
from streamface.gallery.stranger_store import StrangerStore, View
from streamface.settings import Settings

DATABASE = ROOT / "database"
PASSWORD = "correct horse battery"
DIALOGS = ("enrol", "person", "new", "naming")


def prepared_demo(home: Path, database: Path = DATABASE, *more: str) -> list[str]:
    """Arguments of a stream that shows the demo over and over; what it keeps lies in `home`.

    A stranger who looks like nobody there was seen on two visits before.
    """
    strangers, settings = home / "strangers.sqlite", Settings()
    face = build.network_key(settings)
    vector = np.random.default_rng(1).normal(size=build.spec(settings).dimensions).astype(np.float32)
    with StrangerStore(strangers) as store:
        view = View(vector / np.linalg.norm(vector), 0.9, _portrait("Grace Hopper"))
        number = store.create(face, time.time() - 7200, view)
        store.come(number, time.time() - 3600, True)
    kept = ["--store", str(home / "store.sqlite"), "--strangers", "--stranger-store", str(strangers), "--no-watch"]
    return ["serve", "--source", "demo", "--loop", "--actions", "none", "--database", str(database), *kept, *more]


def _portrait(person: str) -> bytes:
    import cv2

    portrait = next(one for one in demo.people() if one.person == person)
    sprite = portrait.sprites[0][:, :, :3]
    face = portrait.face.padded(0.3).clipped(sprite.shape[1], sprite.shape[0])
    left, top, right, bottom = (round(side) for side in (face.left, face.top, face.right, face.bottom))
    return cv2.imencode(".jpg", sprite[top:bottom, left:right])[1].tobytes()


def wait_for_faces(page) -> None:
    """Until somebody known and everything around the pictures is shown."""
    page.wait_for_selector(".labels > button.known", state="attached")
    page.wait_for_selector("#in-view .known")
    page.wait_for_selector("#people-list li")
    page.wait_for_selector("#visit-list li")


def click_face(page, kind: str, dialog: str) -> None:
    """Click, or tap, a face of that kind ('known', 'unknown') in the picture, which moves, until its dialog opens."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate("(id) => document.getElementById(id).open", dialog):
        assert time.monotonic() < end, f"no face that is {kind} could be clicked"
        if page.evaluate("(id) => !!document.querySelector(`dialog[open]:not(#${id})`)", dialog):
            page.keyboard.press("Escape")  # of another face, which came in between
            page.wait_for_timeout(100)
            continue
        place = page.evaluate(
            """(kind) => {
                const face = document.querySelector(`.labels > button.${kind}:not(.hidden-face)`);
                if (!face) return null;
                face.closest(".camera").scrollIntoView({ block: "start" });
                const { x, y, width, height } = face.getBoundingClientRect();
                return [x + width / 2, y + height / 2];
            }""",
            kind,
        )
        if place and place[0] > 0:
            page.touchscreen.tap(*place) if page.evaluate("'ontouchstart' in window") else page.mouse.click(*place)
        page.wait_for_timeout(200)


def open_dialog(page, which: str):
    """Open one of `DIALOGS`, as by hand; its element."""
    if which == "enrol":
        click_face(page, "unknown", "enrol")
    elif which == "person":
        page.click("#people-list button")
    elif which == "new":
        page.click("#add-person")
    else:
        page.click("#stranger-list button >> nth=0")
    found = page.locator(f"dialog#{'person' if which == 'new' else which}")
    found.wait_for()
    return found
