"""Each rule of the site's security has an attack here that fails."""

import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from streamface.types import Frame, FrameResult
from streamface.web import app, passwords
from streamface.web.guard import BODY_LIMIT, COOKIE, Access, hosts_for
from streamface.web.site import Site
from streamface.web.views import View

PASSWORD = "correct horse"
HASH = passwords.hashed(PASSWORD)
HERE = "http://localhost:8000"


def client(password_hash: str | None = None, **options) -> TestClient:
    view = View("front <b>door")
    image = np.full((90, 160, 3), 120, np.uint8)
    view.write(FrameResult(Frame(image, 0, 1e9, None, "door")), None)
    site = Site({view.camera: view}, Access(hosts_for("127.0.0.1"), password_hash, **options))
    return TestClient(app.create(site), base_url=HERE)


def signed_in(password_hash: str | None = HASH) -> tuple[TestClient, dict[str, str]]:
    """A client with a session, and the header that allows changes."""
    made = client(password_hash)
    answer = made.post("/api/session", json={"password": PASSWORD})
    assert answer.status_code == 200
    return made, {"X-Form-Token": answer.json()["form_token"]}


@pytest.mark.parametrize("path", ["/", "/api/cameras", "/api/openapi.json", "/api/cameras/x/picture.jpg", "/unknown"])
def test_nothing_is_shown_without_the_password(path):
    answer = client(HASH).get(path, follow_redirects=False)
    assert answer.status_code == (401 if path.startswith("/api/") else 303)
    assert answer.headers.get("location", "/login?").startswith("/login?")


def test_the_right_password_opens_and_signing_out_closes():
    made, header = signed_in()
    assert made.get("/api/cameras").json()[0]["camera"] == "front <b>door"
    assert made.delete("/api/session", headers=header).status_code == 200
    assert made.get("/api/cameras").status_code == 401


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites():
    cookie = client(HASH).post("/api/session", json={"password": PASSWORD}).headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}=") and "httponly" in cookie and "samesite=strict" in cookie


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Form-Token": "guessed"},
        {"X-Form-Token": "right", "Origin": "http://evil.example"},
        {"X-Form-Token": "right", "Origin": "null"},
        {"X-Form-Token": "right", "Sec-Fetch-Site": "cross-site"},
        {"X-Form-Token": "right", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_change_from_another_site_is_refused(headers):
    made, right = signed_in()
    sent = {**headers, **({} if headers.get("X-Form-Token") != "right" else right)}
    assert made.delete("/api/session", headers=sent).status_code == 403
    assert made.get("/api/cameras").status_code == 200  # still signed in
    assert made.delete("/api/session", headers={**right, "Origin": HERE}).status_code == 200


def test_without_a_password_a_change_still_needs_the_page():
    made = client()
    assert made.get("/").status_code == 200 and COOKIE in made.cookies
    assert made.delete("/api/session").status_code == 403


def test_another_sites_name_for_this_computer_is_refused():
    for host in ("evil.example", "evil.example:8000", "localhost.evil.example", "", "[", "127.0.0.1@evil.example"):
        assert client().get("/api/cameras", headers={"Host": host}).status_code in (400, 421), host
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"):
        assert client().get("/api/cameras", headers={"Host": host}).status_code == 200, host


def test_a_socket_from_another_site_or_without_the_password_is_refused():
    address = "ws://localhost/api/cameras/front <b>door/live?drawn=false"
    made, _ = signed_in()
    for origin in ("http://localhost", None):
        with made.websocket_connect(address, headers={"Origin": origin} if origin else {}) as socket:
            assert socket.receive_json()["picture"]
    for origin in ("http://evil.example", "http://localhost.evil.example", "null"):
        with pytest.raises(WebSocketDisconnect) as caught, made.websocket_connect(address, headers={"Origin": origin}):
            pass
        assert "another site" in caught.value.reason
    with pytest.raises(WebSocketDisconnect) as caught, client(HASH).websocket_connect(address):
        pass
    assert caught.value.reason == "sign in first"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/%2e%2e%2fguard.py",
        "/static//etc/passwd",
        "/static/..%5capp.py",
        "/api/cameras/..%2f..%2fetc%2fpasswd/picture.jpg",
        "//etc/passwd",
    ],
)
def test_no_file_outside_static_is_served(path):
    answer = client().get(path)
    assert answer.status_code in (404, 400) and "import" not in answer.text and "root:" not in answer.text


def test_a_name_with_markup_stays_text():
    made = client()
    assert "<b>" not in made.get("/").text
    answer = made.get("/api/cameras")
    assert answer.headers["content-type"].startswith("application/json")
    for path in ("/", "/api/cameras", "/static/app.js", "/nowhere"):
        headers = made.get(path).headers
        assert (
            "default-src 'self'" in headers["content-security-policy"]
            and "unsafe" not in headers["content-security-policy"]
        )
        assert headers["x-content-type-options"] == "nosniff"


def test_wrong_passwords_slow_down_and_the_right_one_waits_too():
    now = [0.0]
    made = client(HASH, throttle=passwords.Throttle(lambda: now[0]))
    answers = [made.post("/api/session", json={"password": f"wrong {n}"}).status_code for n in range(8)]
    assert answers == [403] * passwords.FREE_TRIES + [429] * (8 - passwords.FREE_TRIES)
    assert made.post("/api/session", json={"password": PASSWORD}).status_code == 429
    now[0] = 1.5
    assert made.post("/api/session", json={"password": "wrong"}).status_code == 403
    now[0] = 2.6  # the sixth wrong one costs 2 s
    assert made.post("/api/session", json={"password": PASSWORD}).status_code == 429
    now[0] = 4.0
    assert made.post("/api/session", json={"password": PASSWORD}).status_code == 200


def test_a_body_that_is_too_long_is_refused_however_it_is_sent():
    made = client()
    assert made.post("/api/session", content=b"x" * (BODY_LIMIT + 1)).status_code == 413
    pieces = (b"x" * 1024 for _ in range(BODY_LIMIT // 1024 + 1))
    assert made.post("/api/session", content=pieces).status_code == 413
    assert made.post("/api/session", content=b"{", headers={"Content-Length": "99999999999"}).status_code in (400, 413)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"password": 3}', b'{"password": null}', b"\xff\xfe", b'{"password": "' + b"a" * 5000 + b'"}'],
)
def test_a_malformed_sign_in_is_a_plain_refusal(body):
    answer = client(HASH).post("/api/session", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500


def test_a_session_ends_when_it_is_not_used():
    from streamface.web.sessions import IDLE_S, MOST, Sessions

    now = [0.0]
    sessions = Sessions(lambda: now[0])
    first = sessions.begin()
    now[0] = IDLE_S - 1
    assert sessions.find(first.token) == first
    now[0] += IDLE_S - 1
    assert sessions.find(first.token) == first
    now[0] += IDLE_S + 1
    assert sessions.find(first.token) is None
    tokens = [sessions.begin().token for _ in range(MOST + 5)]
    assert sessions.find(tokens[0]) is None and sessions.find(tokens[-1]) is not None
