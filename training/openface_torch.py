"""nn4.small2 as PyTorch modules with random weights; `weights` gives them under the names of the Keras graph.

The table of modules is that of `streamface.networks.openface`. A smaller picture than 96x96 is taken too, as long as
its last maps are 3x3: 72x72 costs about half, and its pooled branches are padded to the size of the others.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from streamface.networks import openface as table

ROOT_FLOOR = 1e-5
"""Added under the root of square-root pooling, whose gradient is infinite at zero."""


class Layer(nn.Module):
    """Convolution, batch normalisation, ReLU; keeps the picture's size, or halves it."""

    def __init__(self, names: tuple[str, str], before: int, channels: int, side: int, stride: int = 1) -> None:
        super().__init__()
        self.names = names
        self.convolution = nn.Conv2d(before, channels, side, stride, padding=side // 2)
        self.norm = nn.BatchNorm2d(channels, eps=table.EPSILON, momentum=0.01)
        nn.init.kaiming_normal_(self.convolution.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.convolution.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer applied to (N, C, H, W)."""
        return F.relu(self.norm(self.convolution(x)))


class Normalised(nn.Module):
    """Local response normalisation over 11 channels; exactly `table._normalised`."""

    def __init__(self, channels: int, alpha: float = 1e-4, reach: int = 5) -> None:
        super().__init__()
        at = torch.arange(channels)
        window = alpha * ((at[:, None] - at[None]).abs() <= reach).float()
        self.register_buffer("window", window[:, :, None, None], persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x / (1 + alpha * sum of squares) ^ 0.75."""
        return x * torch.pow(1 + F.conv2d(x * x, self.window), -0.75)


class Module(nn.Module):
    """One inception module, a row of `table.MODULES`; its branches side by side."""

    def __init__(self, before: int, row: tuple) -> None:
        super().__init__()
        name, three, five, (self.kind, pooled, _), one = row
        self.stride = three[2]
        self.branches = nn.ModuleList()
        for side, numbers in ((3, three), (5, five)):
            if numbers:
                prefix = f"inception_{name}_{side}x{side}"
                narrow = Layer((f"{prefix}_conv1", f"{prefix}_bn1"), before, numbers[0], 1)
                wide = Layer((f"{prefix}_conv2", f"{prefix}_bn2"), numbers[0], numbers[1], side, numbers[2])
                self.branches.append(nn.Sequential(narrow, wide))
        prefix = f"inception_{name}_pool"
        self.pooled = Layer((f"{prefix}_conv", f"{prefix}_bn"), before, pooled, 1) if pooled else None
        prefix = f"inception_{name}_1x1"
        self.one = Layer((f"{prefix}_conv", f"{prefix}_bn"), before, one, 1) if one else None
        widths = [numbers[1] for numbers in (three, five) if numbers] + [pooled or before] + ([one] if one else [])
        self.channels = sum(widths)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, `channels`, H or half of it, W or half of it)."""
        found = [branch(x) for branch in self.branches]
        pooled = F.max_pool2d(x, 3, 2) if self.kind == "max" else _root_pooled(x)
        pooled = self.pooled(pooled) if self.pooled else pooled
        missing = found[0].shape[-1] - pooled.shape[-1]
        before, after = missing // 2, missing - missing // 2
        found.append(F.pad(pooled, (before, after, before, after)))
        return torch.cat([*found, self.one(x)] if self.one else found, 1)


def _root_pooled(x: torch.Tensor) -> torch.Tensor:
    return torch.sqrt(9 * F.avg_pool2d(x * x, 3, 3) + ROOT_FLOOR)


class OpenFace(nn.Module):
    """(N, 3, S, S) blue-green-red of 0..255 in, (N, 736) pooled features and (N, 128) numbers out, not of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Layer(("conv1", "bn1"), 3, 64, 7, 2)
        self.second = Layer(("conv2", "bn2"), 64, 64, 1)
        self.third = Layer(("conv3", "bn3"), 64, 192, 3)
        self.first_norm, self.second_norm = Normalised(64), Normalised(192)
        modules, width = [], 192
        for row in table.MODULES:
            modules.append(Module(width, row))
            width = modules[-1].channels
        self.blocks = nn.Sequential(*modules)
        self.dense = nn.Linear(width, table.DIMENSIONS)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features and embeddings."""
        x = F.max_pool2d(self.stem(x / 255), 3, 2, 1)
        x = self.second_norm(self.third(self.second(self.first_norm(x))))
        x = self.blocks(F.max_pool2d(x, 3, 2, 1))
        features = x.float().mean((2, 3))
        with torch.autocast("cpu", enabled=False):
            return features, self.dense(features)

    def layers(self) -> list[Layer]:
        """Every convolution with its normalisation."""
        return [module for module in self.modules() if isinstance(module, Layer)]
