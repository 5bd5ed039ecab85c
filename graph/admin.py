"""Operators' routes: review drafts of knowledge, put them in use, take them back.

They work on the same files as `python -m graph drafts`, in `AppConfig.drafts`. `graph.access` lets nobody in without an
operator's token, and hides the routes where no token is set. Publishing runs in a process of its own
(`graph.release_job`), so that answers do not wait for it.
"""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, FastAPI, Path, Response
from pydantic import ValidationError

from configs.schema import PROJECT_ROOT, AppConfig
from graph.access import ADMIN
from graph.admin_schema import DraftChange, DraftList, Release, Releases
from graph.problems import MEDIA_TYPE, RequestProblem
from graph.releases import BUSY, Order, released
from graph.schema import Problem
from indexes.content.source import ContentError
from indexes.content.taxonomy import Taxonomy
from indexes.mining.drafts import Draft, DraftFolder, Status

logger = logging.getLogger(__name__)

_PATIENCE_S = 20.0
"""Longest wait for a release before the answer is 202; shorter than Serve's own limit."""

Result = TypeVar("Result")
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{8}$", description="A draft's id.")]


class Desk:
    """What the routes do, apart from HTTP.

    Args:
        config: Of the service; names drafts, data and artifacts.
        patience_s: Longest wait for a release.
    """

    def __init__(self, config: AppConfig, *, patience_s: float = _PATIENCE_S) -> None:
        self._config = config
        self._drafts = DraftFolder(config.drafts)
        self._patience_s = patience_s

    def drafts(self, status: Status | None) -> DraftList:
        """The drafts, the most asked first."""
        found = _judged(self._drafts.all) if self._drafts.folder.is_dir() else []
        return DraftList(drafts=[draft for draft in found if status in (None, draft.status)])

    def draft(self, draft_id: str) -> Draft:
        """One draft."""
        if not (self._drafts.folder / f"{draft_id}.yaml").is_file():
            raise RequestProblem(404, "there is no draft of this id; GET /v1/admin/drafts lists them")
        return _judged(lambda: self._drafts.get(draft_id))

    def edit(self, draft_id: str, change: DraftChange) -> Draft:
        """Change fields; what was approved must be approved again."""
        fields = change.model_dump(exclude_none=True)
        return self._change(draft_id, status="draft", **fields)

    def approve(self, draft_id: str) -> Draft:
        """Approve what keeps the rules of the knowledge."""
        self.draft(draft_id)
        taxonomy = Taxonomy.read(self._config.data / "taxonomy.yaml")
        return _judged(lambda: self._drafts.approve(draft_id, taxonomy))

    def reject(self, draft_id: str) -> Draft:
        """Reject."""
        return self._change(draft_id, status="rejected")

    def releases(self) -> Releases:
        """The last job, and what could be rolled back."""
        return released(self._config)

    def release(self, action: Literal["publish", "rollback"]) -> Release:
        """Publish or roll back in a process of its own; the job as it is after `patience_s` at the latest.

        Raises:
            RequestProblem: 409, it was refused or another one is running; 500, it failed.
        """
        order = Order(action=action, config=self._config)
        command = [sys.executable, "-m", "graph.release_job"]
        pipe = subprocess.PIPE
        job = subprocess.Popen(  # noqa: S603
            command, cwd=PROJECT_ROOT, stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8", errors="replace"
        )
        try:
            release = _outcome(job, order.model_dump_json(), self._patience_s)
        except subprocess.TimeoutExpired:
            # So that its pipes do not fill, it does not stay a zombie, and its failure is logged.
            threading.Thread(target=_outcome, args=(job,), daemon=True).start()
            return Release(action=action, state="running")
        if job.returncode == BUSY:
            raise RequestProblem(409, "a publish or rollback is running; GET /v1/admin/releases shows it")
        if release is None or release.state == "failed":
            raise RequestProblem(500, "the job failed; the service's log has its trace, and nothing has changed")
        if release.state == "refused":
            raise RequestProblem(409, release.detail)
        return release

    def _change(self, draft_id: str, **fields: Any) -> Draft:
        self.draft(draft_id)
        return _judged(lambda: self._drafts.change(draft_id, **fields))


def install(app: FastAPI, config: AppConfig) -> None:
    """Add the routes."""
    desk = Desk(config)
    router = APIRouter(prefix=ADMIN, responses=_problems(401, 404), tags=["operators"])

    @router.get("/drafts", responses=_problems(409, 422))
    def drafts(status: Status | None = None) -> DraftList:
        """The drafts that mining proposed, the most asked first."""
        return desk.drafts(status)

    @router.get("/drafts/{draft_id}", responses=_problems(409, 422))
    def draft(draft_id: Id) -> Draft:
        """One draft with all its texts."""
        return desk.draft(draft_id)

    @router.patch("/drafts/{draft_id}", responses=_problems(400, 409, 413, 422))
    def edit(draft_id: Id, change: DraftChange) -> Draft:
        """Change fields of a draft; one that was approved has to be approved again."""
        return desk.edit(draft_id, change)

    @router.post("/drafts/{draft_id}/approve", responses=_problems(409, 422))
    def approve(draft_id: Id) -> Draft:
        """Approve a draft; 409 says which rule of the knowledge it breaks."""
        return desk.approve(draft_id)

    @router.post("/drafts/{draft_id}/reject", responses=_problems(409, 422))
    def reject(draft_id: Id) -> Draft:
        """Reject a draft: it stays, so that mining does not propose it again, and is never published."""
        return desk.reject(draft_id)

    @router.get("/releases")
    def releases() -> Releases:
        """The last publish or rollback, the index in use, and what could be taken back."""
        return desk.releases()

    @router.post("/publish", responses={202: {"model": Release}, **_problems(409, 500)})
    def publish(response: Response) -> Release:
        """Put all approved drafts in use; 202 if that takes longer than this answer may."""
        return _answered(desk.release("publish"), response)

    @router.post("/rollback", responses={202: {"model": Release}, **_problems(409, 500)})
    def rollback(response: Response) -> Release:
        """Take the last publish back."""
        return _answered(desk.release("rollback"), response)

    app.include_router(router)


def _answered(release: Release, response: Response) -> Release:
    response.status_code = 202 if release.state == "running" else 200
    return release


def _outcome(job: subprocess.Popen[str], order: str | None = None, patience_s: float | None = None) -> Release | None:
    """What the job says of itself; None if it died before it could. Why it failed is logged.

    Its record on disk would not do: it may be that of another job.
    """
    said, trouble = job.communicate(order, timeout=patience_s)
    try:
        release = Release.model_validate_json((said.splitlines() or [""])[-1])
    except ValidationError:
        release = None
    if job.returncode != BUSY and (release is None or release.state == "failed"):
        logger.error("the job failed with exit code %d: %s", job.returncode, trouble)
    return release


def _judged(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except ContentError as error:
        raise RequestProblem(409, str(error)) from None


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem, "content": {MEDIA_TYPE: {}}} for status in statuses}
