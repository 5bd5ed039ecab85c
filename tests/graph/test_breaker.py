"""The breaker's transitions, with a clock that only the test moves."""

from graph.breaker import Breaker


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(failures=2, open_s=10, clock=clock)
    breaker.failed()
    breaker.failed()
    return breaker


def test_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(failures=2, open_s=10, clock=Clock())
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert (breaker.state, breaker.allow()) == ("closed", True)
    breaker.failed()
    assert (breaker.state, breaker.allow(), breaker.rejects()) == ("open", False, True)


def test_lets_exactly_one_probe_through_when_half_open() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 10.0
    assert breaker.state == "half_open"
    assert not breaker.rejects()
    assert [breaker.allow(), breaker.allow(), breaker.rejects()] == [True, False, True]


def test_a_good_probe_closes_a_bad_one_opens_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 10.0
    breaker.allow()
    breaker.failed()
    assert breaker.state == "open"
    clock.now = 19.9
    assert breaker.state == "open"
    clock.now = 20.0
    assert breaker.allow()
    breaker.succeeded()
    assert (breaker.state, breaker.allow(), breaker.allow()) == ("closed", True, True)


def test_a_probe_that_says_nothing_of_the_node_is_sent_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 10.0
    breaker.allow()
    breaker.undecided()
    assert breaker.state == "half_open"
    assert [breaker.allow(), breaker.allow()] == [True, False]


def test_a_probe_that_never_reports_does_not_block_for_ever() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 10.0
    assert breaker.allow()
    clock.now = 15.0
    assert not breaker.allow()
    clock.now = 20.0
    assert breaker.allow()
