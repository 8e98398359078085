"""Makes every picture in this folder anew: `python docs/images/make.py [NAME ...]`

Needs Debian's Chromium and Playwright (`apt-get install chromium`, `pip install '.[test]'`). Nobody is in the pictures
but the two people of the demo, whose portraits are in the public domain; the head that turns is such a portrait, given
depth.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from acting_camera import EMPTY, ActingCamera  # noqa: E402
from chromium import DESKTOP, PHONE, chromium, missing, open_page, until  # noqa: E402
from live_page import DATABASE, click_face, wait_for_faces  # noqa: E402
from served_stream import ServedStream  # noqa: E402
from turning_head import TurningHead  # noqa: E402

from streamface.configuration import settings_from  # noqa: E402
from streamface.sinks.base import Sink  # noqa: E402
from streamface.stream import Stream  # noqa: E402
from streamface.types import FrameResult  # noqa: E402
from streamface.web import passwords  # noqa: E402

HERE = Path(__file__).resolve().parent
MOST_BYTES = 110_000
SIZES = {"desktop": DESKTOP, "phone": PHONE}
DEMO_FRAME = 72
"""Both people of the demo are in sight, apart, and near."""
BOTH_APART = """(() => {
    const boxes = [...document.querySelectorAll(".labels > button:not(.hidden-face)")].map((b) => b.style);
    const named = document.querySelector(".labels > .known") && !document.querySelector(".labels > .waiting");
    const listed = document.querySelectorAll("#in-view li").length;
    return named && listed === 2 && boxes.length === 2 && boxes.every((s) => parseFloat(s.height) > 19)
        && Math.abs(parseFloat(boxes[0].left) - parseFloat(boxes[1].left)) > 35;
})()"""


def keep(name: str, image: np.ndarray) -> None:
    """Write a picture, (H, W, 3) uint8 BGR, as WebP or JPEG, as good as fits into `MOST_BYTES`."""
    picture, path = Image.fromarray(image[:, :, ::-1]), HERE / name
    for quality in (85, 80, 70, 60, 50, 40):
        data = io.BytesIO()
        picture.save(data, "JPEG" if path.suffix == ".jpg" else "WEBP", quality=quality, method=6)
        if data.tell() <= MOST_BYTES:
            break
    path.write_bytes(data.getvalue())
    print(f"{path.relative_to(ROOT)}: {picture.width}x{picture.height}, {data.tell() // 1000} kB", flush=True)


class Shots:
    """Takes pictures of pages, in windows of both sizes."""

    def __init__(self, browser) -> None:
        self._browser = browser

    def each(self, url: str, take: Callable[[object, Callable[[str], None]], None], size: str | None = None) -> None:
        """Open `url` in each size; `take(page, shoot)` shows what is wanted and calls `shoot(name)`."""
        for one, size_wh in SIZES.items():
            if size in (None, one):
                page = open_page(self._browser, size_wh)
                page.goto(url)
                take(page, lambda name, page=page, one=one: self._shoot(page, f"{name}-{one}.webp"))
                page.context.close()

    @staticmethod
    def _shoot(page, name: str) -> None:
        keep(name, cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR))


class Last(Sink):
    """The picture of one frame with its labels."""

    wants_image = True

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        if result.frame.index == DEMO_FRAME:
            self.image = image.copy()


def demo(shots: Shots) -> None:
    """The window of the README's first command."""
    arguments = ["--source", "demo", "--database", str(DATABASE), "--no-display", "--max-frames", str(DEMO_FRAME + 1)]
    with Stream(settings_from(arguments)) as stream:
        stream.run([seen := Last()])
    keep("demo.jpg", seen.image)


@contextmanager
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def live(shots: Shots) -> None:
    """The live page, its lists, and the dialog about somebody."""
    with home() as place:
        kept = ["--store", str(place / "store.sqlite"), "--strangers", "--stranger-pictures", "--no-watch"]
        arguments = ["serve", "--source", "demo", "--loop", "--database", str(DATABASE), *kept]
        with ServedStream(arguments):
            time.sleep(16)  # so that it is not the stranger's first visit
        with ServedStream(arguments) as stream:
            shots.each(stream.url, live_page)
            shots.each(stream.url, lists)
            shots.each(stream.url, somebody)


