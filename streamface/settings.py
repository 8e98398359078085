"""Every option with its default, its unit and its range; checked when made, frozen after.

One small dataclass a room, joined in `Settings`. A value out of range raises `SettingsError` with what was
given and what is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

from streamface.errors import SettingsError


def _between(owner: object, low: float, high: float, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if value is not None and not low <= value <= high:
            raise SettingsError(f"{name.replace('_', '-')} is {value}: it must lie between {low:g} and {high:g}")


def _one_of(owner: object, allowed: tuple[str, ...], name: str) -> None:
    value = getattr(owner, name)
    if value is not None and value not in allowed:
        raise SettingsError(f"{name.replace('_', '-')} is {value!r}: it must be one of {', '.join(allowed)}")


def _check_zone(zone: tuple[tuple[float, float], ...]) -> None:
    if len(zone) < 3 or not all(0 <= share <= 1 for corner in zone for share in corner):
        raise SettingsError(
            f"the zone is {zone}: it needs three or more corners x,y in shares of the picture, 0 to 1, "
            "such as 0,0.5 1,0.5 1,1 0,1 for its lower half"
        )


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """Where frames come from."""

    source: str = field(default="0", repr=False)  # an address may hold a password
    """'demo', a webcam's number, a video file, a folder of images, or an rtsp:// or http:// address."""
    camera: str | None = None
    """Name of the camera in pictures, files and messages; None: its address without the password."""
    timeout_s: float = 10.0
    """How long a camera may take to open, or to give a frame, before it counts as lost."""
    transport: str = "tcp"
    """How an RTSP camera sends: 'tcp', or 'udp' where it has nothing else or TCP lags behind."""
    wait: bool = False
    """Start without a camera that is not there, and show it when it comes; False: an error after `timeout_s`."""
    give_up_s: float | None = None
    """End the run when a camera gave nothing for so long; None: never, once it has given a picture."""
    frozen_s: float = 10.0
    """Seconds without any change after which a picture is said to be frozen."""
    loop: bool = False
    """Play a file like a camera: at its own speed, over and over; no effect on a camera."""
    max_frames: int | None = None
    """Stop after so many frames; None for all."""

    def __post_init__(self) -> None:
        if self.camera is not None and (not 0 < len(self.camera) <= 80 or "/" in self.camera):
            raise SettingsError(f"the camera's name is {self.camera!r}: 1 to 80 characters without / are needed")
        _between(self, 0.1, 600, "timeout_s")
        _between(self, 1, float("inf"), "give_up_s", "frozen_s")
        if self.transport not in ("tcp", "udp"):
            raise SettingsError(f"rtsp-transport is {self.transport}: choose tcp or udp")
        _between(self, 1, float("inf"), "max_frames")


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """How faces are found."""

    detector: str = "mtcnn"
    min_face_px: float = 40.0
    """Smallest face looked for, in frame pixels; higher is faster and misses people far away."""
    min_score: float | None = None
    """Least score of a face, None for the detector's own; higher gives fewer false alarms and misses more turned
    or covered faces."""
    weights: Path | None = None
    """Network file of a detector that does not carry one (YuNet)."""
    zone: tuple[tuple[float, float], ...] | None = None
    """Corners (x, y) of the part of the picture in which faces count, in shares of its width and height, 0..1; None:
    the whole picture."""

    def __post_init__(self) -> None:
        _between(self, 12, 4096, "min_face_px")
        _between(self, 0, 1, "min_score")
        if self.zone is not None:
            _check_zone(self.zone)


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """How people keep their number."""

    tracker: str = "kalman"
    detect_every: int = 4
    """Frames between two full detections; higher is faster and notices new people later."""
    max_missed: int = 25
    """Frames that a person may be out of sight before the number is retired."""

    def __post_init__(self) -> None:
        _between(self, 1, 1000, "detect_every", "max_missed")


@dataclass(frozen=True, slots=True)
class RecognitionSettings:
    """How faces are compared."""

    model: str = "auto"
    weights: str | None = None
    """For a network with several: 'carried', 'published', or the path of a file; None for its own choice."""
    metric: str = "cosine"
    threshold: float | None = None
    """Largest distance that counts as the same person; None for the network's own, per metric."""
    mirror: bool = False
    """Average each face with its mirror image: a little more accurate, twice the time."""

    def __post_init__(self) -> None:
        _between(self, 0, float("inf"), "threshold")


@dataclass(frozen=True, slots=True)
class GallerySettings:
    """Who is known."""

    database: Path | None = None
    """Folder of people; None: everybody is unknown."""
    store: Path | None = None
    """SQLite file of the embeddings; None: in the cache folder, one per folder of people."""
    watch: bool | None = None
    """Follow the folder while the stream runs; None: for live sources, since a file should give the same every time."""


