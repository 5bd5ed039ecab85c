"""What can go wrong with a stored index or with the feedback store, as types that callers can tell apart.

Recall degrades to the other index on `IndexUnavailableError`; a swap to a new folder is refused on
`IndexMismatchError`. Every message is one line that names the value, the rule and the remedy.
"""

from __future__ import annotations


class IndexUnavailableError(Exception):
    """An index is missing, damaged, or failed while it was being searched."""


class IndexMismatchError(IndexUnavailableError):
    """An index is whole, but was built from other inputs than those it is to be used with."""


class StoreError(RuntimeError):
    """The store cannot be used now, through no fault of what was asked; `full` if its disk is full."""

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full
