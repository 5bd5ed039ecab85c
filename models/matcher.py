"""The trained reranker: from pairs of sentences to the probability that they mean the same.

The knowledge side is prepared once, when an index is built or loaded; a question then costs its own reading
and the comparison with its candidates. Trained by `models.training.matching`; called by the Rerank node.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.acceleration import PRECISION, Precision, Shapes
from models.artifact import ArtifactError, load_artifact, save_artifact
from models.comparison import Comparison
from models.layers.device import resolve_device
from models.match_halves import Halves, compile_halves
from models.pbmatch import PBmatch
from models.readings import Side, join_sides, match_keys
from models.text.ragged import Ragged, bucketed
from models.text.sentence import Sentence
from models.text.vocabulary import Vocabulary

__all__ = ["KIND", "Matcher", "Prepared"]

KIND = "matcher"
_BATCH = 64  # sentences or pairs; more at once is slower on a processor: the caches overflow


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The knowledge as the network has read it, row by row.

    Attributes:
        side: keys and tower outputs of all sentences.
        lengths: int64 (n, 2), words and characters of each.
        version: of the matcher that prepared it.
        recorded: the comparison with it at fixed shapes; None to compare at the shapes that come.
    """

    side: Side
    lengths: NDArray[np.int64]
    version: str
    recorded: Comparison | None = None

    def __len__(self) -> int:
        return len(self.lengths)


