"""The vectors an evaluation starts from: trained on its own texts, kept beside the runs by digest."""

from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from graph.errors import InputError, UsageError
from graph.evaluation.data import Data
from models.artifact import digest_of
from models.embeddings import Embeddings
from models.training.embeddings import EmbeddingParams, load_pretrained, pretrained_file, train_embeddings
from models.training.loop import Progress

Start = Literal["none", "synonyms"]


def evaluation_vectors(
    data: Data[Any], *, start: Start, params: EmbeddingParams, folder: Path, progress: Progress
) -> tuple[Embeddings, dict[str, Any]]:
    """Vectors of words and characters, trained or read from `folder`.

    Args:
        data: its texts are learned from.
        start: "synonyms" starts from published Chinese word vectors, "none" from chance.
        params: hyperparameters.
        folder: where vectors of earlier runs are kept.
        progress: told while training.

    Returns:
        The vectors, and a note for the report.

    Raises:
        UsageError: published vectors are wanted, but the width is not theirs.
        InputError: they are wanted, but the package that carries them is not installed; or no text has a word.
    """
    digest = digest_of([repr(params), start, data.segmenter, *(sentence.text for sentence in data.texts)])
    place = folder / f"embeddings-{digest[:16]}"
    timed = place.with_suffix(".seconds")
    if not place.exists():
        started = perf_counter()
        trained = _train(data, start, params, progress)
        timed.parent.mkdir(parents=True, exist_ok=True)
        timed.write_text(f"{perf_counter() - started:.1f}\n", encoding="utf-8")
        trained.save(place)
    embeddings = Embeddings.load(place, segmenter=data.segmenter)
    note = {
        "digest": digest[:16],
        "start": start,
        "width": embeddings.width,
        "n_epochs": params.n_epochs,
        "texts": len(data.texts),
        "words": len(embeddings.words),
        "chars": len(embeddings.chars),
        "train_seconds": float(timed.read_text(encoding="utf-8")),
    }
    return embeddings, note


def _train(data: Data[Any], start: Start, params: EmbeddingParams, progress: Progress) -> Embeddings:
    pretrained = None
    if start == "synonyms":
        path = pretrained_file()
        if path is None:
            raise InputError("--vectors synonyms: the package synonyms is not installed: install it or use none")
        pretrained = load_pretrained(path)
        if pretrained.vectors.shape[1] != params.width:
            raise UsageError(
                f"--set embeddings.width={params.width}: the published vectors have width "
                f"{pretrained.vectors.shape[1]}: leave the width out or use --vectors none"
            )
    if not any(sentence.words for sentence in data.texts):
        raise InputError("train: no text has a word: give texts to train on")
    return train_embeddings(
        data.texts, segmenter=data.segmenter, pretrained=pretrained, params=params, progress=progress
    )
