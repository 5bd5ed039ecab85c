"""A trained classifier: from sentences to calibrated probabilities of emotions or of topics.

The same class serves both nodes; what differs is the artifact. Trained by `models.training.classification`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from models.acceleration import PRECISION, FixedShapes, Precision, Shapes
from models.artifact import ArtifactError, load_artifact, save_artifact
from models.compiled import Compute, compile_reader, compiled_or_plain
from models.layers.device import resolve_device
from models.layers.grams import CharGrams
from models.libraries import library_place
from models.mlc import MLC
from models.text.ragged import Ragged, bucketed
from models.text.sentence import Sentence
from models.text.vocabulary import Vocabulary

__all__ = ["KIND", "Classifier"]

KIND = "classifier"
Gate: TypeAlias = Literal["label", "any"]
_BATCH = 64  # more at once is slower on a processor: the caches overflow


class Classifier:
    """MLC with its vocabularies, labels, temperature and threshold.

    Attributes:
        labels: class names in the order of the probabilities; the last is "other" where there is such a
            class.
        threshold: the most probable label is believed if its certainty is above this; in [0, 1].
        gate: what `certainty` is, see there.
        temperature: divides the logits, so that probabilities match frequencies (Guo et al., ICML 2017).
        version: of the stored artifact; "" before it is saved.
        model: the network, in evaluation mode.
    """

    def __init__(
        self,
        *,
        model: MLC,
        model_config: dict[str, Any],
        labels: Sequence[str],
        words: Vocabulary,
        chars: Vocabulary,
        segmenter: str,
        temperature: float = 1.0,
        threshold: float = 0.0,
        gate: Gate = "label",
        max_words: int = 96,
        max_chars: int = 160,
        data_digest: str = "",
        version: str = "",
        device: str = "auto",
    ) -> None:
        """Hold the parts.

        Args:
            model: the network; moved to the device and set to evaluation.
            model_config: the numbers it was made with, stored to make it again.
            labels: class names in the order of the head.
            words: rows of the word table.
            chars: rows of the character table.
            segmenter: version of the text processor that cut the words.
            temperature: of the softmax, > 0.
            threshold: certainty above which a label is believed.
            gate: what that certainty is.
            max_words: words read of a sentence.
            max_chars: characters read of a sentence.
            data_digest: digest of the training data.
            version: of the stored artifact.
            device: "auto", "cpu" or "cuda".
        """
        self._device = resolve_device(device)
        self.model = model.to(self._device).eval()
        self._model_config = dict(model_config)
        self.labels = tuple(labels)
        self._words, self._chars = words, chars
        self._max_words, self._max_chars = max_words, max_chars
        self._segmenter, self._data_digest = segmenter, data_digest
        self.temperature, self.threshold, self.gate = temperature, threshold, gate
        self.version = version
        self._recorded: FixedShapes | None = None
        self._compute: Compute = self.model

    def add_grams(self, grams: CharGrams) -> None:
        """Put a linear model over n-grams beside the network."""
        self.model.grams = grams.to(self._device)
        self._recorded, self._compute = None, self.model
        self._model_config |= {"n_grams": len(grams.known), "longest_gram": grams.longest}

    def prepare_service(self, *, compiled: Path | None = None, name: str = KIND) -> None:
        """On a GPU, record the network (a second or so); on a processor, take its compiled form if there is one.

        Args:
            compiled: folder of libraries; None for the network itself.
            name: of this one.
        """
        if self._device.type == "cuda":
            self.record()
        elif compiled:
            self._compute = compiled_or_plain(self.model, library_place(compiled, name, self.version))

    def compile(self, folder: Path, sentences: Sequence[Sentence], *, name: str = KIND) -> None:
        """Compile the network, as it was saved, for this processor (see `models.compiled`).

        Args:
            folder: of libraries.
            sentences: real ones to try it on, of all lengths.
            name: of the library.

        Raises:
            CompileError: it cannot be compiled here.
        """
        words, chars = self._rows(sentences)
        compile_reader(self.model, library_place(folder, name, self.version), words=words, chars=chars)

    def record(self, *, precision: Precision = PRECISION, shapes: Shapes | None = None) -> None:
        """Classify at fixed shapes from now on (see `models.acceleration`).

        Args:
            precision: of the network.
            shapes: batch sizes and lengths; None for the usual ones.
        """
        self._recorded = FixedShapes(
            self.model,
            shapes=shapes or Shapes.up_to(self._max_words, self._max_chars),
            device=self._device,
            precision=precision,
        )

    def classify(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Calibrated probabilities, float32 (len(sentences), len(labels)); each row sums to 1."""
        scaled = self.logits(sentences) / np.float32(self.temperature)
        exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True, initial=-np.inf))
        probabilities: NDArray[np.float32] = exponentials / exponentials.sum(axis=1, keepdims=True)
        return probabilities

    def certainty(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is compared with the threshold, float32 (n,).

        With the gate "label" the probability of the most probable label. With "any" that of all labels but the last,
        `other`: that a customer is upset can be plain where it is open whether angry or aggrieved.

        Args:
            probabilities: float32 (n, len(labels)), from `classify`.
        """
        return 1 - probabilities[:, -1] if self.gate == "any" else probabilities.max(axis=1, initial=0.0)

    def logits(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """What the network says before temperature and softmax, float32 (len(sentences), len(labels))."""
        words, chars = self._rows(sentences)
        if self._recorded and len(sentences):
            return self._recorded.run(words, chars, needed=np.stack((words.lengths, chars.lengths), axis=1))
        logits = np.zeros((len(sentences), len(self.labels)), dtype=np.float32)
        with torch.inference_mode():
            for rows in bucketed(chars.lengths, batch_size=_BATCH):
                batch = [torch.from_numpy(part.padded(rows)).to(self._device) for part in (words, chars)]
                logits[rows] = self._compute(*batch).cpu().numpy()
        return logits

    def _rows(self, sentences: Sequence[Sentence]) -> tuple[Ragged, Ragged]:
        return (
            Ragged.of([self._words.encode(s.words) for s in sentences], max_length=self._max_words),
            Ragged.of([self._chars.encode(s.chars) for s in sentences], max_length=self._max_chars),
        )

    def save(self, folder: Path) -> str:
        """Store as an artifact of kind "classifier".

        Returns:
            Its version, also set on this object.
        """
        self.version = save_artifact(
            folder,
            kind=KIND,
            config={
                "model": self._model_config,
                "labels": list(self.labels),
                "temperature": self.temperature,
                "threshold": self.threshold,
                "gate": self.gate,
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
    def load(cls, folder: Path, *, segmenter: str, device: str = "auto") -> "Classifier":
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
            model = MLC(**config["model"])
            model.load_state_dict({name: torch.from_numpy(value) for name, value in artifact.tensors.items()})
            return cls(
                model=model,
                model_config=config["model"],
                labels=config["labels"],
                words=artifact.vocabularies["words"],
                chars=artifact.vocabularies["chars"],
                segmenter=segmenter,
                temperature=config["temperature"],
                threshold=config["threshold"],
                gate=config.get("gate", "label"),  # older artifacts know no other
                max_words=config["max_words"],
                max_chars=config["max_chars"],
                data_digest=artifact.data_digest,
                version=artifact.version,
                device=device,
            )
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ArtifactError(f"{folder} does not describe a classifier ({error}): train it again") from error
