"""`python -m graph.release_job`: one publish or rollback for the operators' routes, in a process of its own.

Takes an order as JSON on stdin, says on stdout as one line of JSON how it ended, and keeps the record of itself that
`graph.releases` reads.
"""

import os
import sys
import traceback

from filelock import FileLock, Timeout

from graph.admin_schema import Release
from graph.errors import EXPECTED
from graph.releases import BUSY, JOB_LOCK, LAST, RELEASES, Order
from indexes.mining.drafts import DraftFolder, write_whole

_NICENESS = 10
"""Answers come first."""


def run(order: Order) -> int:
    """Do it; the exit code."""
    folder = order.config.artifacts / RELEASES
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / JOB_LOCK, timeout=0):
            write_whole(folder / LAST, Release(action=order.action, state="running").model_dump_json())
            release = _release(order)
            try:
                write_whole(folder / LAST, release.model_dump_json())
            finally:
                sys.stdout.buffer.write(f"{release.model_dump_json()}\n".encode())
    except Timeout:
        return BUSY
    return 0 if release.state == "done" else 1


def _release(order: Order) -> Release:
    # Loads torch, for seconds on a busy machine, in which the record would be that of the job before.
    from graph.publish import publish, rollback  # noqa: PLC0415

    config, action = order.config, order.action
    try:
        done = publish(config, DraftFolder(config.drafts)) if action == "publish" else rollback(config)
    except EXPECTED as error:
        return Release(action=action, state="refused", detail=str(error))
    except Exception:
        traceback.print_exc()
        return Release(action=action, state="failed", detail="unexpected error; the service's log has its trace")
    return Release(
        action=action,
        state="done",
        entries=list(done.entries),
        index=done.index_version,
        unanswered=list(done.unanswered),
    )


if __name__ == "__main__":
    os.nice(_NICENESS)
    sys.exit(run(Order.model_validate_json(sys.stdin.buffer.read())))
