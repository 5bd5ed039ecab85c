"""Sessions: replies are remembered, memory is bounded."""

from graph.sessions import Sessions


def test_a_session_remembers_and_others_do_not_see_it() -> None:
    sessions = Sessions(max_sessions=10)
    sessions.used("a").append("r-1")
    assert list(sessions.used("a")) == ["r-1"]
    assert not sessions.used("b")


def test_without_a_session_nothing_is_remembered() -> None:
    sessions = Sessions(max_sessions=10)
    sessions.used(None).append("r-1")
    assert not sessions.used(None)
    assert len(sessions) == 0


def test_the_least_recently_seen_session_is_forgotten_first() -> None:
    sessions = Sessions(max_sessions=2)
    for name in ("a", "b", "a", "c"):
        sessions.used(name).append(name)
    assert len(sessions) == 2
    assert list(sessions.used("a")) == ["a", "a"]
    assert not sessions.used("b")
