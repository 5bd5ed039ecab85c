"""Networks compiled ahead of time for the processor that serves them.

A network of small layers spends most of a lone sentence's time between its operations. PyTorch's ahead-of-time compiler
(torch.export, then AOTInductor) makes one library of them, for any number of sentences of any length. The library
holds code and the smallest weights; the others stay in the network it was made from, so that nothing is held in memory
twice. It is named by all it depends on: the artifact, torch, this code, the processor's instructions. Where none fits,
the network computes as it was trained, with the same answers. `graph.compiling` has libraries made; the classifiers,
the encoder and the matcher take them when they are told to serve. On a GPU `models.acceleration` takes this place.
"""

import logging
import os
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional

from models.libraries import CompileError, check, fault, seal, settle
from models.text.ragged import Ragged

__all__ = [
    "ROWS",
    "SHORTEST",
    "Compute",
    "columns",
    "compile_network",
    "compile_reader",
    "compiled_or_plain",
    "compiler_fault",
    "compiling",
    "example_rows",
]

Compute: TypeAlias = Callable[..., Any]
"""A network's forward pass, compiled or not."""

ROWS = Dim("rows", min=1, max=4096)
"""The free number of sentences or pairs."""

SHORTEST = 8
"""Columns of whole numbers. Shorter rows take other paths through some layers, a library has one: they are padded."""
_LONGEST = 1024
_FIRST_COLUMNS = 2 * SHORTEST
"""Columns at least of the example that shows the compiler what comes."""
_BATCH = 64
_TOLERANCE = 1e-4
_CACHE = "TORCHINDUCTOR_CACHE_DIR"

_log = logging.getLogger(__name__)


def columns(name: str, longest: int) -> Any:
    """A free length of rows of whole numbers, up to `longest` columns; equal names are equal lengths."""
    return Dim(name, min=SHORTEST, max=longest)


def example_rows(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Row numbers of examples for `compile_network`: all in batches, the longest first, then one, two and five."""
    rows = np.argsort(-lengths, kind="stable")
    batches = [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]
    return [*batches, rows[:1], rows[-1:], rows[-2:], rows[-5:]]


def compiler_fault() -> str | None:
    """Why nothing can be compiled here, in a few words; None if it can."""
    compiler = os.environ.get("CXX", "g++")
    return None if shutil.which(compiler) else f"no C++ compiler ({compiler}) on this machine"


@contextmanager
def compiling(folder: Path) -> Iterator[None]:
    """Keeps the compiler's own files beside the libraries while it works, and removes them afterwards.

    Args:
        folder: of all libraries; made if missing. What a compiler that was killed left there is removed.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".compiling-*"):
        shutil.rmtree(left, ignore_errors=True)
    before = os.environ.get(_CACHE)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".compiling-", ignore_cleanup_errors=True) as aside:
        os.environ[_CACHE] = aside
        try:
            yield
        finally:
            os.environ.pop(_CACHE)
            if before is not None:
                os.environ[_CACHE] = before


def compile_network(
    network: nn.Module, place: Path, *, shapes: Sequence[Any], examples: Sequence[tuple[Any, ...]]
) -> None:
    """Compile for this processor, some 10 to 60 s, and compare with the network itself.

    Args:
        network: in evaluation mode, on a processor; gives a tensor or a tuple of tensors.
        place: see `library_place`; its parent exists. What is there stays if compiling fails.
        shapes: for every input, nested as it is, its free dimensions by number.
        examples: real inputs of several sizes, tensors or tuples of them. The first, of 2 rows or more, shows the
            compiler what comes; all must give the network's results within 1e-4.

    Raises:
        CompileError: there is no compiler, it fails, or the library answers otherwise than the network.
    """
    missing = compiler_fault()
    if missing:
        raise CompileError(missing)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".compiling-") as aside:
        beside = Path(aside) / "library"
        try:
            _compile(network, beside, shapes, _padded(examples[0], _FIRST_COLUMNS))
            difference = _difference(network, _opened(network, beside), examples)
        except Exception as error:  # the compiler's own errors have no common base
            raise CompileError(str(error).strip() or type(error).__name__) from error
        if not difference <= _TOLERANCE:  # no number is not close either
            raise CompileError(f"results differ by {difference:.1e} from the network's, at most {_TOLERANCE:g} may be")
        settle(place, beside)


