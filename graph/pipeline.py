"""The offline part in one place: from data/ to artifacts/, each step only if what it is made from changed.

    utterances, knowledge ─► embeddings ─┬─► emotion, topic ─────────────┬─► thresholds at serving depth
                                         └─► encoder ─► index ─► matcher ┘
    emotion, topic, encoder, matcher ─► compiled for this processor

Every step writes a typed folder (see `graph.places`) and notes the digest of its inputs in artifacts/manifest.json;
what does not build on each other is made side by side, if there are cores for it.
The digest covers the data files, the hyperparameters and the steps it builds on, so that nothing stale is served and
nothing unchanged is built twice.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from configs.schema import AppConfig
from graph.bars import Progress, progress_bars
from graph.compiling import compile_missing, is_wanted
from graph.content import Content
from graph.errors import InputError
from graph.journal import alone
from graph.places import MANIFEST, Places
from graph.steps import Steps
from graph.train_file import TrainFile, read_train_file
from graph.workers import Build, build_side_by_side
from models.artifact import digest_of
from models.text.segment import segmenter_version

# Raise it when a change of code makes old artifacts wrong although no data or hyperparameter changed.
_FORMAT = 4
COMPILED = "compiled"
"""What comes after all steps, if it is wanted: see `graph.compiling`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One artifact.

    Attributes:
        name: The method of `Steps` that makes it.
        place: Where it lies.
        inputs: Digest of all it is made from.
        needs: Steps it reads.
        completes: The one of them in whose artifact it writes, so that it is due whenever that is made again.
    """

    name: str
    place: Path
    inputs: str
    needs: tuple[str, ...] = ()
    completes: str | None = None


def build_artifacts(config: AppConfig, *, until: str = "all", force: bool = False) -> list[str]:
    """Build what is missing or stale, with progress bars; a publish that was cut short is undone first.

    Args:
        config: Names the data and artifact folders, the hyperparameters and the device.
        until: The step wanted, with all it builds on; `compiled` or `all`.
        force: Build that step again (all steps for `all`) even if nothing changed.

    Returns:
        The names of the steps that were built, in the order of the pipeline.

    Raises:
        ContentError, ConfigError, ArtifactError, IndexUnavailableError: one line says what is wrong.
        InputError: `compiled` is wanted, and the settings say that nothing is compiled.
    """
    params = read_train_file(config.train)
    if until == COMPILED and not is_wanted(config):
        raise InputError(
            "compiled: nothing is, with compiled: false or on a GPU; set compiled to true and device to cpu"
        )
    content = Content(config.data)
    with alone(config), progress_bars() as progress:
        steps, build = _steps(config, params, content), partial(_build, config, params)
        built = run_steps(steps, build, config.artifacts / MANIFEST, until=until, force=force, progress=progress)
        last = until in (COMPILED, "all")
        if last and is_wanted(config) and compile_missing(config, content, progress, force=force):
            built.append(COMPILED)
        return built


def stale_steps(config: AppConfig) -> list[str]:
    """The steps that `build_artifacts` would do now."""
    done = _done(config.artifacts / MANIFEST)
    steps = _steps(config, read_train_file(config.train), Content(config.data))
    return [step.name for step in steps if _is_stale(step, done)]


def mark_built(config: AppConfig) -> None:
    """Accepts the artifacts there are for the data as it is now, so that they are served without training again.

    Publishing calls it once it has tried the new knowledge with the present models. `train all --force`, or the next
    change of what is learned from, trains with the new sentences. The caller holds the lock.
    """
    steps = _steps(config, read_train_file(config.train), Content(config.data))
    _write(config.artifacts / MANIFEST, {step.name: step.inputs for step in steps})


def run_steps(
    steps: Sequence[Step], build: Build, manifest: Path, *, until: str, force: bool, progress: Progress
) -> list[str]:
    """Build the steps that are due, and note each as soon as it is there.

    Args:
        steps: All there are, each behind those it needs.
        build: Builds one by its name; it can be pickled.
        manifest: The file of what is done.
        until: The step wanted, with all it needs; any other name: all.
        force: Build that step, or all, even if nothing changed.
        progress: Told what is going on.

    Returns:
        The names of those that were built, in the order of `steps`.
    """
    done = _done(manifest)
    forced = {until} if until in {step.name for step in steps} else {step.name for step in steps}
    due: dict[str, Step] = {}
    for step in steps:
        again = (force and step.name in forced) or _is_stale(step, done) or step.completes in due
        if again and step.name in _with_needs(forced, steps):
            due[step.name] = step

    completing = {step.name for step in steps if step.completes in due}
    done = {name: inputs for name, inputs in done.items() if name not in completing}
    if due:  # before the first is built: the build may be cut short between a step and what completes it
        _write(manifest, done)

    def finished(name: str) -> None:
        done[name] = due[name].inputs
        _write(manifest, done)

    needs = {name: [need for need in step.needs if need in due] for name, step in due.items()}
    build_side_by_side(needs, build, progress=progress, finished=finished)
    return list(due)


def _build(config: AppConfig, params: TrainFile, name: str, progress: Progress) -> None:
    getattr(Steps(config, params, progress), name)()


def _with_needs(names: set[str], steps: Sequence[Step]) -> set[str]:
    """The steps of these names and all that they build on; `steps` stand behind what they need."""
    for step in reversed(steps):
        if step.name in names:
            names = names.union(step.needs)
    return names


def _is_stale(step: Step, done: dict[str, str]) -> bool:
    return done.get(step.name) != step.inputs or not step.place.exists()


def _done(manifest: Path) -> dict[str, str]:
    done: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    return done


def _write(manifest: Path, done: dict[str, str]) -> None:
    beside = manifest.with_suffix(".new")
    beside.write_text(json.dumps(done, indent=1), encoding="utf-8")
    os.replace(beside, manifest)


def _steps(config: AppConfig, params: TrainFile, content: Content) -> list[Step]:
    """All steps, each behind those it needs."""
    places = Places(config.artifacts)
    embeddings = _digest(_FORMAT, segmenter_version(), content.lessons(), asdict(params.embeddings))
    encoder = _digest(embeddings, asdict(params.encoder))
    index = _digest(encoder, content.knowledge.digest)
    emotion = _digest(embeddings, asdict(params.emotion), "threshold for any emotion")
    topic = _digest(embeddings, asdict(params.topic))
    matcher = _digest(encoder, config.recall.model_dump(), asdict(params.matcher))
    # Chosen behind both classifiers, as in service.
    thresholds = _digest(matcher, emotion, topic, config.thresholds.match_topic)
    return [
        Step("embeddings", places.embeddings, embeddings),
        Step("emotion", places.emotion, emotion, ("embeddings",)),
        Step("topic", places.topic, topic, ("embeddings",)),
        Step("encoder", places.encoder, encoder, ("embeddings",)),
        Step("index", places.index, index, ("encoder",)),
        Step("matcher", places.matcher, matcher, ("index",)),
        Step("thresholds", places.wsm, thresholds, ("emotion", "topic", "matcher"), completes="matcher"),
    ]


def _digest(*parts: Any) -> str:
    return digest_of(json.dumps(part, sort_keys=True, default=str) for part in parts)
