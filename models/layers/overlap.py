"""How much of each sentence the other one covers: the plain features beside the convolutions.

Yin et al. (2016, section 5) feed word overlap, also weighted by inverse document frequency, to BCNN's
logistic regression; soft coverage by cosine is WSM (see `models.unsupervised`).
"""

import torch
from torch import Tensor

__all__ = ["N_OVERLAP_FEATURES", "overlap_features"]

N_OVERLAP_FEATURES = 7


def overlap_features(equal: Tensor, cosine: Tensor, left_weights: Tensor, right_weights: Tensor) -> Tensor:
    """Coverage of both sentences, the same for (a, b) and (b, a).

    Args:
        equal: float (batch, n, m), 1 for equal words.
        cosine: float (batch, n, m) in [-1, 1], zero where padded.
        left_weights: float (batch, n), importance of words, zero where padded.
        right_weights: float (batch, m).

    Returns:
        float (batch, 7): mean and minimum over the two directions of the covered share of words, of the
        covered share of importance, and of soft coverage (WSM); then the shorter length over the longer.
    """
    left_ones, right_ones = (left_weights > 0).to(equal.dtype), (right_weights > 0).to(equal.dtype)
    soft = torch.maximum(equal, cosine.clamp(min=0.0))
    features = []
    for matches, left, right in (
        (equal, left_ones, right_ones),
        (equal, left_weights, right_weights),
        (soft, left_weights, right_weights),
    ):
        there = _share(matches.amax(dim=2), left)
        back = _share(matches.amax(dim=1), right)
        features += [(there + back) / 2, torch.minimum(there, back)]
    lengths = torch.stack((left_ones.sum(dim=1), right_ones.sum(dim=1)))
    features.append(lengths.amin(dim=0) / lengths.amax(dim=0).clamp(min=1.0))
    return torch.stack(features, dim=1)


def _share(covered: Tensor, weights: Tensor) -> Tensor:
    return (covered * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-8)
