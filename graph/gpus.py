"""Are there the GPUs that a Serve file asks for? Without them Ray would wait for a machine that never comes.

Called by `serve` before anything is built or started. On a cluster Ray knows better, and may add machines.
"""

from typing import Any

from graph.errors import LaunchError
from graph.serve_file import MODEL_NODES, ServeFile


def check_gpus(file: ServeFile, *, available: int) -> None:
    """Compare with the `available` GPUs of this machine.

    Raises:
        LaunchError: too few, or a node that shall compute on a GPU has no share of one.
    """
    shares = {deployment["name"]: _share(deployment) for deployment in file.deployments()}
    wanted = sum(shares.values())
    if (file.app.device == "cuda" and not available) or wanted > available:
        raise LaunchError(
            f"device {file.app.device} and {wanted:g} of a GPU are wanted, but torch sees {available} on this machine; "
            "use configs/serve.yaml, or a machine with a GPU"
        )
    if file.app.device == "cuda" and file.app.placement == "split":
        without = [name for name in MODEL_NODES if not shares.get(name)]
        if without:
            raise LaunchError(f"device cuda, but {', '.join(without)} without num_gpus: Ray hides the GPU from them")


def _share(deployment: dict[str, Any]) -> float:
    """Of a GPU, for the replicas it starts with."""
    scaling = deployment.get("autoscaling_config") or {}
    fixed = deployment.get("num_replicas")
    n_replicas = fixed if isinstance(fixed, int) else scaling.get("initial_replicas") or scaling.get("min_replicas", 1)
    return float((deployment.get("ray_actor_options") or {}).get("num_gpus", 0)) * int(n_replicas)
