"""Fits the linear part beside MLC: one plane a label over character n-grams, by scikit-learn's solver."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from models.layers.grams import CharGrams, distinct_grams
from models.metrics import softmax_log_loss
from models.text.ragged import Ragged
from models.training.calibrate import softmax_temperature

__all__ = ["choose_scale", "fit_grams"]

_BATCH = 1024
_LEAST_TEXTS = 2
"""A gram of one text says nothing of others, and these are most."""
_SCALES = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)


def fit_grams(
    chars: Ragged, targets: NDArray[np.int64], *, n_labels: int, longest: int, c: float, seed: int
) -> CharGrams | None:
    """The linear model of labelled texts, at scale 1; None if no gram occurs in two texts.

    Args:
        chars: rows of the characters of every text.
        targets: int64 (n,), columns of the labels; at least two different ones.
        n_labels: columns.
        longest: characters of the longest gram.
        c: inverse strength of the regularisation, > 0.
        seed: of the order in which the solver visits rows.
    """
    from sklearn.svm import LinearSVC  # noqa: PLC0415  (only who trains it pays for it)

    every = [found[found != 0] for found in (distinct_grams(rows, longest=longest) for rows in _batches(chars))]
    known, texts = np.unique(torch.cat(every).numpy(), return_counts=True)
    known, texts = known[texts >= _LEAST_TEXTS], texts[texts >= _LEAST_TEXTS]
    if not len(known):
        return None
    grams = CharGrams(n_labels=n_labels, n_grams=len(known), longest=longest)
    grams.known.copy_(torch.from_numpy(known))
    grams.idf[:-1] = torch.from_numpy(np.log((1 + len(targets)) / (1 + texts)) + 1)
    machine = LinearSVC(C=c, random_state=seed).fit(_counts(grams, chars), targets)
    planes, bias = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:  # scikit-learn gives one plane for two labels
        planes, bias = np.concatenate((-planes, planes)), np.concatenate((-bias, bias))
    columns = torch.from_numpy(machine.classes_)
    grams.weights[:-1, columns] = torch.from_numpy(planes.T.astype(np.float32))
    grams.bias.fill_(float(bias.min()) - 1.0)  # a label without a text shall hardly win
    grams.bias[columns] = torch.from_numpy(bias.astype(np.float32))
    return grams


def choose_scale(
    grams: CharGrams, deep: NDArray[np.float32], wide: NDArray[np.float32], truth: NDArray[np.int64]
) -> None:
    """Set the scale at which both together say the truth most surely; the smallest of equals.

    The likelihood decides, at the best temperature, and not the macro F1 that is wanted: on the 2,000 sentences of
    SMP2020's dev part the F1 jumps by more than scales differ.

    Args:
        grams: changed in place.
        deep: float (n, n_labels), logits without the grams.
        wide: float (n, n_labels), distances at scale 1.
        truth: int64 (n,), columns of the right labels.
    """
    losses = []
    for scale in _SCALES:
        logits = deep + np.float32(scale) * wide
        losses.append(softmax_log_loss(logits / np.float32(softmax_temperature(logits, truth)), truth))
    grams.scale.fill_(_SCALES[int(np.argmin(losses))])


def _batches(chars: Ragged) -> Iterator[torch.Tensor]:
    n_texts = len(chars.lengths)
    for rows in np.array_split(np.arange(n_texts), max(1, -(-n_texts // _BATCH))):
        yield torch.from_numpy(chars.padded(rows))


def _counts(grams: CharGrams, chars: Ragged) -> csr_matrix:
    """The shares of every text's grams as a sparse matrix (n, n_grams)."""
    parts = []
    with torch.inference_mode():
        for rows in _batches(chars):
            places = grams.places(rows)
            shares = grams.shares(places)
            lines, cells = (shares != 0).nonzero(as_tuple=True)
            values = (shares[lines, cells].numpy(), (lines.numpy(), places[lines, cells].numpy()))
            parts.append(csr_matrix(values, shape=(len(rows), len(grams.known))))
    return vstack(parts, format="csr")
