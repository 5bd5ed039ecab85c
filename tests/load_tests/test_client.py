"""The load generator against a server that answers in pieces, wrongly, or hangs up."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import uvloop

from load_tests.bench.client import request, run

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def answer(reader: asyncio.StreamReader, status: str, body: bytes) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    sent = json.loads(await reader.readexactly(length))
    assert sent == {"text": "急死了"}
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def served(handle: Handle, *, clients: int = 3) -> dict[str, object]:
    async def measured() -> dict[str, object]:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await run(port, [request("/v1/comfort", "急死了")], clients=clients, seconds=0.3)

    return uvloop.run(measured())


def test_answers_in_pieces_are_counted_once() -> None:
    async def in_pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                whole = await answer(reader, "200 OK", b'{"handled":true,"degraded":["rerank"]}')
                for start in range(0, len(whole), 17):
                    writer.write(whole[start : start + 17])
                    await writer.drain()
                    await asyncio.sleep(0)
        except asyncio.IncompleteReadError:
            writer.close()

    report = served(in_pieces)
    n = len(report["latencies_ms"])  # type: ignore[arg-type]
    assert n > 3
    assert report["statuses"] == {200: n}
    assert report["handled_ms"] == report["latencies_ms"]
    assert (report["degraded"], report["broken"]) == (n, 0)


def test_errors_are_counted_but_have_no_latency() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(await answer(reader, "503 Service Unavailable", b"{}"))
        except asyncio.IncompleteReadError:
            writer.close()

    report = served(refuse)
    assert report["latencies_ms"] == report["handled_ms"] == []
    assert list(report["statuses"]) == [503]  # type: ignore[call-overload]


def test_a_server_that_hangs_up_is_noticed() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer(reader, "200 OK", b"")
        writer.close()

    assert served(hang_up, clients=2)["broken"] == 2


def test_a_server_that_ends_the_connection_with_its_answer_is_asked_on_a_new_one() -> None:
    connections = 0

    async def dismiss(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        whole = await answer(reader, "200 OK", b"{}")
        writer.write(whole.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        writer.close()

    report = served(dismiss)
    assert connections > 6
    assert report["broken"] == 0
    assert connections - 3 <= len(report["latencies_ms"]) <= connections  # type: ignore[arg-type]
