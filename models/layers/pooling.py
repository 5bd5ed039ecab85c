"""Pooling over the valid positions of padded batches.

Padding must never take part in a maximum or a mean; that rule is stated once, here, and used by all layers.
"""

import torch
from torch import Tensor

__all__ = ["first_positions", "masked_max", "masked_mean", "masked_softmax"]


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over valid positions.

    Args:
        values: float (batch, length, width).
        mask: bool (batch, length), true where valid.

    Returns:
        float (batch, width); zero for a row without valid positions.
    """
    weights = mask.unsqueeze(-1).to(values.dtype)
    return (values * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)


def masked_max(values: Tensor, mask: Tensor) -> Tensor:
    """Maximum over valid positions; shapes and the empty row as in `masked_mean`."""
    highest = values.masked_fill(~mask.unsqueeze(-1), float("-inf")).amax(dim=1)
    return highest.masked_fill(~mask.any(dim=1, keepdim=True), 0.0)


def masked_softmax(scores: Tensor, mask: Tensor, *, dim: int = 1) -> Tensor:
    """Softmax over the valid positions of one axis.

    Args:
        scores: float, any shape.
        mask: bool, broadcast to it; true where valid.
        dim: the axis.

    Returns:
        float of the same shape, 0 where invalid; sums to 1 along the axis (to 0 where nothing is valid).
    """
    lowest = torch.finfo(scores.dtype).min
    return torch.softmax(scores.masked_fill(~mask, lowest), dim=dim) * mask.to(scores.dtype)


def first_positions(counts: Tensor, length: int) -> Tensor:
    """A mask whose first `counts` positions are true.

    Args:
        counts: int (batch,).
        length: number of columns.

    Returns:
        bool (batch, length).
    """
    return torch.arange(length, device=counts.device) < counts.unsqueeze(1)
