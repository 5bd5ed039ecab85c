"""Fits the linear part beside MLC: one plane a label over hashed character n-grams, by scikit-learn's solver."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from models.layers.grams import HashedGrams
from models.metrics import macro_f1
from models.text.ragged import Ragged

__all__ = ["choose_scale", "fit_grams"]

_BATCH = 1024
_SCALES = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)


def fit_grams(grams: HashedGrams, chars: Ragged, targets: NDArray[np.int64], *, c: float, seed: int) -> None:
    """Set importance, weights and bias from labelled texts; the scale becomes 1.

    Args:
        grams: changed in place.
        chars: rows of the characters of every text.
        targets: int64 (n,), columns of the labels; at least two different ones.
        c: inverse strength of the regularisation, > 0.
        seed: of the order in which the solver visits rows.
    """
    from sklearn.svm import LinearSVC  # noqa: PLC0415  (only who trains it pays for it)

    counts = _counts(grams, chars)
    present = np.bincount(counts.indices, minlength=grams.n_buckets)
    grams.idf.copy_(torch.from_numpy(np.log((1 + counts.shape[0]) / (1 + present)) + 1))
    weighted = _counts(grams, chars)
    machine = LinearSVC(C=c, random_state=seed).fit(weighted, targets)
    planes, bias = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:  # scikit-learn gives one plane for two labels
        planes, bias = np.concatenate((-planes, planes)), np.concatenate((-bias, bias))
    grams.weights.zero_()
    grams.weights[:, machine.classes_] = torch.from_numpy(planes.T.astype(np.float32))
    grams.bias.fill_(float(bias.min()) - 1.0)  # a label without a text is the least likely
    grams.bias[machine.classes_] = torch.from_numpy(bias.astype(np.float32))
    grams.scale.fill_(1.0)


def choose_scale(
    grams: HashedGrams, deep: NDArray[np.float32], wide: NDArray[np.float32], truth: NDArray[np.int64]
) -> None:
    """Set the scale that makes the macro F1 of the sum of both highest; the smallest of equals.

    Args:
        grams: changed in place.
        deep: float (n, n_labels), logits without the grams.
        wide: float (n, n_labels), distances at scale 1.
        truth: int64 (n,), columns of the right labels.
    """
    reached = [macro_f1((deep + scale * wide).argmax(axis=1), truth) for scale in _SCALES]
    grams.scale.fill_(_SCALES[int(np.argmax(reached))])


def _counts(grams: HashedGrams, chars: Ragged) -> csr_matrix:
    """The shares of every text's grams as a sparse matrix (n, n_buckets); equal buckets are added."""
    parts = []
    with torch.inference_mode():
        for rows in np.array_split(np.arange(len(chars.lengths)), max(1, -(-len(chars.lengths) // _BATCH))):
            buckets, valid = grams.buckets(torch.from_numpy(chars.padded(rows)))
            shares = grams.shares(buckets, valid)
            lines = np.repeat(np.arange(len(rows)), buckets.shape[1])
            kept = valid.numpy().ravel()
            cells = (shares.numpy().ravel()[kept], (lines[kept], buckets.numpy().ravel()[kept]))
            parts.append(csr_matrix(cells, shape=(len(rows), grams.n_buckets)))
    return vstack(parts, format="csr")
