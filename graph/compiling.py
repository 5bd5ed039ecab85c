"""Compiles the trained networks for the processor of this machine; the last thing that `graph.pipeline` does.

The service can do without: where there is no compiler, or it fails, one line says so and the networks compute as they
were trained. What is compiled already is not compiled again; what no artifact needs any more is removed.
"""

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.schema import AppConfig
from graph.bars import Progress
from graph.content import Content
from graph.places import Places
from models.artifact import artifact_version
from models.classifier import Classifier
from models.compiled import compiler_fault, compiling
from models.encoder import SentenceEncoder
from models.layers.device import resolve_device
from models.libraries import CompileError, fault, give_up, is_settled, library_place
from models.match_halves import LIBRARIES
from models.matcher import Matcher
from models.text.segment import segmenter_version
from models.text.sentence import Sentence

_EXAMPLES = 256
"""Sentences on which a library is compared with its network, the longest of the development part."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Part:
    """One artifact: where its libraries belong, and how it is compiled on real sentences."""

    places: tuple[Path, ...]
    compile: Callable[[Sequence[Sentence]], None]


def is_wanted(config: AppConfig) -> bool:
    """Whether the service computes with compiled networks."""
    return config.compiled and resolve_device(config.device).type == "cpu"


def compile_missing(config: AppConfig, content: Content, progress: Progress, *, force: bool = False) -> bool:
    """Compile what is not compiled for this processor yet. The caller holds the lock on the artifacts.

    Args:
        config: names the artifacts.
        content: where sentences to try the libraries on come from.
        progress: told what is going on, how many are done, of how many.
        force: compile all of it, also what could not be compiled before.

    Returns:
        Whether anything was compiled.

    Raises:
        ArtifactError: an artifact is missing.
    """
    folder = Places(config.artifacts).compiled
    parts = _parts(Places(config.artifacts))
    _sweep(folder, parts)
    missing = [part for part in parts if force or not all(map(is_settled, part.places))]
    if not missing:
        return False
    none = compiler_fault()
    if none:
        _log.warning("%s: install one, or set compiled to false; the networks compute as trained, more slowly", none)
        return False
    sentences = sorted((sentence for sentence, _ in content.emotions("dev")), key=lambda s: -len(s.text))[:_EXAMPLES]
    done = 0
    try:
        with compiling(folder):
            for number, part in enumerate(missing, start=1):
                done += _compiled(part, sentences)
                progress("compiled", number, len(missing))
    except OSError as error:
        _log.warning("compiling into %s stopped: %s; mend that, then: train compiled", folder, error)
    return done > 0


def uncompiled(config: AppConfig) -> list[str]:
    """What keeps networks from being compiled, a line for each library that is not there.

    Raises:
        ArtifactError: an artifact is missing.
    """
    places = [place for part in _parts(Places(config.artifacts)) for place in part.places]
    return [f"{place.name}: {why}" for place in places if (why := fault(place))]


def _parts(places: Places) -> list[_Part]:
    segmenter, folder = segmenter_version(), places.compiled

    def libraries(artifact: Path, *names: str) -> tuple[Path, ...]:
        return tuple(library_place(folder, name, artifact_version(artifact)) for name in names)

    def classifier(place: Path) -> _Part:
        def compile_it(sentences: Sequence[Sentence]) -> None:
            Classifier.load(place, segmenter=segmenter, device="cpu").compile(folder, sentences, name=place.name)

        return _Part(libraries(place, place.name), compile_it)

    def encoder(sentences: Sequence[Sentence]) -> None:
        own = SentenceEncoder.load(places.encoder, segmenter=segmenter, device="cpu")
        own.compile(folder, sentences, name=places.encoder.name)

    def matcher(sentences: Sequence[Sentence]) -> None:
        Matcher.load(places.matcher, segmenter=segmenter, device="cpu").compile(folder, sentences)

    return [
        classifier(places.emotion),
        classifier(places.topic),
        _Part(libraries(places.encoder, places.encoder.name), encoder),
        _Part(libraries(places.matcher, *LIBRARIES), matcher),
    ]


def _compiled(part: _Part, sentences: Sequence[Sentence]) -> bool:
    """Whether it worked; if not, why stands in the place of each library that is not there."""
    try:
        part.compile(sentences)
    except CompileError as error:
        for place in part.places:
            give_up(place, str(error))
            if why := fault(place):
                _log.warning("%s: computing as trained, more slowly: %s", place.name, why)
        return False
    return True


def _sweep(folder: Path, parts: Sequence[_Part]) -> None:
    """Remove the libraries of former artifacts and of former code; those for other processors stay."""
    own = {place for part in parts for place in part.places}
    superseded = tuple(f"{place.name.rpartition('-')[0]}-" for place in own)
    of_artifacts = tuple(f"{place.name.rsplit('-', 2)[0]}-" for place in own)
    for place in folder.iterdir() if folder.exists() else ():
        is_elsewhere = place.name.startswith(of_artifacts) and not place.name.startswith(superseded)
        if not (place in own or is_elsewhere or place.name.startswith(".")):
            shutil.rmtree(place, ignore_errors=True)