@dataclass(frozen=True, slots=True)
class StrangerSettings:
    """Numbers for people without a name."""

    strangers: bool = False
    """Whether they are given. It means keeping embeddings of people who were never asked, which in many countries
    needs a reason in law: so it is off until somebody decides to."""
    stranger_store: Path | None = None
    """SQLite file of the strangers; None: beside that of the people."""
    stranger_days: float = 30.0
    """Days after which somebody who was not seen again is forgotten."""
    stranger_limit: int = 1000
    """Most strangers kept; beyond, the longest unseen are forgotten. More also means more false meetings."""
    stranger_pictures: bool = False
    """Keep the best picture of each visit in the store too."""

    def __post_init__(self) -> None:
        _between(self, 0.01, 36500, "stranger_days")
        _between(self, 1, 100_000, "stranger_limit")


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """What is asked of a face, and when a label changes."""

    actions: tuple[str, ...] = ("age", "gender", "emotion")
    """Attributes to tell of each face."""
    attributes: str = "bundled"
    """Whose networks tell them: 'bundled', which the package carries, or 'published', deepface's VGG-Face age, gender
    and race and its emotion network, which are downloaded (half a gigabyte each) and slow."""
    identity_refresh_s: float = 1.0
    """Seconds between two looks at a person whose name is settled."""
    attribute_refresh_s: float = 0.25
    """Seconds between two looks at the attributes of one person."""
    min_quality: float = 0.25
    """Least quality (size, sharpness, pose, light together) of a view that may speak for a name."""
    hold_s: float = 2.0
    """Seconds for which a settled name stands against other evidence."""

    def __post_init__(self) -> None:
        _between(self, 0, 3600, "identity_refresh_s", "attribute_refresh_s", "hold_s")
        _between(self, 0, 1, "min_quality")


@dataclass(frozen=True, slots=True)
class OverlaySettings:
    """What is drawn."""

    scale: float = 1.0
    """Size of text and lines against the default for the frame's height; higher is larger."""
    thumbnails: bool = True
    """Show the matched picture beside the name."""
    status: bool = True
    """Show frame rate and number of people in a corner."""

    def __post_init__(self) -> None:
        _between(self, 0.25, 4, "scale")


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """Where results go."""

    display: bool = True
    video: Path | None = None
    recordings: Path | None = None
    """Folder for recordings in segments or clips; see `RecordingSettings`."""
    faces: Path | None = None
    events: Path | None = None
    snapshots: Path = Path("snapshots")
    """Folder for pictures saved with the key 's'."""
    event_pictures: Path | None = None
    """Folder for the best picture of each visit; None: none are kept."""
    metrics: str | None = None
    """Port, or HOST:PORT, of `/healthz` and `/metrics`; None: neither."""
    serve: str | None = None
    """Port, or HOST:PORT, of the pages for a browser; None: none."""
    serve_names: tuple[str, ...] = ()
    """Further names of this computer under which browsers may ask for the pages."""
    password_file: Path | None = None
    """File that holds the hash of the pages' password."""
    visits: bool = True
    """With `serve`, keep visits and their best pictures for the pages, also where no file of events was named."""
    leave_after_s: float = 5.0
    """Seconds out of sight after which a person has left; higher joins more into one visit, and tells later."""
    webhook: str | None = field(default=None, repr=False)  # an address may hold a password
    """http:// or https:// address to which every event is posted, or '@FILE' that holds it."""
    webhook_queue: Path | None = None
    """SQLite file of the events that wait for the receiver; None: in the cache folder, one an address."""
    mqtt: str | None = None
    """HOST, HOST:PORT or mqtts://HOST of an MQTT broker."""
    mqtt_login: Path | None = None
    """File with 'user:password' for it; None: from STREAMFACE_MQTT_USER and STREAMFACE_MQTT_PASSWORD, if they are
    set."""
    mqtt_topic: str = "streamface"
    """What its topics begin with."""
    profile: Path | None = None
    """Measure every stage of every frame: a picture for the plot, '-' for none; None does not measure."""

    def __post_init__(self) -> None:
        _between(self, 0, 3600, "leave_after_s")


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """How the folder of recordings is filled, and emptied again."""

    record: str = "annotated"
    """'annotated', 'raw' or 'both'."""
    segment_min: float = 10.0
    """Minutes of video in one file."""
    clip_on: str | None = None
    """Record only while somebody is in view: 'person', 'named' or 'stranger'; None: always."""
    clip_before_s: float = 5.0
    """Seconds of a clip before that; kept in memory, encoded."""
    clip_after_s: float = 5.0
    """Seconds of a clip after it."""
    keep_gb: float | None = None
    """What all recordings of the folder may take, in 10^9 bytes; the oldest are deleted."""
    keep_days: float | None = None
    """Days after which a recording is deleted."""

    def __post_init__(self) -> None:
        _one_of(self, ("annotated", "raw", "both"), "record")
        _one_of(self, ("person", "named", "stranger"), "clip_on")
        _between(self, 0.05, 1440, "segment_min")
        _between(self, 0, 120, "clip_before_s", "clip_after_s")
        _between(self, 0.001, float("inf"), "keep_gb", "keep_days")


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """Whose faces may be seen, and for how long what was seen is kept; see docs/privacy.md."""

    blur: str | None = None
    """Whose faces are made unrecognisable before anything leaves the stream: 'unknown', 'known' or 'all'; None: only
    those of people who did not consent."""
    keep_events_days: float | None = None
    """Days after which an event, and a visit, is deleted from where it is kept; None: never."""
    keep_pictures_days: float | None = None
    """Days after which a picture of `snapshots` and `event_pictures` is deleted; None: never."""

    def __post_init__(self) -> None:
        _one_of(self, ("unknown", "known", "all"), "blur")
        _between(self, 0.001, float("inf"), "keep_events_days", "keep_pictures_days")


