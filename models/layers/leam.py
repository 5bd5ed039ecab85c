"""LEAM: attention of a text to the labels (Wang et al., ACL 2018, arXiv 1805.04174), a branch of MLC."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers.pooling import masked_softmax

__all__ = ["LEAM"]

_EPSILON = 1e-8


class LEAM(nn.Module):
    """Weighs every word by how well its phrase fits the best fitting label.

    Attributes:
        labels: float (n_labels, width), the label embeddings C, trained.
    """

    def __init__(
        self, *, n_labels: int, width: int, radius: int = 2, window: Literal["shared", "full"] = "shared"
    ) -> None:
        """Make the label embeddings and the phrase filter.

        The label embeddings start as standard Gaussians (the paper's choice without descriptions); trainers
        replace them by the mean vectors of the words that describe each label.

        Args:
            n_labels: K, labels that have an embedding.
            width: width of the word vectors.
            radius: r; a phrase is 2 r + 1 words. Small for short questions (the paper's 50 is for documents).
            window: "shared" is equation 3, one filter for all labels with a bias each; "full" is the authors'
                code, a filter from all labels to all labels.
        """
        super().__init__()
        self.labels = nn.Parameter(torch.randn(n_labels, width))
        self._shared, self._radius = window == "shared", radius
        size = 2 * radius + 1
        self.phrase = nn.Conv1d(
            1 if self._shared else n_labels, 1 if self._shared else n_labels, size, padding=radius, bias=False
        )
        self.bias = nn.Parameter(torch.zeros(n_labels))

    def attention(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """The weights beta (equations 2 to 5).

        Args:
            vectors: float (batch, length, width).
            mask: bool (batch, length).

        Returns:
            float (batch, length), 0 where padded, summing to 1.
        """
        words = functional.normalize(vectors * mask.unsqueeze(-1), dim=-1, eps=_EPSILON)
        labels = functional.normalize(self.labels, dim=-1, eps=_EPSILON)
        fit = torch.matmul(words, labels.t()).transpose(1, 2)  # (batch, n_labels, length), equation 2
        phrase = self._shifted(fit) if self._shared else self.phrase(fit)
        best = functional.relu(phrase + self.bias[:, None]).amax(dim=1)  # over labels, equations 3 and 4
        return masked_softmax(best, mask)

    def _shifted(self, fit: Tensor) -> Tensor:
        """The one filter over every label's row, as a sum of shifted rows: a convolution of one channel is slow."""
        around = functional.pad(fit, (self._radius, self._radius))
        phrase = torch.zeros_like(fit)
        for at, weight in enumerate(self.phrase.weight.flatten().unbind()):
            phrase = phrase + weight * around[:, :, at : at + fit.shape[2]]
        return phrase

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """The text's representation z = sum_l beta_l v_l (equation 6), float (batch, width)."""
        return torch.bmm(self.attention(vectors, mask).unsqueeze(1), vectors).squeeze(1)
