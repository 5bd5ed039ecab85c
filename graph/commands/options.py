"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from configs.schema import PROJECT_ROOT

DEFAULT_CONFIG = PROJECT_ROOT / "configs" / "serve.yaml"

Config = Annotated[
    Path, typer.Option("--config", "-c", help="A Serve YAML file; its args are this project's settings.")
]
