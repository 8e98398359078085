"""Whoever stands before the kiosk in the benchmarks: a person who follows the prompts, or somebody with a picture."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.attacks import Bend, Hold, Photo, replayed
from streamface import build, kiosk_parts
from streamface.gallery.live import LiveGallery
from streamface.kiosk.attempt import Rules
from streamface.kiosk.lock import Lock
from streamface.kiosk.looking import Looking
from streamface.kiosk.machine import Kiosk
from streamface.kiosk.prompts import LEFT, RIGHT
from streamface.kiosk.screen import PROMPT, Decision, Screen
from streamface.pipeline import Pace
from streamface.settings import GallerySettings, KioskSettings, Settings
from streamface.types import Frame

FPS = 12.5
"""Of the clips, and of everything that is shown."""
LONGEST_S = 25.0
SIZE_WH = (480, 270)


class Actor(ABC):
    """Shows a frame at a time, and sees what the kiosk asks for."""

    @abstractmethod
    def frame(self, screen: Screen) -> np.ndarray:
        """The camera's next picture, (H, W, 3) uint8 BGR."""


class Person(Actor):
    """A real clip cut so that its head follows the prompts, after the time that people take to react.

    While a prompt stays, the head turns again.

    Args:
        frames: of the clip.
        still: number of a frame from the front, which stays, trembling, until something is asked.
        turns: prompt -> numbers of the frames of one turn and back.
        rng: how long it takes to react; noise and light, the same for all its frames.
    """

    def __init__(
        self, frames: Sequence[np.ndarray], still: int, turns: dict[str, Sequence[Sequence[int]]],
        rng: random.Random,
    ) -> None:  # fmt: skip
        self._frames, self._still, self._turns, self._rng = frames, still, turns, rng
        self._noise = np.random.default_rng(rng.randrange(2**32))
        self._gain, self._sigma = rng.uniform(0.8, 1.2), rng.uniform(0, 4)
        self._asked: tuple[str, int] | None = None
        self._plan: list[int] = []

    def frame(self, screen: Screen) -> np.ndarray:
        """The next picture."""
        asked = (screen.detail, screen.done) if screen.state == PROMPT else None
        if asked != self._asked:
            self._asked, self._plan = asked, []
        if asked and not self._plan and screen.detail in self._turns:
            self._plan = self._reaction(screen.detail)
        number = self._plan.pop(0) if self._plan else self._still
        return self.camera(self._frames[number] if number != self._still else self._trembling(self._frames[number]))

    def _trembling(self, frame: np.ndarray) -> np.ndarray:
        """A frame moved by less than a pixel or two, so that landmarks are found anew."""
        across, down = self._noise.normal(0, 0.7, 2)
        shift = np.float32([[1, 0, across], [0, 1, down]])
        return cv2.warpAffine(frame, shift, frame.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)

    def _reaction(self, prompt: str) -> list[int]:
        wait = [self._still] * round(self._rng.uniform(0.3, 0.9) * FPS)
        return [*wait, *self._rng.choice(list(self._turns[prompt]))]

    def camera(self, frame: np.ndarray) -> np.ndarray:
        """The frame under this session's light and noise."""
        noise = self._noise.normal(0, self._sigma, frame.shape) if self._sigma else 0
        return np.clip(frame * self._gain + noise, 0, 255).astype(np.uint8)


class DirectedReplay(Person):
    """The same on a screen: somebody chooses the clip that fits each prompt."""

    def camera(self, frame: np.ndarray) -> np.ndarray:
        """The frame on the screen."""
        return super().camera(replayed(frame, SIZE_WH, np.random.default_rng(7)))


class Replay(Actor):
    """A clip that plays over and over on a screen, whatever is asked for.

    Args:
        frames: (H, W, 3) uint8 BGR each.
        order: numbers of the frames as they are played.
        rng: chooses the glare, and where it begins, unless `begin` says so.
    """

    def __init__(
        self, frames: Sequence[np.ndarray], order: Sequence[int], rng: random.Random, begin: int | None = None
    ) -> None:
        self._frames, self._order = frames, order
        self._at = rng.randrange(len(order)) if begin is None else begin - 1
        self._seed = rng.randrange(2**32)

    def frame(self, screen: Screen) -> np.ndarray:
        """The next picture."""
        self._at = (self._at + 1) % len(self._order)
        return replayed(self._frames[self._order[self._at]], SIZE_WH, np.random.default_rng(self._seed))


class Filmed(Actor):
    """Somebody else's session, kept frame by frame for a replay."""

    def __init__(self, actor: Actor) -> None:
        self._actor, self.frames = actor, []

    def frame(self, screen: Screen) -> np.ndarray:
        """The next picture."""
        self.frames.append(self._actor.frame(screen))
        return self.frames[-1]


