"""Nearest neighbours among sentence vectors: the semantic half of recall.

With L2-normalised vectors the inner product is the cosine. Up to `FLAT_ROWS` rows the index is exact; beyond that a
flat scan would be the slowest part of recall, and inverted lists (IVF: k-means cells, of which the nearest are scanned)
take its place. `load_tests/growth.py` measures both, and a graph index (HNSW), against the flat one.
`indexes/build.py` writes these indexes and `indexes/recall.py` searches them. faiss is imported only here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import faiss
import numpy as np
from numpy.typing import NDArray

from indexes.errors import IndexUnavailableError

Kind = Literal["flat", "ivf", "hnsw"]

FLAT_ROWS = 50_000
"""Most rows that are searched one by one; see docs/performance.md."""
_FILE = "vectors.faiss"
_PROBED_SHARE, _PROBED_LEAST = 16, 32
"""One cell in so many is searched, but at least so many cells."""
_ROWS_TO_LEARN_CELLS = 64
"""Vectors a cell from which k-means learns the cells."""
_LINKS = 16
_BUILD_BREADTH = 80
_SEARCH_BREADTH = 64
"""Of the graph that finds neighbours among many rows."""


class DenseIndex:
    """A read-only index of vectors; row numbers are the positions of the vectors given to `build`.

    Safe to search from several threads at once on the CPU. faiss is held to one thread, because replicas are
    the unit of parallelism.

    Args:
        folder: what `build` wrote.
        device: "cpu"; "cuda" for the first GPU, refused if there is none; "auto" for a GPU if faiss sees one.
    """

    def __init__(self, folder: Path, *, device: str = "auto") -> None:
        if device not in {"auto", "cpu", "cuda"}:
            raise ValueError(f"device={device!r}: must be auto, cpu or cuda")
        path = folder / _FILE
        if not path.is_file():
            raise IndexUnavailableError(f"{path}: no dense index there; build the index")
        try:
            index = faiss.read_index(str(path))
        except (RuntimeError, MemoryError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise IndexUnavailableError(f"{path}: not a readable dense index ({reason}); rebuild the index") from None
        known = isinstance(index, (faiss.IndexFlat, faiss.IndexIVFFlat, faiss.IndexHNSWFlat))
        if not known or index.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise IndexUnavailableError(f"{path}: not an inner-product index of a known kind; rebuild the index")
        self.size = int(index.ntotal)
        self.width = int(index.d)
        self._path = path
        self._index = _placed(index, device)

    @classmethod
    def open(cls, folder: Path, *, device: str = "auto") -> DenseIndex:
        """Opens the index in `folder`.

        Raises:
            IndexUnavailableError: the folder holds no readable index.
            ValueError: `device` is unknown, or it is "cuda" and faiss sees no GPU.
        """
        return cls(folder, device=device)

    @staticmethod
    def build(folder: Path, vectors: NDArray[np.float32], *, kind: Kind | None = None) -> None:
        """Writes an index of `vectors` into `folder`, which is made if it is absent.

        Args:
            folder: where to.
            vectors: finite float32 (n, width), n and width at least 1.
            kind: how it searches; None lets the number of rows decide.

        Raises:
            ValueError: not a matrix with at least one row and column, or not all finite.
        """
        if vectors.ndim != 2 or 0 in vectors.shape:
            raise ValueError(f"vectors of shape {vectors.shape}: must be (n, width) with at least one row and column")
        if not np.isfinite(vectors).all():
            raise ValueError("vectors hold NaN or infinity: every number must be finite")
        index = _filled(np.ascontiguousarray(vectors, dtype=np.float32), kind or kind_for(len(vectors)))
        folder.mkdir(parents=True, exist_ok=True)
        faiss.write_index(index, str(folder / _FILE))

    def search(self, vectors: NDArray[np.float32], *, top_k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The rows with the largest inner products with each of `vectors`.

        Args:
            vectors: float32 (n, width).
            top_k: at most so many rows per vector, >= 1.

        Returns:
            scores float32 (n, k) in descending order and rows int64 (n, k), with k = min(top_k, size). An inexact
            index may find fewer; the places left over have row -1.

        Raises:
            ValueError: `top_k` below 1, or `vectors` of another width.
            IndexUnavailableError: the index failed while it was searched.
        """
        if top_k < 1:
            raise ValueError(f"top_k={top_k}: must be at least 1")
        if vectors.ndim != 2 or vectors.shape[1] != self.width:
            raise ValueError(f"vectors of shape {vectors.shape}: this index holds vectors of width {self.width}")
        queries = np.ascontiguousarray(vectors, dtype=np.float32)
        k = min(top_k, self.size)
        if not len(queries):
            return np.empty((0, k), np.float32), np.empty((0, k), np.int64)
        faiss.omp_set_num_threads(1)  # holds for the calling thread only, hence at every call
        try:
            scores, rows = self._index.search(queries, k)
        except RuntimeError as error:
            raise IndexUnavailableError(f"{self._path}: faiss failed while searching ({error})") from None
        return scores, rows


