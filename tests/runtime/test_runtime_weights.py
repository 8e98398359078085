import os
import shutil
import zipfile
from pathlib import Path

import pytest
import weight_files

from streamface.errors import WeightsError
from streamface.runtime import download, weights

URLS = ("https://one.example/small.h5", "https://two.example/small.h5")
FILE = weights.WeightFile("small.h5", URLS, None, "MIT", "nobody", parameters=8)
OTHER = weights.WeightFile("other.h5", (), None, "MIT", "nobody", parameters=12)


@pytest.fixture(autouse=True)
def homes(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("STREAMFACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path / "deepface"))
    (tmp_path / "deepface" / ".deepface" / "weights").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def source(tmp_path) -> Path:
    """A whole file of the right network, under a name of its own."""
    return weight_files.write(tmp_path / "came by hand.h5", weight_files.dense())


@pytest.fixture
def served(monkeypatch):
    """Address -> what it gives: a file, or an error; `.asked` of the dictionary lists the addresses asked."""

    class Addresses(dict):
        asked: list[str] = []

    addresses = Addresses()
    addresses.asked = []

    def fetch(url: str, part: Path, size: int | None = None) -> None:
        addresses.asked.append(url)
        given = addresses.get(url, WeightsError(f"{url.split('/')[2]}: no answer in 3 s"))
        if isinstance(given, Exception):
            raise given
        shutil.copyfile(given, part)

    monkeypatch.setattr(download, "fetch", fetch)
    return addresses


def deepface_folder(tmp_path: Path) -> Path:
    return tmp_path / "deepface" / ".deepface" / "weights"


def test_ours_comes_before_deepfaces(tmp_path, source):
    assert weights.find(FILE) is None
    foreign = deepface_folder(tmp_path) / "small.h5"
    shutil.copyfile(source, foreign)
    assert weights.find(FILE) == foreign
    own = weights.folder() / "small.h5"
    shutil.copyfile(source, own)
    assert weights.find(FILE) == own == tmp_path / "home" / "weights" / "small.h5"


def test_a_broken_file_of_deepface_is_passed_over(tmp_path, source, served, caplog):
    foreign = deepface_folder(tmp_path) / "small.h5"
    foreign.write_bytes(source.read_bytes()[:500])
    served[URLS[0]] = source
    assert weights.obtain(FILE) == weights.folder() / "small.h5"
    assert "passed over" in caplog.text and foreign.stat().st_size == 500


def test_the_mirror_is_asked_second(source, served):
    served[URLS[1]] = source
    assert weights.obtain(FILE).read_bytes() == source.read_bytes()
    assert served.asked == list(URLS)
    weights.obtain(FILE)
    assert served.asked == list(URLS)


def test_with_no_network_one_line_names_file_address_and_folder(served):
    with pytest.raises(WeightsError) as caught:
        weights.obtain(FILE)
    line = str(caught.value)
    assert "\n" not in line and "no answer in 3 s" in line
    assert all(text in line for text in ("small.h5", URLS[0], str(weights.folder())))


# What came instead: of another network, cut off, a page that says sorry.
@pytest.mark.parametrize("fault", ["other", "cut", "page"])
def test_what_is_no_such_network_is_refused_and_the_next_address_asked(tmp_path, source, served, fault):
    wrong = tmp_path / "wrong"
    if fault == "other":
        weight_files.write(wrong, weight_files.dense(5, 2))
    else:
        wrong.write_bytes(source.read_bytes()[:-100] if fault == "cut" else b"<html>sorry</html>")
    served[URLS[0]] = wrong
    with pytest.raises(WeightsError, match="small.h5.*(truncated|another network)"):
        weights.obtain(FILE)
    assert [p.suffix for p in weights.folder().iterdir()] == [".lock"]
    served[URLS[1]] = source
    assert weights.obtain(FILE).is_file()


def test_a_part_that_does_not_fit_together_is_fetched_once_more(source, served, monkeypatch):
    part = weights.folder() / "small.h5.part"
    part.write_bytes(b"of an older release")

    def fetch(url: str, part: Path, size: int | None = None) -> None:
        served.asked.append(url)
        data = source.read_bytes()
        have = part.read_bytes() if part.exists() else b""
        part.write_bytes(have + data[len(have) :])

    monkeypatch.setattr(download, "fetch", fetch)
    assert weights.obtain(FILE).read_bytes() == source.read_bytes()
    assert served.asked == [URLS[0], URLS[0]]


def test_a_zip_is_unpacked(tmp_path, source, served):
    file = weights.WeightFile("small.h5", ("https://one.example/small.h5.zip",), None, "MIT", "nobody", 8)
    archive = tmp_path / "archive"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(source, "folder/small.h5")
    served[file.urls[0]] = archive
    assert weights.obtain(file).read_bytes() == source.read_bytes()
    assert sorted(p.name for p in weights.folder().iterdir()) == ["notes.json", "small.h5", "small.h5.lock"]


def test_a_damaged_zip_is_refused(tmp_path, served):
    file = weights.WeightFile("small.h5", ("https://one.example/small.h5.zip",), None, "MIT", "nobody", 8)
    (tmp_path / "archive").write_bytes(b"PK no archive")
    served[file.urls[0]] = tmp_path / "archive"
    with pytest.raises(WeightsError, match="archive of small.h5 is damaged.*another machine, unpack it and put it"):
        weights.obtain(file)


def test_a_file_altered_after_its_first_use_is_refused_until_it_is_imported(source, tmp_path):
    own = weights.install(FILE, source)
    weight_files.write(own, weight_files.dense(seed=5))
    with pytest.raises(WeightsError, match="small.h5 has changed since its first use") as caught:
        weights.find(FILE)
    assert f"weights import {own}" in str(caught.value)
    assert weights.install(FILE, own) == own == weights.find(FILE)


def test_a_file_altered_behind_its_time_of_change_is_refused_too(source):
    """One byte of an array, and size and time as before: every process hashes each file that it uses."""
    own = weights.install(FILE, source)
    before, data = own.stat(), bytearray(own.read_bytes())
    data[-1] ^= 1
    own.write_bytes(data)
    os.utime(own, ns=(before.st_atime_ns, before.st_mtime_ns))
    weights._digest.cache_clear()  # as in a new process
    with pytest.raises(WeightsError, match="small.h5 has changed since its first use"):
        weights.find(FILE)


def test_a_file_is_hashed_once_a_process_and_one_that_was_only_touched_is_taken(source, monkeypatch):
    own = weights.install(FILE, source)
    os.utime(own, ns=(1, 1))
    assert weights.find(FILE) == own and len(weights.digest(own)) == 64
    monkeypatch.setattr(weights.hashlib, "sha256", lambda: pytest.fail("hashed though nothing changed"))
    assert weights.find(FILE) == own


@pytest.mark.parametrize("fault", ["other", "cut", "gone"])
def test_a_broken_import_keeps_the_old_file(source, tmp_path, fault):
    own = weights.install(FILE, source)
    before = own.read_bytes()
    wrong = tmp_path / "wrong.h5"
    if fault == "other":
        weight_files.write(wrong, weight_files.dense(5, 2))
    elif fault == "cut":
        wrong.write_bytes(before[:-100])
    with pytest.raises(WeightsError):
        weights.install(FILE, wrong)
    assert own.read_bytes() == before and weights.find(FILE) == own
    assert sorted(p.name for p in weights.folder().iterdir()) == ["notes.json", "small.h5"]


def test_a_file_is_known_by_its_numbers_whatever_its_name(source, tmp_path):
    assert weights.identify(source, (OTHER, FILE)) is FILE
    with pytest.raises(WeightsError, match="none of the known networks .8 numbers"):
        weights.identify(source, (OTHER,))
    with pytest.raises(WeightsError, match="gone.h5 is missing"):
        weights.identify(tmp_path / "gone.h5", (OTHER,))


def test_the_published_size_is_held_against_the_file(source):
    exact = weights.WeightFile("small.h5", (), source.stat().st_size, "MIT", "nobody", 8)
    longer = weights.WeightFile("small.h5", (), source.stat().st_size + 1, "MIT", "nobody", 8)
    with pytest.raises(WeightsError, match="bytes instead of"):
        weights.install(longer, source)
    assert weights.install(exact, source).is_file()


def test_unreadable_notes_are_begun_anew(source, caplog):
    own = weights.install(FILE, source)
    (weights.folder() / "notes.json").write_text("{")
    assert weights.find(FILE) == own and "begun anew" in caplog.text


def test_two_processes_do_not_download_into_one_file(source, served):
    fcntl = pytest.importorskip("fcntl")
    with open(weights.folder() / "small.h5.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(WeightsError, match="small.h5 is being downloaded by another process"):
            weights.obtain(FILE)
    assert served.asked == []
