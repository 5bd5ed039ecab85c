"""From counts to the report of the experiment: shares, intervals, differences, and the same as CSV rows.

Called by `GET /v1/satisfaction` and by `python -m graph satisfaction`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from graph.feedback_schema import Contrast, Group, Satisfaction, Share
from indexes.feedback.entries import NO_STRATEGY, Tallies, Tally
from models.proportions import Proportion, difference_p_value, newcombe, wilson

STRATEGIES = ("knowledge", "emotion_topic", "emotion")
CSV_HEADER = (
    *("table", "group", "arm", "count", "hits", "share", "low", "high"),
    *("difference", "difference_low", "difference_high", "p_value"),
)
_NOTHING = Proportion(0, 0)


def report(tallies: Tallies, *, since: float | None = None) -> Satisfaction:
    """The report; `since` (seconds since the epoch) is what the tallies were restricted to.

    Raises:
        ValueError: `since` lies outside the years 1 to 9999; `graph.feedback_schema.Since` lets no such moment in.
    """
    emotional = [mix for mix in tallies.mixes if mix.strategy != NO_STRATEGY]
    comforted = {mix.strategy: mix.answers for mix in emotional if mix.arm == "comfort"}
    total = sum(comforted.values())
    return Satisfaction(
        since=None if since is None else datetime.fromtimestamp(since, UTC),
        emotional=_share(
            Proportion(sum(mix.answers for mix in emotional), sum(mix.answers for mix in tallies.mixes)),
        ),
        coverage={name: _share(Proportion(comforted.get(name, 0), total)) for name in STRATEGIES},
        overall=_group("all", tallies.overall),
        feelings=_groups(tallies.feelings, ("negative", "grateful")),
        emotions=_groups(tallies.emotions, sorted({tally.group for tally in tallies.emotions})),
        strategies=_groups(tallies.strategies, STRATEGIES),
        mixed_sessions=tallies.mixed,
    )


def csv_rows(satisfaction: Satisfaction) -> Iterator[tuple[str | int | float | None, ...]]:
    """The report as rows under `CSV_HEADER`; a group's contrast stands on its row of the arm comfort."""
    for table, group, arm, share, contrast in _lines(satisfaction):
        differences = (contrast.difference, contrast.low, contrast.high, contrast.p_value) if contrast else (None,) * 4
        yield (table, group, arm, share.count, share.hits, share.share, share.low, share.high, *differences)


def tables(satisfaction: Satisfaction) -> dict[str, list[Group]]:
    """The satisfaction tables by name, in the order they are shown."""
    return {
        "overall": [satisfaction.overall],
        "feelings": satisfaction.feelings,
        "emotions": satisfaction.emotions,
        "strategies": satisfaction.strategies,
    }


def _lines(satisfaction: Satisfaction) -> Iterator[tuple[str, str, str, Share, Contrast | None]]:
    yield "emotional", "all", "both", satisfaction.emotional, None
    for strategy, share in satisfaction.coverage.items():
        yield "coverage", strategy, "comfort", share, None
    for name, groups in tables(satisfaction).items():
        for group in groups:
            yield name, group.group, "comfort", group.comfort, group.contrast
            yield name, group.group, "control", group.control, None


def _groups(tallies: Sequence[Tally], names: Iterable[str]) -> list[Group]:
    return [_group(name, [tally for tally in tallies if tally.group == name]) for name in names]


def _group(name: str, tallies: Iterable[Tally]) -> Group:
    arms = {tally.arm: Proportion(tally.satisfied, tally.rated) for tally in tallies}
    comfort, control = arms.get("comfort", _NOTHING), arms.get("control", _NOTHING)
    return Group(
        group=name,
        comfort=_share(comfort),
        control=_share(control),
        contrast=_contrast(comfort, control) if comfort.n and control.n else None,
    )


def _share(proportion: Proportion) -> Share:
    if proportion.n == 0:
        return Share(count=0, hits=0, share=None, low=None, high=None)
    low, high = wilson(proportion)
    return Share(count=proportion.n, hits=proportion.hits, share=proportion.share, low=low, high=high)


def _contrast(comfort: Proportion, control: Proportion) -> Contrast:
    low, high = newcombe(comfort, control)
    return Contrast(
        difference=comfort.share - control.share,
        low=low,
        high=high,
        p_value=difference_p_value(comfort, control),
    )
