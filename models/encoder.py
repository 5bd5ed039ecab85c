"""Sentence vectors for the dense index: near in meaning, near in space.

A SWEM-style encoder, weighted means of word and of character vectors through one learned layer, fast enough
to be free beside the search. Trained contrastively by `models.training.encoder`; called by `indexes.build`
for the knowledge and by `indexes.recall` for questions.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.artifact import ArtifactError, load_artifact, save_artifact
from models.compiled import Compute, compile_reader, compiled_or_plain
from models.layers.device import resolve_device
from models.layers.table import TokenTable
from models.layers.weighted import WeightedMean
from models.libraries import library_place
from models.text.ragged import Ragged, bucketed
from models.text.sentence import Sentence
from models.text.vocabulary import Vocabulary

__all__ = ["KIND", "SWEMEncoder", "SentenceEncoder"]

KIND = "encoder"
_BATCH = 512


class SWEMEncoder(nn.Module):
    """Weighted means of words and of characters, one affine layer, length 1.

    Attributes:
        words: the mean of words.
        chars: the mean of characters.
        projection: the affine layer.
    """

    def __init__(
        self,
        *,
        n_words: int,
        n_chars: int,
        width: int,
        n_tuned_words: int,
        n_tuned_chars: int,
        output_width: int = 128,
        dropout: float = 0.1,
        token_dropout: float = 0.1,
    ) -> None:
        """Make the network.

        Args:
            n_words: rows of the word table.
            n_chars: rows of the character table.
            width: width of word and character vectors.
            n_tuned_words: first rows of the word table that are trained.
            n_tuned_chars: likewise for characters.
            output_width: width of a sentence vector.
            dropout: on the means.
            token_dropout: share of tokens that training hides.
        """
        super().__init__()

        def mean(n_tokens: int, n_tuned: int) -> WeightedMean:
            table = TokenTable(n_tokens=n_tokens, n_tuned=n_tuned, width=width, token_dropout=token_dropout)
            return WeightedMean(table=table, n_tokens=n_tokens)

        self.words = mean(n_words, n_tuned_words)
        self.chars = mean(n_chars, n_tuned_chars)
        self.dropout = nn.Dropout(dropout)
        self.projection = nn.Linear(2 * width, output_width, bias=False)

    def forward(self, words: Tensor, chars: Tensor) -> Tensor:
        """Encode.

        Args:
            words: int64 (batch, n_words_padded) rows of the word table, `PAD` on the right.
            chars: int64 (batch, n_chars_padded), likewise.

        Returns:
            float (batch, output_width), each of length 1; zero for an empty or wholly unknown sentence.
        """
        means = torch.cat((self.words(words), self.chars(chars)), dim=1)
        # In half precision the epsilon would be zero, and an unknown sentence divided by it.
        return functional.normalize(self.projection(self.dropout(means)).float(), dim=1, eps=1e-8)


class SentenceEncoder:
    """SWEMEncoder with its vocabularies.

    Attributes:
        width: width of a sentence vector.
        version: of the stored artifact; "" before it is saved.
        model: the network, in evaluation mode.
        model_config: the numbers it was made with.
    """

    def __init__(
        self,
        *,
        model: SWEMEncoder,
        model_config: dict[str, Any],
        words: Vocabulary,
        chars: Vocabulary,
        segmenter: str,
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
            max_words: words read of a sentence.
            max_chars: characters read of a sentence.
            data_digest: digest of the training data.
            version: of the stored artifact.
            device: "auto", "cpu" or "cuda".
        """
        self._device = resolve_device(device)
        self.model = model.to(self._device).eval()
        self.model_config = dict(model_config)
        self._words, self._chars = words, chars
        self._max_words, self._max_chars = max_words, max_chars
        self._segmenter, self._data_digest = segmenter, data_digest
        self.width = int(model.projection.out_features)
        self.version = version
        self._compute: Compute = self.model

    def prepare_service(self, *, compiled: Path | None = None, name: str = KIND) -> None:
        """On a processor, take the network's compiled form if there is one; nothing on a GPU.

        Args:
            compiled: folder of libraries; None for the network itself.
            name: of this one.
        """
        if self._device.type == "cpu" and compiled:
            self._compute = compiled_or_plain(self.model, library_place(compiled, name, self.version))

    def compile(self, folder: Path, sentences: Sequence[Sentence], *, name: str = KIND) -> None:
        """Compile the network for this processor; arguments and errors as for `Classifier.compile`."""
        words, chars = self._rows(sentences)
        compile_reader(self.model, library_place(folder, name, self.version), words=words, chars=chars)

    def encode(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Sentence vectors, float32 (len(sentences), width).

        Each has length 1, zero for a text without known tokens. The inner product of two is their cosine,
        in [-1, 1].
        """
        words, chars = self._rows(sentences)
        vectors = np.zeros((len(sentences), self.width), dtype=np.float32)
        with torch.inference_mode():
            for rows in bucketed(chars.lengths, batch_size=_BATCH):
                batch = [torch.from_numpy(part.padded(rows)).to(self._device) for part in (words, chars)]
                vectors[rows] = self._compute(*batch).cpu().numpy()
        return vectors

    def _rows(self, sentences: Sequence[Sentence]) -> tuple[Ragged, Ragged]:
        return (
            Ragged.of([self._words.encode(s.words) for s in sentences], max_length=self._max_words),
            Ragged.of([self._chars.encode(s.chars) for s in sentences], max_length=self._max_chars),
        )

    def save(self, folder: Path) -> str:
        """Store as an artifact of kind "encoder".

        Returns:
            Its version, also set on this object.
        """
        self.version = save_artifact(
            folder,
            kind=KIND,
            config={
                "model": self.model_config,
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
    def load(cls, folder: Path, *, segmenter: str, device: str = "auto") -> "SentenceEncoder":
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
            model = SWEMEncoder(**config["model"])
            model.load_state_dict({name: torch.from_numpy(value) for name, value in artifact.tensors.items()})
            return cls(
                model=model,
                model_config=config["model"],
                words=artifact.vocabularies["words"],
                chars=artifact.vocabularies["chars"],
                segmenter=segmenter,
                max_words=config["max_words"],
                max_chars=config["max_chars"],
                data_digest=artifact.data_digest,
                version=artifact.version,
                device=device,
            )
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ArtifactError(f"{folder} does not describe an encoder ({error}): train it again") from error
