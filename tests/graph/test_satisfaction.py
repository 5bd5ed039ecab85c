"""The report: worked by hand, and 10,000 rated sessions of known satisfaction, with a restart between."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph.feedback import Feedback
from graph.feedback_schema import FeedbackRequest, Satisfaction
from graph.satisfaction import CSV_HEADER, csv_rows, report
from indexes.feedback.entries import Mix, Tallies, Tally
from tests.graph.feedback_service import recorded, service
from tests.graph.scripted import QUESTION, Script, classified

EMOTIONS = ("fear", "abuse", "disappointed", "aggrieved", "anxious", "anger", "grateful")
# The paper's own rates before and after comfort was introduced.
RATES = {
    ("control", "negative"): 0.214,
    ("comfort", "negative"): 0.301,
    ("control", "grateful"): 0.589,
    ("comfort", "grateful"): 0.723,
}


def test_a_report_worked_by_hand() -> None:
    tallies = Tallies(
        mixes=(
            Mix("comfort", "emotion", 50),
            Mix("comfort", "knowledge", 30),
            Mix("comfort", "none", 900),
            Mix("control", "knowledge", 20),
        ),
        overall=(Tally("comfort", "all", 70, 56), Tally("control", "all", 80, 48)),
        feelings=(Tally("comfort", "negative", 70, 56), Tally("control", "negative", 80, 48)),
        emotions=(Tally("comfort", "anger", 10, 0),),
        strategies=(),
        mixed=3,
    )
    made = report(tallies)
    assert (made.emotional.hits, made.emotional.count, made.emotional.share) == (100, 1000, 0.1)
    assert {name: share.share for name, share in made.coverage.items()} == {
        "knowledge": 0.375,
        "emotion_topic": 0.0,
        "emotion": 0.625,
    }
    contrast = made.overall.contrast
    assert contrast is not None
    assert contrast.difference == pytest.approx(0.2)
    # Newcombe 1998, table II (a); the z test by hand: 0.2 / sqrt(0.69333 * 0.30667 * (1/70 + 1/80)) = 2.6501.
    assert (contrast.low, contrast.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert contrast.p_value == pytest.approx(0.00805, abs=5e-5)
    (anger,) = made.emotions
    assert (anger.comfort.share, anger.control.share, anger.contrast) == (0.0, None, None)
    assert [group.group for group in made.strategies] == ["knowledge", "emotion_topic", "emotion"]
    assert made.mixed_sessions == 3
    rows = list(csv_rows(made))
    assert all(len(row) == len(CSV_HEADER) for row in rows)
    assert [row[2:6] for row in rows if row[:2] == ("emotions", "anger")] == [
        ("comfort", 10, 0, 0.0),
        ("control", 0, 0, None),
    ]


class Simulation:
    """Customers with known satisfaction; the ratings they give are drawn once and for all."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.rated: Counter[tuple[str, str]] = Counter()
        self.satisfied: Counter[tuple[str, str]] = Counter()

    async def sessions(self, http: httpx.AsyncClient, script: Script, first: int, number: int) -> list[dict[str, Any]]:
        """Answer `number` sessions of one emotion and strategy; the ratings to send."""
        emotion = EMOTIONS[first // number % len(EMOTIONS)]
        strategy = "knowledge" if emotion in ("anxious", "anger") else "emotion"
        script.emotion.answer = classified(emotion, 0.9)
        script.topic.answer = classified("other", 0.9)
        items = [{"text": QUESTION, "session_id": f"s{n}", "deadline_ms": 5000} for n in range(first, first + number)]
        answers = (await http.post("/v1/comfort/batch", json={"items": items})).json()["items"]
        return [self._rating(emotion, strategy, item, answer) for item, answer in zip(items, answers, strict=True)]

    def _rating(self, emotion: str, strategy: str, item: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        feeling = "grateful" if emotion == "grateful" else "negative"
        satisfied = self._random.random() < RATES[answer["arm"], feeling]
        for group in {emotion, strategy, feeling, "all"}:
            self.rated[answer["arm"], group] += 1
            self.satisfied[answer["arm"], group] += satisfied
        named = {"session_id": item["session_id"]} if self._random.random() < 0.5 else {}
        return {**(named or {"request_id": answer["request_id"]}), "satisfaction": 1 if satisfied else 3}


async def rate(http: httpx.AsyncClient, feedback: Feedback, number: int, rating: dict[str, Any]) -> None:
    """Send every tenth rating over HTTP, the others right to what stands behind the route, which is quicker."""
    if number % 10:
        await feedback.rate(FeedbackRequest(**rating))
    else:
        assert (await http.post("/v1/feedback", json=rating)).status_code == 200


@pytest.mark.anyio
async def test_ten_thousand_sessions_give_back_their_satisfaction(tmp_path: Path) -> None:
    script, simulation = Script(timeout_s=30), Simulation(seed=2021)
    for half in range(2):
        async with service(script, tmp_path, experiment={"control_share": 0.5}) as (http, feedback):
            for first in range(5000 * half, 5000 * (half + 1), 100):
                ratings = await simulation.sessions(http, script, first, 100)
                await recorded(feedback)
                await asyncio.gather(*(rate(http, feedback, n, rating) for n, rating in enumerate(ratings)))
            made = Satisfaction.model_validate_json((await http.get("/v1/satisfaction")).content)
    assert made.overall.comfort.count + made.overall.control.count == 10_000
    for group in made.feelings:
        for arm, share in (("comfort", group.comfort), ("control", group.control)):
            assert share.low is not None
            assert share.high is not None
            assert share.low <= RATES[arm, group.group] <= share.high
        contrast = group.contrast
        assert contrast is not None
        true = RATES["comfort", group.group] - RATES["control", group.group]
        assert contrast.low <= true <= contrast.high
        assert contrast.p_value < 0.001
    for group in (made.overall, *made.feelings, *made.emotions, *made.strategies):
        for arm, share in (("comfort", group.comfort), ("control", group.control)):
            key = (arm, group.group)
            assert (share.count, share.hits) == (simulation.rated[key], simulation.satisfied[key])
