"""Networks compiled ahead of time for the processor that serves them.

A network of small layers spends most of a lone sentence's time between its operations. PyTorch's ahead-of-time compiler
(torch.export, then AOTInductor) makes one library of them, for any number of sentences of any length. The library
holds code alone; the weights stay in the network it was made from, so nothing is stored or held in memory twice. It is
machine code for one kind of processor, hence the key in its name. Where no library fits, the network computes as it was
trained, with the same answers. `graph.steps` has them made; the classifiers, the encoder and the matcher take them when
they are told to serve. On a GPU `models.acceleration` takes this place.
"""

import logging
import os
import platform
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional

from models.artifact import digest_of
from models.text.ragged import Ragged

__all__ = [
    "ROWS",
    "CompileError",
    "Compute",
    "columns",
    "compile_network",
    "compile_reader",
    "compiled_or_plain",
    "compiler_fault",
    "example_rows",
    "libraries_key",
]

Compute: TypeAlias = Callable[..., Any]
"""A network's forward pass, compiled or not."""

ROWS = Dim("rows", min=1, max=4096)
"""The free number of sentences or pairs."""

_SHORTEST = 8
"""Columns of whole numbers. Shorter rows take other paths through some layers, a library has one: they are padded."""
_LONGEST = 1024
_TOLERANCE = 1e-4
_KEY_CHARS = 16
_SOURCES = Path(__file__).parent

_log = logging.getLogger(__name__)


class CompileError(Exception):
    """A network cannot be compiled here; the message says why."""


def columns(name: str, longest: int) -> Any:
    """A free length of rows of whole numbers, up to `longest` columns; equal names are equal lengths."""
    return Dim(name, min=_SHORTEST, max=longest)


def example_rows(n_sentences: int) -> list[NDArray[np.int64]]:
    """Row numbers of examples for `compile_network`: many sentences first, then one, two and five."""
    rows = np.arange(n_sentences)
    return [rows[:64], rows[:1], rows[-2:], rows[-5:]]


def libraries_key() -> str:
    """What every library depends on besides its network's shapes: torch, the networks' code, the processor."""
    code = (
        path.read_text(encoding="utf-8") for part in ("*.py", "layers/*.py") for path in sorted(_SOURCES.glob(part))
    )
    return digest_of((torch.__version__, platform.machine(), *_instructions(), *code))


def compiler_fault() -> str | None:
    """Why nothing can be compiled here, in a few words; None if it can."""
    compiler = os.environ.get("CXX", "g++")
    return None if shutil.which(compiler) else f"no C++ compiler ({compiler}) on this machine"


def compile_network(
    network: nn.Module, folder: Path, name: str, *, shapes: Sequence[Any], examples: Sequence[tuple[Any, ...]]
) -> Path:
    """Compile for this processor, some 15 to 60 s, and compare with the network itself.

    Args:
        network: in evaluation mode, on a processor; gives a tensor or a tuple of tensors.
        folder: where the library shall lie; made if missing.
        name: of the network, first part of the file's name.
        shapes: for every input, nested as it is, its free dimensions by number.
        examples: real inputs of several sizes, tensors or tuples of them. The first, of 2 rows or more and at least 9
            columns, shows the compiler what comes; all must give the network's results within 1e-4.

    Returns:
        The library. One of the same key is replaced in one step; those of other keys stay.

    Raises:
        CompileError: there is no compiler, it fails, or the library answers otherwise than the network.
    """
    fault = compiler_fault()
    if fault:
        raise CompileError(fault)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".compiling-") as aside:
        beside = Path(aside) / "network.pt2"
        try:
            _compile(network, beside, shapes, examples[0])
            difference = _difference(network, _opened(network, beside), examples)
        except Exception as error:  # the compiler's own errors have no common base
            raise CompileError(f"{name} was not compiled: {_first_line(error)}") from error
        if not difference <= _TOLERANCE:
            raise CompileError(f"{name} was not compiled: results differ by {difference:.1e} from the network's")
        place = _place(network, folder, name)
        os.replace(beside, place)
    return place


