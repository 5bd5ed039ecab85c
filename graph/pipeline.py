"""The offline part in one place: from data/ to artifacts/, each step only if what it is made from changed.

    utterances, knowledge, replies ─► embeddings ─┬─► emotion, topic
                                                  └─► encoder ─► index ─► matcher ─► thresholds at serving depth
    emotion, topic, encoder, matcher ─► compiled for this processor

Every step writes a typed folder (see `graph.places`) and notes the digest of its inputs in artifacts/manifest.json.
The digest covers the data files, the hyperparameters and the steps it builds on, so that nothing stale is served and
nothing unchanged is built twice.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from configs.schema import AppConfig
from graph.compiling import compile_missing, is_wanted
from graph.errors import InputError
from graph.journal import alone
from graph.places import MANIFEST, Places
from graph.steps import Steps
from graph.train_file import TrainFile, read_train_file
from models.artifact import digest_of
from models.text.segment import segmenter_version

# Raise it when a change of code makes old artifacts wrong although no data or hyperparameter changed.
_FORMAT = 4
COMPILED = "compiled"
"""What comes after all steps, if it is wanted: see `graph.compiling`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One artifact: its name, where it lies, what it is made from, and how."""

    name: str
    place: Path
    inputs: str
    build: Callable[[], None]


def build_artifacts(config: AppConfig, *, until: str = "all", force: bool = False) -> list[str]:
    """Build what is missing or stale, with progress bars; a publish that was cut short is undone first.

    Args:
        config: Names the data and artifact folders, the hyperparameters and the device.
        until: The last step wanted, `compiled` or `all`.
        force: Build that step again (all steps for `all`) even if nothing changed.

    Returns:
        The names of the steps that were built.

    Raises:
        ContentError, ConfigError, ArtifactError, IndexUnavailableError: one line says what is wrong.
        InputError: `compiled` is wanted, and the settings say that nothing is compiled.
    """
    params = read_train_file(config.train)
    if until == COMPILED and not is_wanted(config):
        raise InputError(
            "compiled: nothing is, with compiled: false or on a GPU; set compiled to true and device to cpu"
        )
    with alone(config), _bars() as bars:
        progress = _progress(bars)
        steps = Steps(config, params, progress)
        built = _run(_listed(config, params, steps), config.artifacts / MANIFEST, until=until, force=force)
        last = until in (COMPILED, "all")
        if last and is_wanted(config) and compile_missing(config, steps.content, progress, force=force):
            built.append(COMPILED)
        return built


def stale_steps(config: AppConfig) -> list[str]:
    """The steps that `build_artifacts` would do now."""
    done = _done(config.artifacts / MANIFEST)
    steps = _steps(config)
    return [step.name for step in steps if done.get(step.name) != step.inputs or not step.place.exists()]


def mark_built(config: AppConfig) -> None:
    """Accepts the artifacts there are for the data as it is now, so that they are served without training again.

    Publishing calls it once it has tried the new knowledge with the present models. `train all --force`, or the next
    change of what is learned from, trains with the new sentences. The caller holds the lock.
    """
    steps = _steps(config)
    _write(config.artifacts / MANIFEST, {step.name: step.inputs for step in steps})


def _run(steps: Sequence[Step], manifest: Path, *, until: str, force: bool) -> list[str]:
    done = _done(manifest)
    built = []
    for step in steps:
        forced = force and until in (step.name, "all")
        if forced or done.get(step.name) != step.inputs or not step.place.exists():
            step.build()
            done[step.name] = step.inputs
            _write(manifest, done)
            built.append(step.name)
        if step.name == until:
            break
    return built


def _done(manifest: Path) -> dict[str, str]:
    done: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    return done


def _write(manifest: Path, done: dict[str, str]) -> None:
    beside = manifest.with_suffix(".new")
    beside.write_text(json.dumps(done, indent=1), encoding="utf-8")
    os.replace(beside, manifest)


def _steps(config: AppConfig) -> list[Step]:
    params = read_train_file(config.train)
    return _listed(config, params, Steps(config, params, _progress(_bars())))


def _listed(config: AppConfig, params: TrainFile, steps: Steps) -> list[Step]:
    places = Places(config.artifacts)
    embeddings = _digest(_FORMAT, segmenter_version(), steps.content.lessons(), asdict(params.embeddings))
    encoder = _digest(embeddings, asdict(params.encoder))
    index = _digest(encoder, steps.content.knowledge.digest)
    emotion = _digest(embeddings, asdict(params.emotion), "threshold for any emotion")
    topic = _digest(embeddings, asdict(params.topic))
    # The matcher's threshold is chosen behind both classifiers, as in service.
    matcher = _digest(
        encoder, emotion, topic, config.recall.model_dump(), config.thresholds.match_topic, asdict(params.matcher)
    )
    return [
        Step("embeddings", places.embeddings, embeddings, steps.embeddings),
        Step("emotion", places.emotion, emotion, steps.emotion),
        Step("topic", places.topic, topic, steps.topic),
        Step("encoder", places.encoder, encoder, steps.encoder),
        Step("index", places.index, index, steps.index),
        Step("matcher", places.matcher, matcher, steps.matcher),
        Step("wsm", places.wsm, matcher, steps.wsm),
    ]


def _digest(*parts: Any) -> str:
    return digest_of(json.dumps(part, sort_keys=True, default=str) for part in parts)


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description:12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def _progress(bars: Progress) -> Callable[[str, int, int], None]:
    tasks: dict[str, Any] = {}

    def show(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=total)
        bars.update(tasks[what], completed=done, total=total)

    return show