@dataclass(frozen=True, slots=True)
class KioskSettings:
    """The check of whoever stands in front of the camera."""

    kiosk: bool = False
    strictness: str = "normal"
    """'relaxed', 'normal' or 'strict'; docs/kiosk.md has what each costs."""
    ask_name: bool = False
    """Ask for a name first and check that one alone; else find out who it is."""
    liveness: int = 3
    """Prompts to follow before somebody is accepted; more is safer and takes longer; 0: a photograph will do."""
    kiosk_face: float = 0.22
    """Least height of a face in shares of the picture's; lower also checks people farther away."""
    time_limit_s: float = 30.0
    """For one check, from the first good view."""
    lock_after: int = 5
    """Failures in a row after which nobody is checked for a while; 0: never."""
    lock_s: float = 60.0
    """For how long, the first time; twice as long with each further failure."""
    on_accept: str | None = None
    """Command that is run after somebody was accepted, without a shell."""
    on_reject: str | None = None
    audit: Path | None = None
    """JSONL file of all decisions."""
    audit_pictures: bool = True
    """Keep the face of each decision beside it."""

    def __post_init__(self) -> None:
        _one_of(self, ("relaxed", "normal", "strict"), "strictness")
        _between(self, 0, 6, "liveness")
        _between(self, 0.05, 0.9, "kiosk_face")
        _between(self, 2, 600, "time_limit_s")
        _between(self, 0, 1000, "lock_after")
        _between(self, 1, 86400, "lock_s")


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """How networks are run."""

    threads: int = 1
    """Threads of one network; more helps large networks only."""
    device: str = "auto"
    """Where recognition and the published attribute networks run: 'cpu', 'gpu', or 'auto' for a GPU where there is
    one that TensorFlow can use."""
    home: Path | None = None
    """Folder of downloaded weights, prepared networks and stores, for the whole process; None: `STREAMFACE_HOME`, else
    `~/.cache/streamface`."""

    def __post_init__(self) -> None:
        _between(self, 1, 64, "threads")
        _one_of(self, ("auto", "cpu", "gpu"), "device")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a stream needs to be built."""

    capture: CaptureSettings = field(default_factory=CaptureSettings)
    detection: DetectionSettings = field(default_factory=DetectionSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    recognition: RecognitionSettings = field(default_factory=RecognitionSettings)
    gallery: GallerySettings = field(default_factory=GallerySettings)
    strangers: StrangerSettings = field(default_factory=StrangerSettings)
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    overlay: OverlaySettings = field(default_factory=OverlaySettings)
    output: OutputSettings = field(default_factory=OutputSettings)
    recording: RecordingSettings = field(default_factory=RecordingSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    kiosk: KioskSettings = field(default_factory=KioskSettings)
    runtime: RuntimeSettings = field(default_factory=RuntimeSettings)


def option_names() -> dict[str, tuple[str, str]]:
    """Option name -> (room, field) for every setting, as a configuration file spells them."""
    names: dict[str, tuple[str, str]] = {}
    for room in fields(Settings):
        for option in fields(room.default_factory):
            names[option.name] = (room.name, option.name)
    return names
