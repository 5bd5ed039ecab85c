"""Contrastive training of the sentence encoder on groups of sentences that mean the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.artifact import digest_of
from models.embeddings import Embeddings
from models.encoder import SentenceEncoder, SWEMEncoder
from models.layers.device import resolve_device
from models.text.ragged import Ragged
from models.text.sentence import Sentence
from models.training.loop import FitParams, FitReport, Progress, fit, parameter_groups, seeded

__all__ = ["EncoderParams", "train_encoder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderParams:
    """Hyperparameters of the encoder and its training.

    Attributes:
        output_width: width of a sentence vector.
        temperature: divides the cosines in the contrastive loss.
        dropout: on the means.
        token_dropout: share of tokens that training hides.
        learning_rate: of AdamW.
        embedding_rate: of the vectors; 0 keeps them.
        weight_decay: of everything but the vectors.
        batch_size: groups a step; every other group of the batch is a negative.
        n_epochs: at most so many passes over all sentences.
        patience: epochs without a better mean reciprocal rank before stopping.
        max_words: words read of a sentence.
        max_chars: characters read of a sentence.
        seed: of every random choice.
        n_threads: torch threads while training.
        device: "auto", "cpu" or "cuda".
    """

    output_width: int = 128
    temperature: float = 0.05
    dropout: float = 0.1
    token_dropout: float = 0.1
    learning_rate: float = 2e-3
    embedding_rate: float = 1e-3
    weight_decay: float = 1e-3
    batch_size: int = 128
    n_epochs: int = 20
    patience: int = 4
    max_words: int = 48
    max_chars: int = 80
    seed: int = 1
    n_threads: int = 1
    device: str = "auto"


def train_encoder(
    *,
    train: Sequence[Sequence[Sentence]],
    dev: Sequence[Sequence[Sentence]],
    embeddings: Embeddings,
    negatives: Sequence[Sequence[Sentence]] | None = None,
    params: EncoderParams | None = None,
    what: str = "encoder",
    progress: Progress | None = None,
    report: list[FitReport] | None = None,
) -> SentenceEncoder:
    """Train with in-batch negatives (van den Oord et al. 2018; Henderson et al. 2017).

    Args:
        train: groups of sentences that mean the same (a question and its paraphrases); a sentence alone in
            its group teaches nothing but is a negative of others.
        dev: for every group of `train`, sentences held out of it, which must find one of its sentences; may be
            empty.
        embeddings: first vectors of words and characters, and the importance of words.
        negatives: for every group of `train`, sentences that look alike but mean something else; may be
            empty.
        params: hyperparameters.
        what: name for progress.
        progress: told after every epoch.
        report: a list to which the course of the training is appended.

    Raises:
        ValueError: no group of `train` has two sentences, or `dev` or `negatives` is not as long as `train`.
    """
    params = params or EncoderParams()
    if not any(len(group) > 1 for group in train):
        raise ValueError("no group of train has two sentences: give paraphrases")
    for name, lists in (("dev", dev), ("negatives", negatives)):
        if lists is not None and len(lists) != len(train):
            raise ValueError(f"{name} has {len(lists)} lists, which do not fit {len(train)} groups: give one list each")
    with seeded(params.seed, n_threads=params.n_threads):
        config = _model_config(train, embeddings, params)
        model = SWEMEncoder(**config)
        _start(model, embeddings)
        encoder = SentenceEncoder(
            model=model,
            model_config=config,
            words=embeddings.words,
            chars=embeddings.chars,
            segmenter=embeddings.segmenter,
            max_words=params.max_words,
            max_chars=params.max_chars,
            data_digest=_digest(train, dev, negatives or [], embeddings, params),
            device=params.device,
        )
        fitted = _Fitting(encoder, train, dev, negatives, embeddings, params).run(what, progress)
        if report is not None:
            report.append(fitted)
    return encoder


def _model_config(train: Sequence[Sequence[Sentence]], embeddings: Embeddings, params: EncoderParams) -> dict[str, Any]:
    words = [row for group in train for sentence in group for row in embeddings.words.encode(sentence.words)]
    tuned = params.embedding_rate > 0
    return {
        "n_words": len(embeddings.words),
        "n_chars": len(embeddings.chars),
        "width": embeddings.width,
        "n_tuned_words": max(words, default=0) + 1 if tuned else 0,
        "n_tuned_chars": len(embeddings.chars) if tuned else 0,
        "output_width": params.output_width,
        "dropout": params.dropout,
        "token_dropout": params.token_dropout,
    }


def _start(model: SWEMEncoder, embeddings: Embeddings) -> None:
    """Vectors and importance from the embeddings; a random rotation keeps the cosines of the plain means."""
    ones = np.ones(len(embeddings.chars), dtype=np.float32)
    model.words.start_from(embeddings.word_vectors, embeddings.idf)
    model.chars.start_from(embeddings.char_vectors, ones)
    torch.nn.init.orthogonal_(model.projection.weight)


class _Fitting:
    """One training run: all sentences as numbers, batches of groups, the rank of the right one as score."""

    def __init__(
        self,
        encoder: SentenceEncoder,
        train: Sequence[Sequence[Sentence]],
        dev: Sequence[Sequence[Sentence]],
        negatives: Sequence[Sequence[Sentence]] | None,
        embeddings: Embeddings,
        params: EncoderParams,
    ) -> None:
        self._encoder, self._model, self._params = encoder, encoder.model, params
        self._train, self._dev = train, dev
        self._device = resolve_device(params.device)
        sentences = [sentence for group in train for sentence in group]
        sizes = [len(group) for group in train]
        self._members = np.split(np.arange(len(sentences)), np.cumsum(sizes)[:-1])
        negatives = negatives or [()] * len(train)
        self._hard = []
        for group in negatives:
            self._hard.append(np.arange(len(sentences), len(sentences) + len(group)))
            sentences += group
        self._words = Ragged.of([embeddings.words.encode(s.words) for s in sentences], max_length=params.max_words)
        self._chars = Ragged.of([embeddings.chars.encode(s.chars) for s in sentences], max_length=params.max_chars)

    def run(self, what: str, progress: Progress | None) -> FitReport:
        n_pairs = sum(len(members) for members in self._members if len(members) > 1)
        return fit(
            self._model,
            parameter_groups=parameter_groups(
                self._model,
                own_rates=[
                    ([self._model.words.table.tuned, self._model.chars.table.tuned], self._params.embedding_rate)
                ],
                learning_rate=self._params.learning_rate,
                weight_decay=self._params.weight_decay,
            ),
            batches=self._batches,
            loss=self._loss,
            score=self._score,
            n_batches=-(-n_pairs // self._params.batch_size),
            params=FitParams(n_epochs=self._params.n_epochs, patience=self._params.patience),
            what=what,
            progress=progress,
        )

    def _batches(self, epoch: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
        """Every sentence once as a question, with another of its group, no group twice in a batch."""
        generator = np.random.default_rng((self._params.seed, epoch))
        orders = [generator.permutation(members) for members in self._members]
        for turn in range(max(len(members) for members in self._members)):
            groups = [g for g in generator.permutation(len(orders)) if turn < len(orders[g]) > 1]
            for start in range(0, len(groups), self._params.batch_size):
                part = groups[start : start + self._params.batch_size]
                asked = np.array([orders[g][turn] for g in part])
                meant = np.array([orders[g][turn - generator.integers(1, len(orders[g]))] for g in part])
                yield asked, meant, np.concatenate([self._hard[g] for g in part])

    def _loss(self, batch: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]) -> Tensor:
        asked, meant, hard = batch
        left, right = self._encode(asked), self._encode(np.concatenate((meant, hard)))
        cosines = left @ right.t() / self._params.temperature
        targets = torch.arange(len(asked), device=cosines.device)
        there = functional.cross_entropy(cosines, targets)
        return (there + functional.cross_entropy(cosines[:, : len(asked)].t(), targets)) / 2

    def _encode(self, rows: NDArray[np.int64]) -> Tensor:
        words, chars = (torch.from_numpy(p.padded(rows)).to(self._device) for p in (self._words, self._chars))
        vectors: Tensor = self._model(words, chars)
        return vectors

    def _score(self) -> float:
        """Mean reciprocal rank of the nearest sentence of the right group, over all sentences of `dev`."""
        owner = np.repeat(np.arange(len(self._train)), [len(group) for group in self._train])
        known = [sentence for group in self._train for sentence in group]
        texts = np.array([sentence.text for sentence in known], dtype=object)
        vectors = self._encoder.encode(known)
        asked = [(number, sentence) for number, group in enumerate(self._dev) for sentence in group]
        ranks = []
        for (number, sentence), vector in zip(asked, self._encoder.encode([s for _, s in asked]), strict=True):
            cosines = vectors @ vector
            twin = texts == sentence.text  # the sentence itself, if it stands there too
            same = (owner == number) & ~twin
            if same.any():
                cosines[twin] = -np.inf
                ranks.append(1.0 / (1 + int((cosines > cosines[same].max()).sum())))
        return float(np.mean(ranks)) if ranks else 0.0


def _digest(
    train: Sequence[Sequence[Sentence]],
    dev: Sequence[Sequence[Sentence]],
    negatives: Sequence[Sequence[Sentence]],
    embeddings: Embeddings,
    params: EncoderParams,
) -> str:
    groups = [[str(len(group)), *(s.text for s in group)] for part in (train, dev, negatives) for group in part]
    return digest_of([embeddings.data_digest, repr(params), *(part for group in groups for part in group)])
