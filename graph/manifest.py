"""Writes `serveConfigV2` of the KubeRay manifest from configs/serve.yaml: one description of the graph, not two.

Run by `make manifest`; a test fails while the manifest is not what this would write.
"""

import copy
import re
import textwrap
from typing import Any

import yaml

from configs.schema import PROJECT_ROOT, read_yaml
from graph.serve_file import COMPOSER, MODEL_NODES

MANIFEST = PROJECT_ROOT / "configs" / "cluster" / "rayservice.yaml"
SERVE = PROJECT_ROOT / "configs" / "serve.yaml"
STORE = "postgresql://anwei@postgres/anwei"
"""Where feedback is kept: the writer may be started on any worker, so a file would not do."""

_N_CPUS = {COMPOSER: 1, **dict.fromkeys(MODEL_NODES, 0.5)}
_BLOCK = re.compile(r"(?m)^  serveConfigV2: \|\n(?:^    .*\n|^\n)*")


def cluster_config(serve: dict[str, Any]) -> dict[str, Any]:
    """A Serve file for one machine as it is for a cluster; all else stays.

    Every worker has an HTTP proxy that other pods reach, ratings go to PostgreSQL, and composer and models have two
    replicas each at least, on cores of their own.
    """
    content = copy.deepcopy(serve)
    content["proxy_location"] = "EveryNode"
    content["http_options"]["host"] = "0.0.0.0"  # noqa: S104 - network.yaml says who reaches it
    application = content["applications"][0]
    application["args"]["feedback"] = {"url": STORE}
    for deployment in application["deployments"]:
        if deployment["name"] in _N_CPUS:
            deployment["autoscaling_config"] |= {"min_replicas": 2, "max_replicas": 8}
            deployment["ray_actor_options"] = {"num_cpus": _N_CPUS[deployment["name"]]}
    return content


def with_serve_config(manifest: str, content: dict[str, Any]) -> str:
    """The manifest's text with another `serveConfigV2`; comments and all else stay."""
    text = yaml.dump(content, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    block = "  serveConfigV2: |\n" + textwrap.indent(text, "    ")
    written, n_blocks = _BLOCK.subn(lambda _: block, manifest)
    if n_blocks != 1:
        raise ValueError(f"{n_blocks} blocks serveConfigV2 in the manifest; there must be one")
    return written


class _Plain(yaml.SafeDumper):
    """Without anchors: what reads the manifest may not know them."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def main() -> None:
    """Write the manifest anew."""
    written = with_serve_config(MANIFEST.read_text(encoding="utf-8"), cluster_config(read_yaml(SERVE)))
    MANIFEST.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
