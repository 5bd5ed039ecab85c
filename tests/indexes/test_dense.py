"""The dense index against numpy."""

from __future__ import annotations

import threading
from pathlib import Path

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from indexes.dense import FLAT_ROWS, DenseIndex, Kind, kind_for, nearest_neighbours
from indexes.errors import IndexUnavailableError


def unit_vectors(n: int, width: int) -> NDArray[np.float32]:
    made = np.random.default_rng(3).normal(size=(n, width)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


@pytest.fixture
def vectors() -> NDArray[np.float32]:
    return unit_vectors(300, 24)


def test_search_is_a_sorted_matrix_product(tmp_path: Path, vectors: NDArray[np.float32]) -> None:
    DenseIndex.build(tmp_path / "dense", vectors)
    index = DenseIndex.open(tmp_path / "dense", device="cpu")
    queries = np.random.default_rng(4).normal(size=(9, 24)).astype(np.float32)
    scores, rows = index.search(queries, top_k=10)
    product = queries @ vectors.T
    np.testing.assert_array_equal(rows, np.argsort(-product, axis=1)[:, :10])
    np.testing.assert_allclose(scores, np.take_along_axis(product, rows, axis=1), rtol=1e-5, atol=1e-6)
    assert scores.dtype == np.float32
    assert rows.dtype == np.int64


def test_a_row_finds_itself_whatever_the_memory_layout(tmp_path: Path, vectors: NDArray[np.float32]) -> None:
    DenseIndex.build(tmp_path / "dense", np.asfortranarray(vectors))
    scores, rows = DenseIndex.open(tmp_path / "dense").search(np.asfortranarray(vectors[::7]), top_k=1)
    np.testing.assert_array_equal(rows[:, 0], np.arange(0, 300, 7))
    np.testing.assert_allclose(scores, 1.0, atol=1e-5)


def test_a_search_stays_on_the_thread_that_asks(tmp_path: Path, vectors: NDArray[np.float32]) -> None:
    DenseIndex.build(tmp_path / "dense", vectors)
    index = DenseIndex.open(tmp_path / "dense", device="cpu")
    limits: list[int] = []

    def work() -> None:
        faiss.omp_set_num_threads(3)
        index.search(vectors[:4], top_k=2)
        limits.append(faiss.omp_get_max_threads())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert limits == [1]


def test_more_than_there_are_and_none_at_all(tmp_path: Path, vectors: NDArray[np.float32]) -> None:
    DenseIndex.build(tmp_path / "dense", vectors[:3])
    index = DenseIndex.open(tmp_path / "dense")
    assert index.search(vectors[:2], top_k=50)[1].shape == (2, 3)
    assert index.search(vectors[:0], top_k=50)[0].shape == (0, 3)


@pytest.mark.parametrize("damage", ["absent", "text", "cut", "kind"])
def test_missing_and_damaged_files_are_refused(tmp_path: Path, vectors: NDArray[np.float32], damage: str) -> None:
    folder = tmp_path / "dense"
    DenseIndex.build(folder, vectors)
    path = folder / "vectors.faiss"
    whole = path.read_bytes()
    if damage == "absent":
        path.unlink()
    elif damage == "text":
        path.write_bytes(b"no index at all")
    elif damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    else:
        faiss.write_index(faiss.IndexFlatL2(24), str(path))
    with pytest.raises(IndexUnavailableError, match="build") as caught:
        DenseIndex.open(folder)
    assert "\n" not in str(caught.value)


def test_wrong_arguments_are_refused(tmp_path: Path, vectors: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match="finite"):
        DenseIndex.build(tmp_path / "a", np.full((2, 3), np.nan, np.float32))
    with pytest.raises(ValueError, match="shape"):
        DenseIndex.build(tmp_path / "a", vectors[:0])
    DenseIndex.build(tmp_path / "dense", vectors)
    index = DenseIndex.open(tmp_path / "dense")
    with pytest.raises(ValueError, match="width 24"):
        index.search(vectors[:, :5], top_k=1)
    with pytest.raises(ValueError, match="top_k=0"):
        index.search(vectors, top_k=0)
    with pytest.raises(ValueError, match="device='tpu'"):
        DenseIndex.open(tmp_path / "dense", device="tpu")
    if not faiss.get_num_gpus():
        with pytest.raises(ValueError, match="no GPU"):
            DenseIndex.open(tmp_path / "dense", device="cuda")


def test_neighbours_of_many_rows_are_nearly_those_of_an_exact_search() -> None:
    vectors = unit_vectors(3000, 24)
    _, exact = nearest_neighbours(vectors, top_k=5)
    scores, quick = nearest_neighbours(vectors, top_k=5, exact_up_to=100)
    assert np.mean([len(set(a) & set(b)) / 5 for a, b in zip(exact.tolist(), quick.tolist(), strict=True)]) > 0.9
    assert not (quick == np.arange(3000)[:, None]).any()
    assert (np.diff(scores, axis=1) <= 1e-6).all()


def test_a_row_among_its_equals_is_not_its_own_neighbour() -> None:
    same = np.tile(unit_vectors(1, 8), (6, 1))
    _, rows = nearest_neighbours(same, top_k=2)
    assert rows.shape == (6, 2)
    assert not (rows == np.arange(6)[:, None]).any()
    assert nearest_neighbours(same[:1], top_k=2)[1].shape == (1, 0)


@pytest.fixture(scope="module")
def clustered() -> NDArray[np.float32]:
    """Six thousand directions around three hundred centres, as sentences stand around their matters."""
    draw = np.random.default_rng(5)
    centres = draw.normal(size=(300, 32))
    made = np.repeat(centres, 20, axis=0) + 0.5 * draw.normal(size=(6000, 32))
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_inexact_kinds_find_nearly_all_that_the_flat_one_finds(
    tmp_path: Path, clustered: NDArray[np.float32], kind: Kind
) -> None:
    DenseIndex.build(tmp_path / "flat", clustered, kind="flat")
    DenseIndex.build(tmp_path / kind, clustered, kind=kind)
    queries = clustered[::60]
    exact_scores, exact = DenseIndex.open(tmp_path / "flat", device="cpu").search(queries, top_k=20)
    scores, rows = DenseIndex.open(tmp_path / kind, device="cpu").search(queries, top_k=20)
    kept = np.mean([len(set(a) & set(b)) / 20 for a, b in zip(rows.tolist(), exact.tolist(), strict=True)])
    assert kept > 0.9
    np.testing.assert_array_equal(rows[:, 0], exact[:, 0])
    np.testing.assert_allclose(scores[:, 0], exact_scores[:, 0], atol=1e-5)


def test_the_number_of_rows_decides_the_kind(tmp_path: Path, vectors: NDArray[np.float32]) -> None:
    assert (kind_for(1), kind_for(FLAT_ROWS), kind_for(FLAT_ROWS + 1)) == ("flat", "flat", "ivf")
    DenseIndex.build(tmp_path, vectors)
    assert isinstance(faiss.read_index(str(tmp_path / "vectors.faiss")), faiss.IndexFlat)


def test_rows_beyond_the_searched_cells_are_marked_as_not_found(tmp_path: Path, clustered: NDArray[np.float32]) -> None:
    DenseIndex.build(tmp_path, clustered, kind="ivf")
    _, rows = DenseIndex.open(tmp_path, device="cpu").search(clustered[:1], top_k=len(clustered))
    found = rows[0][rows[0] >= 0]
    assert 20 < len(found) < len(clustered)
    assert (rows[0][len(found) :] == -1).all()
    assert len(set(found.tolist())) == len(found)
