"""Requests that have broken services before: text, encodings, shapes, sizes, and senders that take their time."""

import gzip
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

PATIENCE_S = 30.0
_JSON = {"content-type": "application/json"}
SAD = "卖家一直不发货，我急死了"


@dataclass(frozen=True, slots=True)
class Nasty:
    """One request.

    `pause_s` is waited after each byte: a slow sender.
    """

    name: str
    body: bytes
    path: str = "/v1/comfort"
    headers: dict[str, str] = field(default_factory=lambda: dict(_JSON))
    pause_s: float = 0.0


def corpus() -> list[Nasty]:
    """All of them, on every route that reads a sentence."""
    return [*_texts(), *_bodies(), *_slow()]


def _texts() -> Iterator[Nasty]:
    texts = {
        "NUL": "\x00急死了\x00",
        "right-to-left mark": "\u202e急死了\u202c\u200f",
        "500 emoji": "😭" * 500,
        "flags and families": "🇨🇳👨‍👩‍👧‍👦🏳️‍🌈" * 40,
        "zero-width joiners": "\u200d".join(SAD) * 10,
        "combining marks": "e" + "\u0301" * 400,
        "zalgo": "急" + "\u0489" * 300,
        "astral and private": "\U0010ffff\ue000\ufdd0",
        "only spaces of all kinds": "\u3000\u00a0\u2003\u200b\t\n",
        "byte order mark": "\ufeff急死了",
        "million characters": "急" * 1_000_000,
        "one word": "啊" * 500,
        "no words": "。！？，" * 100,
        "digits": "1" * 500,
        "regular expression bait": "a" * 250 + "!" * 250,
        "HTML": "<script>alert(1)</script>&lt;&#x0;<p" * 10,
        "template": "{{7*7}} ${jndi:ldap://x} %s %n {0}",
        "SQL": "'; DROP TABLE answers; --",
        "Lucene": '+text:(a OR "b"~2)^3 \\ [a TO *] AND NOT',
        "path": "../../../../etc/passwd\x00.txt",
        "Tibetan and Thai": "བོད་སྐད ภาษาไทย" * 20,
        "full width": "ｈｅｌｌｏ １２３" * 20,
    }
    for name, text in texts.items():
        for path, body in _asked(text):
            yield Nasty(name, json.dumps(body, ensure_ascii=False).encode("utf-8"), path)
            yield Nasty(f"{name}, escaped", json.dumps(body).encode("ascii"), path)


def _asked(text: str) -> Iterator[tuple[str, object]]:
    yield "/v1/comfort", {"text": text, "explain": True, "session_id": text[:128] or "s"}
    yield "/v1/comfort/batch", {"items": [{"text": text}, {"text": SAD}]}
    yield "/v1/chat/completions", {"messages": [{"role": "user", "content": text}]}
    yield "/webhooks/rest/webhook", {"sender": text[:128] or "s", "message": text}


