"""The table in terminals of several widths, and as Markdown."""

import io
from typing import Any

import pytest
from rich.console import Console

from simulations.results.table import COLUMNS, lift_text, markdown_table, rich_table
from tests.rules.test_documents import MOST_COLUMNS
from tests.unit.simulations.documents import empty_document, full_document

REAL = ("amazon_industrial", "movielens_small")


def shown(document: dict[str, Any], width: int) -> list[str]:
    """The lines that a terminal of this width shows."""
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(rich_table(document, width))
    return out.getvalue().splitlines()


def columns(lines: list[str]) -> list[str]:
    return [name for name in COLUMNS if any(name in line for line in lines[:4])]


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("document", [full_document(), full_document(*REAL, synthetic=False)], ids=["made-up", "real"])
def test_cuts_no_text_and_no_line_from_80_columns_on(document: dict[str, Any], width: int) -> None:
    lines = shown(document, width)
    assert max(map(len, lines)) <= width
    assert "…" not in "\n".join(lines)
    assert all(sum(method in line for line in lines) >= 2 for method in ("federated-model", "popularity"))


@pytest.mark.parametrize("width", [120, 200])
def test_has_every_column_where_there_is_room(width: int) -> None:
    assert columns(shown(full_document(), width)) == list(COLUMNS)
    assert columns(shown(full_document(*REAL, synthetic=False), width)) == list(COLUMNS[:-1])


def test_keeps_platform_method_ndcg_and_lift_at_80() -> None:
    kept = ["platform", "method", "NDCG@10", "lift over local"]
    assert columns(shown(full_document(), 80)) == [*kept, "of oracle"]
    assert set(kept) <= set(columns(shown(full_document(*REAL, synthetic=False), 80)))


@pytest.mark.parametrize("width", [80, 120, 200])
def test_says_synthetic_at_every_width(width: int) -> None:
    assert "Synthetic world" in shown(full_document(), width)[0]
    assert "ynthetic" not in "\n".join(shown(full_document(synthetic=False), width))


def test_writes_a_platform_once_and_its_methods_below() -> None:
    lines = shown(full_document("shop"), 80)
    assert sum("shop" in line for line in lines[1:]) == 1


def test_is_a_title_and_a_head_where_nothing_was_ready() -> None:
    assert "stopped before its end" in shown(empty_document(), 120)[0]


@pytest.mark.parametrize("synthetic", [True, False])
def test_markdown_has_every_column_and_one_line_for_each_method_in_tables_of_at_most_six(synthetic: bool) -> None:
    text = markdown_table(full_document("shop", methods=("local", "feature"), synthetic=synthetic))
    _, *tables = [block.splitlines() for block in text.split("\n\n")]
    heads = [table[0].strip("| ").split(" | ") for table in tables]
    assert max(map(len, heads)) <= MOST_COLUMNS
    expected = set(COLUMNS) if synthetic else set(COLUMNS[:-1])
    assert {head for table in heads for head in table} == expected
    for table in tables:
        assert [line.split(" | ")[1] for line in table[2:]] == ["local", "feature"]


def test_writes_a_lift_with_its_interval() -> None:
    lift = {"mean": 12.34, "low": -4.0, "high": 20.06}
    assert lift_text(lift) == "+12.3 % [-4.0, +20.1]"
    assert lift_text(lift, 0) == "+12 % [-4, +20]"
    assert lift_text(None) == "-"
