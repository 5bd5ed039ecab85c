"""Who is comforted and who is not: the assignment of sessions to the two arms of the experiment.

The paper compares satisfaction before and after a date; here both arms run at the same time. A session is assigned
by a salted hash, so that every composer assigns it alike, now and after a restart, without asking anybody.
"""

import hashlib
from dataclasses import dataclass

from graph.schema import Arm, ComfortRequest

_BITS = 64


@dataclass(frozen=True, slots=True)
class Experiment:
    """The split.

    Attributes:
        control_share: share of sessions that get no comfort, in [0, 1]. Raising it moves sessions from `comfort` to
            `control` only, lowering it back only.
        salt: another salt deals the sessions anew.
    """

    control_share: float
    salt: str

    def arm(self, session: str) -> Arm:
        """The arm of a session, as `session_of` names it."""
        digest = hashlib.sha256(f"{self.salt}\0{session}".encode("utf-8", "surrogatepass")).digest()
        drawn = int.from_bytes(digest[: _BITS // 8], "big") / 2**_BITS
        return "control" if drawn < self.control_share else "comfort"


def session_of(request: ComfortRequest, request_id: str) -> str:
    """What is assigned and rated as one: the request's session, else its user, else the request alone.

    The kind is part of the name, so that a user's id is never taken for a session's.
    """
    if request.session_id is not None:
        return named_session(request.session_id)
    return f"user:{request.user_id}" if request.user_id is not None else f"request:{request_id}"


def named_session(session_id: str) -> str:
    """The session that a client calls `session_id`."""
    return f"session:{session_id}"
