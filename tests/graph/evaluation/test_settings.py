"""Hyperparameters from the command line: whom they reach, and what is refused in a sentence."""

import pytest

from graph.errors import UsageError
from graph.evaluation.contenders import with_overrides
from graph.evaluation.settings import Overrides
from models.training.classification import ClassifierParams


def test_for_all_for_one_and_for_the_vectors() -> None:
    given = ["dropout=0.3", "mlc.dropout=0.4", "kernel_sizes=[1, 2]", "embeddings.width=64"]
    overrides = Overrides(given, models=("cnn", "mlc"), n_epochs=4)
    assert overrides.of_model("cnn") == {"n_epochs": 4, "dropout": 0.3, "kernel_sizes": [1, 2]}
    assert overrides.of_model("mlc")["dropout"] == 0.4
    assert overrides.only_of("cnn") == {}
    assert overrides.of_embeddings == {"width": 64}
    params = with_overrides(ClassifierParams(branches=("cnn",)), overrides.of_model("cnn"), where="cnn.")
    assert (params.branches, params.kernel_sizes, params.n_epochs) == (("cnn",), (1, 2), 4)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("dropout", "must be KEY=VALUE"),
        ("=3", "must be KEY=VALUE"),
        ("bert.dropout=0.1", "'bert' must be one of embeddings, mlc"),
        ("dropout=[1", "not YAML"),
    ],
)
def test_what_is_not_an_assignment(given: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Overrides([given], models=("mlc",))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"dropuot": 0.1}, "mlc.dropuot: no such hyperparameter; there are branches"),
        ({"dropout": "much"}, r"mlc.dropout=much: Input should be a valid number"),
        ({"window": "round"}, "mlc.window=round: Input should be 'shared' or 'full'"),
        ({"seed": 3}, "mlc.seed: use --seeds"),
    ],
)
def test_what_cannot_be_set(values: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        with_overrides(ClassifierParams(), values, where="mlc.")
