"""Where a network runs."""

import torch

__all__ = ["resolve_device"]


def resolve_device(device: str) -> torch.device:
    """The named device; "auto" is the first CUDA device if there is one, else the processor."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)