@dataclass(frozen=True)
class Way:
    """How somebody moves a photograph when a turn is asked for, to and fro."""

    name: str
    turned: float = 1.0
    """Shares of the reach by which it is turned to the side that is asked for, ..."""
    tilted: float = 0.0
    """... and tilted up and down."""
    moved: float = 0.0
    """Shares of the picture's width by which it is moved sideways."""


TURNED = Way("turned to the side")
WAYS = (TURNED, Way("tilted up and down", turned=0.0, tilted=1.0), Way("moved sideways", turned=0.0, moved=0.25),
        Way("turned, tilted and moved", tilted=0.4, moved=0.15))  # fmt: skip


class Holder(Actor):
    """Holds a photograph, and moves it as is asked for, until it is enough.

    Args:
        photo, bend: what is held.
        way: how it is moved.
        background: behind it, (H, W, 3) uint8 BGR.
        size: of the face, as `Hold.size`.
        rng: how fast and how far it is moved, how it sways.
    """

    def __init__(
        self, photo: Photo, bend: Bend, way: Way, background: np.ndarray, size: float, rng: random.Random
    ) -> None:  # fmt: skip
        self._photo, self._bend, self._way, self._background, self._size = photo, bend, way, background, size
        self._reach, self._swing_s = rng.uniform(25, 60), rng.uniform(1.0, 2.0)
        self._delay_s = rng.uniform(0.3, 0.9)
        self._sway = [rng.uniform(-1, 1) for _ in range(5)]
        self._since, self._asked, self._count = 0, None, 0

    def frame(self, screen: Screen) -> np.ndarray:
        """The next picture."""
        asked = screen.detail if screen.state == PROMPT else None
        if asked != self._asked:
            self._asked, self._since = asked, self._count
        self._count += 1
        side = {LEFT: -1.0, RIGHT: 1.0}.get(asked, 0.0)
        share = max(0.0, (self._count - self._since) / FPS - self._delay_s) / self._swing_s
        swing = side * np.sin(np.pi * share) ** 2
        wave = [self._sway[i] * np.sin(self._count / FPS * (1.7 + 0.4 * i) + i) for i in range(5)]
        way, reach = self._way, self._reach * swing
        hold = Hold(way.turned * reach + 2 * wave[0], way.tilted * abs(reach) + 6 * wave[1], 4 * wave[2],
                    0.5 - way.moved * swing + 0.01 * wave[3], 0.5 + 0.01 * wave[4], self._size)  # fmt: skip
        return self._photo.held(hold, self._bend, self._background)


def settings(database: Path, liveness: int) -> Settings:
    """Of a kiosk with the people of a folder."""
    plain = Settings(gallery=GallerySettings(database=database), kiosk=KioskSettings(kiosk=True, liveness=liveness))
    (made,) = kiosk_parts.adapted([replace(plain, analysis=replace(plain.analysis, actions=()))])
    return made


class Booth:
    """A kiosk with the stream's own analysis, played frame by frame; a context manager.

    Args:
        database: folder of the people that it knows.
        rules: see `Rules`; None for those of the settings.
    """

    def __init__(self, database: Path, liveness: int) -> None:
        self._settings = settings(database, liveness)
        build.prepare(self._settings)
        self._people = LiveGallery(build.gallery(self._settings))
        self.rules = kiosk_parts.rules(self._settings)

    def session(self, actor: Actor, rules: Rules, rng: random.Random) -> tuple[Decision | None, list[Screen]]:
        """One person's check: the decision, None where none was made in time, and what was shown."""
        metric, network = self._settings.recognition.metric, build.network_key(self._settings)
        looking = Looking(self._people, metric, network)
        kiosk = Kiosk(rules, Lock(0, 1), self._settings.kiosk.kiosk_face, False, rng)
        looks = build.analysis(self._settings)
        pipeline = build.pipeline(self._settings, self._people, looks, Pace.STEP)
        screens = [Screen()]
        try:
            for index in range(round(LONGEST_S * FPS)):
                frame = Frame(actor.frame(screens[-1]), index, 1e9 + index / FPS, index / FPS, "booth")
                screen, decision = kiosk.step(looking.scene(pipeline.step(frame), None))
                screens.append(screen)
                if decision is not None:
                    return decision, screens
        finally:
            pipeline.close()
        return None, screens


def clip(path: Path) -> list[np.ndarray]:
    """All frames of a clip, (H, W, 3) uint8 BGR."""
    import av

    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def mirrored(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Each frame as in a mirror."""
    return [cv2.flip(frame, 1) for frame in frames]
