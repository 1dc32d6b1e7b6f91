"""Tables that benchmarks write for docs/results stay within six columns and lose no figure."""

import pytest

from benchmarks import basket_completion, private_sums, secure_sum, time_scorers
from benchmarks.kill_trials import table as kill_trials_table
from benchmarks.narrow_tables import MOST_COLUMNS
from benchmarks.privacy_utility import _stack_lines
from tests.unit.benchmarks.test_kill_trials import outcome

USERS = [0.1, 0.2, 0.3, 0.2]


def judged(how: str, gain: float) -> dict[str, object]:
    return {
        "how": how,
        "judged": private_sums.JUDGED[0],
        "seed": 0,
        "nats": 0.5,
        "serves": "feature",
        "local_ndcg": USERS,
        "feature_ndcg": [value + gain for value in USERS],
    }


def fitted(how: str) -> dict[str, object]:
    return judged(how, 0.1) | {"pair": "shops", "local": 0.2, "feature": 0.3}


PAGES = {
    "kill_trials": kill_trials_table([outcome(0, same=True)]),
    "private_sums": private_sums.table([judged(how, 0.1) for how in private_sums.HOWS]),
    "privacy_utility": "\n".join(_stack_lines([fitted("exact"), fitted("8")])),
    "time_scorers": "\n".join(
        time_scorers.rows(
            {("mind_news", "last", 0): {"without": [0.1] * 50, "popularity": [0.2] * 50, "with": [0.3] * 50}}
        )
    ),
    "basket_completion": "\n".join(
        basket_completion.rows({("uci_retail", 0): {"session": [0.1, 0.2], "pairs": [0.2, 0.2], "basket": [0.3, 0.3]}})
    ),
    "secure_sum": secure_sum.page([secure_sum.Cost(3, 0.3, 0.4, 3_000, 6_000).row(2, "sum", 10_000)]),
}


@pytest.mark.parametrize("name", PAGES)
def test_has_at_most_six_columns(name: str) -> None:
    heads = [line for line in PAGES[name].splitlines() if line.startswith("|")]
    assert len(heads) > 3
    assert max(line.count("|") - 1 for line in heads) <= MOST_COLUMNS


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("private_sums", ["| plain | 1 | 0.5000 | +50.0 % [", "| private | +50.0 % ["]),
        ("privacy_utility", ["| shops | ε 8 | 1 | 0.2000 | 0.3000 |", "| shops | ε 8 | +50.0 % | +0.0 ["]),
        ("time_scorers", ["| mind_news | last baskets | 50 × 1 | 0.1000 | 0.2000 | 0.3000 |"]),
        ("basket_completion", ["| uci_retail | 2 × 1 | 0.1500 | 0.2000 | 0.3000 |", "| uci_retail | +100.0 ["]),
        ("secure_sum", ["| 3 | sum | 10,000 | 2 | 0.100 | 0.100 |", "| 3 | sum | 10,000 | 1.0 kB | 2.0 kB |"]),
    ],
)
def test_repeats_the_key_beside_each_figure(name: str, rows: list[str]) -> None:
    assert [row for row in rows if row not in PAGES[name]] == []
