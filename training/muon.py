"""Muon: gradient descent by steps whose matrices are nearly orthogonal, for the kernels of a network.

Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; the size of a step, so that a
rate for AdamW serves, is that of Liu et al., "Muon is Scalable for LLM Training", arXiv 2502.16982, 2025. PyTorch's
own takes matrices only, and kernels of convolutions have four dimensions.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

TURNS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """Steps along the orthogonalised momentum; each parameter is a matrix of its first dimension by all others.

    Args:
        params: tensors of two or more dimensions, or groups of them.
        lr: as for AdamW; weight_decay: share of `lr` by which a parameter shrinks.
    """

    def __init__(self, params: Iterable, lr: float, momentum: float = 0.95, weight_decay: float = 0.05) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                kept = self.state[parameter]
                mean = kept.setdefault("exp_avg", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 1 - group["momentum"])
                ahead = parameter.grad.lerp(mean, group["momentum"]).flatten(1)
                size = 0.2 * max(ahead.shape) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(orthogonal(ahead).view_as(parameter), alpha=-group["lr"] * size)


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """A matrix with the singular vectors of `matrix` and singular values of about 1, by Newton-Schulz steps."""
    a, b, c = COEFFICIENTS
    x = matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(TURNS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x.T if tall else x).to(matrix.dtype)