def kind_for(n_rows: int) -> Kind:
    """The kind of index for so many rows."""
    return "flat" if n_rows <= FLAT_ROWS else "ivf"


def _filled(vectors: NDArray[np.float32], kind: Kind) -> Any:
    """An index of `vectors`, with its search settings."""
    n, width = vectors.shape
    index: Any
    if kind == "flat":
        index = faiss.IndexFlatIP(width)
    elif kind == "ivf":
        n_cells = max(1, min(int(4 * n**0.5), n // _ROWS_TO_LEARN_CELLS))
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, n_cells, faiss.METRIC_INNER_PRODUCT)
        index.nprobe = min(max(_PROBED_LEAST, n_cells // _PROBED_SHARE), n_cells)
        index.cp.spherical = True  # cells of directions, as the vectors have length 1
        index.cp.max_points_per_centroid = _ROWS_TO_LEARN_CELLS
        index.train(vectors)
    else:
        index = _graph(width)
    index.add(vectors)
    return index


def _graph(width: int) -> Any:
    index = faiss.IndexHNSWFlat(width, _LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = _BUILD_BREADTH, _SEARCH_BREADTH
    return index


def _placed(index: Any, device: str) -> Any:
    """`index` on the wanted device."""
    n_gpus = int(faiss.get_num_gpus())
    if device == "cuda" and not n_gpus:
        raise ValueError("device=cuda: faiss sees no GPU; install faiss-gpu or use device=auto")
    if device == "cpu" or not n_gpus or isinstance(index, faiss.IndexHNSWFlat):  # a graph stays on the CPU
        return index
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index)


def nearest_neighbours(
    vectors: NDArray[np.float32], *, top_k: int, exact_up_to: int = 20_000
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The rows nearest to each row among all the others: candidates for clustering, without an index on disk.

    Exact for few rows; for many a navigable graph (Malkov and Yashunin, 2018, "Efficient and robust approximate
    nearest neighbor search using HNSW graphs") answers in about logarithmic time a row. Built on one thread,
    hence the same for the same vectors.

    Args:
        vectors: float32 (n, width), each of length 1 or 0.
        top_k: neighbours per row, >= 1.
        exact_up_to: the largest n that is searched exactly.

    Returns:
        cosines float32 (n, k) in descending order and rows int64 (n, k), -1 where fewer were found;
        k = min(top_k, n - 1). A row is never its own neighbour.

    Raises:
        ValueError: `top_k` below 1.
    """
    if top_k < 1:
        raise ValueError(f"top_k={top_k}: must be at least 1")
    n, width = vectors.shape
    k = min(top_k, max(n - 1, 0))
    if not k:
        return np.empty((n, 0), np.float32), np.empty((n, 0), np.int64)
    faiss.omp_set_num_threads(1)
    index: Any = faiss.IndexFlatIP(width)
    if n > exact_up_to:
        index = _graph(width)
    data = np.ascontiguousarray(vectors, dtype=np.float32)
    index.add(data)
    scores, rows = index.search(data, k + 1)
    # Its own row is one of them, unless so many are equal to it that it was crowded out.
    own = rows == np.arange(n)[:, None]
    own[~own.any(axis=1), -1] = True
    return scores[~own].reshape(n, k), rows[~own].reshape(n, k)
