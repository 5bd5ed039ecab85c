"""Which replies a session has already seen, so that none repeats before all are used (design section 2).

Kept in the composer's memory and bounded: the least recently seen session is forgotten first.
"""

from collections import OrderedDict, deque

_MAX_REPLIES = 200


class Sessions:
    """Remembers reply ids per session.

    Args:
        max_sessions: Sessions kept at most.
    """

    def __init__(self, *, max_sessions: int) -> None:
        self._max_sessions = max_sessions
        self._used: OrderedDict[str, deque[str]] = OrderedDict()

    def used(self, session_id: str | None) -> deque[str]:
        """The ids this session has seen, oldest first, to be appended to; thrown away where there is no session."""
        if session_id is None:
            return deque()
        used = self._used.setdefault(session_id, deque(maxlen=_MAX_REPLIES))
        self._used.move_to_end(session_id)
        if len(self._used) > self._max_sessions:
            self._used.popitem(last=False)
        return used

    def __len__(self) -> int:
        return len(self._used)
