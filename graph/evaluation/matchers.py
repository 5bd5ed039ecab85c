"""The matchers that `evaluate matching` compares: one row a name.

Those without training compare words by their vectors; the trained ones are PBmatch's own code with some of its
extractors. A further network is a further row: what it sets apart from the defaults of `MatcherParams`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from graph.errors import UsageError
from graph.evaluation.contenders import Contender, Scores, Trained, Trial, settings_of, with_overrides
from graph.evaluation.data import Pair
from graph.evaluation.settings import Overrides
from models.embeddings import Embeddings
from models.text.sentence import Sentence
from models.training.loop import FitReport
from models.training.matching import MatcherParams, train_matcher
from models.unsupervised import WSM
from models.wmd import WCD, WMD


class PairScorer(Protocol):
    """Compares sentences by their words, without training."""

    def score_pairs(self, left: Sequence[Sentence], right: Sequence[Sentence]) -> Scores:
        """Similarity of left[i] and right[i], float32 (n,)."""


WORDWISE: Mapping[str, Callable[[Embeddings], PairScorer]] = {
    "wcd": WCD,
    "rwmd": lambda vectors: WSM(vectors, weights="none", sym="min"),  # the same by definition, see models.unsupervised
    "wmd": WMD,
    "wmd_idf": lambda vectors: WMD(vectors, weights="idf"),
    "wsm": WSM,
    "wsm_min": lambda vectors: WSM(vectors, sym="min"),
    "wsm_len": lambda vectors: WSM(vectors, sym="len"),
    "wsm_unweighted": lambda vectors: WSM(vectors, weights="none"),
}
"""Without training. WSM weighs words by inverse document frequency unless the name says otherwise."""

NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "bcnn": {"extractors": ("bcnn",), "overlap": False},
    "bcnn_sims": {"extractors": ("bcnn",), "overlap": False, "bcnn_features": "sims"},
    "abcnn1": {"extractors": ("abcnn1",), "overlap": False},
    "abcnn2": {"extractors": ("abcnn2",), "overlap": False},
    "abcnn3": {"extractors": ("abcnn3",), "overlap": False},
    "matchpyramid": {"extractors": ("pyramid",), "overlap": False},
    "matchpyramid_indicator": {"extractors": ("pyramid",), "overlap": False, "matches": ("indicator",)},
    "matchpyramid_cosine": {"extractors": ("pyramid",), "overlap": False, "matches": ("cosine",)},
    "matchpyramid_dot": {"extractors": ("pyramid",), "overlap": False, "matches": ("dot",)},
    "pbmatch": {},
    "pbmatch_sims": {"bcnn_features": "sims"},
    "pbmatch_vectors": {"bcnn_features": "vectors"},
    "pbmatch_plain": {"overlap": False},
    "align": {"extractors": ("alignment",)},
    "pbmatch_align": {"extractors": ("bcnn", "pyramid", "alignment")},
}
"""Trained. What each sets apart from the defaults."""

MATCHERS = (*WORDWISE, *NETWORKS)
"""All names."""


def matcher_params(
    names: Sequence[str], overrides: Overrides, *, device: str, n_threads: int
) -> dict[str, MatcherParams | None]:
    """The hyperparameters of the named matchers, None for one without training.

    Arguments and errors as for `graph.evaluation.classifiers.classifier_params`.
    """
    network = MatcherParams(device=device, n_threads=n_threads)
    params: dict[str, MatcherParams | None] = {}
    for name in names:
        if name in NETWORKS:
            params[name] = with_overrides(network, {**NETWORKS[name], **overrides.of_model(name)}, where=f"{name}.")
        elif overrides.only_of(name):
            raise UsageError(f"--set {name}.{next(iter(overrides.only_of(name)))}: {name} has no hyperparameters")
        else:
            params[name] = None
    return params


def matching_contenders(params: Mapping[str, MatcherParams | None], *, embeddings: Embeddings) -> list[Contender[Pair]]:
    """The matchers with these hyperparameters; params: by name, from `matcher_params`."""
    return [
        _wordwise(name, embeddings) if own is None else _network(name, own, embeddings) for name, own in params.items()
    ]


def _wordwise(name: str, embeddings: Embeddings) -> Contender[Pair]:
    def train(rows: Sequence[Pair], dev: Sequence[Pair], trial: Trial) -> Trained[Pair]:
        del rows, dev, trial
        scorer = WORDWISE[name](embeddings)
        return Trained(lambda items: scorer.score_pairs(*_sides(items)))

    return Contender(name, {}, seeded=False, probabilities=False, train=train)


def _network(name: str, params: MatcherParams, embeddings: Embeddings) -> Contender[Pair]:
    def train(rows: Sequence[Pair], dev: Sequence[Pair], trial: Trial) -> Trained[Pair]:
        report: list[FitReport] = []
        matcher = train_matcher(
            train=rows,
            dev=dev,
            embeddings=embeddings,
            params=replace(params, seed=trial.seed),
            progress=trial.progress,
            report=report,
            checkpoint=trial.checkpoint,
        )
        n_parameters = sum(p.numel() for p in matcher.model.parameters() if p.requires_grad)
        return Trained(lambda items: matcher.score_pairs(*_sides(items)), n_parameters, report[0])

    return Contender(name, settings_of(params), seeded=True, probabilities=True, train=train)


def _sides(items: Sequence[Pair]) -> tuple[list[Sentence], list[Sentence]]:
    return [left for left, _, _ in items], [right for _, right, _ in items]
