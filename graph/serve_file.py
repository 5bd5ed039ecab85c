"""Reads a Serve YAML file strictly: a misspelt key anywhere, Serve's own keys included, is refused with its path.

Serve itself ignores keys it does not know, so that a misspelt `max_ongoing_request` silently means its default.
Here the file is compared with Serve's own schema classes first.
"""

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ray.serve.schema import ServeDeploySchema

from configs.schema import AppConfig, ConfigError, LiveSettings, explain, parse_app_config, read_yaml
from graph.security import read_keys

BUILDER = "graph.app:build"
COMPOSER = "Composer"
MODEL_NODES = ("Emotion", "Topic", "Recall", "Rerank")
DEPLOYMENTS = {"split": (COMPOSER, *MODEL_NODES, "Feedback"), "fused": (COMPOSER,)}


@dataclass(frozen=True, slots=True)
class ServeFile:
    """A checked Serve file.

    Attributes:
        content: what to deploy, as Serve's REST interface takes it.
        app: the settings of this project's application in it, the thresholds of `user_config` included.
        name: that application's name.
        host: where HTTP listens.
        port: on which port.
    """

    content: dict[str, Any]
    app: AppConfig
    name: str
    host: str
    port: int

    def deployments(self) -> list[dict[str, Any]]:
        """What the file says of this application's deployments."""
        application = next(a for a in self.content["applications"] if a.get("name", "default") == self.name)
        return application.get("deployments") or []


def read_serve_file(path: Path) -> ServeFile:
    """Read and check.

    Raises:
        ConfigError: not a Serve file, an unknown key, an unusable value, no application of this project, a
            deployment that its placement does not have, or a file of keys that cannot be used.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: a Serve file is a mapping with `applications`, see configs/serve.yaml")
    unknown = list(_unknown_keys(ServeDeploySchema, content, ""))
    if unknown:
        raise ConfigError(f"{path}: unknown key {', '.join(unknown)}; see configs/serve.yaml for the known ones")
    place, application = _application(path, content)
    app = parse_app_config(application.get("args"), path=path, prefix=f"{place}.args.")
    read_keys(app.security)
    _check_deployments(path, place, application, app)
    app = app.model_copy(update={"thresholds": _live_settings(path, place, application).thresholds})
    try:
        serve = ServeDeploySchema.model_validate(content)
    except ValidationError as error:
        raise explain(error, path=path) from None
    # The dashboard's REST interface takes host and port from here, and its own default is all interfaces.
    host, port = serve.http_options.host, serve.http_options.port
    if "host" not in (content.get("http_options") or {}):
        raise ConfigError(f"{path}: http_options.host is missing; Serve would listen on all interfaces, set 127.0.0.1")
    return ServeFile(content, app, application.get("name", "default"), host, port)


def _application(path: Path, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    for number, application in enumerate(content.get("applications") or []):
        if isinstance(application, dict) and application.get("import_path") == BUILDER:
            return f"applications.{number}", application
    raise ConfigError(f"{path}: no application with import_path {BUILDER}; see configs/serve.yaml")


def _check_deployments(path: Path, place: str, application: dict[str, Any], app: AppConfig) -> None:
    known = DEPLOYMENTS[app.placement]
    for number, deployment in enumerate(application.get("deployments") or []):
        name = deployment.get("name")
        if name not in known:
            raise ConfigError(
                f"{path}: {place}.deployments.{number}.name: no deployment {name!r} in placement {app.placement}; "
                f"there are {', '.join(known)}"
            )


def _live_settings(path: Path, place: str, application: dict[str, Any]) -> LiveSettings:
    if "thresholds" in (application.get("args") or {}):
        raise ConfigError(
            f"{path}: {place}.args.thresholds: belongs into the user_config of the deployment {COMPOSER}, where a "
            "change needs no restart"
        )
    found = LiveSettings()
    for number, deployment in enumerate(application.get("deployments") or []):
        here = f"{place}.deployments.{number}.user_config"
        values = deployment.get("user_config")
        if values is None:
            continue
        if deployment["name"] != COMPOSER:
            raise ConfigError(f"{path}: {here}: only the deployment {COMPOSER} takes one")
        try:
            found = LiveSettings.model_validate(values)
        except ValidationError as error:
            raise explain(error, path=path, prefix=f"{here}.") from None
    return found


def _unknown_keys(model: type[BaseModel], values: object, path: str) -> Iterator[str]:
    """Paths of keys that `model`, or a model nested in it, does not have."""
    if not isinstance(values, dict):
        return
    for key, value in values.items():
        here = f"{path}{key}"
        field = model.model_fields.get(str(key))
        if field is None:
            yield here
            continue
        for nested in _models_in(field.annotation):
            for number, item in enumerate(value) if isinstance(value, list) else [(None, value)]:
                yield from _unknown_keys(nested, item, f"{here}." if number is None else f"{here}.{number}.")


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]
