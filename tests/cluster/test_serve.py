"""The service as a user starts it: a real Ray, real replicas, HTTP, a killed replica, a clean stop."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from configs.schema import PROJECT_ROOT, AppConfig
from graph.launch import dashboard_here
from graph.serve_file import read_serve_file
from graph.update import update
from tests.cluster.running import (
    PLAIN,
    URGENT,
    Service,
    asking,
    information,
    node_state,
    replica_pid,
    replica_pids,
    wait_for,
)

pytestmark = pytest.mark.serve


def test_an_upset_customer_is_comforted_and_a_calm_one_left_alone(service: Service) -> None:
    urgent = service.comfort(URGENT)
    assert urgent["handled"]
    assert urgent["strategy"] != "none"
    assert urgent["reply"]
    assert urgent["degraded"] == []
    plain = service.comfort(PLAIN)
    assert (plain["handled"], plain["reply"]) == (False, None)


def test_a_question_of_the_knowledge_is_answered_by_its_entry(service: Service, small_config: AppConfig) -> None:
    path = small_config.data / "knowledge" / "no_shipment.yaml"
    entry = yaml.safe_load(path.read_text(encoding="utf-8"))[0]
    said = service.comfort(entry["question"])
    assert said["knowledge"]["id"] == entry["id"]
    assert said["reply"] == entry["reply"]


def test_batch_info_and_readiness(service: Service) -> None:
    batch = httpx.post(f"{service.url}/v1/comfort/batch", json={"items": [{"text": URGENT}] * 40}, timeout=30)
    assert batch.status_code == 200
    assert [item["emotion"]["label"] for item in batch.json()["items"]] == [
        service.comfort(URGENT)["emotion"]["label"]
    ] * 40
    info = httpx.get(f"{service.url}/v1/info", timeout=10).json()
    assert all(info["versions"].values())
    assert len(info["emotions"]) == 8
    assert len(info["topics"]) == 35
    ready = httpx.get(f"{service.url}/readyz", timeout=10)
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


def test_nothing_listens_beyond_this_machine(service: Service) -> None:
    started = psutil.Process(service.process.pid)
    addresses = {
        f"{process.name()} on {connection.laddr.ip}:{connection.laddr.port}"
        for process in (started, *started.children(recursive=True))
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert len(addresses) > 10
    assert {address for address in addresses if " on 127.0.0.1:" not in address.replace("::ffff:", "")} == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-request-timeout-seconds", "0.001"),
        ("x-request-timeout-seconds", "0"),
        ("x-request-disconnect-disabled", "?1"),
    ],
)
def test_a_client_cannot_change_the_time_limits_of_serve(service: Service, name: str, value: str) -> None:
    # A millisecond would end in Serve's 408 if the header arrived.
    body = {"text": f"{URGENT}{name}{value}"}
    response = httpx.post(f"{service.url}/v1/comfort", json=body, headers={name: value}, timeout=30)
    assert response.status_code == 200, response.text


def test_thresholds_and_replies_change_without_a_restart_or_a_lost_request(
    service: Service, small_config: AppConfig, tmp_path: Path
) -> None:
    before = replica_pids(service)
    with asking(service) as statuses:
        strict = deployed(service, tmp_path, {"emotion": 1.0})
        assert update(read_serve_file(strict), dashboard_here()) == (6, 0)
        assert not service.comfort(URGENT)["handled"]
        assert information(service)["thresholds"]["emotion"] == 1.0
        # What Ray's own command deploys takes effect in the same way.
        command = [str(Path(sys.executable).parent / "serve"), "deploy", "-a", dashboard_here()]
        environment = {**os.environ, "RAY_AUTH_MODE": "token"}  # kept by Ray in the user's home
        subprocess.run([*command, str(service.config)], env=environment, check=True, capture_output=True, timeout=60)
        wait_for("the tuned threshold", lambda: bool(service.comfort(URGENT)["handled"]), timeout_s=30)
        with another_reply(small_config.data / "replies"):
            assert update(read_serve_file(service.config), dashboard_here()) == (6, 0)
            edited = information(service)
        update(read_serve_file(service.config), dashboard_here())
        assert edited["versions"]["replies"] != information(service)["versions"]["replies"]
        assert edited["counts"]["replies"] == information(service)["counts"]["replies"] + 1
    assert replica_pids(service) == before
    assert len(statuses) > 20
    assert set(statuses) == {200}


def deployed(service: Service, folder: Path, thresholds: dict[str, float]) -> Path:
    """A copy of the service's file with other thresholds."""
    content = yaml.safe_load(service.config.read_text(encoding="utf-8"))
    content["applications"][0]["deployments"][0]["user_config"] = {"thresholds": thresholds}
    path = folder / "serve.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@contextmanager
