import asyncio
import threading
import time

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from streamface import testing
from streamface.types import LOST, Box, FaceResult, Frame, FrameResult, Match, SourceState, Stranger
from streamface.web import app, views
from streamface.web.guard import Access, hosts_for
from streamface.web.site import Site
from streamface.web.views import View


def result(index: int, grey: int = 100, **changes) -> FrameResult:
    """A frame of one grey with one known person in it."""
    face = FaceResult(testing.track(7, box=Box(80, 45, 160, 135)), Match("Änna <i>", 0.04, "cosine", 0.07))
    frame = Frame(np.full((180, 320, 3), grey, np.uint8), index, 1e9 + index, None, "door")
    return FrameResult(frame, (face,), **changes)


def site(view: View) -> TestClient:
    return TestClient(app.create(Site({view.camera: view}, Access(hosts_for("127.0.0.1"), None))), "http://localhost")


def grey_of(data: bytes) -> int:
    return round(float(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).mean()))


def test_a_camera_tells_who_is_where():
    view = View("door")
    view.write(result(0, source_state=SourceState(LOST, 5.0, "no answer")), None)
    (camera,) = site(view).get("/api/cameras").json()
    assert (camera["state"], camera["reason"], camera["size"]) == ("lost", "no answer", [320, 180])
    (face,) = camera["faces"]
    assert face["identity"] == "Änna <i>" and face["box"] == [0.25, 0.25, 0.5, 0.75] and face["distance"] == 0.04


def test_a_viewer_who_is_slow_gets_the_newest_picture_and_never_a_late_one():
    view = View("door")
    view.write(result(0, 10), None)
    with site(view).websocket_connect("ws://localhost/api/cameras/door/live?drawn=false&width=160") as socket:
        assert socket.receive_json()["version"] == 1 and abs(grey_of(socket.receive_bytes()) - 10) <= 1
        for index in range(1, 50):
            view.write(result(index, 10 + 4 * index), None)
        socket.send_text("next")
        assert socket.receive_json()["version"] == 50 and abs(grey_of(socket.receive_bytes()) - 206) <= 1


def test_labels_are_drawn_only_while_somebody_wants_them():
    view = View("door")
    view.write(result(0), None)
    assert not view.wants_image
    with site(view).websocket_connect("ws://localhost/api/cameras/door/live?drawn=true") as socket:
        socket.receive_json(), socket.receive_bytes()
        time.sleep(1 / views.MOST_FPS)
        assert view.wants_image
        view.write(result(1, 100), np.full((180, 320, 3), 200, np.uint8))
        socket.send_text("next")
        assert socket.receive_json()["picture"] and abs(grey_of(socket.receive_bytes()) - 200) <= 1
    for _ in range(50):
        if not view.wants_image:
            break
        threading.Event().wait(0.05)
    assert not view.wants_image


def test_labels_are_drawn_for_no_more_results_than_viewers_get(monkeypatch):
    monkeypatch.setattr(views, "MOST_FPS", 10.0)
    view, drawn, got = View("door"), [], []

    async def watch() -> None:
        for _ in range(6):
            snapshot = await view.next(got[-1].version if got else 0, 2)
            got.append(snapshot)

    async def play(done: asyncio.Task) -> None:
        for index in range(1000):
            if done.done():
                return
            wanted = view.wants_image
            drawn.append(wanted)
            view.write(result(index), np.zeros((180, 320, 3), np.uint8) if wanted else None)
            assert view.newest.result.frame.index == index, "who is in view is told of every result"
            await asyncio.sleep(0.01)

    async def both() -> None:
        watching = asyncio.create_task(watch())
        await play(watching)
        await watching

    with view.look(drawn=True):
        asyncio.run(both())
    assert all(snapshot.image is not None for snapshot in got)
    assert sum(drawn) <= 3 * len(got), "ten results in 0.1 s, of which viewers get one"


def test_a_result_that_was_not_drawn_is_not_shown_to_those_who_want_labels():
    view, image = View("door"), np.zeros((180, 320, 3), np.uint8)
    with view.look(drawn=True):
        view.write(result(0), image)
        assert asyncio.run(view.next(0, 1)).version == 1
        view.write(result(1), None)
        assert asyncio.run(view.next(1, 2 / views.MOST_FPS)).image is image and view.newest.version == 2
        view.write(result(2), image)
        assert asyncio.run(view.next(1, 1)).version == 3


def test_a_picture_is_encoded_once_for_all_who_look(monkeypatch):
    view, encoded = View("door"), []
    monkeypatch.setattr(views, "_jpeg", lambda image, width: encoded.append(width) or b"jpeg")
    view.write(result(0), None)
    for _ in range(5):
        assert view.jpeg(view.newest, False, 320) == b"jpeg"
    assert encoded == [320]
    view.jpeg(view.newest, False, 640)
    view.write(result(1), None)
    view.jpeg(view.newest, False, 320)
    view.jpeg(view.newest, False, 320)
    assert encoded == [320, 640, 320]