def compile_reader(network: nn.Module, folder: Path, name: str, *, words: Ragged, chars: Ragged) -> Path:
    """`compile_network` for a network that reads sentences: its inputs are words and characters, padded.

    Args:
        network: as there.
        folder: as there.
        name: as there.
        words: rows of real sentences, 2 or more and one of 9 or more words, for examples.
        chars: likewise.

    Raises:
        CompileError: as there.
    """
    shapes = [{0: ROWS, 1: columns(which, _LONGEST)} for which in ("words", "chars")]
    examples = [
        tuple(torch.from_numpy(part.padded(rows)) for part in (words, chars)) for rows in example_rows(len(words))
    ]
    return compile_network(network, folder, name, shapes=shapes, examples=examples)


def compiled_or_plain(network: nn.Module, folder: Path | None, name: str) -> Compute:
    """The compiled form of a network if `folder` has one that fits, else the network itself.

    Args:
        network: as for `compile_network`; its weights are used where they are and must stay there.
        folder: that of `compile_network`; None for the network itself.
        name: likewise.
    """
    if folder is None:
        return network
    place = _place(network, folder, name)
    if not place.exists():
        _log.info("%s: nothing is compiled for this processor, computing as trained", name)
        return network
    try:
        return _opened(network, place)
    except Exception as error:  # a damaged file shows in many ways, and the service can do without it
        _log.warning("%s is not used, computing as trained: %s", place, _first_line(error))
        return network


def _compile(network: nn.Module, place: Path, shapes: Sequence[Any], example: tuple[Any, ...]) -> None:
    settings = {"aot_inductor.package_constants_in_so": False, "cpp.threads": 1}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on torch's own internals
        exported = torch.export.export(network, example, dynamic_shapes=tuple(shapes))
        torch._inductor.aoti_compile_and_package(exported, package_path=str(place), inductor_configs=settings)


def _opened(network: nn.Module, place: Path) -> Compute:
    library = torch._inductor.aoti_load_package(str(place))
    weights = dict(_weights(network))
    used = {key: weights[key] for key in library.get_constant_fqns()}
    library.load_constants(used, check_full_update=True, user_managed=True)

    def compute(*inputs: Any) -> Any:
        return library(*_fitting(inputs))

    return compute


def _difference(network: nn.Module, compute: Compute, examples: Sequence[tuple[Any, ...]]) -> float:
    differences = [0.0]
    with torch.inference_mode():
        for example in examples:
            pairs = zip(_tensors(network(*example)), _tensors(compute(*example)), strict=True)
            differences += [float((own - theirs).abs().max()) for own, theirs in pairs]
    return max(differences)


def _tensors(result: Any) -> tuple[Tensor, ...]:
    return (result,) if isinstance(result, Tensor) else tuple(result)


def _fitting(value: Any) -> Any:
    """Inputs as the library takes them: it reads them in one piece and does not check that they are."""
    if isinstance(value, tuple):
        return tuple(map(_fitting, value))
    if value.dtype == torch.int64 and value.shape[1] < _SHORTEST:
        return functional.pad(value, (0, _SHORTEST - value.shape[1]))
    return value.contiguous()


def _place(network: nn.Module, folder: Path, name: str) -> Path:
    shapes = (f"{key} {tuple(value.shape)} {value.dtype}" for key, value in _weights(network))
    key = digest_of((libraries_key(), *shapes))
    return folder / f"{name}-{key[:_KEY_CHARS]}.pt2"


def _weights(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from ((key, value.detach()) for key, value in network.named_parameters())
    yield from network.named_buffers()


def _instructions() -> list[str]:
    """The processor's instruction sets as Linux lists them; elsewhere its name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return sorted(
        next((line.split() for line in lines if line.startswith(("flags", "Features"))), [platform.processor()])
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
