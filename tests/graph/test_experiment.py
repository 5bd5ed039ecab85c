"""The arms: stable, in the configured share, and independent of where a session is asked about."""

from hypothesis import given
from hypothesis import strategies as st

from graph.experiment import Experiment, session_of
from graph.schema import ComfortRequest

SESSIONS = [f"session:{number}" for number in range(20_000)]


def test_known_sessions_stay_where_they_are() -> None:
    # By `printf '1\\0session:0' | sha256sum`: below 8000... is below one half. Another hash would deal anew.
    assert [Experiment(0.5, "1").arm(f"session:{n}") for n in range(6)] == [
        "control",
        "comfort",
        "comfort",
        "control",
        "control",
        "comfort",
    ]


def test_the_share_is_kept() -> None:
    share = sum(Experiment(0.3, "1").arm(session) == "control" for session in SESSIONS) / len(SESSIONS)
    assert abs(share - 0.3) < 0.0146  # 4.5 standard deviations


def test_another_salt_deals_anew() -> None:
    both = sum(Experiment(0.5, "1").arm(s) == Experiment(0.5, "2").arm(s) for s in SESSIONS) / len(SESSIONS)
    assert abs(both - 0.5) < 0.016


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_greater_share_only_moves_sessions_to_control(session: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    if Experiment(low, "1").arm(session) == "control":
        assert Experiment(high, "1").arm(session) == "control"
    assert Experiment(0.0, "1").arm(session) == "comfort"
    assert Experiment(1.0, "1").arm(session) == "control"


def test_the_most_lasting_name_is_assigned() -> None:
    whole = ComfortRequest(text="x", session_id="s", user_id="u")
    assert session_of(whole, "r") == "session:s"
    assert session_of(whole.model_copy(update={"session_id": None}), "r") == "user:u"
    assert session_of(ComfortRequest(text="x"), "r") == "request:r"
