"""Nothing that a client can send makes a 5xx or a hang: generated from the OpenAPI document, and from a corpus."""

import pytest

from load_tests.chaos.nasty import Nasty, corpus, send
from load_tests.chaos.openapi_cases import try_operations
from tests.graph.scripted import Script
from tests.graph.served import app_of, serving


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_generated_requests_meet_no_server_error() -> None:
    with serving(app_of(Script())) as url:
        tried = try_operations(url, n_cases=200)
    assert (tried.server_errors, tried.hung) == (0, 0), tried.examples
    assert tried.tried >= 150


def test_the_corpus_meets_no_server_error() -> None:
    with serving(app_of(Script(), body_timeout_s=1.5)) as url:
        answers = {(case.name, case.path): send(url, case) for case in corpus()}
    assert len(answers) >= 200
    assert {name: status for name, status in answers.items() if not 200 <= status < 500} == {}


def test_a_slow_sender_is_sent_away_although_it_switches_timeouts_off() -> None:
    headers = {"x-request-timeout-seconds": "0", "x-request-disconnect-disabled": "?1"}
    slow = Nasty("slow", b'{"text": "' + b"x" * 200 + b'"}', headers=headers, pause_s=0.1)
    with serving(app_of(Script(), body_timeout_s=0.5)) as url:
        assert send(url, slow, patience_s=15) == 408
