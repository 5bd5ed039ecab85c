"""Counts the experiment: the database adds up, nothing is read into memory row by row.

A session counts once it is rated and one of its answers recognised an emotion (the paper's section on user
satisfaction rates such sessions only). Its arm is that of its answers.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Subquery, case, distinct, func, literal, select

from indexes.feedback.entries import NO_STRATEGY, Mix, Tallies, Tally
from indexes.feedback.tables import answers, ratings

SATISFIED = 1
GRATEFUL = "grateful"
"""The one emotion of the seven that is not a complaint."""


def tallies(connection: Connection, *, since: float | None) -> Tallies:
    """All counts over answers not older than `since` (seconds since the epoch)."""
    recent = answers.c.at >= since if since is not None else literal(value=True)
    sessions = _sessions(recent)

    def by(group: ColumnElement[Any]) -> tuple[Tally, ...]:
        return _satisfied(connection, sessions, group, recent)

    return Tallies(
        mixes=_mixes(connection, recent),
        overall=by(literal("all")),
        feelings=by(case((answers.c.emotion == GRATEFUL, GRATEFUL), else_="negative")),
        emotions=by(answers.c.emotion),
        strategies=by(answers.c.strategy),
        mixed=connection.execute(
            select(func.count()).select_from(sessions).where(sessions.c.first_arm != sessions.c.last_arm)
        ).scalar_one(),
    )


def _mixes(connection: Connection, recent: ColumnElement[bool]) -> tuple[Mix, ...]:
    counted = (
        select(answers.c.arm, answers.c.strategy, func.count())
        .where(recent)
        .group_by(answers.c.arm, answers.c.strategy)
        .order_by(answers.c.arm, answers.c.strategy)
    )
    return tuple(Mix(*row) for row in connection.execute(counted))


def _sessions(recent: ColumnElement[bool]) -> Subquery:
    """Rated sessions with an emotion: their rating, and the alphabetically first and last of their arms."""
    return (
        select(
            answers.c.session,
            func.min(answers.c.arm).label("first_arm"),
            func.max(answers.c.arm).label("last_arm"),
            func.min(ratings.c.satisfaction).label("satisfaction"),
        )
        .join(ratings, ratings.c.session == answers.c.session)
        .where(recent)
        .group_by(answers.c.session)
        .having(func.max(case((answers.c.strategy != NO_STRATEGY, 1), else_=0)) == 1)
        .subquery()
    )


def _satisfied(
    connection: Connection, sessions: Subquery, group: ColumnElement[Any], recent: ColumnElement[bool]
) -> tuple[Tally, ...]:
    satisfied = case((sessions.c.satisfaction == SATISFIED, sessions.c.session))
    grouped = (
        select(
            sessions.c.first_arm.label("arm"),
            group.label("grouped"),
            sessions.c.session.label("session"),
            satisfied.label("satisfied"),
        )
        .join(answers, answers.c.session == sessions.c.session)
        .where(recent, answers.c.strategy != NO_STRATEGY, sessions.c.first_arm == sessions.c.last_arm)
        .subquery()
    )
    counted = (
        select(
            grouped.c.arm,
            grouped.c.grouped,
            func.count(distinct(grouped.c.session)),
            func.count(distinct(grouped.c.satisfied)),
        )
        .group_by(grouped.c.arm, grouped.c.grouped)
        .order_by(grouped.c.arm, grouped.c.grouped)
    )
    return tuple(Tally(*row) for row in connection.execute(counted))
