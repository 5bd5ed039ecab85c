"""The operators' routes: the files of `drafts`, over HTTP; the job behind publish and rollback, refused and busy."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from filelock import FileLock

from configs.schema import AppConfig, Security
from graph import admin, security
from graph.admin_schema import Release
from graph.releases import JOB_LOCK, LAST, RECORD, RELEASES, release_folders
from indexes.knowledge_index import Manifest
from indexes.mining.drafts import Draft, DraftFolder
from load_tests.new_matter import FIELDS
from tests.graph.scripted import Script
from tests.graph.served import app_of

pytestmark = pytest.mark.anyio

TOKEN = "operator-token-0123456789abcdef"
ID = "0a1b2c3d"


@pytest.fixture
def config(tmp_path: Path) -> AppConfig:
    """Settings with a token, one draft, and an index that is a manifest only."""
    tokens = tmp_path / "operators"
    tokens.write_text(f"{hashlib.sha256(TOKEN.encode()).hexdigest()}  op\n", encoding="utf-8")
    index = tmp_path / "artifacts" / "index"
    index.mkdir(parents=True)
    manifest = Manifest(
        format=1, knowledge="k", segmenter="s", encoder="e", k1=0.9, b=0.4, n_entries=1, n_surfaces=1, files={}
    )
    (index / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    drafts = DraftFolder(tmp_path / "drafts")
    drafts.add([Draft.model_validate({"id": ID, "frequency": 9, **FIELDS, "reply": ""})])
    drafts.add([Draft(id="ffffffff", question="另一件事", status="rejected")])
    return AppConfig(artifacts=tmp_path / "artifacts", drafts=drafts.folder, security=Security(admin_tokens=tokens))


@pytest.fixture
async def http(config: AppConfig) -> AsyncIterator[httpx.AsyncClient]:
    app = app_of(Script())
    admin.install(app, config)
    security.install(app, config.security)
    transport = httpx.ASGITransport(app=app)
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test/v1/admin", headers=headers) as client:
        yield client


async def told(response: httpx.Response, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    return response.json()


async def test_without_the_token_nobody_gets_in(http: httpx.AsyncClient) -> None:
    for method, path in (("GET", "/drafts"), ("POST", f"/drafts/{ID}/approve"), ("POST", "/publish")):
        assert (await http.request(method, path, headers={"authorization": "Bearer wrong"})).status_code == 401


async def test_drafts_are_listed_read_edited_approved_and_rejected(http: httpx.AsyncClient, config: AppConfig) -> None:
    listed = await told(await http.get("/drafts"))
    assert [draft["id"] for draft in listed["drafts"]] == [ID, "ffffffff"]
    rejected = await told(await http.get("/drafts", params={"status": "rejected"}))
    assert [draft["id"] for draft in rejected["drafts"]] == ["ffffffff"]
    assert (await told(await http.get(f"/drafts/{ID}")))["question"] == FIELDS["question"]

    refused = await told(await http.post(f"/drafts/{ID}/approve"), 409)
    assert "reply" in refused["detail"]
    edited = await told(await http.patch(f"/drafts/{ID}", json={"reply": FIELDS["reply"]}))
    assert (edited["reply"], edited["status"], edited["paraphrases"]) == (
        FIELDS["reply"],
        "draft",
        list(FIELDS["paraphrases"]),
    )
    assert (await told(await http.post(f"/drafts/{ID}/approve")))["status"] == "approved"
    assert DraftFolder(config.drafts).get(ID).status == "approved"
    await told(await http.patch(f"/drafts/{ID}", json={"question": "空调说好包安装，上门又要钱"}))
    assert DraftFolder(config.drafts).get(ID).status == "draft"
    assert (await told(await http.post(f"/drafts/{ID}/reject")))["status"] == "rejected"


async def test_no_draft_is_404_and_a_wrong_field_is_422(http: httpx.AsyncClient) -> None:
    assert "no draft" in (await told(await http.get("/drafts/00000000"), 404))["detail"]
    await told(await http.post("/drafts/00000000/approve"), 404)
    await told(await http.get("/drafts/..%2F..%2Fetc"), 404)
    await told(await http.get("/drafts/0a1*"), 422)
    await told(await http.patch(f"/drafts/{ID}", json={"status": "published"}), 422)
    assert "emotions" in (await told(await http.patch(f"/drafts/{ID}", json={"emotions": "anger"}), 422))["detail"]


async def test_without_a_folder_there_are_no_drafts(config: AppConfig) -> None:
    desk = admin.Desk(config.model_copy(update={"drafts": config.drafts / "nowhere"}))
    assert desk.drafts(None).drafts == []


async def test_a_rollback_of_nothing_is_refused_and_one_job_runs_at_a_time(
    http: httpx.AsyncClient, config: AppConfig
) -> None:
    refused = await told(await http.post("/rollback"), 409)
    assert "nothing was published" in refused["detail"]
    releases = await told(await http.get("/releases"))
    assert (releases["last"]["action"], releases["last"]["state"], releases["published"]) == (
        "rollback",
        "refused",
        [],
    )
    with FileLock(config.artifacts / RELEASES / JOB_LOCK):
        busy = await told(await http.post("/publish"), 409)
    assert "is running" in busy["detail"]


async def test_a_job_that_died_is_not_shown_as_running(http: httpx.AsyncClient, config: AppConfig) -> None:
    folder = config.artifacts / RELEASES
    folder.mkdir()
    record = Release(action="publish", state="running")
    (folder / LAST).write_text(record.model_dump_json(), encoding="utf-8")
    with FileLock(folder / JOB_LOCK):
        assert (await told(await http.get("/releases")))["last"]["state"] == "running"
    assert (await told(await http.get("/releases")))["last"]["state"] == "failed"


async def test_a_job_that_failed_is_not_taken_for_the_one_before(
    http: httpx.AsyncClient, config: AppConfig, caplog: pytest.LogCaptureFixture
) -> None:
    folder = config.artifacts / RELEASES
    (folder / JOB_LOCK).mkdir(parents=True)  # so that a job dies before it can say anything
    (folder / LAST).write_text(Release(action="publish", state="done").model_dump_json(), encoding="utf-8")
    assert "failed" in (await told(await http.post("/publish"), 500))["detail"]
    assert "Traceback" in caplog.text


async def test_a_release_that_is_being_removed_is_not_listed(http: httpx.AsyncClient, config: AppConfig) -> None:
    for name, record in (("0001", '{"entries": ["a-01"]}'), ("0002", ""), (".old.x", '{"entries": ["b-01"]}')):
        release = config.artifacts / RELEASES / name
        release.mkdir(parents=True)
        if record:
            (release / RECORD).write_text(record, encoding="utf-8")
    assert [release.name for release in release_folders(config)] == ["0001"]
    assert (await told(await http.get("/releases")))["published"] == [["a-01"]]


async def test_a_job_that_takes_long_is_answered_while_it_runs(config: AppConfig) -> None:
    desk = admin.Desk(config, patience_s=0.01)
    assert desk.release("rollback").state == "running"
