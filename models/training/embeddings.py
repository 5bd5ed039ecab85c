"""Word and character vectors: skip-gram over the project's texts, started from published word vectors.

The texts are few, so vectors learned from them alone know little. The package `synonyms` carries word2vec
vectors of Chinese Wikipedia (125,796 words, width 100); its file is found and read, the package is never
imported. Words of the texts start from these vectors and are moved; new words (and the stop words that the
published file lacks) learn beside them; the most frequent other words are kept as they are, so that a word
that no training text uses still has a meaning.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from models.artifact import digest_of
from models.embeddings import Embeddings, zero_reserved
from models.text.sentence import Sentence
from models.text.vocabulary import UNK, Vocabulary
from models.training.loop import Progress

__all__ = ["EmbeddingParams", "Pretrained", "load_pretrained", "pretrained_file", "train_embeddings"]

_CHINESE = re.compile("[\u4e00-\u9fff]{1,6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingParams:
    """Hyperparameters of the vectors.

    Attributes:
        width: length of a vector; that of the pretrained file if one is used.
        window: words to each side that skip-gram predicts.
        negatives: negative samples a prediction.
        n_epochs: passes over the texts.
        min_count: least occurrences of a word or character to have a vector of its own.
        learning_rate: first learning rate, falling linearly.
        n_pretrained: most frequent pretrained words that are kept although no text uses them.
        pretrained_share: how far a pretrained vector resists: 1 keeps it, 0 replaces it by the moved one.
        seed: of every random choice.
    """

    width: int = 100
    window: int = 5
    negatives: int = 5
    n_epochs: int = 12
    min_count: int = 1
    learning_rate: float = 0.025
    n_pretrained: int = 40_000
    pretrained_share: float = 0.5
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Pretrained:
    """Published word vectors.

    Attributes:
        rows: row of every word, the most frequent first.
        vectors: float32 (n, width), each of length 1.
    """

    rows: dict[str, int]
    vectors: NDArray[np.float32]


def pretrained_file() -> Path | None:
    """The word2vec file that the installed package `synonyms` carries; None if it is not installed."""
    spec = find_spec("synonyms")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "data" / "words.vector"
    return path if path.is_file() else None


def load_pretrained(path: Path) -> Pretrained:
    """Read a binary word2vec file, keep its Chinese words of up to six characters, scale them to length 1."""
    keyed = _word2vec().KeyedVectors.load_word2vec_format(str(path), binary=True, unicode_errors="ignore")
    kept = [(word, row) for row, word in enumerate(keyed.index_to_key) if _CHINESE.fullmatch(word)]
    vectors = keyed.vectors[[row for _, row in kept]].astype(np.float32)
    return Pretrained({word: place for place, (word, _) in enumerate(kept)}, _unit(vectors))


def train_embeddings(
    sentences: Sequence[Sentence],
    *,
    segmenter: str,
    pretrained: Pretrained | None = None,
    params: EmbeddingParams | None = None,
    progress: Progress | None = None,
) -> Embeddings:
    """Train word and character vectors.

    Args:
        sentences: all texts of the project, labels or not.
        segmenter: version of the text processor that cut them.
        pretrained: published vectors to start from, `load_pretrained(pretrained_file())`; None starts from
            chance.
        params: hyperparameters.
        progress: told at the start, after words and after characters.

    Returns:
        The vectors; both tables have root mean square length sqrt(width) / 3, about what the networks like.

    Raises:
        ValueError: no sentence has a word, or the pretrained width is not `params.width`.
    """
    params = params or EmbeddingParams()
    if pretrained is not None and pretrained.vectors.shape[1] != params.width:
        raise ValueError(
            f"pretrained vectors have width {pretrained.vectors.shape[1]}, params.width is {params.width}: "
            "set them equal"
        )
    word_lists = [sentence.words for sentence in sentences if sentence.words]
    char_lists = [sentence.chars for sentence in sentences if sentence.words]
    if not word_lists:
        raise ValueError("no sentence has a word: give texts to train on")
    _tell(progress, 0)
    seen_words = Vocabulary.build(word_lists, min_count=params.min_count)
    chars = Vocabulary.build(char_lists, min_count=params.min_count)
    start = _word_start(seen_words, pretrained, params)
    word_vectors = _skip_gram(word_lists, seen_words, start, params)
    _tell(progress, 1)
    words, word_vectors = _append_pretrained(seen_words, word_vectors, pretrained, params)
    char_vectors = _skip_gram(char_lists, chars, _char_start(chars, words, word_vectors), params)
    _tell(progress, 2)
    return Embeddings(
        words=words,
        chars=chars,
        word_vectors=zero_reserved(_scaled(word_vectors)),
        char_vectors=zero_reserved(_scaled(char_vectors)),
        idf=_idf(word_lists, words),
        segmenter=segmenter,
        data_digest=digest_of([repr(params), str(pretrained is not None), *(s.text for s in sentences)]),
    )


def _word2vec() -> ModuleType:
    import gensim.models  # noqa: PLC0415  (heavy, and needed by training alone)

    module: ModuleType = gensim.models
    return module


@dataclass(frozen=True, slots=True, eq=False)
class _Start:
    """First vectors float32 (n, width), and how much of each move is allowed, float32 (n,) in [0, 1]."""

    vectors: NDArray[np.float32]
    freedom: NDArray[np.float32]


def _word_start(words: Vocabulary, pretrained: Pretrained | None, params: EmbeddingParams) -> _Start:
    vectors = _random(len(words), params)
    freedom = np.ones(len(words), dtype=np.float32)
    for row, word in enumerate(words.tokens):
        known = pretrained.rows.get(word) if pretrained is not None else None
        if known is not None and pretrained is not None:
            vectors[row] = pretrained.vectors[known]
            freedom[row] = 1.0 - params.pretrained_share
    return _Start(vectors, freedom)


def _char_start(chars: Vocabulary, words: Vocabulary, word_vectors: NDArray[np.float32]) -> _Start:
    """Characters start as the mean of the words they occur in, so that both live in one space."""
    sums = np.zeros((len(chars), word_vectors.shape[1]), dtype=np.float32)
    counts = np.zeros(len(chars), dtype=np.float32)
    unit = _unit(word_vectors)
    for row, word in enumerate(words.tokens[UNK + 1 :], start=UNK + 1):
        # A word of one character is that character; longer words only hint at it.
        share = 1.0 if len(word) == 1 else 0.1 / len(word)
        for char in chars.encode(word):
            sums[char] += share * unit[row]
            counts[char] += share
    means = (sums / np.maximum(counts, 1e-8)[:, None]).astype(np.float32)
    return _Start(means, np.full(len(chars), 0.5, dtype=np.float32))


def _skip_gram(
    token_lists: Sequence[Sequence[str]], vocabulary: Vocabulary, start: _Start, params: EmbeddingParams
) -> NDArray[np.float32]:
    """Skip-gram with negative sampling (Mikolov et al. 2013); float32 (len(vocabulary), width)."""
    model = _word2vec().Word2Vec(
        vector_size=params.width,
        window=params.window,
        negative=params.negatives,
        sg=1,
        min_count=params.min_count,
        alpha=params.learning_rate,
        workers=1,  # more would make the result depend on their timing
        seed=params.seed,
    )
    model.build_vocab(token_lists)
    rows = np.array(vocabulary.encode(model.wv.index_to_key))
    model.wv.vectors[:] = start.vectors[rows]
    model.wv.vectors_lockf = start.freedom[rows]
    model.train(token_lists, total_examples=len(token_lists), epochs=params.n_epochs)
    trained = start.vectors.copy()
    trained[rows] = model.wv.vectors
    return trained


def _append_pretrained(
    words: Vocabulary, vectors: NDArray[np.float32], pretrained: Pretrained | None, params: EmbeddingParams
) -> tuple[Vocabulary, NDArray[np.float32]]:
    """Pretrained words behind the words of the texts, at the texts' usual length."""
    if pretrained is None:
        return words, vectors
    extra = [word for word in list(pretrained.rows)[: params.n_pretrained] if word not in words]
    length = float(np.median(np.linalg.norm(vectors, axis=1)))
    kept = pretrained.vectors[[pretrained.rows[word] for word in extra]] * np.float32(length)
    return Vocabulary([*words.tokens[UNK + 1 :], *extra]), np.concatenate((vectors, kept))


def _idf(word_lists: Sequence[Sequence[str]], words: Vocabulary) -> NDArray[np.float32]:
    """log((1 + N) / (1 + n_w)) + 1, as scikit-learn smooths it; 0 for padding."""
    documents = np.zeros(len(words), dtype=np.float64)
    for word_list in word_lists:
        documents[list(set(words.encode(word_list)))] += 1.0
    documents[UNK] = 0.0
    idf = (np.log((1.0 + len(word_lists)) / (1.0 + documents)) + 1.0).astype(np.float32)
    idf[Vocabulary.PAD] = 0.0
    return idf


def _random(n: int, params: EmbeddingParams) -> NDArray[np.float32]:
    generator = np.random.default_rng(params.seed)
    return generator.uniform(-0.5, 0.5, (n, params.width)).astype(np.float32) / np.float32(params.width)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-8)
    return unit


def _scaled(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    rms = float(np.sqrt((vectors**2).sum(axis=1).mean()))
    return vectors * np.float32(vectors.shape[1] ** 0.5 / 3 / max(rms, 1e-8))


def _tell(progress: Progress | None, done: int) -> None:
    if progress is not None:
        progress("embeddings", done, 2)
