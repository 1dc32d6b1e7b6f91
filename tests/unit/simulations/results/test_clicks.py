"""Click prediction in result.json, in a terminal and on the page."""

import io

import numpy as np
import pytest
from rich.console import Console

from client.clicks.click_metrics import ClickRanking
from simulations.report.html_report import render_report
from simulations.results.clicks import clicks_entry
from simulations.results.outcomes import ClickOutcome
from simulations.results.table import clicks_table
from tests.unit.simulations.documents import full_document


def outcome(method: str, auc: list[float], *, seed: int = 0, users: list[int] | None = None) -> ClickOutcome:
    figures = np.array(auc)
    return ClickOutcome(
        platform="news",
        method=method,
        seed=seed,
        impressions={"train": 9, "validation": 3, "test": 2},
        items=50,
        click_rate=0.04,
        ranking=ClickRanking(
            users=np.array(users or range(len(auc))),
            auc=figures,
            reciprocal_rank=figures / 2,
            ndcg_5=figures / 3,
            ndcg_10=figures / 4,
            gauc=0.6,
        ),
        log_loss=0.2,
        ece=0.02,
        ece_scaled=0.01,
        temperature=1.5,
        tuned={"encoders": "own", "epoch": 3},
    )


def test_averages_impressions_then_seeds() -> None:
    block = clicks_entry([outcome("local", [0.4, 0.6], seed=0), outcome("local", [0.8, 0.8], seed=1)])
    assert block is not None
    entry = block["methods"]["local"]
    assert entry["auc"] == pytest.approx((0.5 + 0.8) / 2)
    assert entry["per_seed"]["auc"] == pytest.approx([0.5, 0.8])
    assert entry["per_seed"]["seed"] == [0, 1]
    assert entry["tuned"] == {"encoders": ["own", "own"], "epoch": [3, 3]}
    assert (block["impressions"]["test"], block["items"], block["click_rate"]) == (2, 50, 0.04)


def test_measures_the_lift_of_auc_over_local_by_user() -> None:
    # user 1 has two impressions: their means are .5 and .55, a tenth more, as is user 2's
    local = outcome("local", [0.4, 0.6, 0.5], users=[1, 1, 2])
    feature = outcome("feature", [0.5, 0.6, 0.55], users=[1, 1, 2])
    block = clicks_entry([feature, local])
    assert block is not None
    assert list(block["methods"]) == ["local", "feature"]
    assert block["methods"]["local"]["lift"] is None
    lift = block["methods"]["feature"]["lift"]
    assert lift == {"against": "local", **dict.fromkeys(("mean", "low", "high"), pytest.approx(10))}


def test_has_no_block_where_nothing_was_predicted() -> None:
    assert clicks_entry([]) is None
    assert clicks_table(full_document("shop")) is None
    assert "Clicks" not in render_report(full_document("shop"))


def test_shows_every_method_in_a_terminal_and_on_the_page() -> None:
    document = full_document("amazon_industrial", synthetic=False)
    outcomes = [outcome(method, [0.51, 0.62]) for method in ("popularity", "local", "feature")]
    document["platforms"]["amazon_industrial"]["clicks"] = clicks_entry(outcomes)
    out = io.StringIO()
    Console(file=out, width=100).print(clicks_table(document))
    assert "…" not in out.getvalue()
    assert all(f" {method} " in out.getvalue() for method in ("popularity", "local", "feature"))
    page = render_report(document)
    assert "Clicks" in page
    assert page.count("<td>0.5650</td>") == 3
