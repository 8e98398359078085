"""Where faces are going: one Kalman filter per face, all of them moved at once."""

from __future__ import annotations

import numpy as np

# Of centre x, centre y, log width, log height. Tuned on benchmarks/tracking.py; the centre is in face sizes.
SEEN_STD = np.array([0.05, 0.05, 0.06, 0.06])
"""Jitter of a detected box."""
START_STD = np.array([0.3, 0.2, 0.05, 0.05])
"""How fast a face may be when it is first seen, per frame: half a face is inside two deviations."""
PUSH_STD = np.array([0.015, 0.015, 0.01, 0.01])
"""How much the speed changes from one frame to the next."""
JUMP_STD = 3.0
"""A face further off than so many deviations has jumped: its place is taken from the detection."""
JUMP_SPEED_STD = np.array([0.05, 0.05, 0.0, 0.0])
"""And its speed is less certain by this."""
KEEP_FRAMES = np.array([80.0, 80.0, 10.0, 10.0])
"""A speed that is not confirmed fades to a third in so many frames: people stop, and nobody grows for long."""


class Motion:
    """Position and speed of N faces with what is not known of them; time is counted in frames.

    Each of centre x, centre y, log width and log height is a filter of its own (position, speed), for they do
    not depend on each other: a step is a handful of (N, 4) operations and no matrix is inverted. The speed
    fades as in an Ornstein-Uhlenbeck process. Method: Kalman, "A New Approach to Linear Filtering and
    Prediction Problems", 1960; state as in Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016.
    """

    def __init__(self) -> None:
        # (5, N, 4): position, speed, and the three numbers of their covariance
        self._state = np.empty((5, 0, 4))

    def __len__(self) -> int:
        return self._state.shape[1]

    def boxes(self) -> np.ndarray:
        """(N, 4) left, top, right, bottom in pixels."""
        position = self._state[0]
        half = np.exp(position[:, 2:]) / 2
        return np.concatenate([position[:, :2] - half, position[:, :2] + half], axis=1)

    def uncertainty_px(self) -> np.ndarray:
        """(N, 2) standard deviation of where a detection of each face may lie, x and y in pixels."""
        scale = _scaled(self._state[0])[:, :2]
        return np.sqrt(self._state[2][:, :2] + (SEEN_STD[:2] * scale) ** 2)

    def add(self, boxes: np.ndarray) -> None:
        """Start a filter at each of (M, 4) boxes, at the end of the rows."""
        new = np.zeros((5, len(boxes), 4))
        new[0] = _measured(boxes)
        scale = _scaled(new[0])
        new[2], new[4] = (SEEN_STD * scale) ** 2, (START_STD * scale) ** 2
        self._state = np.concatenate([self._state, new], axis=1)

    def keep(self, rows: np.ndarray) -> None:
        """Drop all but these rows (indices or a mask)."""
        self._state = self._state[:, rows]

    def move(self, frames: int) -> None:
        """Go on by `frames` frames."""
        position, speed, spread, both, speed_spread = self._state
        left = np.exp(-frames / KEEP_FRAMES)
        reach = KEEP_FRAMES * (1 - left)
        push = (PUSH_STD * _scaled(self._state[0])) ** 2
        position += reach * speed
        speed *= left
        spread += 2 * reach * both + reach**2 * speed_spread + push * frames**3 / 3
        both[:] = left * (both + reach * speed_spread) + push * frames**2 / 2
        speed_spread[:] = left**2 * speed_spread + push * frames

    def correct(self, rows: np.ndarray, boxes: np.ndarray) -> None:
        """Faces `rows` (M indices) were seen at (M, 4) boxes."""
        position, speed, spread, both, speed_spread = self._state[:, rows]
        scale = _scaled(position)
        noise = (SEEN_STD * scale) ** 2
        error = _measured(boxes) - position
        jumped = error**2 > JUMP_STD**2 * (spread + noise)
        spread = spread + jumped * error**2
        speed_spread = speed_spread + jumped * (JUMP_SPEED_STD * scale) ** 2
        gain, speed_gain = spread / (spread + noise), both / (spread + noise)
        self._state[:, rows] = np.stack(
            [
                position + gain * error,
                speed + speed_gain * error,
                (1 - gain) * spread,
                (1 - gain) * both,
                speed_spread - speed_gain * both,
            ]
        )


def _measured(boxes: np.ndarray) -> np.ndarray:
    """(N, 4) centre x, centre y, log width, log height."""
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, np.log(size)], axis=1)


def _scaled(position: np.ndarray) -> np.ndarray:
    """(N, 4) what one unit of the constants above is: the face's size in pixels for its centre, 1 for its log size."""
    scale = np.ones_like(position)
    scale[:, :2] = np.exp((position[:, 2:3] + position[:, 3:4]) / 2)
    return scale
