"""Changing who is known, over the API: in the folder, in the store, and in the gallery in use at once."""

import io

import cv2
import numpy as np
import pytest
from desks import client_of, jpeg, people_desk, put, vector
from PIL import Image

from streamface.gallery.counter_examples import FOLDER
from streamface.gallery.store import Store
from streamface.gallery.stranger_store import StrangerStore, View
from streamface.testing import picture
from streamface.web import guard, uploads

RED, ROSE, ORANGE, GREEN, BLUE = (0, 0, 255), (40, 10, 255), (0, 90, 255), (0, 255, 0), (255, 0, 0)


@pytest.fixture
def folder(tmp_path):
    put(tmp_path / "people/Ann/1.png", RED)
    put(tmp_path / "people/Bob/1.png", GREEN)
    return tmp_path / "people"


@pytest.fixture
def client(desk):
    return client_of(desk)


def name_of(desk, colour):
    return desk.match(vector(colour)).identity


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def send(client, name, *data, **query):
    sent = [("files", (f"{number}.jpg", content, "image/jpeg")) for number, content in enumerate(data, 1)]
    return client.post(f"/api/people/{name}/pictures", files=sent, params=query)


def test_pictures_that_are_sent_are_in_use_at_once(client, desk, folder, tmp_path):
    answer = send(client, "Cy <i>", jpeg(BLUE), jpeg(BLUE, GREEN), b"no picture", jpeg(BLUE, face_px=8))
    assert answer.status_code == 200, answer.text
    good, two, broken, poor = answer.json()
    assert good["problem"] is None and len(good["key"]) == 20
    assert "2 faces" in two["problem"] and "no picture" in broken["problem"] and "poor" in poor["remark"]
    assert name_of(desk, BLUE) == "Cy <i>" and len([file for file in files(folder) if file.startswith("Cy <i>/")]) == 2
    with Store(tmp_path / "store.sqlite") as store:
        assert sum(row.photo.identity == "Cy <i>" for row in store.rows(desk.network).values()) == 2


def test_a_picture_of_somebody_else_is_not_taken_unless_it_is_meant(client, desk):
    (told,) = send(client, "Cy", jpeg(RED)).json()
    assert told["key"] is None and "it shows Ann" in told["problem"]
    assert client.get("/api/people/Cy").status_code == 404
    (near,) = send(client, "Cy", jpeg(ORANGE)).json()
    assert near["key"] and "close to Ann" in near["remark"]
    (meant,) = send(client, "Dan", jpeg(RED), anyway=True).json()
    assert meant["key"] and "it shows Ann" in meant["remark"]


def test_what_is_kept_is_upright_small_and_without_what_else_the_file_held(client, folder):
    image = Image.fromarray(np.ascontiguousarray(picture(BLUE, face_px=640, gap_px=900)[:, :, ::-1]))
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "taken at home", 6
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif, quality=95)
    (told,) = send(client, "Cy", file.getvalue() + b"<script>alert(1)</script>").json()
    assert told["key"], told
    (kept,) = (folder / "Cy").iterdir()
    data = kept.read_bytes()
    assert b"at home" not in data and b"script" not in data
    assert np.prod(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2]) <= uploads.KEPT_PIXELS


def test_rename(client, desk, folder):
    assert client.patch("/api/people/Ann", json={"name": "Anne "}).json() == {
        "name": "Anne", "pictures": 1, "counter_examples": 0,
    }  # fmt: skip
    assert name_of(desk, RED) == "Anne" and files(folder) == ["Anne/1.png", "Bob/1.png"]
    taken = client.patch("/api/people/Anne", json={"name": "Bob"})
    assert taken.status_code == 409 and "merge" in taken.json()["detail"]
    assert client.patch("/api/people/Ann", json={"name": "X"}).status_code == 404


def test_rename_of_pictures_that_lie_in_the_folder_itself(tmp_path):
    put(tmp_path / "people/Ann.png", RED)
    put(tmp_path / "people/Ann/deeper/2.png", ROSE)
    put(tmp_path / f"people/Ann/{FOLDER}/1.png", ORANGE)
    (tmp_path / "people/Ann/notes.txt").write_text("hers")
    with people_desk(tmp_path / "people", tmp_path / "store.sqlite") as desk:
        client = client_of(desk)
        assert client.patch("/api/people/Ann", json={"name": "Anne"}).json()["pictures"] == 2
        assert (name_of(desk, RED), name_of(desk, ORANGE)) == ("Anne", None)
    expected = ["Ann.png", f"{FOLDER}/1.png", "deeper/2.png", "notes.txt"]
    assert files(tmp_path / "people") == sorted(f"Anne/{name}" for name in expected)


