"""Documents have one form: decisions have four headings, tables fit a page, lines fit a screen."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("0*.md"))
HEADINGS = ["Context", "Options", "Choice", "Consequences"]
MOST_COLUMNS = 6
LONGEST_LINE = 160


def prose_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines outside code blocks with their numbers, from 1."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(?:[-*]\s+)?(```+|~~~+)", line)
        if mark and fence is None:
            fence = mark.group(1)
        elif fence is not None:
            fence = None if line.strip() == fence else fence
        else:
            yield number, line


def headings(text: str) -> list[str]:
    """Return the headings of the second level, in order."""
    return [line.removeprefix("## ") for _, line in prose_lines(text) if line.startswith("## ")]


def wide_tables(text: str) -> list[int]:
    """Return the numbers of the lines that are rows of over six columns."""
    table_rows = [(number, line.strip()) for number, line in prose_lines(text) if line.lstrip().startswith("|")]
    return [number for number, line in table_rows if len(re.findall(r"(?<!\\)\|", line)) - 1 > MOST_COLUMNS]


def long_lines(text: str) -> list[int]:
    """Return the numbers of the lines over 160 characters that are neither code nor rows of tables."""
    return [
        number for number, line in prose_lines(text) if len(line) > LONGEST_LINE and not line.lstrip().startswith("|")
    ]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def test_finds_the_documents() -> None:
    assert len(PAGES) > 100
    assert len(DECISIONS) > 50
    assert len(NOTEBOOKS) > 10


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
class TestDecision:
    def test_has_the_four_headings_in_order(self, page: Path) -> None:
        text = page.read_text("utf-8")
        assert text.startswith("# ")
        assert headings(text) == HEADINGS

    def test_is_in_the_index_once(self, page: Path) -> None:
        index = (ROOT / "docs/decisions/index.md").read_text("utf-8").splitlines()
        assert index.count(page.stem) == 1


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.stem)
def test_a_notebook_and_its_decision_link_to_each_other(page: Path) -> None:
    decision = ROOT / "docs/decisions" / page.name
    assert f"(../notebooks/{page.name})" in decision.read_text("utf-8")
    assert f"(../decisions/{page.name})" in page.read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
class TestPage:
    def test_has_tables_of_at_most_six_columns(self, page: Path) -> None:
        assert wide_tables(page.read_text("utf-8")) == []

    def test_has_lines_of_at_most_160_characters(self, page: Path) -> None:
        assert long_lines(page.read_text("utf-8")) == []


class TestChecks:
    @pytest.mark.parametrize(
        "planted",
        [
            "# A title\n\n## Context\n\n## Choice\n\n## Options\n\n## Consequences\n",
            "# A title\n\n## Context\n\n## Options\n\n## Choice\n",
            "# A title\n\n## Context\n\n## Options\n\n## Choice\n\n## Figures\n\n## Consequences\n",
        ],
    )
    def test_sees_headings_that_are_missing_further_or_in_another_order(self, planted: str) -> None:
        assert headings(planted) != HEADINGS

    def test_takes_no_heading_from_a_code_block(self) -> None:
        form = "## Context\n\n## Options\n\n```sh\n## Choice\n```\n\n## Choice\n\n### Part\n\n## Consequences\n"
        assert headings(form) == HEADINGS

    def test_sees_a_table_of_seven_columns(self) -> None:
        assert wide_tables("text\n\n" + "| a " * 7 + "|\n") == [3]
        assert wide_tables("  " + "| a " * 7 + "|\n") == [1]

    def test_takes_six_columns_escaped_bars_and_code(self) -> None:
        assert wide_tables("| a " * 6 + "|\n" + "| a \\| b " * 6 + "|\n") == []
        assert wide_tables("```\n" + "| a " * 7 + "|\n```\n") == []

    def test_sees_a_line_of_161_characters(self) -> None:
        assert long_lines("a\n" + "x" * 161) == [2]

    def test_takes_160_characters_tables_and_code(self) -> None:
        assert long_lines("x" * 160 + "\n| " + "x" * 200 + " |\n```\n" + "x" * 200 + "\n```\n") == []

    def test_goes_on_after_a_code_block(self) -> None:
        assert long_lines("- ```sh\n  " + "x" * 200 + "\n  ```\n" + "x" * 161) == [4]
