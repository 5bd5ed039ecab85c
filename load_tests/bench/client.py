"""A load generator that is light enough to share the machine with the server it measures.

Each client holds one connection, sends a sentence, waits for the whole answer and sends the next (closed loop). It
speaks just enough HTTP/1.1 for that: requests are made in advance, answers are cut at `content-length`, and a server
that ends a connection with its answer (`connection: close`) gets the next request on a new one. Runs as a process of
its own, `python -m load_tests.bench.client`, and prints one JSON object.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_HANDLED = re.compile(rb'"handled": ?true')
_DEGRADED = re.compile(rb'"degraded": ?\["')
_PAUSE_S = 0.1
_HEAD_END = b"\r\n\r\n"


@dataclass(slots=True)
class Tally:
    """What the clients saw."""

    latencies_ms: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    handled_ms: list[float] = field(default_factory=list)
    degraded: int = 0
    broken: int = 0


class Connection(asyncio.Protocol):
    """One connection of a client.

    Args:
        requests: What to send, without end; shared by all clients.
        tally: Where to note it; nothing is asked after `end`.
        end: When to stop, in seconds of `time.perf_counter`.
        finished: Set when it is over: whether the client should go on with another one.
    """

    def __init__(self, requests: Iterator[bytes], tally: Tally, end: float, finished: "asyncio.Future[bool]") -> None:
        self._requests = requests
        self._tally = tally
        self._end = end
        self._finished = finished
        self._buffer = bytearray()
        self._sent = 0.0
        self._dismissed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request, unless time is up."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        if time.perf_counter() < self._end:
            self._send()
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Collect an answer; when it is whole, note it and send the next request."""
        self._buffer += data
        head = self._buffer.find(_HEAD_END)
        if head < 0:
            return
        length = _LENGTH.search(self._buffer, 0, head + 2)
        if length is None:
            self._tally.broken += 1
            self._transport.close()
            return
        if len(self._buffer) < head + len(_HEAD_END) + int(length[1]):
            return
        self._note()
        self._dismissed = _CLOSE.search(self._buffer, 0, head + 2) is not None
        self._buffer.clear()
        if time.perf_counter() < self._end and not self._dismissed:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """The server closed, or this client has finished."""
        early = time.perf_counter() < self._end
        if early and not self._dismissed:
            self._tally.broken += 1
        if not self._finished.done():
            self._finished.set_result(early and self._dismissed)

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))

    def _note(self) -> None:
        tally, status = self._tally, int(self._buffer[9:12])
        tally.statuses[status] = tally.statuses.get(status, 0) + 1
        if status == 200:
            tally.latencies_ms.append(latency_ms := (time.perf_counter() - self._sent) * 1000)
            if _HANDLED.search(self._buffer) is not None:
                tally.handled_ms.append(latency_ms)
            tally.degraded += _DEGRADED.search(self._buffer) is not None


async def run(port: int, requests: list[bytes], *, clients: int, seconds: float) -> dict[str, object]:
    """The report of `clients` closed loops over `requests` for `seconds`."""
    tally, shared = Tally(), cycle(requests)
    cpu, start = time.process_time(), time.perf_counter()
    ends = [asyncio.create_task(_client(port, shared, tally, start + seconds)) for _ in range(clients)]
    done, late = await asyncio.wait(ends, timeout=seconds + 60)
    tally.broken += len(late)
    for task in late:
        task.cancel()
    for task in done:
        task.result()
    wall_s = time.perf_counter() - start
    return {
        "clients": clients,
        "wall_s": wall_s,
        "client_cpu_s": time.process_time() - cpu,
        "latencies_ms": [round(value, 3) for value in tally.latencies_ms],
        "handled_ms": [round(value, 3) for value in tally.handled_ms],
        "statuses": tally.statuses,
        "degraded": tally.degraded,
        "broken": tally.broken,
    }


async def _client(port: int, requests: Iterator[bytes], tally: Tally, end: float) -> None:
    loop, goes_on, is_first = asyncio.get_running_loop(), True, True
    while goes_on:
        finished: asyncio.Future[bool] = loop.create_future()
        own = Connection(requests, tally, end, finished)
        try:
            await loop.create_connection(lambda own=own: own, "127.0.0.1", port)  # type: ignore[misc]
        except OSError:
            if is_first:  # there is no server
                raise
            tally.broken += 1
            await asyncio.sleep(_PAUSE_S)
            goes_on = time.perf_counter() < end
        else:
            goes_on = await finished
        is_first = False


def request(path: str, text: str) -> bytes:
    """One POST with a sentence, ready to be sent."""
    body = json.dumps({"text": text}, ensure_ascii=False).encode()
    head = ("POST " + path + " HTTP/1.1", "host: 127.0.0.1", "content-type: application/json")
    return "\r\n".join((*head, f"content-length: {len(body)}", "", "")).encode() + body


def main() -> None:
    """Read the sentences, run, print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/v1/comfort")
    parser.add_argument("--sentences", type=Path, required=True, help="one a line")
    parser.add_argument("--skip", type=int, default=0, help="begin with this sentence")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    sentences = given.sentences.read_text(encoding="utf-8").splitlines()
    turned = sentences[given.skip % len(sentences) :] + sentences[: given.skip % len(sentences)]
    requests = [request(given.path, sentence) for sentence in turned]
    report = uvloop.run(run(given.port, requests, clients=given.clients, seconds=given.seconds))
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