class Matcher:
    """PBmatch with its vocabularies, calibration and threshold.

    Attributes:
        threshold: the best candidate is believed if its probability is above this; in [0, 1].
        temperature: divides the logits after the shift.
        shift: added to the logits: the share of right pairs in service is not that of training.
        version: of the stored artifact; "" before it is saved.
        model: the network, in evaluation mode.
        device: where it is.
    """

    def __init__(
        self,
        *,
        model: PBmatch,
        model_config: dict[str, Any],
        words: Vocabulary,
        chars: Vocabulary,
        segmenter: str,
        temperature: float = 1.0,
        shift: float = 0.0,
        threshold: float = 0.85,
        max_words: int = 48,
        max_chars: int = 80,
        data_digest: str = "",
        version: str = "",
        device: str = "auto",
    ) -> None:
        """Hold the parts.

        Args:
            model: the network; moved to the device and set to evaluation.
            model_config: the numbers it was made with, stored to make it again.
            words: rows of the word table.
            chars: rows of the character table.
            segmenter: version of the text processor that cut the words.
            temperature: > 0.
            shift: of the logits, for the prior of service.
            threshold: probability above which a candidate is believed.
            max_words: words read of a sentence.
            max_chars: characters read of a sentence.
            data_digest: digest of the training data.
            version: of the stored artifact.
            device: "auto", "cpu" or "cuda".
        """
        self.device = resolve_device(device)
        self.model = model.to(self.device).eval()
        self._network: PBmatch | Halves = self.model
        self._model_config = dict(model_config)
        self._words, self._chars = words, chars
        self._max_words, self._max_chars = max_words, max_chars
        self._segmenter, self._data_digest = segmenter, data_digest
        self.temperature, self.shift, self.threshold = temperature, shift, threshold
        self.version = version

    def prepare_service(self, *, compiled: Path | None = None) -> None:
        """On a processor, take the network's compiled form if `compile` left one in the folder `compiled`."""
        if self.device.type == "cpu" and compiled:
            self._network = Halves.of(self.model, compiled, self.version)

    def compile(self, folder: Path, sentences: Sequence[Sentence]) -> None:
        """Compile the network for this processor; arguments and errors as for `Classifier.compile`."""
        words, chars = self._keys(sentences)
        compile_halves(self.model, folder, self.version, words=words, chars=chars)

    def prepare(self, sentences: Sequence[Sentence]) -> Prepared:
        """Read sentences once, for many comparisons; row i of the result is sentence i."""
        words, chars = self._keys(sentences)
        with torch.inference_mode():
            side = self._read(words, chars, np.arange(len(sentences)))
        return Prepared(side, np.stack((words.lengths, chars.lengths), axis=1), self.version)

    def prepare_knowledge(self, sentences: Sequence[Sentence]) -> Prepared:
        """As `prepare`, for service: on a GPU the comparison is recorded as well, which takes some seconds."""
        prepared = self.prepare(sentences)
        return self.recorded(prepared) if self.device.type == "cuda" else prepared

    def recorded(
        self,
        prepared: Prepared,
        *,
        precision: Precision = PRECISION,
        n_candidates: int = 20,
        shapes: Shapes | None = None,
        record: bool = True,
    ) -> Prepared:
        """`prepared` with the comparison at fixed shapes (see `models.acceleration`).

        Args:
            prepared: the knowledge, from `prepare` of this matcher.
            precision: of the comparison.
            n_candidates: candidates a query, recorded together; more are compared in portions.
            shapes: batch sizes and lengths; None for the usual ones.
            record: False only pads, on a GPU too.
        """
        if not len(prepared):
            return prepared
        comparison = Comparison(
            self.model,
            prepared.side,
            prepared.lengths,
            shapes=shapes or Shapes.up_to(self._max_words, self._max_chars),
            device=self.device,
            precision=precision,
            n_candidates=n_candidates,
            record=record,
        )
        return replace(prepared, recorded=comparison)

    def score(self, queries: Sequence[Sentence], prepared: Prepared, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Probability that each candidate means the same as its query.

        Args:
            queries: n sentences.
            prepared: the knowledge, from `prepare` of this matcher.
            rows: int64 (n, k), rows of the candidates; -1 for none.

        Returns:
            float32 (n, k) in [0, 1], at the prior of service; 0 where there is no candidate.

        Raises:
            ValueError: `rows` does not have a line per query, or names a row that `prepared` does not have.
        """
        if rows.ndim != 2 or len(rows) != len(queries):
            raise ValueError(f"rows of shape {rows.shape} must have {len(queries)} lines: one a query")
        if rows.size and (rows.min() < -1 or rows.max() >= len(prepared)):
            raise ValueError(f"rows from {rows.min()} to {rows.max()} must lie in -1 .. {len(prepared) - 1}")
        scores = np.zeros(rows.shape, dtype=np.float32)
        asked, places = np.nonzero(rows >= 0)
        if len(asked) and prepared.recorded:
            logits = prepared.recorded.logits(*self._keys(queries), rows)[asked, places]
            scores[asked, places] = self.probabilities(logits)
        elif len(asked):
            logits = self._compare(self.prepare(queries), asked, prepared, rows[asked, places])
            scores[asked, places] = self.probabilities(logits)
        return scores

    def score_pairs(self, left: Sequence[Sentence], right: Sequence[Sentence]) -> NDArray[np.float32]:
        """Probability that left[i] and right[i] mean the same, float32 (n,), at the prior of service."""
        return self.probabilities(self.logits(left, right))

    def logits(self, left: Sequence[Sentence], right: Sequence[Sentence]) -> NDArray[np.float32]:
        """What the network says of each pair before shift and temperature, float32 (n,)."""
        if len(left) != len(right):
            raise ValueError(f"{len(left)} left and {len(right)} right sentences must be as many: give pairs")
        sides = [self._keys(sentences) for sentences in (left, right)]
        logits = np.zeros(len(left), dtype=np.float32)
        with torch.inference_mode():
            for rows in bucketed(sides[0][1].lengths + sides[1][1].lengths, batch_size=_BATCH):
                batch = [(self._padded(words, rows), self._padded(chars, rows)) for words, chars in sides]
                logits[rows] = self.model(batch[0], batch[1]).cpu().numpy()
        return logits

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shift, temperature and sigmoid; float32 of the same shape."""
        scaled = (logits.astype(np.float64) + self.shift) / self.temperature
        return (0.5 * (1.0 + np.tanh(scaled / 2))).astype(np.float32)

    def _compare(
        self, own: Prepared, asked: NDArray[np.int64], prepared: Prepared, rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Logits of the pairs (own[asked[i]], prepared[rows[i]]), float32 (len(rows),)."""
        logits = np.zeros(len(rows), dtype=np.float32)
        with torch.inference_mode():
            for pairs in bucketed(own.lengths[asked, 1] + prepared.lengths[rows, 1], batch_size=_BATCH):
                left = own.side.rows(torch.from_numpy(asked[pairs]).to(self.device))
                right = prepared.side.rows(torch.from_numpy(rows[pairs]).to(self.device))
                logits[pairs] = self._network.compare(left, right).cpu().numpy()
        return logits

    def _read(self, words: Ragged, chars: Ragged, rows: NDArray[np.int64]) -> Side:
        """Read all rows, in portions, so that memory does not grow with the knowledge."""
        sides = [
            self._network.read(self._padded(words, part), self._padded(chars, part))
            for part in np.array_split(rows, max(1, -(-len(rows) // _BATCH)))
        ]
        return join_sides(sides)

    def _keys(self, sentences: Sequence[Sentence]) -> tuple[Ragged, Ragged]:
        return (
            Ragged.of([match_keys(self._words, s.words) for s in sentences], max_length=self._max_words),
            Ragged.of([match_keys(self._chars, s.chars) for s in sentences], max_length=self._max_chars),
        )

    def _padded(self, keys: Ragged, rows: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(keys.padded(rows)).to(self.device)

    def save(self, folder: Path) -> str:
        """Store as an artifact of kind "matcher".

        Returns:
            Its version, also set on this object.
        """
        self.version = save_artifact(
            folder,
            kind=KIND,
            config={
                "model": self._model_config,
                "temperature": self.temperature,
                "shift": self.shift,
                "threshold": self.threshold,
                "max_words": self._max_words,
                "max_chars": self._max_chars,
            },
            segmenter=self._segmenter,
            data_digest=self._data_digest,
            tensors={name: value.cpu().numpy() for name, value in self.model.state_dict().items()},
            vocabularies={"words": self._words, "chars": self._chars},
        )
        return self.version

    @classmethod
    def load(cls, folder: Path, *, segmenter: str, device: str = "auto") -> "Matcher":
        """Read what `save` wrote.

        Args:
            folder: the artifact.
            segmenter: version of the text processor that will feed it.
            device: "auto", "cpu" or "cuda".

        Raises:
            ArtifactError: the artifact is refused.
        """
        artifact = load_artifact(folder, kind=KIND, segmenter=segmenter)
        config = artifact.config
        try:
            model = PBmatch(**config["model"])
            model.load_state_dict({name: torch.from_numpy(value) for name, value in artifact.tensors.items()})
            return cls(
                model=model,
                model_config=config["model"],
                words=artifact.vocabularies["words"],
                chars=artifact.vocabularies["chars"],
                segmenter=segmenter,
                temperature=config["temperature"],
                shift=config["shift"],
                threshold=config["threshold"],
                max_words=config["max_words"],
                max_chars=config["max_chars"],
                data_digest=artifact.data_digest,
                version=artifact.version,
                device=device,
            )
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ArtifactError(f"{folder} does not describe a matcher ({error}): train it again") from error
