"""Chance variations of a batch of pictures, in PyTorch, whole batches at a time.

Every function takes (N, C, H, W) float32 and a generator, and returns a new tensor of the same shape.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F


def uniform(shape: tuple[int, ...], low: float, high: float, rng: torch.Generator) -> torch.Tensor:
    """Numbers spread evenly over low..high."""
    return torch.rand(shape, generator=rng) * (high - low) + low


def chosen(count: int, share: float, rng: torch.Generator) -> torch.Tensor:
    """(count, 1, 1, 1) of 1 for about `share` of the pictures, else 0."""
    return (torch.rand((count, 1, 1, 1), generator=rng) < share).float()


def moved(
    images: torch.Tensor, rng: torch.Generator, degrees: float = 12, zoom: float = 0.15, shift: float = 0.08
) -> torch.Tensor:
    """Mirrored half of the time, turned, zoomed, stretched a little and shifted (share of the side); edges repeat."""
    n = len(images)
    turn = uniform((n,), -degrees, degrees, rng) * math.pi / 180
    scale = 1 / torch.exp(uniform((n,), math.log(1 - zoom), math.log(1 + zoom), rng))
    stretch = torch.exp(uniform((n,), -0.06, 0.06, rng))
    mirror = (torch.rand((n,), generator=rng) < 0.5).float() * 2 - 1
    cos, sin = torch.cos(turn) * scale, torch.sin(turn) * scale
    offset = uniform((n, 2), -2 * shift, 2 * shift, rng)  # the grid spans -1..1
    rows = [cos * stretch * mirror, -sin / stretch, offset[:, 0], sin * stretch * mirror, cos / stretch, offset[:, 1]]
    grid = F.affine_grid(torch.stack(rows, 1).view(n, 2, 3), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def relit(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Other gamma for all, light from one side for half; 0..255."""
    n, _, height, width = images.shape
    gamma = torch.exp(uniform((n, 1, 1, 1), -0.4, 0.4, rng))
    lit = torch.pow(images.clamp(0, 255) / 255, gamma)
    across = torch.linspace(-1, 1, width).view(1, 1, 1, width) * uniform((n, 1, 1, 1), -0.5, 0.5, rng)
    down = torch.linspace(-1, 1, height).view(1, 1, height, 1) * uniform((n, 1, 1, 1), -0.3, 0.3, rng)
    return 255 * lit * torch.exp((across + down) * chosen(n, 0.5, rng))


def degraded(images: torch.Tensor, rng: torch.Generator, share: float = 0.2) -> torch.Tensor:
    """A share blurred as a small face that was enlarged, another with the noise of a dim camera; 0..255."""
    n, _, height, width = images.shape
    small = F.interpolate(images, scale_factor=float(uniform((1,), 0.5, 0.9, rng)), mode="area")
    soft = F.interpolate(small, (height, width), mode="bilinear", align_corners=False)
    blurred = images + (soft - images) * chosen(n, share, rng)
    strength = uniform((n, 1, 1, 1), 0, 8, rng) * chosen(n, share, rng)
    return blurred + strength * torch.randn(images.shape, generator=rng)


def covered(images: torch.Tensor, rng: torch.Generator, share: float = 0.5) -> torch.Tensor:
    """A share with a rectangle, of 0.15 to 0.45 of the side each way, filled with the picture's mean.

    Method: Zhong et al., "Random Erasing Data Augmentation", AAAI 2020.
    """
    n, _, height, width = images.shape
    center, half = uniform((n, 2), 0, 1, rng), uniform((n, 2), 0.075, 0.225, rng)
    x = (torch.arange(width) + 0.5) / width
    y = (torch.arange(height) + 0.5) / height
    inside_x = ((x - center[:, :1]).abs() < half[:, :1]).float().view(n, 1, 1, width)
    inside_y = ((y - center[:, 1:]).abs() < half[:, 1:]).float().view(n, 1, height, 1)
    mask = inside_x * inside_y * chosen(n, share, rng)
    return images + (images.mean((1, 2, 3), keepdim=True) - images) * mask


def mixed(
    images: torch.Tensor, targets: torch.Tensor, rng: torch.Generator, alpha: float = 0.2
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each picture and its (N, K) target blended with another of the batch, at Beta(alpha, alpha) weight.

    Method: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
    """
    gammas = torch._standard_gamma(torch.full((2, len(images)), alpha), generator=rng)
    weight = (gammas[0] / gammas.sum(0).clamp_min(1e-12)).clamp(0, 1)
    other = torch.randperm(len(images), generator=rng)
    picture = weight.view(-1, 1, 1, 1)
    return images * picture + images[other] * (1 - picture), targets * weight[:, None] + targets[other] * (
        1 - weight[:, None]
    )
