"""What can be wrong with pictures that do arrive: frozen, black, damaged, another size or rate, a clock that jumps."""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np

from streamface.capture._states import StateLog
from streamface.capture._wire import RawPicture
from streamface.types import BLACK, CLOCK, FROZEN, GARBLED, RATE, RESIZED

STEP = 8
"""Every 8th pixel of every 8th row is looked at: 0.05 ms of 1920x1080, and nothing smaller than a face is missed."""
SAME = 2
"""Grey levels by which a pixel may differ and still be the same: an encoder alone changes a still picture by that."""
BLACK_LEVEL = 34
"""Brightest luma of a black picture, of 16 to 235; a dark scene has a lamp or noise above it."""
BLACK_S = 2.0
WHOLE_S = 5.0
"""Seconds without damage after which a picture counts as whole again."""
SIZE_S, SIZE_IN_DAMAGE_S = 1.0, 2.5
"""Seconds for which pictures have another size before it is believed: damaged data can pretend one until the next
key frame, and files and networks would be set up for it."""
JUMP_S = 2.0
"""Seconds by which the camera's clock may run ahead of ours from one picture to the next; behind itself, a tenth."""
SETTLE_S = 3.0
"""Seconds after connecting in which a camera may set its clock: its first report of the true time comes about then."""
RATE_PICTURES = 31
"""Pictures whose median interval is the frame rate."""
RATE_CHANGE = 1.3
"""Factor by which the rate must change to be said."""


class PictureWatch:
    """Looks at every picture of a camera and tells `states` what it notices, once each time.

    frozen_s: seconds without a change after which a picture counts as frozen.
    """

    def __init__(self, states: StateLog, frozen_s: float) -> None:
        self._states, self._frozen_s = states, frozen_s
        self._still: np.ndarray | None = None
        self._still_since = self._seen_at = self._seen_before_at = 0.0
        self._black_since: float | None = None
        self._damaged_at: float | None = None
        self._size_wh: tuple[int, int] | None = None
        self._other: tuple[tuple[int, int], float] | None = None
        """Another size that pictures have, and since when."""
        self._stamp: float | None = None
        self._began_at: float | None = None
        self._jump: float | None = None
        self._intervals: deque[float] = deque(maxlen=RATE_PICTURES)
        self._rate_changes = False
        self.rate: float | None = None
        """Pictures per second as measured; None until `RATE_PICTURES` were seen."""

    def connected(self) -> None:
        """A new connection begins: what is known of the old one's timing says nothing about it."""
        self._still = self._black_since = self._damaged_at = self._stamp = self._other = None
        self._began_at = self._jump = None
        self._intervals.clear()

    def damage(self, now: float) -> None:
        """Data came that could not be decoded."""
        self._damaged_at = now
        if GARBLED not in self._states.state.troubles:
            self._states.trouble(GARBLED, "data is lost or broken on the way")

    def look(self, picture: RawPicture, now: float) -> bool:
        """Look at one picture of a live source, which came at `now` by a clock that never jumps.

        False for one that is not to be shown: it has another size, and damage can pretend that.
        """
        self._look_at_damage(picture, now)
        if not self._believes_size(picture.size_wh, now):
            return False
        self._look_at_time(picture, now)
        luma = picture.luma(STEP)
        self._look_at_black(luma, now)
        self._look_at_stillness(luma, now)
        self._seen_before_at, self._seen_at = self._seen_at, now
        return True

    def _look_at_damage(self, picture: RawPicture, now: float) -> None:
        if picture.damaged:
            self.damage(now)
        elif self._damaged_at is not None and now - self._damaged_at > WHOLE_S:
            self._damaged_at = None
            self._states.trouble(GARBLED, "", over=True)

    def _believes_size(self, size_wh: tuple[int, int], now: float) -> bool:
        before = self._size_wh
        if before is None or size_wh == before:
            self._size_wh, self._other = size_wh, None
            return True
        if self._other is None or self._other[0] != size_wh:
            self._other = size_wh, now
        if now - self._other[1] < (SIZE_S if self._damaged_at is None else SIZE_IN_DAMAGE_S):
            return False
        self._size_wh, self._other = size_wh, None
        self._states.happened(RESIZED, "the picture is now {}x{}, before {}x{}".format(*size_wh, *before))
        return True

    def _look_at_time(self, picture: RawPicture, now: float) -> None:
        stamp = now if picture.stamp is None else picture.stamp
        before, self._stamp = self._stamp, stamp
        if before is None:
            self._began_at = now
            return
        # FFmpeg gives each RTSP picture when the next begins: what was sent before a pause comes at its end
        step, passed, longest = stamp - before, now - self._seen_at, now - self._seen_before_at
        jump, self._jump = self._jump, None
        if not -JUMP_S / 20 <= step <= longest + JUMP_S:
            self._intervals.clear()
            # two jumps in a row are one broken stamp, there and back
            self._jump = step - passed if jump is None and now - self._began_at > SETTLE_S else None
            return
        if jump is not None:
            self._states.happened(CLOCK, f"the camera's clock jumped by {jump:+.1f} s")
        self._intervals.append(step)
        self._look_at_rate()

    def _look_at_rate(self) -> None:
        if len(self._intervals) < RATE_PICTURES or median(self._intervals) <= 0:
            return
        rate = 1 / median(self._intervals)
        if self.rate is not None and 1 / RATE_CHANGE < rate / self.rate < RATE_CHANGE:
            self._rate_changes = False
            return
        self._intervals.clear()
        if self.rate is not None and not self._rate_changes:
            self._rate_changes = True  # some of these intervals are from before: the next ones tell
            return
        if self.rate is not None:
            self._states.happened(RATE, f"it gives {rate:.3g} pictures a second now, before {self.rate:.3g}")
        self.rate, self._rate_changes = rate, False

    def _look_at_black(self, luma: np.ndarray, now: float) -> None:
        is_black = int(luma.max()) <= BLACK_LEVEL
        known = BLACK in self._states.state.troubles
        if not is_black:
            self._black_since = None
            if known:
                self._states.trouble(BLACK, "", over=True)
            return
        self._black_since = now if self._black_since is None else self._black_since
        if not known and now - self._black_since >= BLACK_S:
            self._states.trouble(BLACK, "is it covered, or is it dark?")

    def _look_at_stillness(self, luma: np.ndarray, now: float) -> None:
        known = FROZEN in self._states.state.troubles
        if self._still is None or self._moved(luma):
            self._still, self._still_since = luma.copy(), now
            if known:
                self._states.trouble(FROZEN, "", over=True)
        elif not known and now - self._still_since >= self._frozen_s and self._black_since is None:
            self._states.trouble(FROZEN, f"the same for {now - self._still_since:.0f} s")

    def _moved(self, luma: np.ndarray) -> bool:
        if luma.shape != self._still.shape:
            return True
        return int(np.abs(luma.astype(np.int16) - self._still).max()) > SAME
