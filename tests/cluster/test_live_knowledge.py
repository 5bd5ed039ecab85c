"""A running service learns a new answer and forgets it again, while customers keep asking: nothing is lost."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from configs.schema import PROJECT_ROOT, AppConfig
from graph.transport import free_ports
from indexes.mining.drafts import Draft, DraftFolder
from load_tests.chaos.load import Load
from load_tests.chaos.service import wait_until
from load_tests.new_matter import FIELDS, QUESTION, variants

pytestmark = pytest.mark.serve

TOKEN = "operator-token-0123456789abcdef"
TEXTS = ("卖家一直不发货，我急死了，等着送人呢", "这件有蓝色的吗", QUESTION, *variants(40))


class Shop:
    """A service with two replicas of every node that deals with knowledge."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self.url = url
        self._http = http

    def knowledge(self) -> tuple[str | None, str]:
        """The entry that answers the new question, and the version it is of."""
        answer = self._http.post("/v1/comfort", json={"text": QUESTION}).raise_for_status().json()
        return (answer["knowledge"] or {}).get("id"), answer["versions"]["index"]

    def told(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """An operator's request."""
        response = self._http.request(method, f"/v1/admin{path}", json=body or None)
        assert response.status_code in (200, 202), response.text
        found: dict[str, Any] = response.json()
        return found

    def release(self, action: str) -> dict[str, Any]:
        """Publish or roll back, to its end."""
        self.told("POST", f"/{action}")
        wait_until(lambda: self.told("GET", "/releases")["last"]["state"] != "running", what=action, timeout_s=180)
        last: dict[str, Any] = self.told("GET", "/releases")["last"]
        assert last["state"] == "done", last
        return last

    def serves(self, version: str) -> None:
        """Wait until every replica answers from a version: eight times in a row."""
        wait_until(
            lambda: all(self.knowledge()[1] == version for _ in range(8)), what="the other version", timeout_s=60
        )


@pytest.fixture
def shop(small_config: AppConfig, tmp_path: Path) -> Iterator[Shop]:
    for part in ("data", "artifacts"):
        shutil.copytree(getattr(small_config, part), tmp_path / part, copy_function=os.link)
    (tmp_path / "operators").write_text(f"{hashlib.sha256(TOKEN.encode()).hexdigest()}\n", encoding="utf-8")
    DraftFolder(tmp_path / "drafts").add([Draft.model_validate({"id": "0a1b2c3d", **FIELDS, "reply": ""})])
    content = yaml.safe_load((PROJECT_ROOT / "configs" / "serve.yaml").read_text(encoding="utf-8"))
    (content["http_options"]["port"],) = free_ports(1)
    application = content["applications"][0]
    # What is tested is the knowledge, not whether a model trained for a minute is sure of the anger in the question.
    application["deployments"][0]["user_config"]["thresholds"] = {"emotion": 0.05}
    application["args"] |= small_config.model_dump(mode="json", include={"train", "device", "compiled"}) | {
        "data": str(tmp_path / "data"),
        "artifacts": str(tmp_path / "artifacts"),
        "drafts": str(tmp_path / "drafts"),
        "cache": {"max_entries": 100},
        "security": {"admin_tokens": str(tmp_path / "operators")},
        "feedback": {"url": f"sqlite:///{tmp_path / 'feedback.sqlite3'}"},
    }
    for deployment in application["deployments"]:
        deployment.pop("autoscaling_config", None)
        deployment["num_replicas"] = 2 if deployment["name"] in ("Composer", "Recall", "Rerank") else 1
        deployment["ray_actor_options"] = {"num_cpus": 0}
    file = tmp_path / "serve.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    log = tmp_path / "serve.log"
    with log.open("w", encoding="utf-8") as output:
        command = [sys.executable, "-m", "graph", "serve", "--config", str(file)]
        process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until(
            lambda: "Ctrl-C stops it" in log.read_text(encoding="utf-8") or process.poll() is not None,
            what="the service",
            timeout_s=240,
        )
        assert process.poll() is None, log.read_text(encoding="utf-8")
        url = f"http://127.0.0.1:{content['http_options']['port']}"
        with httpx.Client(base_url=url, timeout=60, headers={"authorization": f"Bearer {TOKEN}"}) as http:
            yield Shop(url, http)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def test_published_and_taken_back_under_load_without_losing_a_request(shop: Shop) -> None:
    nothing, before = shop.knowledge()
    assert nothing is None
    shop.told("PATCH", "/drafts/0a1b2c3d", reply=FIELDS["reply"])
    shop.told("POST", "/drafts/0a1b2c3d/approve")
    with Load(shop.url, rate_per_s=10, texts=TEXTS) as load:
        published = shop.release("publish")
        shop.serves(published["index"])
        assert shop.knowledge() == (published["entries"][0], published["index"])
        info = httpx.get(f"{shop.url}/v1/info", timeout=30).json()
        assert info["versions"]["index"] == published["index"] != before
        assert shop.release("rollback")["index"] == before
        shop.serves(before)
        assert shop.knowledge() == (None, before)
        assert shop.release("publish")["index"] == published["index"]
        shop.serves(published["index"])
    assert len(load.shots) > 50
    assert [shot.status for shot in load.shots if shot.status != 200] == []