def test_merge_takes_everything_but_counter_examples_that_were_a_mistake(client, desk, folder):
    put(folder / "Anna/1.png", ROSE)
    mistake = put(folder / f"Ann/{FOLDER}/1.png", ROSE)
    right = put(folder / f"Anna/{FOLDER}/2.png", ORANGE)
    with people_desk(folder, folder.parent / "second.sqlite") as opened:
        client = client_of(opened)
        assert name_of(opened, ROSE) == "Anna"
        merged = client.post("/api/people/Anna/merge", json={"into": "Ann"})
        assert merged.json() == {"name": "Ann", "pictures": 2, "counter_examples": 1}
        assert name_of(opened, ROSE) == "Ann" and name_of(opened, ORANGE) is None
        assert not mistake.exists() and not right.exists() and not (folder / "Anna").exists()
        assert files(folder) == [f"Ann/{FOLDER}/2.png", "Ann/1-2.png", "Ann/1.png", "Bob/1.png"]
        assert client.post("/api/people/Ann/merge", json={"into": "Nobody"}).status_code == 404
        assert client.post("/api/people/Ann/merge", json={"into": "Ann"}).status_code == 409


def test_remove_leaves_no_picture_and_no_embedding(client, desk, folder, tmp_path):
    counter = {"picture": client.get("/api/people/Ann").json()["pictures"][0]["key"]}
    send(client, "Ann", jpeg(ROSE))
    client.post("/api/people/Ann/not", json=counter)
    assert (folder / f"Ann/{FOLDER}/1.png").exists()
    assert client.delete("/api/people/Ann").status_code == 204
    assert (name_of(desk, RED), files(folder)) == (None, ["Bob/1.png"])
    assert vector(RED).tobytes() not in (tmp_path / "store.sqlite").read_bytes()
    assert client.delete("/api/people/Ann").status_code == 404


def test_a_picture_that_is_not_her_becomes_a_counter_example_and_may_be_taken_back(client, desk, folder):
    send(client, "Ann", jpeg(ORANGE))
    rows = client.get("/api/people/Ann").json()["pictures"]
    key = next(
        row["key"] for row in rows if np.allclose(desk.pictures("Ann")[row["key"]].vector, vector(ORANGE), atol=0.1)
    )
    assert name_of(desk, ORANGE) == "Ann"
    assert client.post("/api/people/Ann/not", json={"picture": key}).status_code == 204
    assert (name_of(desk, ORANGE), name_of(desk, RED)) == (None, "Ann")
    told = client.get("/api/people/Ann").json()
    assert (len(told["pictures"]), len(told["counter_examples"])) == (1, 1)
    face = client.get(f"/api/people/Ann/pictures/{told['counter_examples'][0]['key']}.jpg?size=32")
    assert cv2.imdecode(np.frombuffer(face.content, np.uint8), cv2.IMREAD_COLOR).shape == (32, 32, 3)
    assert client.delete(f"/api/people/Ann/pictures/{told['counter_examples'][0]['key']}").status_code == 204
    assert not (folder / "Ann" / FOLDER / "1.png").exists()


def test_a_person_without_a_picture_left_is_unknown(client, desk):
    key = client.get("/api/people/Bob").json()["pictures"][0]["key"]
    assert client.delete(f"/api/people/Bob/pictures/{key}").status_code == 204
    assert name_of(desk, GREEN) is None and [p["name"] for p in client.get("/api/people").json()] == ["Ann"]
    assert client.delete(f"/api/people/Bob/pictures/{key}").status_code == 404


def test_people_are_found_by_a_part_of_the_name(client):
    assert [p["name"] for p in client.get("/api/people?search=AN").json()] == ["Ann"]
    assert len(client.get("/api/people?limit=1").json()) == 1