def test_those_who_ask_at_once_share_a_picture_too(monkeypatch):
    view, encoded = View("door"), []

    def slowly(image, width):
        encoded.append(width)
        time.sleep(0.1)
        return b"jpeg"

    monkeypatch.setattr(views, "_jpeg", slowly)
    view.write(result(0), None)
    askers = [threading.Thread(target=view.jpeg, args=(view.newest, False, 320)) for _ in range(5)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert encoded == [320]


def test_viewers_get_the_same_pictures_and_not_too_many(monkeypatch):
    monkeypatch.setattr(views, "MOST_FPS", 5.0)
    view, end = View("door"), time.monotonic() + 1.1

    async def watch() -> list[int]:
        versions = [0]
        while time.monotonic() < end:
            versions.append((await view.next(versions[-1], 2)).version)
        return versions

    async def play() -> None:
        for index in range(1000):
            if time.monotonic() > end + 0.3:
                return
            view.write(result(index), None)
            await asyncio.sleep(0.01)

    async def all_at_once() -> list[list[int]]:
        *seen, _ = await asyncio.gather(watch(), watch(), watch(), play())
        return seen

    seen = asyncio.run(all_at_once())
    shortest = min(map(len, seen))  # each ends by itself, maybe one picture later than another
    assert seen[0][:shortest] == seen[1][:shortest] == seen[2][:shortest] and 3 <= shortest - 1 <= 8
    assert max(map(len, seen)) <= shortest + 1


@pytest.mark.parametrize("width, shape", [(4000, (180, 320)), (320, (180, 320)), (200, (112, 200)), (160, (90, 160)),
                                          (100, (56, 100)), (64, (36, 64))])  # fmt: skip
def test_pictures_are_as_wide_as_asked_for_and_never_wider_than_they_are(width, shape):
    view = View("door")
    view.write(result(0), None)
    data = np.frombuffer(view.jpeg(view.newest, False, width), np.uint8)
    assert cv2.imdecode(data, cv2.IMREAD_COLOR).shape[:2] == shape


def test_an_analysis_thread_is_never_kept_waiting_by_a_viewer_who_has_gone():
    view = View("door")

    async def left() -> None:
        waiting = asyncio.create_task(view.next(view.newest.version, 60))
        await asyncio.sleep(0.01)
        waiting.cancel()

    asyncio.run(left())
    view.write(result(0), None)  # must not touch the loop that is closed
    assert view.newest.version == 1


def test_a_quiet_camera_still_says_how_it_does():
    view = View("door")
    newest = asyncio.run(view.next(0, 0.01))
    assert newest.version == 0 and newest.result is None
    assert site(view).get("/api/cameras").json()[0]["state"] == "connecting"
    assert site(view).get("/api/cameras/door/picture.jpg?drawn=false").status_code == 503


@pytest.mark.parametrize(("query", "size"), [("width=160", (160, 90)), ("width=3000", (320, 180))])
def test_a_picture_has_the_width_that_was_asked_for_but_is_never_enlarged(query, size):
    view = View("door")
    view.write(result(0), None)
    answer = site(view).get(f"/api/cameras/door/picture.jpg?drawn=false&{query}")
    assert answer.headers["content-type"] == "image/jpeg"
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[1::-1] == size


def test_an_unknown_camera_is_said():
    made = site(View("door"))
    assert made.get("/api/cameras/yard/picture.jpg").status_code == 404
    with pytest.raises(WebSocketDisconnect), made.websocket_connect("ws://localhost/api/cameras/yard/live") as socket:
        socket.receive_json()


def test_since_when_somebody_is_there_outlives_the_track():
    view = View("door")
    view.write(result(0), None)
    view.write(result(1), None)
    view.write(FrameResult(result(2).frame), None)  # lost for a moment
    face = FaceResult(testing.track(9, box=Box(82, 45, 162, 135)), Match("Änna <i>", 0.04, "cosine", 0.07))
    view.write(FrameResult(result(3).frame, (face,)), None)
    (shown,) = site(view).get("/api/cameras").json()[0]["faces"]
    assert (shown["track"], shown["since"]) == (9, 1e9)


def test_a_stranger_is_told_with_number_and_visit():
    view = View("door")
    face = FaceResult(testing.track(7), Match(None, 0.2, "cosine", 0.07), stranger=Stranger(3, 2))
    view.write(FrameResult(result(0).frame, (face,)), None)
    (shown,) = site(view).get("/api/cameras").json()[0]["faces"]
    assert (shown["stranger"], shown["visit"], shown["identity"]) == (3, 2, None)
