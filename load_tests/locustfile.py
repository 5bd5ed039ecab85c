"""Customers for Locust: sentences of the real mix, one at a time or a few together, with time to think.

Runs in Locust's own environment, started by `load_tests.load`, which writes the sentences and the profile that the
two variables below name. Whether the profile's limits hold decides the exit code.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

from locust import FastHttpUser, LoadTestShape, events, task
from locust.env import Environment

PROFILE: dict[str, Any] = json.loads(Path(os.environ["ANWEI_LOAD_PROFILE"]).read_text(encoding="utf-8"))
SENTENCES = Path(os.environ["ANWEI_LOAD_SENTENCES"]).read_text(encoding="utf-8").splitlines()
_BATCH = 5


class Degraded:
    """Counts answers by an understudy."""

    count = 0


class Customer(FastHttpUser):
    """A customer, or a bot that speaks for one."""

    connection_timeout = network_timeout = 10.0

    def wait_time(self) -> float:
        """Seconds to think before the next request."""
        return random.uniform(*PROFILE["think_s"])

    def on_start(self) -> None:
        """A session of its own."""
        self._session = f"s-{random.getrandbits(64):016x}"

    @task(19)
    def say(self) -> None:
        """One sentence."""
        self._post("/v1/comfort", {"text": random.choice(SENTENCES), "session_id": self._session})

    @task(1)
    def say_several(self) -> None:
        """A few sentences in one request."""
        items = [{"text": random.choice(SENTENCES)} for _ in range(_BATCH)]
        self._post("/v1/comfort/batch", {"items": items})

    def _post(self, path: str, body: dict[str, Any]) -> None:
        with self.client.post(path, json=body, catch_response=True) as response:
            if response.status_code != 200:
                response.failure(f"status {response.status_code}")
                return
            answer = response.json()
            answers = answer.get("items", [answer])
            if len(answers) != len(body.get("items", [body])):
                response.failure("another number of answers than of sentences")
            elif any(one["handled"] is not bool(one["reply"]) for one in answers):
                response.failure("handled without a reply, or a reply without being handled")
            Degraded.count += any(one["degraded"] for one in answers)


class Stages(LoadTestShape):
    """The profile's numbers of users over time; then the end."""

    def tick(self) -> tuple[int, float] | None:
        """Users wanted now, and how many of them may start in a second."""
        passed = self.get_run_time()
        for stage in PROFILE["stages"]:
            if passed < stage["seconds"]:
                return stage["users"], max(stage["users"] / 2, 10)
            passed -= stage["seconds"]
        return None


@events.quitting.add_listener
def judge(environment: Environment, **_: object) -> None:
    """Compare what was seen with the limits; say each that is broken."""
    limits, total = PROFILE["limits"], environment.stats.total
    n = max(total.num_requests, 1)
    seen = {
        "failed": total.num_failures / n,
        "degraded": Degraded.count / n,
        **{name: total.get_response_time_percentile(int(name[1:3]) / 100) for name in ("p50_ms", "p95_ms", "p99_ms")},
    }
    broken = [f"{name} {value:.4g} is over {limits[name]:.4g}" for name, value in seen.items() if value > limits[name]]
    if total.num_requests < limits["requests"]:
        broken.append(f"{total.num_requests} requests are fewer than {limits['requests']}")
    figures = {"requests": total.num_requests, "requests_per_s": total.total_rps, **seen, "broken": broken}
    Path(os.environ["ANWEI_LOAD_REPORT"]).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    environment.process_exit_code = 1 if broken else 0