def compile_reader(network: nn.Module, place: Path, *, words: Ragged, chars: Ragged) -> None:
    """`compile_network` for a network that reads sentences: its inputs are words and characters, padded.

    Args:
        network: as there.
        place: as there.
        words: rows of real sentences, 2 or more, for examples.
        chars: likewise.

    Raises:
        CompileError: as there.
    """
    shapes = [{0: ROWS, 1: columns(which, _LONGEST)} for which in ("words", "chars")]
    groups = example_rows(chars.lengths)
    examples = [tuple(torch.from_numpy(part.padded(rows)) for part in (words, chars)) for rows in groups]
    compile_network(network, place, shapes=shapes, examples=examples)


def compiled_or_plain(network: nn.Module, place: Path) -> Compute:
    """The compiled form of a network if there is one for this processor, else the network itself.

    A library keeps the network's weights in memory for good (torch 2.13 never gives them back), so open one a network
    and process, not one a request.

    Args:
        network: as for `compile_network`; its weights are used where they are and must stay there.
        place: see `library_place`.
    """
    why = fault(place)
    if why:
        _log.warning("%s: computing as trained, more slowly: %s", place.name, why)
        return network
    try:
        check(place)
        return _opened(network, place)
    except Exception as error:  # a damaged library shows in many ways, and the service can do without it
        _log.warning("%s: computing as trained, more slowly: %s", place.name, _first_line(error))
        return network


def _compile(network: nn.Module, place: Path, shapes: Sequence[Any], example: tuple[Any, ...]) -> None:
    settings = {"aot_inductor.package_constants_in_so": False, "cpp.threads": 1}
    archive = place.with_suffix(".pt2")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on torch's own internals
        exported = torch.export.export(network, example, dynamic_shapes=tuple(shapes))
        torch._inductor.aoti_compile_and_package(exported, package_path=str(archive), inductor_configs=settings)
    # Unpacked, because every process that opens an archive would unpack it for itself into /tmp.
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(place.with_suffix(".unpacked"))
    (inside,) = place.with_suffix(".unpacked").iterdir()
    os.replace(inside, place)
    seal(place)


def _opened(network: nn.Module, place: Path) -> Compute:
    # torch's own function around this looks for a compiler first, and reads the shapes of inputs anew at every call.
    library = torch._C._aoti.AOTIModelPackageLoader(str(place), "model", False, 1, -1)
    weights = dict(_weights(network))
    used = {key: weights[key] for key in library.get_constant_fqns()}
    library.load_constants(used, False, True, True, False)  # all of them, where they are

    def compute(*inputs: Any) -> Any:
        results: list[Tensor] = library.boxed_run(_flat(inputs))
        return results[0] if len(results) == 1 else tuple(results)

    return compute


def _difference(network: nn.Module, compute: Compute, examples: Sequence[tuple[Any, ...]]) -> float:
    """The largest; not a number if any is none."""
    differences = [0.0]
    with torch.inference_mode():
        for example in examples:
            pairs = zip(_flat((network(*example),)), _flat((compute(*example),)), strict=True)
            differences += [float((own - theirs).abs().max()) for own, theirs in pairs]
    return float(np.max(differences))


def _flat(values: tuple[Any, ...]) -> list[Tensor]:
    """Tensors of nested tuples as a library takes them: in one piece, which it does not check, and long enough."""
    tensors: list[Tensor] = []
    for value in values:
        tensors += _flat(value) if isinstance(value, tuple) else [_padded(value, SHORTEST).contiguous()]
    return tensors


def _padded(value: Any, n_columns: int) -> Any:
    """Rows of whole numbers with at least so many columns; nested tuples likewise."""
    if isinstance(value, tuple):
        return tuple(_padded(part, n_columns) for part in value)
    missing = n_columns - value.shape[1] if value.dtype == torch.int64 else 0
    return functional.pad(value, (0, missing)) if missing > 0 else value


def _weights(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from ((key, value.detach()) for key, value in network.named_parameters())
    yield from network.named_buffers()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