def _bodies() -> Iterator[Nasty]:
    bodies = {
        "nothing": b"",
        "lone high surrogate": b'{"text": "\\ud83d"}',
        "lone low surrogate": b'{"text": "\\ude00"}',
        "swapped surrogates": b'{"text": "\\ude00\\ud83d"}',
        "surrogate in UTF-8": b'{"text": "\xed\xa0\x80"}',
        "overlong UTF-8": b'{"text": "\xc0\xaf"}',
        "cut UTF-8": '{"text": "急'.encode()[:-1] + b'"}',
        "GB18030": '{"text": "急死了"}'.encode("gb18030"),
        "UTF-16": '{"text": "急死了"}'.encode("utf-16"),
        "UTF-32": '{"text": "急死了"}'.encode("utf-32"),
        "byte order mark before JSON": b"\xef\xbb\xbf" + '{"text": "急死了"}'.encode(),
        "duplicate keys": '{"text": "急死了", "text": 5, "text": "好的"}'.encode(),
        "deep lists": b"[" * 100_000,
        "deep closed lists": b"[" * 50_000 + b"]" * 50_000,
        "deep objects": b'{"text":' * 50_000,
        "deep inside a field": b'{"text": "a", "user_id": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        "huge number": b'{"text": "a", "deadline_ms": ' + b"9" * 5_000 + b"}",
        "huge exponent": b'{"text": "a", "deadline_ms": 1e400}',
        "not a number": b'{"text": "a", "deadline_ms": NaN}',
        "infinity": b'{"text": "a", "deadline_ms": -Infinity}',
        "many keys": b"{" + b",".join(b'"k%d": 1' % n for n in range(20_000)) + b"}",
        "long key": b'{"' + b"k" * 1_000_000 + b'": 1}',
        "a list": b'[{"text": "a"}]',
        "a word": b"null",
        "two documents": b'{"text": "a"}{"text": "b"}',
        "comment": b'{"text": "a" /* why */}',
        "form": b"text=a",
        "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    }
    paths = ("/v1/comfort", "/v1/comfort/batch", "/v1/chat/completions", "/webhooks/rest/webhook")
    for name, body in bodies.items():
        for path in paths:
            yield Nasty(name, body, path)
    bomb = gzip.compress(b"\x00" * 50_000_000)
    sound = json.dumps({"text": SAD}).encode()
    odd = {
        "gzip bomb": (bomb, {"content-encoding": "gzip"}),
        "said to be gzip": (sound, {"content-encoding": "gzip"}),
        "unknown charset": (sound, {"content-type": "application/json; charset=klingon"}),
        "wrong type": (sound, {"content-type": "text/plain"}),
        "type with nonsense": (sound, {"content-type": "application/json;;;=\x7f"}),
        "form type": (sound, {"content-type": "multipart/form-data; boundary=" + "x" * 5000}),
        "long id": (sound, {"x-request-id": "x" * 8000}),
        "timeout switched off": (sound, {"x-request-timeout-seconds": "0", "x-request-disconnect-disabled": "?1"}),
        "timeout of nonsense": (sound, {"x-request-timeout-seconds": "soon"}),
    }
    for name, (body, headers) in odd.items():
        yield Nasty(name, body, headers=_JSON | headers)
    yield Nasty("too many items", json.dumps({"items": [{"text": "a"}] * 20_000}).encode(), "/v1/comfort/batch")


def _slow() -> Iterator[Nasty]:
    body = json.dumps({"text": SAD}).encode()
    yield Nasty("slow sender", body, pause_s=1.0)
    never = {"x-request-timeout-seconds": "0", "x-request-disconnect-disabled": "?1"}
    yield Nasty("slow sender that switches timeouts off", body, headers=_JSON | never, pause_s=1.0)


def send(url: str, case: Nasty, *, patience_s: float = PATIENCE_S) -> int:
    """The status of the answer; 0 if there was none in time. A closed connection counts as 400: it was refused."""
    if case.pause_s:
        return _send_slowly(url, case, patience_s)
    try:
        return httpx.post(
            url + case.path, content=case.body, headers=case.headers, timeout=patience_s, trust_env=False
        ).status_code
    except httpx.TimeoutException:
        return 0
    except httpx.HTTPError:
        return 400


def _send_slowly(url: str, case: Nasty, patience_s: float) -> int:
    """Announce a body and send a byte of it now and then."""
    where = urlsplit(url)
    head = f"POST {case.path} HTTP/1.1\r\nhost: {where.netloc}\r\ncontent-length: {len(case.body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in case.headers.items())
    end = time.monotonic() + patience_s
    with socket.create_connection((where.hostname or "", where.port or 80), timeout=patience_s) as line:
        line.sendall(head.encode("latin-1") + b"\r\n")
        line.settimeout(case.pause_s)
        for byte in case.body:
            if time.monotonic() > end:
                return 0
            try:
                line.sendall(bytes([byte]))
                answer = line.recv(64)
            except TimeoutError:
                continue
            except OSError:
                return 400
            return int(answer.split()[1]) if answer else 400
    return 0
