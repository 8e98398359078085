"""Heads of five points in space, and pictures of them, seen by a camera: no data, no networks."""

from __future__ import annotations

import numpy as np

from streamface.kiosk.views import Ranking, Scene, View

HEAD = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.6, -0.5], [-0.38, 1.05, -0.05], [0.38, 1.05, -0.05]])
"""Eyes, nose, corners of the mouth, in distances of the eyes: x right and y down in the picture, z away from the
camera."""
PICTURE = HEAD * [1, 1, 0]
"""The same, printed."""


def landmarks(points=HEAD, yaw=0.0, pitch=0.0, roll=0.0, eyes_px=60.0, away=12.0, noise=0.0, rng=None):
    """(5, 2) pixels; degrees, positive yaw to the person's own left; `away` in distances of the eyes."""
    a, b, c = np.radians([-yaw, pitch, roll])
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    tilt = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    centre = np.array([0, 0.5, 0])
    x, y, z = (tilt @ nod @ turn @ (points - centre).T) + np.array([[0], [0.5], [away]])
    seen = np.stack([x / z, y / z], 1) * away * eyes_px + [320, 180]
    return (seen + (rng.normal(0, noise * eyes_px, seen.shape) if rng else 0)).astype(np.float32)


def view(points=HEAD, track=1, height=0.4, happy=0.02, sharpness=0.8, light=1.0, is_whole=True, **pose):
    """A good view, but for what is said."""
    return View(track, landmarks(points, **pose), height, is_whole, sharpness, light, happy)


def ranking(at, person="Anna", distance=0.04, others=0.2, track=1, sharpness=0.8):
    """What the gallery says of a view."""
    return Ranking(at, track, person, distance, others, sharpness)


class Play:
    """Feeds a kiosk with frames, and remembers what it showed and decided."""

    def __init__(self, kiosk, fps=25.0):
        self.kiosk, self.step_s, self.at = kiosk, 1 / fps, 100.0
        self.screens, self.decisions = [], []

    @property
    def screen(self):
        return self.screens[-1]

    def frame(self, *views, person="Anna", distance=0.04, others=0.2, is_live=True):
        """One frame; each face is looked at, and is the nearest to `person`."""
        self.at += self.step_s
        looks = tuple(ranking(self.at, person, distance, others, one.track, one.sharpness) for one in views)
        screen, decision = self.kiosk.step(Scene(self.at, views, looks, is_live))
        self.screens.append(screen)
        if decision:
            self.decisions.append(decision)
        return screen

    def frames(self, seconds, *views, **looks):
        """The same for a while, until something is decided."""
        for _ in range(round(seconds / self.step_s)):
            self.frame(*views, **looks)

    def decision(self, see, seconds=30.0, **looks):
        """What is decided when `see(screen, at)` gives the face; None where nothing is."""
        before, end = len(self.decisions), self.at + seconds
        self.screens.append(self.screens[-1] if self.screens else None)
        while len(self.decisions) == before and self.at < end:
            self.frame(see(self.screen, self.at), **looks)
        return self.decisions[-1] if len(self.decisions) > before else None


class Follower:
    """Follows prompts: turns by `reach` degrees within half a second and back, smiles; as a head or as a picture."""

    def __init__(self, points=HEAD, reach=35.0, noise=0.01, seed=0, delay_s=0.4, wrong=False):
        self._points, self._reach, self._noise, self._delay_s = points, reach, noise, delay_s
        self._rng, self._asked, self._since, self._wrong = np.random.default_rng(seed), None, 0.0, wrong

    def __call__(self, screen, at):
        asked = (screen.detail, screen.done) if screen is not None and screen.state == "prompt" else None
        if asked != self._asked:
            self._asked, self._since = asked, at
        share = max(0.0, at - self._since - self._delay_s) / 1.6
        prompt = asked[0] if asked else None
        way = {"left": 1, "right": -1}.get(prompt, 0) * (-1 if self._wrong else 1)
        yaw = way * self._reach * np.sin(np.pi * share) ** 2
        happy = 0.9 if prompt == "smile" and share > 0.1 else 0.03
        return view(self._points, yaw=yaw, happy=happy, noise=self._noise, rng=self._rng)
