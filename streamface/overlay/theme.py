"""Colours and sizes: every figure of the look, as a function of the frame's size."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]
"""Blue, green, red, 0..255."""

INK: Colour = (24, 17, 13)
"""Panels and the shadow around lines: near black, so that light text reads on any picture."""
PAPER: Colour = (255, 255, 255)
"""Names."""
MUTED: Colour = (214, 205, 196)
"""Second line: distance, age, gender. 9:1 against `INK`."""
MINT: Colour = (158, 224, 64)
"""Somebody known."""
AMBER: Colour = (72, 176, 255)
"""Somebody unknown. Differs from mint in lightness too, for the colour-blind."""
SILVER: Colour = (232, 224, 216)
"""Somebody not looked at yet."""
SKY: Colour = (255, 190, 92)
"""Emotion bars."""
RED: Colour = (82, 82, 255)
"""The dot of a live source."""

PANEL_OPACITY = 0.74
"""Of panels: at 0.74 white on ink over a white picture keeps a contrast of 7:1."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Sizes in whole pixels for one frame size."""

    em: int
    """Size of a name's font."""
    small: int
    """Size of the second line's font."""
    pad: int
    """Inner margin of a panel."""
    gap: int
    """Between a face and its label, and around everything that should not touch."""
    radius: int
    """Of the corners of panels."""
    stroke: int
    """Thickness of lines around faces."""
    margin: int
    """Least distance of a label from the frame's edge."""

    @classmethod
    def for_frame(cls, size_wh: tuple[int, int], scale: float = 1.0) -> Theme:
        """Sizes for a frame of (width, height) pixels; `scale` 0.25..4 enlarges text and lines.

        The font grows slower than the frame (11 px at 360p, 16 at 720p, 23 at 1080p, 42 at 4K), because a
        small picture needs relatively larger letters to stay readable. The shorter side counts, so that an
        upright picture of a telephone looks like the same picture lying.
        """
        em = max(9, round(max(11.0, 4 + 0.0175 * min(size_wh)) * scale))
        return cls(
            em=em,
            small=max(8, round(em * 0.8)),
            pad=max(3, round(em * 0.42)),
            gap=max(3, round(em * 0.34)),
            radius=max(3, round(em * 0.42)),
            stroke=max(2, round(em * 0.14)),
            margin=max(2, round(em * 0.3)),
        )
