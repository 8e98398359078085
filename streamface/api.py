"""The functions for still pictures, and the stream as a function.

A picture is the path of a file, an array as OpenCV has it ((H, W, 3) uint8 BGR; grey, BGRA, 16 bits and floats do
too) or a Pillow picture. A face's box is a dict of whole pixels inside the picture: x and y of the top left corner,
w and h. Distances, scores and probabilities are plain floats, so that every answer but `find`'s and the pictures of
`extract_faces` can go through `json.dumps`.

Networks are loaded with the first call that needs them and kept for the process; threads may call these functions
at the same time, and take turns at the networks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from streamface import build, keywords, plugins, stills
from streamface.attributes.base import ACTIONS
from streamface.errors import SettingsError
from streamface.gallery.consent import not_consenting
from streamface.gallery.distances import distance
from streamface.gallery.gallery import Gallery
from streamface.recognition.base import METRICS
from streamface.settings import DetectionSettings, RecognitionSettings
from streamface.stills import StillAnalysis, StillFace
from streamface.stream import Stream, Summary
from streamface.types import LANDMARKS, Attribute, Box

if TYPE_CHECKING:
    import pandas


def verify(
    img1: object,
    img2: object = None,
    model_name: str = "auto",
    distance_metric: str = "cosine",
    detector_backend: str | DetectionSettings = "mtcnn",
    threshold: float | None = None,
    enforce_detection: bool = True,
    mirror: bool = False,
) -> dict[str, Any] | list[dict[str, Any]]:
    """Whether two pictures show the same person.

    img1, img2: pictures; or img1 alone, a list of pairs, each picture of which is looked at once. Where there are
    several faces, the nearest pair of them decides. `threshold` is the largest distance that counts as the same
    person (None: the network's own for the metric); `mirror` averages each face with its mirror image, a little
    more accurate and twice the time. 'skip' as the detector takes each picture for a face.

    Returns `verified` (bool), `distance`, `max_threshold_to_verify`, `model`, `similarity_metric`, `face_1` and
    `face_2` (boxes) and `time` (seconds); for a list of pairs a list of these. Raises `UnknownNameError` for a name,
    `ImageError` for a picture that cannot be used, and `NoFaceError` where nobody is found, unless
    `enforce_detection` is False: then the whole picture is taken for a face.
    """
    analysis = StillAnalysis(detector_backend, _recognition(model_name, distance_metric, threshold, mirror))
    looks = _Looks(analysis, enforce_detection)
    if img2 is None and isinstance(img1, (list, tuple)):
        pairs = [_pair(entry, number) for number, entry in enumerate(img1, 1)]
        return [_verified(looks, pair, f"pair {number}, ") for number, pair in enumerate(pairs, 1)]
    if img2 is None:
        raise SettingsError("one picture cannot be verified: give two, or a list of pairs")
    return _verified(looks, (img1, img2), "")


def analyze(
    img: object,
    actions: Sequence[str] | str | None = None,
    detector_backend: str | DetectionSettings = "mtcnn",
    enforce_detection: bool = True,
    faces: str = "largest",
    attributes: str = "bundled",
) -> dict[str, Any] | list:
    """Age, gender, race and emotion of the largest face, or of all faces.

    img: a picture, or a list of them for a list of answers. `actions` are some of age, gender, race and emotion; None:
    all that the networks tell (the carried ones: docs/models.md). `faces` is 'largest' for a dict, or 'all' for a list
    of dicts, largest face first. `attributes` says whose networks answer: 'bundled' for the carried ones, 'published'
    for deepface's, which are downloaded. Other arguments and errors as for `verify`.

    Returns of the wanted actions only: `age` (years, float) and `age_spread` (its standard deviation); `gender`
    ('Man' or 'Woman') and `gender_probabilities` (0..1); `race` (percent per label) and `dominant_race`; `emotion`
    (percent per label) and `dominant_emotion`. And of each face: `face` (box), `score` (0..1, how sure the detector
    is; 0 where the picture was taken for the face) and `quality` (0..1).
    """
    wanted = build.answers(attributes) if actions is None else _actions(actions)
    which = plugins.choose("choice of faces", faces, ("largest", "all"))
    analysis = StillAnalysis(detector_backend, _recognition("auto"), attributes)

    def look(image: object, place: str) -> Any:
        seen = analysis.faces(*stills.read(image, place), enforce_detection)
        if which == "all":
            return [_analyzed(analysis, face, wanted) for face in seen]
        return _analyzed(analysis, seen[0], wanted)

    return stills.each(img, look)


def represent(
    img: object,
    model_name: str = "auto",
    detector_backend: str | DetectionSettings = "mtcnn",
    enforce_detection: bool = True,
    mirror: bool = False,
) -> list:
    """The faces of a picture as embeddings, largest face first.

    Arguments and errors as for `verify`; a list of pictures gives a list of lists. Returns dicts of `embedding`
    (list of D floats; compare only within one model), `model`, `face` (box), `score` and `quality` (0..1).
    """
    analysis = StillAnalysis(detector_backend, _recognition(model_name, mirror=mirror))

    def look(image: object, place: str) -> list[dict[str, Any]]:
        seen = analysis.faces(*stills.read(image, place), enforce_detection)
        return [
            {"embedding": analysis.embedding(face).tolist(), "model": analysis.spec.name, **_found(face)}
            for face in seen
        ]

    return stills.each(img, look)


def extract_faces(
    img: object,
    detector_backend: str | DetectionSettings = "mtcnn",
    enforce_detection: bool = True,
    model_name: str = "auto",
    size_px: int | None = None,
) -> list:
    """The faces of a picture cut out and turned upright, largest face first.

    model_name: the network whose alignment is used; `size_px`: side of the cut-out, None for that network's own.
    Other arguments and errors as for `verify`; a list of pictures gives a list of lists. Returns dicts of `image`
    ((size_px, size_px, 3) uint8 BGR), `face` (box in the picture), `landmarks` (name -> (x, y) in the picture, with
    left and right as seen; None from a detector without them), `score` and `quality` (0..1).
    """
    if size_px is not None and not (isinstance(size_px, int) and 8 <= size_px <= 4096):
        raise SettingsError(f"size_px is {size_px!r}: it must be a whole number between 8 and 4096")
    analysis = StillAnalysis(detector_backend, _recognition(model_name))

    def look(image: object, place: str) -> list[dict[str, Any]]:
        seen = analysis.faces(*stills.read(image, place), enforce_detection)
        side = size_px or analysis.spec.input_px
        return [
            {"image": analysis.chip(face, side).copy(), "landmarks": _landmarks(face), **_found(face)} for face in seen
        ]

    return stills.each(img, look)


def find(
    img: object,
    db_path: str | os.PathLike,
    model_name: str = "auto",
    distance_metric: str = "cosine",
    detector_backend: str | DetectionSettings = "mtcnn",
    threshold: float | None = None,
    enforce_detection: bool = True,
    mirror: bool = False,
    all_distances: bool = False,
    store: str | os.PathLike | None = None,
) -> pandas.DataFrame | list[pandas.DataFrame]:
    """The pictures of a folder of people that show somebody in `img`, nearest first.

    db_path: a folder as the stream's (`Person Name/*.jpg` or `Person Name.jpg`); it is enrolled into the same store
    (`store`, None: in the cache folder), so that only new and changed pictures are embedded. `all_distances` also
    gives the pictures beyond the threshold. Other arguments and errors as for `verify`, and `GalleryError` for a
    folder without people; a list of pictures gives a list of tables. People who did not consent are left out.

    Returns one row per face of `img` and picture within the threshold: `identity`, `image` (path), `distance`,
    `threshold`, `face` (number of the face in `img`, 0 the largest), `x`, `y`, `w`, `h` (its box in `img`) and
    `image_x`, `image_y`, `image_w`, `image_h` (the box in the folder's picture).
    """
    analysis = StillAnalysis(detector_backend, _recognition(model_name, distance_metric, threshold, mirror))
    if db_path is None:
        raise SettingsError("find needs db_path: the folder of people to search")
    settings = replace(analysis.prepared(), gallery=keywords.settings_from(db_path=db_path, store=store).gallery)
    limit, people = build.threshold(settings), build.gallery(settings)
    unnamed = not_consenting(settings.gallery.database)

    def look(image: object, place: str) -> pandas.DataFrame:
        seen = analysis.faces(*stills.read(image, place), enforce_detection)
        table = _table(analysis, seen, people, limit)
        table = table[~table.identity.isin(unnamed)].reset_index(drop=True) if unnamed else table
        return table if all_distances else table[table.distance <= limit].reset_index(drop=True)

    return stills.each(img, look)


def stream(db_path: str | os.PathLike | None = None, source: str | int = 0, **options: object) -> Summary:
    """Watch a source until it ends, Ctrl-C or the window's q, and say what was seen.

    db_path: folder of people, None for none. `source`: 'demo', a webcam's number, a video file, a folder of
    pictures, or an rtsp:// or http:// address. `options`: any setting by its name, or the command line's (`detector`,
    `min_face`, `actions`, `output`, `faces`, `events`, `display`, ...), or by the names of the functions here
    (`model_name`, `distance_metric`, `detector_backend`). A window is shown where there is a screen, unless
    `display=False`. Raises `SettingsError` for an unknown option or a value out of range, and the errors of `Stream`.
    """
    settings = keywords.settings_from(db_path=db_path, source=source, **options)
    if settings.kiosk.kiosk or settings.output.serve is not None:
        raise SettingsError("kiosk and serve are for the command line: run `streamface kiosk` or `streamface serve`")
    sinks = build.files(settings)  # first of all: a file that cannot be written is soon said
    with Stream(settings) as running:
        return running.run(sinks + running.window())


class _Looks:
    """Embeds the faces of pictures, each picture once.

    Args:
        analysis: looks at them.
        enforce_detection: whether a picture without a face is an error.
    """

    def __init__(self, analysis: StillAnalysis, enforce_detection: bool) -> None:
        self.analysis, self._enforce = analysis, enforce_detection
        self._seen: dict[object, tuple[list[StillFace], np.ndarray]] = {}

    def __call__(self, image: object, place: str) -> tuple[list[StillFace], np.ndarray]:
        """The faces, and their (N, D) embeddings; `image` must live as long as this object."""
        key = os.fspath(image) if isinstance(image, (str, os.PathLike)) else id(image)
        if key not in self._seen:
            faces = self.analysis.faces(*stills.read(image, place), self._enforce)
            slim = [replace(face, pyramid=None) for face in faces]  # thousands of pairs need not stay in memory
            self._seen[key] = slim, np.stack([self.analysis.embedding(face) for face in faces])
        return self._seen[key]


def _verified(looks: _Looks, pair: tuple[object, object], place: str) -> dict[str, Any]:
    begun = perf_counter()
    (faces_1, vectors_1), (faces_2, vectors_2) = (looks(pair[i], f"{place}img{i + 1}") for i in (0, 1))
    settings = looks.analysis.settings
    far = distance(vectors_1[:, None], vectors_2[None], settings.recognition.metric)
    nearest_1, nearest_2 = np.unravel_index(far.argmin(), far.shape)
    limit = float(build.threshold(settings, verifying=True))
    return {
        "verified": bool(far.min() <= limit),
        "distance": float(far.min()),
        "max_threshold_to_verify": limit,
        "model": looks.analysis.spec.name,
        "similarity_metric": settings.recognition.metric,
        "face_1": _corner_and_size(faces_1[nearest_1].box),
        "face_2": _corner_and_size(faces_2[nearest_2].box),
        "time": perf_counter() - begun,
    }


def _pair(entry: object, number: int) -> tuple[object, object]:
    if not isinstance(entry, (list, tuple)) or len(entry) != 2:
        raise SettingsError(f"pair {number} is not two pictures: give a list of pairs, [[a, b], [a, c]]")
    return entry[0], entry[1]


def _analyzed(analysis: StillAnalysis, face: StillFace, actions: Sequence[str]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    found = analysis.attributes(face, actions)
    for action in actions:
        answer.update(_FORMS[action](found[action]))
    return {**answer, **_found(face)}


def _age(attribute: Attribute) -> dict[str, Any]:
    years = {"age": float(attribute.value)}
    return years if attribute.spread is None else {**years, "age_spread": float(attribute.spread)}


def _gender(attribute: Attribute) -> dict[str, Any]:
    return {"gender": attribute.label, "gender_probabilities": _numbers(attribute.scores)}


def _race(attribute: Attribute) -> dict[str, Any]:
    return {"race": _numbers(attribute.scores, 100), "dominant_race": attribute.label}


def _emotion(attribute: Attribute) -> dict[str, Any]:
    return {"emotion": _numbers(attribute.scores, 100), "dominant_emotion": attribute.label}


_FORMS = {"age": _age, "gender": _gender, "race": _race, "emotion": _emotion}


def _numbers(scores: Mapping[str, float], factor: float = 1) -> dict[str, float]:
    return {label: factor * float(score) for label, score in scores.items()}


def _found(face: StillFace) -> dict[str, Any]:
    return {
        "face": _corner_and_size(face.box),
        "score": float(face.detection.score),
        "quality": float(face.quality),
    }


def _landmarks(face: StillFace) -> dict[str, tuple[float, float]] | None:
    if face.detection.landmarks is None:
        return None
    return dict(zip(LANDMARKS, map(tuple, face.detection.landmarks.tolist()), strict=True))


def _corner_and_size(box: Box) -> dict[str, int]:
    """Whole pixels, at least one each way."""
    x, y = int(box.left), int(box.top)
    return {"x": x, "y": y, "w": max(1, round(box.right) - x), "h": max(1, round(box.bottom) - y)}


def _table(analysis: StillAnalysis, faces: Sequence[StillFace], people: Gallery, limit: float) -> pandas.DataFrame:
    """All pictures of the gallery against all faces, nearest first."""
    import pandas

    metric, parts = analysis.settings.recognition.metric, []
    shown = people.people[["identity", "image"]]
    boxes = pandas.DataFrame([_corner_and_size(Box(*row)) for row in people.people[["x1", "y1", "x2", "y2"]].values])
    for number, face in enumerate(faces):
        far = distance(analysis.embedding(face), people.vectors, metric)
        told = {"distance": far, "threshold": limit, "face": number, **_corner_and_size(face.box)}
        parts.append(pandas.concat([shown.assign(**told), boxes.add_prefix("image_")], axis=1))
    return pandas.concat(parts).sort_values("distance", kind="stable", ignore_index=True)


def _recognition(
    model: str, metric: str = "cosine", threshold: float | None = None, mirror: bool = False
) -> RecognitionSettings:
    """Checked settings; the metric is spelled as in `METRICS`."""
    metric = plugins.choose("metric", metric, METRICS)
    return keywords.settings_from(model_name=model, metric=metric, threshold=threshold, mirror=mirror).recognition


def _actions(wanted: Sequence[str] | str) -> tuple[str, ...]:
    names = [name.strip() for name in wanted.split(",")] if isinstance(wanted, str) else list(wanted)
    if not names:
        raise SettingsError(f"no actions were given: name some of {', '.join(ACTIONS)}")
    return tuple(dict.fromkeys(plugins.choose("action", name, ACTIONS) for name in names))
