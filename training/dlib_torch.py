"""dlib's face ResNet as PyTorch modules that start from its published weights, for training heads on it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from streamface.networks import dlib_resnet


def convolution(kernel: np.ndarray, bias: np.ndarray, stride: int = 1) -> nn.Conv2d:
    """A layer of (rows, columns, in, out) weights; padded to keep its size when `stride` is 1, else not at all."""
    side, _, before, channels = kernel.shape
    layer = nn.Conv2d(before, channels, side, stride, padding=side // 2 if stride == 1 else 0)
    layer.weight.data = torch.tensor(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)), dtype=torch.float32)
    layer.bias.data = torch.tensor(np.array(bias), dtype=torch.float32)
    return layer


class Block(nn.Module):
    """A residual block of `dlib_resnet.BLOCKS`: two convolutions, and a shortcut padded with zeros."""

    def __init__(self, first: tuple, second: tuple, halve: bool) -> None:
        super().__init__()
        self.first, self.second = convolution(*first, stride=2 if halve else 1), convolution(*second)
        self.halve = halve

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block applied to (N, C, H, W)."""
        inner = self.second(F.relu(self.first(x)))
        shortcut = F.avg_pool2d(x, 2) if self.halve else x
        rows, channels = (max(inner.shape[i], shortcut.shape[i]) for i in (2, 1))
        return F.relu(_padded(inner, rows, channels) + _padded(shortcut, rows, channels))


def _padded(x: torch.Tensor, side: int, channels: int) -> torch.Tensor:
    after = (side - x.shape[3], side - x.shape[2], channels - x.shape[1])
    return F.pad(x, (0, after[0], 0, after[1], 0, after[2])) if any(after) else x


class Trunk(nn.Module):
    """The network up to its branch point; (N, 3, 150, 150) BGR of 0..255 in, (N, C, H, W) features out."""

    def __init__(self) -> None:
        super().__init__()
        (stem, *_), _ = dlib_resnet.raw_pixel_layers()
        self.stem = convolution(*stem, stride=2)
        self.blocks = nn.Sequential(*(dlib_block(index) for index in range(dlib_resnet.BRANCH)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The features of a batch."""
        return self.blocks(F.max_pool2d(F.relu(self.stem(x)), 3, 2))


def dlib_block(index: int) -> Block:
    """Block `index` of the published network."""
    (_, *convolutions), _ = dlib_resnet.raw_pixel_layers()
    return Block(*convolutions[2 * index : 2 * index + 2], halve=dlib_resnet.BLOCKS[index][1])
