"""One stage of the DAG as the composer calls it: batching, a time limit, and a breaker around one node.

The composer knows nodes only by `RemoteNode`; whether one is a Serve handle or an object in this process is
decided in `graph.app`.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from typing import Generic, Literal, Protocol

from deployments.batcher import Batcher
from deployments.slots import Slots
from deployments.work import Description, Failure, Item, Outcome, Result, ResultOut, Work
from graph.breaker import Breaker, State
from graph.schema import NodeState

_REMEMBERED = 64
"""Items that failed since the node last computed any, by which a bad item that comes again is known."""


class RemoteNode(Protocol[Item, ResultOut]):
    """A node somewhere: in another process, on another machine, or here."""

    async def many(self, works: Sequence[Work[Item]]) -> Sequence[ResultOut | Failure]:
        """One outcome per work, in order. Cancelling the call cancels the remote work."""
        ...

    async def describe(self) -> Description:
        """What the node computes with."""
        ...


class Stage(Generic[Item, Result]):
    """Asks one node, many concurrent questions to a call.

    Args:
        name: The node's role, as it appears in `degraded`.
        node: Whom to ask.
        breaker: Its breaker.
        timeout_s: Longest wait for one outcome.
        max_batch_size: Most items of a call.
        max_queue: Most items waiting.
        slots: Calls in flight, or room for them that is shared with other stages.

    Attributes:
        failures: Items without an outcome since the start by reason, and remote calls that were `cancelled`.
    """

    def __init__(
        self,
        name: str,
        node: RemoteNode[Item, Result],
        *,
        breaker: Breaker,
        timeout_s: float,
        max_batch_size: int,
        max_queue: int,
        slots: int | Slots,
    ) -> None:
        self.name = name
        self._node = node
        self._breaker = breaker
        self._timeout_s = timeout_s
        self._description: Description | None = None
        self._failed_alone: deque[Item] = deque(maxlen=_REMEMBERED)
        self.failures: Counter[str] = Counter()
        self._batcher: Batcher[Item, Result] = Batcher(
            self._call, max_batch_size=max_batch_size, max_queue=max_queue, slots=slots
        )

    @property
    def description(self) -> Description | None:
        """What the node last said it computes with; None until it has answered once."""
        return self._description

    @property
    def breaker_state(self) -> State:
        """The breaker's state now."""
        return self._breaker.state

    @property
    def queue_length(self) -> int:
        """Items that wait for a call."""
        return self._batcher.queue_length

    async def ask(self, item: Item, *, deadline: float) -> Outcome[Result]:
        """The node's outcome for `item`, at the latest at `deadline` (seconds since the epoch) or after the timeout."""
        outcome = await self._ask(Work(item, min(deadline, time.time() + self._timeout_s)))
        if isinstance(outcome, Failure):
            self.failures[outcome.reason] += 1
        return outcome

    async def _ask(self, work: Work[Item]) -> Outcome[Result]:
        if self._breaker.rejects():
            return Failure("error", f"{self.name} is failing; its breaker is {self._breaker.state}")
        return await self._batcher.submit(work)

    async def state(self, *, within_s: float | None = None) -> NodeState:
        """Ask the node for its version; the answer tells whether it is up, if it comes in time (the stage's own)."""
        try:
            self._description = await asyncio.wait_for(self._node.describe(), within_s or self._timeout_s)
            state: Literal["starting", "ready", "failing"] = "ready"
        except Exception:
            state = "starting" if self._description is None else "failing"
        version = self._description.version if self._description else None
        return NodeState(
            state=state, breaker=self._breaker.state, version=version, failures=dict(sorted(self.failures.items()))
        )

    async def _call(self, works: list[Work[Item]]) -> Sequence[Outcome[Result]]:
        if not self._breaker.allow():
            return [Failure("error", f"{self.name} is failing; its breaker is {self._breaker.state}")] * len(works)
        budget_s = max(work.left_s() for work in works)
        try:
            # Cancels the remote call once nobody in the batch can use its outcome any more.
            async with asyncio.timeout(budget_s):
                outcomes = await self._node.many(works)
        except TimeoutError:
            self.failures["cancelled"] += 1
            # A client that asks for 1 ms must not open the breaker for everybody.
            if budget_s >= self._timeout_s / 2:
                self._breaker.failed()
            raise
        except BaseException:
            self._breaker.failed()
            raise
        self._judge(works, outcomes)
        return outcomes

    def _judge(self, works: Sequence[Work[Item]], outcomes: Sequence[Outcome[Result]]) -> None:
        """Tell the breaker of a call that came back; one bad item, asked again and again, is no failing node."""
        failed = [
            work.item
            for work, outcome in zip(works, outcomes, strict=True)
            if isinstance(outcome, Failure) and outcome.reason == "error"
        ]
        if len(failed) < len(works):
            self._failed_alone.clear()
            self._breaker.succeeded()
        elif all(item in self._failed_alone for item in failed):
            self._breaker.undecided()
        else:
            self._failed_alone.extend(failed)
            self._breaker.failed()
