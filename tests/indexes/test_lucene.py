"""Lucene against a BM25 of a few lines, hostile tokens, threads, and folders that are no index."""

from __future__ import annotations

import gc
import math
import random
import threading
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexes import lucene
from indexes.errors import IndexUnavailableError
from indexes.lucene import LuceneIndex

HOSTILE = [
    *"+-!(){}[]^\"~*?:\\/<>&|='",
    *("&&", "||", "AND", "OR", "NOT", "TO", "field:value", "a*", '"x', 'y"', "\\u0041", "<b>"),
]


def bm25(documents: Sequence[Sequence[str]], query: Sequence[str], *, k1: float, b: float) -> list[tuple[int, float]]:
    """Robertson and Zaragoza's BM25 without the factor k1 + 1, over documents with at least one word."""
    filled = [words for words in documents if words]
    average = sum(map(len, filled)) / len(filled)
    scores = {}
    for row, words in enumerate(documents):
        counts = Counter(words)
        score = 0.0
        for word in query:
            holders = sum(word in other for other in filled)
            idf = math.log(1 + (len(filled) - holders + 0.5) / (holders + 0.5))
            norm = k1 * (1 - b + b * len(words) / average)
            score += idf * counts[word] / (counts[word] + norm) if counts[word] else 0.0
        if score > 0:
            scores[row] = score
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


@pytest.fixture(scope="module")
def documents() -> list[list[str]]:
    generator = random.Random(7)
    words = [f"词{i}" for i in range(60)]
    made = [generator.choices(words, k=generator.randint(1, 30)) for _ in range(200)]
    made[17] = []
    return made


@pytest.mark.parametrize(("k1", "b"), [(0.9, 0.4), (1.2, 0.75), (0.5, 0.0)])
def test_scores_and_order_are_those_of_bm25(tmp_path: Path, documents: list[list[str]], k1: float, b: float) -> None:
    LuceneIndex.build(tmp_path / "index", documents)
    index = LuceneIndex.open(tmp_path / "index", k1=k1, b=b)
    generator = random.Random(8)
    for _ in range(30):
        query = generator.choices([f"词{i}" for i in range(65)], k=generator.randint(1, 12))
        expected = bm25(documents, query, k1=k1, b=b)
        found = index.search(query, top_k=300)
        assert {row for row, _ in found} == {row for row, _ in expected}
        reference = dict(expected)
        # Lucene keeps lengths up to 40 exactly, and Anserini rounds to four decimals.
        assert all(score == pytest.approx(reference[row], abs=2e-4) for row, score in found)
        in_order = [reference[row] for row, _ in found]
        assert all(first >= second - 2e-4 for first, second in pairwise(in_order))


def test_equal_scores_are_ordered_by_row(tmp_path: Path) -> None:
    LuceneIndex.build(tmp_path / "index", [["同", "样"]] * 25)
    found = LuceneIndex.open(tmp_path / "index").search(["样"], top_k=12)
    assert [row for row, _ in found] == list(range(12))
    # Anserini tells ties apart by a millionth each.
    assert [score for _, score in found] == pytest.approx([found[0][1]] * 12, abs=2e-5)


def test_no_character_is_special(tmp_path: Path) -> None:
    LuceneIndex.build(tmp_path / "index", [[token] for token in HOSTILE] + [["平常", "话"]])
    index = LuceneIndex.open(tmp_path / "index")
    for row, token in enumerate(HOSTILE):
        assert [found for found, _ in index.search([token], top_k=99)] == [row]
    assert {row for row, _ in index.search(HOSTILE, top_k=99)} == set(range(len(HOSTILE)))


def test_odd_tokens_are_found_again(tmp_path: Path) -> None:
    odd = ["😡", "e\u0301", "\ud800", "长" * 700, "𠮷野家", "\u3000", "a\u00a0b", "x\0y"]
    LuceneIndex.build(tmp_path / "index", [[token] for token in odd] + [["别", "的"]])
    index = LuceneIndex.open(tmp_path / "index")
    for row, text in enumerate(odd):
        found = [hit for hit, _ in index.search([text], top_k=9)]
        assert found == ([row] if text.strip() else [])


@pytest.fixture(scope="module")
def small_index(tmp_path_factory: pytest.TempPathFactory) -> LuceneIndex:
    folder = tmp_path_factory.mktemp("small") / "index"
    LuceneIndex.build(folder, [["还", "不", "发货"], ["退款", "到账"], ["(", "*"]])
    return LuceneIndex.open(folder)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.text(st.characters(exclude_categories=[])), max_size=8))
def test_any_text_is_a_query(small_index: LuceneIndex, words: list[str]) -> None:
    found = small_index.search(words, top_k=3)
    assert all(row in {0, 1, 2} and score > 0 for row, score in found)


def test_a_query_longer_than_the_clause_limit_is_answered(small_index: LuceneIndex) -> None:
    assert small_index.search(["退款", *(f"词{i}" for i in range(5000))], top_k=3)[0][0] == 1


def test_threads_search_and_are_let_go(small_index: LuceneIndex) -> None:
    expected = small_index.search(["退款"], top_k=3)
    count_threads = lucene._java().thread_count
    before = count_threads()
    wrong: list[object] = []

    def work() -> None:
        for _ in range(20):
            found = small_index.search(["退款"], top_k=3)
            if found != expected:
                wrong.append(found)

    for _ in range(4):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
    assert count_threads() == before


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's list of mapped files")
def test_files_are_let_go_with_the_last_reference(tmp_path: Path) -> None:
    def mapped() -> bool:
        return str(tmp_path) in Path("/proc/self/maps").read_text(encoding="utf-8")

    LuceneIndex.build(tmp_path / "index", [["一"], ["二"]])
    index = LuceneIndex.open(tmp_path / "index")
    assert index.search(["一"], top_k=1)
    assert mapped()
    del index
    gc.collect()
    assert not mapped()


def test_missing_and_damaged_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailableError, match="build the index"):
        LuceneIndex.open(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(IndexUnavailableError, match="rebuild the index"):
        LuceneIndex.open(tmp_path / "empty")
    LuceneIndex.build(tmp_path / "broken", [["一"], ["二"]])
    for path in (tmp_path / "broken").glob("segments_*"):
        path.write_bytes(b"not a segment file")
    with pytest.raises(IndexUnavailableError, match="rebuild the index") as caught:
        LuceneIndex.open(tmp_path / "broken")
    assert "\n" not in str(caught.value)


def test_wrong_arguments_are_refused(tmp_path: Path, small_index: LuceneIndex) -> None:
    with pytest.raises(ValueError, match="without any word"):
        LuceneIndex.build(tmp_path / "index", [[], [" "]])
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="not empty"):
        LuceneIndex.build(tmp_path, [["一"]])
    with pytest.raises(ValueError, match="top_k=0"):
        small_index.search(["一"], top_k=0)
    with pytest.raises(ValueError, match="b=2"):
        LuceneIndex.open(tmp_path, b=2)
