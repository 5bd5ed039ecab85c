"""Token to number: the rows of an embedding table.

Row 0 is padding, row 1 stands for every unknown token; the rest follows by falling frequency. Built by
`models.training.embeddings`, stored with every artifact as one token a line.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

__all__ = ["PAD", "UNK", "Vocabulary"]

PAD = 0
UNK = 1
_RESERVED = ("<pad>", "<unk>")


class Vocabulary:
    """An ordered set of tokens, numbered from 2 (0 is padding, 1 is unknown).

    Attributes:
        tokens: all tokens in row order, the two reserved ones first.
    """

    PAD = PAD
    UNK = UNK

    def __init__(self, tokens: Sequence[str]) -> None:
        """Number the tokens in the given order.

        Args:
            tokens: distinct tokens without the two reserved ones.

        Raises:
            ValueError: a token occurs twice, is reserved, empty or holds a line break.
        """
        self.tokens = (*_RESERVED, *tokens)
        self._ids = {token: row for row, token in enumerate(self.tokens)}
        if len(self._ids) != len(self.tokens):
            twice = next(token for token, count in Counter(self.tokens).items() if count > 1)
            raise ValueError(f"token {twice!r} occurs twice: a vocabulary needs distinct, unreserved tokens")
        bad = next((token for token in tokens if not token or "\n" in token or "\r" in token), None)
        if bad is not None:
            raise ValueError(f"token {bad!r} cannot be stored one a line: leave out empty and broken tokens")

    @classmethod
    def build(cls, token_lists: Iterable[Sequence[str]], *, min_count: int = 1) -> "Vocabulary":
        """Count tokens and keep those seen at least `min_count` times, most frequent first (ties: by token).

        Args:
            token_lists: one list of tokens per sentence.
            min_count: least number of occurrences, >= 1.
        """
        counts = Counter(chain.from_iterable(token_lists))
        kept = [token for token, count in counts.items() if count >= min_count and token not in _RESERVED]
        return cls(sorted(kept, key=lambda token: (-counts[token], token)))

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Rows of the tokens, `UNK` for an unknown one."""
        ids = self._ids
        return [ids.get(token, UNK) for token in tokens]

    def row(self, token: str) -> int | None:
        """Row of a token, None if it is unknown."""
        return self._ids.get(token)

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.tokens == other.tokens

    def __hash__(self) -> int:
        return hash(self.tokens)

    def save(self, path: Path) -> None:
        """Write one token a line, UTF-8."""
        path.write_text("\n".join(self.tokens) + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read what `save` wrote.

        Raises:
            ValueError: the file does not start with the two reserved tokens.
        """
        tokens = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        if tuple(tokens[:2]) != _RESERVED:
            raise ValueError(f"{path} starts with {tokens[:2]}: it must start with {list(_RESERVED)}, build it anew")
        return cls(tokens[2:])
