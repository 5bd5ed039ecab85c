"""Hyperparameters of the classifiers; `configs/train.yaml` and `evaluate --set` name these fields."""

from dataclasses import dataclass
from typing import Literal

from models.mlc import BRANCHES

__all__ = ["ClassifierParams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierParams:
    """Hyperparameters of MLC and its training.

    Attributes:
        branches: any of "swem", "cnn", "leam", which together are MLC, and "swem_hier"; one alone is a baseline of
            the paper.
        use_chars: read characters in a second channel.
        n_filters: filters of each size in the CNN (the paper: 16).
        kernel_sizes: words a filter sees (the paper: 2, 3, 4).
        radius: r of LEAM, a phrase is 2 r + 1 words.
        window: LEAM's filter, "shared" (the paper) or "full" (its authors' code).
        label_weight: lambda, weight of the label regulariser.
        dropout: on the features.
        token_dropout: share of tokens that training hides.
        longest_gram: characters of the longest n-gram of a linear model beside the branches, at most 4; 0 for none. It
            needs `use_chars`.
        gram_c: inverse strength of its regularisation.
        label_smoothing: of the cross-entropy.
        class_weights: weigh classes by the root of their rarity.
        learning_rate: of AdamW.
        embedding_rate: of the vectors; 0 keeps them.
        least_texts: training texts that a word must stand in for its vector to be trained, 1 or more. Vectors are
            trained as far as the last such word, in the order of the vocabulary; rare words make most of it, and an
            optimiser moves all of them with every batch.
        weight_decay: of everything but the vectors.
        batch_size: sentences a step.
        n_epochs: at most so many.
        patience: epochs without a better macro F1 before stopping.
        adversary: norm by which the vectors are moved against the loss; 0 for none (`FitParams`).
        average: decay of the moving average of the weights; 0 for none (`FitParams`).
        max_words: words read of a sentence.
        max_chars: characters read of a sentence.
        precision: macro precision that the threshold shall reach on the development set.
        false_alarms: largest share of plain development sentences that may pass the threshold, which then bounds the
            probability of all labels but `other` together (`Classifier.certainty`); None for any share, and a threshold
            for the most probable label.
        seed: of every random choice.
        n_threads: torch threads while training.
        device: "auto", "cpu" or "cuda".
    """

    branches: tuple[str, ...] = BRANCHES
    use_chars: bool = True
    n_filters: int = 16
    kernel_sizes: tuple[int, ...] = (2, 3, 4)
    radius: int = 2
    window: Literal["shared", "full"] = "shared"
    label_weight: float = 1.0
    dropout: float = 0.5
    token_dropout: float = 0.1
    longest_gram: int = 0
    gram_c: float = 0.5
    label_smoothing: float = 0.1
    class_weights: bool = False
    learning_rate: float = 2e-3
    embedding_rate: float = 4e-3
    least_texts: int = 1
    weight_decay: float = 1e-3
    batch_size: int = 64
    n_epochs: int = 12
    patience: int = 3
    adversary: float = 0.0
    average: float = 0.0
    max_words: int = 96
    max_chars: int = 160
    precision: float = 0.9
    false_alarms: float | None = None
    seed: int = 1
    n_threads: int = 1
    device: str = "auto"