@pytest.mark.parametrize(
    "name", ["../evil", "..", ".hidden", "a/b", "a\\b", "", "   ", "\0", "\ud800", "x" * 300, "é" * 150, "__MACOSX"]
)
def test_no_name_leads_out_of_the_folder_or_breaks_anything(client, folder, tmp_path, name):
    import json

    before = sorted(tmp_path.rglob("*"))
    body = json.dumps({"name": name})
    header = {"Content-Type": "application/json"}
    assert 400 <= client.patch("/api/people/Ann", content=body, headers=header).status_code < 500
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "path", ["..%2f..%2fevil", "%2e%2e", "..%5cevil", "%2fetc", ".hidden", "%00", "%ff%fe", "a%0a%2f..%2fb"]
)
def test_no_path_leads_out_of_the_folder_either(client, tmp_path, path):
    before = sorted(tmp_path.rglob("*"))
    assert 400 <= send(client, path, jpeg(BLUE)).status_code < 500
    for method, tail in (("GET", ""), ("DELETE", ""), ("GET", "/pictures/..%2f1.jpg"), ("DELETE", "/pictures/..%2f1")):
        assert 400 <= client.request(method, f"/api/people/{path}{tail}").status_code < 500
    assert sorted(tmp_path.rglob("*")) == before


def test_uploads_are_bounded_in_size_and_number(client, folder):
    assert send(client, "Cy", *[jpeg(BLUE)] * (uploads.MOST_FILES + 1)).status_code == 400
    (told,) = send(client, "Cy", b"\xff\xd8" + bytes(uploads.FILE_LIMIT)).json()
    assert "too large" in told["problem"]
    assert send(client, "Cy", *[bytes(uploads.FILE_LIMIT)] * 3).status_code == 413
    assert client.patch("/api/people/Ann", content=b"x" * (guard.BODY_LIMIT + 1)).status_code == 413
    assert client.post("/api/people/Cy/pictures").status_code == 422
    assert files(folder) == ["Ann/1.png", "Bob/1.png"]


def test_a_person_does_not_fill_the_disk(client, monkeypatch, folder):
    from streamface.web import people_desk as module

    monkeypatch.setattr(module, "MOST_PICTURES", 2)
    assert send(client, "Cy", jpeg(BLUE), jpeg(BLUE)).status_code == 200
    full = send(client, "Cy", jpeg(BLUE))
    assert full.status_code == 409 and "already" in full.json()["detail"]
    assert len(files(folder)) == 4


def bomb():
    """A picture of a few kilobytes that would take 1.2 GB in memory."""
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")
    return file.getvalue()


def gif():
    file = io.BytesIO()
    Image.new("RGB", (99, 99)).save(file, "GIF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (lambda: jpeg(BLUE)[:400], "broken"),
        (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "no picture"),
        (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(id) system", "no picture"),
        (lambda: b"<svg onload=alert(1)>", "no picture"),
        (lambda: b"", "no picture"),
        (bomb, "million pixels"),
        (gif, "no picture"),
    ],
)
def test_a_malformed_upload_is_told_and_not_kept(client, folder, data, said):
    (told,) = send(client, "Cy", data()).json()
    assert told["key"] is None and said in told["problem"]
    assert files(folder) == ["Ann/1.png", "Bob/1.png"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", "multipart/form-data"), (b"--x\r\nbroken", "multipart/form-data; boundary=x"), (b"{}", "application/json"),
     (b"a=b", "application/x-www-form-urlencoded")],
)  # fmt: skip
def test_a_malformed_form_is_a_plain_refusal(client, content, kind):
    answer = client.post("/api/people/Cy/pictures", content=content, headers={"Content-Type": kind})
    assert 400 <= answer.status_code < 500


def changes(client):
    """(method, path) of everything in the API that changes something."""
    for path, methods in client.get("/api/openapi.json").json()["paths"].items():
        for method in methods:
            if method.upper() not in guard.SAFE_METHODS:
                yield (
                    method.upper(),
                    path.replace("{number}", "1").replace("{name}", "Ann").replace("{", "").replace("}", ""),
                )


