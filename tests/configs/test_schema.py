"""The configuration tree: strict, frozen, with errors that name the key's path."""

from pathlib import Path

import pytest

from configs.schema import PROJECT_ROOT, AppConfig, ConfigError, parse_app_config, read_yaml


def test_defaults_are_the_papers_numbers() -> None:
    assert AppConfig().recall.top_k == 20


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"recal": {}}, "recal: unknown key"),
        ({"deadlines": {"defualt_ms": 5}}, "deadlines.defualt_ms: unknown key"),
        ({"thresholds": {"emotion": 1.5}}, "thresholds.emotion: Input should be less than or equal to 1"),
        ({"placement": "spilt"}, "placement: Input should be 'split' or 'fused'"),
        (
            {"feedback": {"url": "mysql://host/x"}},
            "feedback.url: Value error, sqlite:///PATH or postgresql://USER@HOST/DATABASE is needed",
        ),
        (
            {"deadlines": {"default_ms": 9000}},
            "reserve_ms < default_ms <= max_ms must hold, got 30, 9000, 5000",
        ),
    ],
)
def test_a_fault_is_named_by_its_path(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match="x.yaml") as caught:
        parse_app_config(values, path="x.yaml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_relative_folders_are_meant_from_the_projects_root(tmp_path: Path) -> None:
    config = parse_app_config({"artifacts": "elsewhere", "data": str(tmp_path)}, path="x.yaml")
    assert config.artifacts == PROJECT_ROOT / "elsewhere"
    assert config.data == tmp_path


def test_a_store_of_one_file_is_meant_from_the_projects_root_too() -> None:
    assert store_url("sqlite:///here/x.sqlite3") == f"sqlite:///{PROJECT_ROOT}/here/x.sqlite3"
    assert store_url("sqlite:////there/x.sqlite3") == "sqlite:////there/x.sqlite3"
    assert store_url("postgresql://me@host/db") == "postgresql://me@host/db"


def store_url(url: str) -> str:
    return parse_app_config({"feedback": {"url": url}}, path="x.yaml").feedback.url


def test_files_that_are_missing_or_not_yaml_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_yaml(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1\nb: }", encoding="utf-8")
    with pytest.raises(ConfigError, match="not readable as YAML") as caught:
        read_yaml(broken)
    assert "\n" not in str(caught.value)