def live_page(page, shoot: Callable[[str], None]) -> None:
    wait_for_faces(page)
    page.wait_for_selector("#stranger-list li")
    until(page, BOTH_APART, 60)
    shoot("live")


def lists(page, shoot: Callable[[str], None]) -> None:
    wait_for_faces(page)
    page.wait_for_selector("#stranger-list li")
    page.evaluate("document.querySelector('#visits').scrollIntoView()")
    page.wait_for_timeout(2000)
    shoot("visits")


def somebody(page, shoot: Callable[[str], None]) -> None:
    wait_for_faces(page)
    page.click("#people-list button")
    page.wait_for_selector("#person-pictures img")
    page.wait_for_timeout(1000)
    shoot("person")


def enrolment(shots: Shots) -> None:
    """The guide, with three of its pictures taken."""
    for size in SIZES:
        with home() as place, ActingCamera({"she": TurningHead("Grace Hopper", face_px=200).acts()}) as camera:
            kept = ["--database", str(place / "people"), "--store", str(place / "store.sqlite")]
            (place / "cameras.yaml").write_text(f"cameras:\n  - name: entrance\n    source: {camera.url}\n")
            camera.step_in("she")
            with ServedStream(["serve", "--config", str(place / "cameras.yaml"), *kept]) as stream:
                shots.each(stream.url, lambda page, shoot, camera=camera: guided(page, shoot, camera), size)


def guided(page, shoot: Callable[[str], None], camera: ActingCamera) -> None:
    page.wait_for_selector(".labels > .unknown", state="attached")
    click_face(page, "unknown", "enrol")
    page.fill("#enrol-name", "Grace Hopper")
    while page.locator("#enrol-pictures .taken").count() < 3:
        camera.do("left" if "left" in page.locator("#enrol-hint").text_content() else None)
        page.wait_for_timeout(100)
    camera.do(None)
    page.wait_for_timeout(1500)
    shoot("enrolment")


def login(shots: Shots) -> None:
    """The page for the password."""
    with home() as place:
        (place / "hash").write_text(passwords.hashed("correct horse battery"))
        arguments = ["serve", "--source", "demo", "--loop", "--no-visits", "--password-file", str(place / "hash")]
        with ServedStream(arguments) as stream:
            shots.each(stream.url, lambda page, shoot: (page.wait_for_selector("#password"), shoot("login")))


def kiosk(shots: Shots) -> None:
    """The kiosk while it asks for a turn, and when it has accepted somebody."""
    with home() as place, ActingCamera({"she": TurningHead("Eileen Collins", face_px=180).acts()}) as camera:
        kept = ["--database", str(DATABASE), "--store", str(place / "store.sqlite"), "--liveness", "1"]
        with ServedStream(["kiosk", "--source", camera.url, *kept]) as stream:
            shots.each(stream.url, lambda page, shoot: checked(page, shoot, camera))


def checked(page, shoot: Callable[[str], None], camera: ActingCamera) -> None:
    camera.step_in(EMPTY)
    shown, asked = page.locator("#kiosk"), False
    until(page, "document.querySelector('#kiosk').dataset.state === 'idle'")
    page.wait_for_timeout(1500)
    camera.step_in("she")
    while (state := shown.get_attribute("data-state")) not in ("accepted", "refused"):
        detail = shown.get_attribute("data-detail")
        camera.do(detail if state == "prompt" else None)
        if detail in ("left", "right") and not asked:
            page.wait_for_timeout(400)
            shoot("kiosk-prompt")
            asked = True
        page.wait_for_timeout(50)
    shoot(f"kiosk-{state}")


PICTURES = (demo, live, enrolment, login, kiosk)


def main(names: Sequence[str]) -> None:
    """Make those of these names, or all."""
    if reason := missing():
        sys.exit(reason)
    with chromium() as browser:
        for make in PICTURES:
            if not names or make.__name__ in names:
                make(Shots(browser))


if __name__ == "__main__":
    main(sys.argv[1:])
