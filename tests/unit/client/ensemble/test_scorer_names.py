"""Every scorer that a platform can have is named in words."""

import pytest

from client.ensemble.scorer_names import readable
from client.scorers.table import ScorerSettings, scorer_table
from client.transfer.table import METHODS


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("content-knn@0", "similar texts, last item"),
        ("item-knn@1", "same users, all items alike"),
        ("recent@30d", "popular lately, 30 days"),
        ("trend@30d/365d", "rising, 30 days against 365 days"),
        ("popularity@neighbours", "popularity of similar texts"),
        ("federated-tuned:linear", "federated encoder, tuned here: linear"),
        ("of-a-plugin@2", "of-a-plugin@2"),
        ("else:where", "else:where"),
    ],
)
def test_says_what_a_column_is(column: str, words: str) -> None:
    assert readable(column) == words


def test_every_column_of_a_baseline_has_words() -> None:
    for method in METHODS.values():
        for column in method.columns:
            assert readable(column.name) != column.name or column.name == "popularity"


def test_every_computed_scorer_has_words() -> None:
    for name in scorer_table(ScorerSettings()):
        assert readable(name) != name or name == "popularity"
