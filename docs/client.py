"""A small typed client in Python: copy this file, it needs only httpx.

with Anwei("http://127.0.0.1:8000") as anwei:
    answer = anwei.comfort("拍了一周还不发货，急死了", session_id="s-1")
    print(answer.reply if answer.handled else "the ordinary bot goes on")
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

import httpx

Strategy = Literal["knowledge", "emotion_topic", "emotion", "none"]


class AnweiError(Exception):
    """The service refused a request; `status` and `detail` say why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


@dataclass(frozen=True)
class Answer:
    """The answer to one sentence. `handled` is False: let the ordinary bot go on."""

    request_id: str
    handled: bool
    strategy: Strategy
    reply: str | None
    emotion: str
    probability: float
    degraded: tuple[str, ...]

    @classmethod
    def read(cls, said: dict[str, Any]) -> Self:
        """From what the service sends."""
        return cls(
            request_id=said["request_id"],
            handled=said["handled"],
            strategy=said["strategy"],
            reply=said["reply"],
            emotion=said["emotion"]["label"],
            probability=said["emotion"]["probability"],
            degraded=tuple(said["degraded"]),
        )


class Anwei:
    """A connection to the service; close it, or use it in a `with` block."""

    def __init__(self, address: str, *, timeout_s: float = 5.0) -> None:
        self._http = httpx.Client(base_url=address, timeout=timeout_s)

    def comfort(self, text: str, *, session_id: str | None = None, deadline_ms: int | None = None) -> Answer:
        """Answer one sentence.

        Raises:
            AnweiError: the service refused it.
            httpx.HTTPError: the service was not reached in time.
        """
        body = {"text": text, "session_id": session_id, "deadline_ms": deadline_ms}
        return Answer.read(self._post("/v1/comfort", body))

    def comfort_all(self, texts: Sequence[str]) -> list[Answer | AnweiError]:
        """Answer up to 256 sentences in order; one that is refused stands there as its error."""
        said = self._post("/v1/comfort/batch", {"items": [{"text": text} for text in texts]})
        return [
            AnweiError(item["error"]["status"], item["error"]["detail"]) if "error" in item else Answer.read(item)
            for item in said["items"]
        ]

    def ready(self) -> bool:
        """Whether the service has started; it may be degraded."""
        return self._http.get("/readyz").is_success

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = self._http.post(path, json=body)
        if not response.is_success:
            raise AnweiError(response.status_code, response.json()["detail"])
        said: dict[str, Any] = response.json()
        return said