def another_reply(folder: Path) -> Iterator[None]:
    """One more reply while the block runs."""
    path = folder / "extra.tsv"
    reply = "等到现在还没有动静，换谁都会着急，您先看看订单里的物流。"
    path.write_text(f"emotion\ttopic\tstrategy\ttext\nanxious\tnone\treflect\t{reply}\n", encoding="utf-8")
    try:
        yield
    finally:
        path.unlink()


def test_errors_are_problem_documents(service: Service) -> None:
    response = httpx.post(f"{service.url}/v1/comfort", json={"text": ""}, timeout=10)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


def test_answers_keep_coming_while_rerank_is_dead_and_it_comes_back(service: Service) -> None:
    os.kill(replica_pid(service, "Rerank"), signal.SIGKILL)
    asked = count()  # a sentence that was asked a moment ago is answered from memory

    def degraded() -> list[str]:
        said: list[str] = service.comfort(f"{URGENT}{next(asked)}")["degraded"]
        return said

    wait_for("rerank to be named in degraded", lambda: degraded() == ["rerank"], timeout_s=30)
    wait_for("rerank to be back", lambda: degraded() == [])


def test_a_killed_writer_loses_no_acknowledged_rating_and_fails_no_answer(
    service: Service, small_config: AppConfig
) -> None:
    sessions = [f"rated-{number}" for number in range(1000)]
    for first in range(0, len(sessions), 250):
        items = [{"text": URGENT, "session_id": session} for session in sessions[first : first + 250]]
        assert httpx.post(f"{service.url}/v1/comfort/batch", json={"items": items}, timeout=60).status_code == 200
    killed = threading.Event()

    with httpx.Client(base_url=service.url, timeout=30) as http, ThreadPoolExecutor(8) as pool:

        def rate(number: int) -> None:
            if number == 500:
                os.kill(replica_pid(service, "Feedback"), signal.SIGKILL)
                killed.set()
                assert service.comfort(URGENT)["degraded"] == []
            body = {"session_id": sessions[number], "satisfaction": 1}
            wait_for("an acknowledgement", lambda: http.post("/v1/feedback", json=body).status_code == 200)

        list(pool.map(rate, range(len(sessions))))
    assert killed.is_set()
    os.kill(replica_pid(service, "Feedback"), signal.SIGKILL)
    rated = stored(small_config, "SELECT session FROM ratings")
    assert {f"session:{session}" for session in sessions} <= rated


def stored(config: AppConfig, query: str) -> set[str]:
    """The first column of what the store answers."""
    with closing(sqlite3.connect(config.feedback.url.removeprefix("sqlite:///"))) as connection:
        return {row[0] for row in connection.execute(query)}


def test_a_second_start_on_the_same_port_is_refused_in_one_line(service: Service) -> None:
    command = [sys.executable, "-m", "graph", "serve", "--config", str(service.config)]
    second = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 1
    assert "is taken" in second.stderr
    assert second.stderr.count("\n") == 1


def test_ctrl_c_stops_cleanly_and_the_last_answer_is_recorded(service: Service, small_config: AppConfig) -> None:
    wait_for("the writer to be back", lambda: node_state(service, "feedback") == "ready")
    last = service.comfort(URGENT)["request_id"]
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(60) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{service.url}/healthz", timeout=5)
    assert last in stored(small_config, "SELECT request_id FROM answers")
