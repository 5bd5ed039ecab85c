"""Training of the matcher, from labelled pairs to probabilities at the prior of service and a threshold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.artifact import digest_of
from models.embeddings import Embeddings
from models.encoder import SentenceEncoder
from models.layers.device import resolve_device
from models.layers.pyramid import MATCHES
from models.matcher import Matcher
from models.metrics import matching_report
from models.pbmatch import PBMATCH, PBmatch
from models.readings import match_keys
from models.text.ragged import Ragged, bucketed
from models.training.calibrate import Pair, calibrate_matcher
from models.training.checkpoint import Checkpoint
from models.training.loop import FitParams, FitReport, Progress, fit, parameter_groups, seeded

__all__ = ["MatcherParams", "train_matcher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatcherParams:
    """Hyperparameters of PBmatch and its training.

    Attributes:
        extractors: some of `models.pbmatch.EXTRACTORS`; "bcnn" and "pyramid" together are PBmatch, one of them
            alone is a baseline of the paper.
        use_chars: compare characters in a second channel.
        bcnn_features: "sims" (Yin et al.), "vectors" (Yu et al.) or "both".
        overlap: add overlap, soft alignment and length ratio as features.
        n_kernels: BCNN's kernels (the paper: 50).
        kernel_size: words a kernel of BCNN sees.
        n_blocks: BCNN's blocks.
        n_maps: maps of MatchPyramid's two convolutions (the paper: 8 and 16).
        matches: what MatchPyramid looks at, some of "indicator", "cosine" and "dot".
        pool_size: side of its grid.
        hidden: width of the hidden layer behind each extractor; 0 for none.
        alignment_width: width inside the soft alignment.
        alignment_dropout: before its layers.
        dropout: before the hidden layers and the head.
        group_dropout: share of pairs for which training hides all features of one kind.
        token_dropout: share of tokens that training hides.
        label_smoothing: targets are moved so far towards one half, times two.
        learning_rate: of AdamW.
        embedding_rate: of the vectors; 0 keeps them.
        weight_decay: of everything but the vectors.
        batch_size: pairs a step.
        n_epochs: at most so many.
        patience: epochs without a better AUC before stopping.
        adversary: norm by which the vectors are moved against the loss; 0 for none (`FitParams`).
        average: decay of the moving average of the weights; 0 for none (`FitParams`).
        max_words: words read of a sentence.
        max_chars: characters read of a sentence.
        serving_prior: share of right pairs among the candidates in service; None takes that of the
            development set (the paper's candidates: 0.143).
        precision: that the threshold shall reach on the development set at the prior of service.
        seed: of every random choice.
        n_threads: torch threads while training.
        device: "auto", "cpu" or "cuda".
    """

    extractors: tuple[str, ...] = PBMATCH
    use_chars: bool = True
    bcnn_features: Literal["sims", "vectors", "both"] = "both"
    overlap: bool = True
    n_kernels: int = 50
    kernel_size: int = 3
    n_blocks: int = 1
    n_maps: tuple[int, int] = (8, 16)
    matches: tuple[str, ...] = MATCHES
    pool_size: int = 8
    hidden: int = 64
    alignment_width: int = 128
    alignment_dropout: float = 0.2
    dropout: float = 0.3
    group_dropout: float = 0.0
    token_dropout: float = 0.05
    label_smoothing: float = 0.0
    learning_rate: float = 1e-3
    embedding_rate: float = 1e-3
    weight_decay: float = 1e-3
    batch_size: int = 128
    n_epochs: int = 8
    patience: int = 2
    adversary: float = 0.0
    average: float = 0.0
    max_words: int = 48
    max_chars: int = 80
    serving_prior: float | None = None
    precision: float = 0.9
    seed: int = 1
    n_threads: int = 1
    device: str = "auto"


def train_matcher(
    *,
    train: Sequence[Pair],
    dev: Sequence[Pair],
    embeddings: Embeddings,
    encoder: SentenceEncoder | None = None,
    params: MatcherParams | None = None,
    what: str = "matcher",
    progress: Progress | None = None,
    report: list[FitReport] | None = None,
    checkpoint: Path | None = None,
) -> Matcher:
    """Train, shift to the prior of service, calibrate, and set the threshold on the development set.

    Args:
        train: labelled pairs of both kinds.
        dev: labelled pairs of both kinds, of other questions than `train`.
        embeddings: first vectors of words and characters, and the importance of words.
        encoder: of the same vocabularies; its cosine becomes a feature. None for the paper's PBmatch.
        params: hyperparameters.
        what: name for progress.
        progress: told after every epoch.
        report: a list to which the course of the training is appended.
        checkpoint: file in which the state is kept while training, so that an interrupted run goes on; None for
            none.

    Raises:
        ValueError: `train` or `dev` lacks right or wrong pairs.
    """
    params = params or MatcherParams()
    for name, pairs in (("train", train), ("dev", dev)):
        if {label for _, _, label in pairs} != {0, 1}:
            raise ValueError(f"{name} must hold right and wrong pairs (labels 1 and 0): add the missing kind")
    digest = _digest(train, dev, embeddings, encoder, params)
    place = Checkpoint(checkpoint, digest) if checkpoint else None
    with seeded(params.seed, n_threads=params.n_threads):
        config = _model_config(train, embeddings, params)
        config["encoder"] = encoder.model_config if encoder else None
        model = PBmatch(**config)
        _start(model, embeddings, encoder)
        matcher = Matcher(
            model=model,
            model_config=config,
            words=embeddings.words,
            chars=embeddings.chars,
            segmenter=embeddings.segmenter,
            max_words=params.max_words,
            max_chars=params.max_chars,
            data_digest=digest,
            device=params.device,
        )
        fitted = _Fitting(matcher, train, dev, embeddings, params).run(what, progress, place)
        if report is not None:
            report.append(fitted)
        train_prior = float(np.mean([label for _, _, label in train]))
        calibrate_matcher(
            matcher,
            dev,
            train_prior=train_prior,
            serving_prior=params.serving_prior,
            precision=params.precision,
        )
    return matcher


def _model_config(train: Sequence[Pair], embeddings: Embeddings, params: MatcherParams) -> dict[str, Any]:
    words = [row for a, b, _ in train for row in embeddings.words.encode((*a.words, *b.words))]
    tuned = params.embedding_rate > 0
    return {
        "n_words": len(embeddings.words),
        "n_chars": len(embeddings.chars) if params.use_chars else 0,
        "width": embeddings.width,
        "n_tuned_words": max(words, default=0) + 1 if tuned else 0,
        "n_tuned_chars": len(embeddings.chars) if tuned else 0,
        "extractors": list(params.extractors),
        "bcnn_features": params.bcnn_features,
        "overlap": params.overlap,
        "n_kernels": params.n_kernels,
        "kernel_size": params.kernel_size,
        "n_blocks": params.n_blocks,
        "n_maps": list(params.n_maps),
        "matches": list(params.matches),
        "pool_size": params.pool_size,
        "max_lengths": [params.max_words, params.max_chars],
        "hidden": params.hidden,
        "alignment_width": params.alignment_width,
        "alignment_dropout": params.alignment_dropout,
        "dropout": params.dropout,
        "group_dropout": params.group_dropout,
        "token_dropout": params.token_dropout,
    }


def _start(model: PBmatch, embeddings: Embeddings, encoder: SentenceEncoder | None) -> None:
    if model.encoder is not None and encoder is not None:
        model.encoder.load_state_dict(encoder.model.state_dict())
        with torch.no_grad():
            model.head.weight[0, -1] = 1.0  # start from the cosine; the rest learns what it misses
    model.words.table.start_from(embeddings.word_vectors)
    model.words.importance.copy_(torch.from_numpy(embeddings.idf))
    if model.chars is not None:
        model.chars.table.start_from(embeddings.char_vectors)


class _Fitting:
    """One training run: every distinct sentence once as numbers, pairs as rows of these."""

    def __init__(
        self,
        matcher: Matcher,
        train: Sequence[Pair],
        dev: Sequence[Pair],
        embeddings: Embeddings,
        params: MatcherParams,
    ) -> None:
        self._matcher, self._model, self._dev, self._params = matcher, matcher.model, dev, params
        self._device = resolve_device(params.device)
        sentences = list(dict.fromkeys(sentence for a, b, _ in train for sentence in (a, b)))
        place = {sentence: row for row, sentence in enumerate(sentences)}
        self._words = Ragged.of([match_keys(embeddings.words, s.words) for s in sentences], max_length=params.max_words)
        self._chars = Ragged.of([match_keys(embeddings.chars, s.chars) for s in sentences], max_length=params.max_chars)
        self._pairs = np.array([(place[a], place[b]) for a, b, _ in train], dtype=np.int64)
        self._targets = np.array([label for _, _, label in train], dtype=np.float32)

    def run(self, what: str, progress: Progress | None, checkpoint: Checkpoint | None) -> FitReport:
        tables = [channel.table.tuned for channel in self._model.channels]
        return fit(
            self._model,
            parameter_groups=parameter_groups(
                self._model,
                own_rates=[(tables, self._params.embedding_rate)],
                learning_rate=self._params.learning_rate,
                weight_decay=self._params.weight_decay,
            ),
            batches=self._batches,
            loss=self._loss,
            score=self._score,
            n_batches=-(-len(self._targets) // self._params.batch_size),
            params=FitParams(
                n_epochs=self._params.n_epochs,
                patience=self._params.patience,
                adversary=self._params.adversary,
                average=self._params.average,
            ),
            tables=tables,
            checkpoint=checkpoint,
            what=what,
            progress=progress,
        )

    def _batches(self, epoch: int) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        generator = np.random.default_rng((self._params.seed, epoch))
        lengths = self._chars.lengths[self._pairs].sum(axis=1)
        for rows in bucketed(lengths, batch_size=self._params.batch_size, generator=generator):
            pairs = self._pairs[rows]
            swapped = generator.random(len(rows)) < 0.5  # which sentence comes first must not matter
            pairs[swapped] = pairs[swapped, ::-1]
            yield pairs, torch.from_numpy(self._targets[rows]).to(self._device)

    def _loss(self, batch: tuple[NDArray[np.int64], Tensor]) -> Tensor:
        pairs, targets = batch
        left, right = (self._side(pairs[:, column]) for column in (0, 1))
        smoothing = self._params.label_smoothing
        smoothed = targets * (1 - smoothing) + smoothing / 2
        return functional.binary_cross_entropy_with_logits(self._model(left, right), smoothed)

    def _side(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        words, chars = (torch.from_numpy(keys.padded(rows)).to(self._device) for keys in (self._words, self._chars))
        return words, chars

    def _score(self) -> float:
        scores = self._matcher.logits([a for a, _, _ in self._dev], [b for _, b, _ in self._dev])
        return matching_report(scores=scores, truth=[label for _, _, label in self._dev], threshold=0.0).auc


def _digest(
    train: Sequence[Pair],
    dev: Sequence[Pair],
    embeddings: Embeddings,
    encoder: SentenceEncoder | None,
    params: MatcherParams,
) -> str:
    parts = [part for pairs in (train, dev) for a, b, label in pairs for part in (a.text, b.text, str(label))]
    return digest_of([embeddings.data_digest, encoder.version if encoder else "", repr(params), *parts])
