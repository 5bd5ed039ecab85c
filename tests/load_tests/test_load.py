"""Profiles and their limits, and where load may go."""

from pathlib import Path

import pytest
import yaml

from configs.schema import ConfigError
from load_tests.load import PROFILES, check_url, read_profile
from load_tests.processes import LoadTestError


@pytest.mark.parametrize("name", ["smoke", "steady", "spike", "soak"])
def test_profiles_are_bounded_and_can_be_met(name: str) -> None:
    profile = read_profile(name)
    assert profile.seconds <= 3600
    low, high = profile.think_s
    assert 0 < low < high
    # With the mean time to think and the median answer, the users can send the requests that are asked for.
    able = sum(s.users * s.seconds for s in profile.stages) / ((low + high) / 2 + profile.limits.p50_ms / 1000)
    assert profile.limits.requests < able


def test_a_misspelt_limit_is_refused_with_its_place(tmp_path: Path) -> None:
    profiles = yaml.safe_load(PROFILES.read_text(encoding="utf-8"))
    profiles["smoke"]["limits"]["p95"] = 1
    path = tmp_path / "profiles.yaml"
    path.write_text(yaml.safe_dump(profiles), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"smoke\.limits\.p95: unknown key"):
        read_profile("smoke", path)


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(LoadTestError, match="smoke, steady, spike, soak"):
        read_profile("steddy")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_this_machine_is_a_target(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize("url", ["http://10.0.0.1:8000", "http://example.com", "8000", "http://127.0.0.1.example.com/"])
def test_no_other_machine_is(url: str) -> None:
    with pytest.raises(LoadTestError, match="not a loopback address"):
        check_url(url)