def test_nothing_is_changed_without_the_page_or_from_another_site(client, folder):
    token = client.headers["X-Form-Token"]
    every = list(changes(client))
    assert len(every) > 12
    for method, path in every:
        if path == "/api/session" and method == "POST":
            continue
        for headers in ({"X-Form-Token": ""}, {"X-Form-Token": token, "Origin": "http://evil.example"},
                        {"X-Form-Token": token, "Sec-Fetch-Site": "cross-site"}):  # fmt: skip
            assert client.request(method, path, headers=headers, json={}).status_code == 403, (method, path)
    assert files(folder) == ["Ann/1.png", "Bob/1.png"]


def test_nothing_is_told_or_changed_without_the_password(desk, client):
    from streamface.web import passwords

    stranger = client_of(desk, passwords.hashed("correct horse"))
    for path in client.get("/api/openapi.json").json()["paths"]:
        if path != "/api/session":
            assert stranger.get(path, follow_redirects=False).status_code == 401, path
    for method, path in changes(client):
        if path != "/api/session":
            assert stranger.request(method, path, json={}).status_code == 401, path


def test_without_a_folder_or_a_watch_that_is_said(folder, tmp_path):
    nobody = client_of(None)
    assert nobody.get("/api/people").status_code == 404 and "--database" in nobody.get("/api/people").json()["detail"]
    with people_desk(folder, tmp_path / "still.sqlite", follows=False) as still:
        answer = client_of(still).delete("/api/people/Ann")
        assert answer.status_code == 409 and "--no-watch" in answer.json()["detail"]
        assert files(folder) == ["Ann/1.png", "Bob/1.png"]


@pytest.fixture
def strangers(tmp_path, desk):
    with StrangerStore(tmp_path / "strangers.sqlite") as store:
        number = store.create(desk.network, 100.0, View(vector(BLUE), 0.9, jpeg(BLUE)))
        store.come(number, 200.0, True)
        store.see(number, 2, 200.0, View(vector(BLUE), 0.8))
        store.create(desk.network, 300.0, View(vector(ORANGE), 0.7))
    return tmp_path / "strangers.sqlite"


def test_strangers_with_several_visits_are_offered_and_get_a_name(desk, strangers, folder):
    client = client_of(desk, strangers=strangers)
    (offered,) = client.get("/api/strangers").json()["strangers"]
    assert (offered["number"], offered["visits"], offered["has_picture"], offered["likeness"]) == (1, 2, True, None)
    assert client.get("/api/strangers/1/picture.jpg").content == jpeg(BLUE)
    everyone = client.get("/api/strangers?visits=1").json()["strangers"]
    assert everyone[1]["likeness"]["person"] == "Ann" and not everyone[1]["likeness"]["is_same"]
    assert client.get("/api/strangers/2/picture.jpg").status_code == 404
    named = client.post("/api/strangers/1/name", json={"name": "Cy"})
    assert named.status_code == 200 and len(named.json()["pictures"]) == 2
    assert name_of(desk, BLUE) == "Cy" and files(folder)[2:] == ["Cy/stranger 1.embedding", "Cy/stranger 1.jpg"]
    assert client.get("/api/strangers").json()["strangers"] == []
    assert client.post("/api/strangers/1/name", json={"name": "Cy"}).status_code == 404
    kinds = [picture["has_picture"] for picture in client.get("/api/people/Cy").json()["pictures"]]
    assert kinds == [False, True]
    assert client.delete("/api/strangers/2").status_code == 204
    assert client.get("/api/strangers?visits=1").json() == {"numbered": True, "strangers": []}


@pytest.mark.parametrize("number", ["99999999999999999999", "0", "-1", "x", "1.5", "..%2f1"])
def test_a_stranger_that_cannot_be_is_a_plain_refusal(desk, strangers, number):
    client = client_of(desk, strangers=strangers)
    for method, tail, body in (("GET", "/picture.jpg", None), ("POST", "/name", {"name": "Cy"}), ("DELETE", "", None)):
        answer = client.request(method, f"/api/strangers/{number}{tail}", json=body)
        assert 400 <= answer.status_code < 500


def test_a_disk_that_fails_is_one_line(client, desk, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(desk, "remove", full)
    answer = client.delete("/api/people/Ann")
    assert answer.status_code == 503 and "No space left" in answer.json()["detail"]


def test_where_strangers_are_not_numbered_that_is_said(client):
    assert client.get("/api/strangers").json() == {"numbered": False, "strangers": []}
    assert client.delete("/api/strangers/1").status_code == 404
