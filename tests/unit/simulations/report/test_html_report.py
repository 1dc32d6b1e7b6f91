"""The page: it shows what the result holds, for full, partial and empty results, and escapes it."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from simulations.report.html_report import headline, render_report, verdict, write_report
from tests.browser import WIDTHS, browser, pictures
from tests.unit.simulations.documents import empty_document, full_document

HEADINGS = (
    "Lift over local",
    "New platforms",
    "New users",
    "New items",
    "What diversity costs",
    "What each scorer is worth alone",
    "What each platform&#39;s stack weighs",
    "Leave-one-out contribution (who helps whom)",
    "Leave-one-out contribution: the linear part alone",
    "Who pulls the same way: the sequence part",
    "Rounds",
    "Where time went",
)
ALONE = {"meta", "br", "hr", "img", "input", "link"}


class _Nesting(HTMLParser):
    """Follows the open elements; ``wrong`` lists what does not close as it opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.parents_of_tables: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.parents_of_tables.append(self.last)
        self.last = f"{tag} {dict(attrs).get('class')}"
        if tag not in ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def page() -> str:
    """Of a full result."""
    return render_report(full_document())


def nesting(page: str) -> _Nesting:
    parser = _Nesting()
    parser.feed(page)
    return parser


def test_shows_every_figure_of_a_full_result(page: str) -> None:
    assert [heading for heading in HEADINGS if f"<h2>{heading}</h2>" not in page] == []
    pictures_for_narrow_pages = page.count('<div class="narrow">')
    assert pictures_for_narrow_pages == len(HEADINGS)
    assert page.count("<svg") == len(HEADINGS) + pictures_for_narrow_pages


def test_closes_what_it_opens_and_lets_every_table_scroll_in_its_own_box(page: str) -> None:
    found = nesting(page)
    assert (found.open, found.wrong) == ([], [])
    assert found.parents_of_tables == ["div scroll"] * 4
    assert re.search(r"\.scroll \{[^}]*overflow-x: auto", page)


def test_shows_what_lists_are_like_for_all_for_cold_and_for_warm_users(page: str) -> None:
    assert page.count("<summary>") == 2
    row = page[page.index("<summary>shop</summary>") :].partition("<td>served</td>")[2].partition("</tr>")[0]
    coverage = ["<td>0.50</td>", "<td>0.25</td>", "<td>0.38</td>"]
    assert row.startswith("".join(coverage))
    assert row.count("<td>") == 9


def test_shows_a_result_of_an_earlier_time_that_knows_no_lists() -> None:
    document = full_document("shop")
    del document["cold_start"]
    for found in document["platforms"]["shop"]["methods"].values():
        for name in ("diversity@10", "novelty@10", "cold_start"):
            del found[name]
        found.pop("trade_off", None)
    page = render_report(document)
    assert "<summary>" not in page
    assert [heading for heading in HEADINGS[1:5] if f"<h2>{heading}</h2>" in page] == []
    assert "<h2>Lift over local</h2>" in page


def test_shows_a_result_of_an_earlier_time_that_knows_the_linear_part_alone() -> None:
    document = full_document()
    del document["contributions"]
    page = render_report(document)
    assert "<h2>Leave-one-out contribution (who helps whom)</h2>" not in page
    assert "<h2>Leave-one-out contribution: the linear part alone</h2>" in page


def test_is_whole_where_nothing_was_ready() -> None:
    page = render_report(empty_document())
    found = nesting(page)
    assert (found.open, found.wrong) == ([], [])
    assert "<strong>Not complete.</strong>" in page
    assert "<svg" not in page
    assert "Synthetic" not in page


def test_shows_what_a_stopped_run_has_and_that_it_is_not_all(page: str) -> None:
    stopped = render_report(full_document(complete=False, methods=("popularity", "local")) | {"rounds": []})
    assert "<strong>Not complete.</strong>" in stopped
    assert "<td>popularity</td>" in stopped
    assert "<h2>Rounds</h2>" not in stopped
    assert "<strong>Not complete.</strong>" not in page


def test_says_what_a_student_is_worth_alone_and_how_long_it_takes(page: str) -> None:
    assert "(nano, 12,345 numbers; its teacher has 67,890) reaches NDCG@10 0.2500 without teacher and stack" in page
    assert "50 % of its teacher's; one recommendation takes 2.1 ms, by the stack 43.2 ms." in page
    assert "The student of" not in render_report(full_document(methods=("local", "model")))


def test_escapes_every_text_from_outside() -> None:
    evil = "<script>alert(1)</script>&"
    document = full_document(evil)
    document["config"]["features"] = evil
    document["source"] = evil
    document["platforms"][evil]["left_out"] = {evil: evil}
    document["platforms"][evil]["scorers"] = {evil: 0.1}
    page = render_report(document)
    assert page.count("<script") == 1
    assert "alert(1)</script>" not in page
    assert page.count("&lt;script&gt;") > 5


def test_opens_with_the_picture_of_lifts(page: str) -> None:
    assert page.index("<h2>Lift over local</h2>") < page.index("<svg") < page.index("<h2>Methods on each platform</h2>")
    assert "Lift over local" not in render_report(full_document(methods=("popularity", "feature")))


_CUT = """[...document.querySelectorAll('svg text')].filter((text) => {
  const box = text.getBoundingClientRect(), page = document.documentElement.clientWidth;
  return box.width && (box.left < 0 || box.right > page);
}).map((text) => text.textContent)"""
_UNDER_THE_MARK = """[...document.querySelectorAll('svg')].flatMap((svg) => {
  const boxes = [...svg.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()]);
  const marks = boxes.filter(([words, box]) => words === 'synthetic' && box.width).map(([, box]) => box);
  return boxes.filter(([words, box]) => words !== 'synthetic' && marks.some((mark) =>
    box.left < mark.right && mark.left < box.right && box.top < mark.bottom && mark.top < box.bottom));
}).map(([words]) => words)"""


@pytest.mark.parametrize("width", WIDTHS)
def test_no_word_of_a_picture_is_cut_or_covered(tmp_path: Path, width: int) -> None:
    write_report(full_document("shop"), tmp_path / "report.html")
    with browser(tmp_path) as seen:
        seen.open((tmp_path / "report.html").as_uri(), width=width)
        assert seen.value("document.querySelectorAll('svg text').length") > len(HEADINGS)
        assert (seen.value(_CUT), seen.value(_UNDER_THE_MARK)) == ([], [])


def test_a_table_is_sorted_by_a_click_and_back_by_another(tmp_path: Path) -> None:
    write_report(full_document("shop"), tmp_path / "report.html")
    rows = "document.querySelectorAll('tbody')[0].rows"
    values = f"[...{rows}].map((row) => Number.parseFloat(row.cells[2].textContent))"
    with browser(tmp_path) as seen:
        pictures(seen, (tmp_path / "report.html").as_uri(), tmp_path, "report")
        seen.value("document.querySelector('table.sortable th:nth-child(3)').click()")
        down = json.loads(seen.value(f"JSON.stringify({values})"))
        assert down == sorted(down, reverse=True)
        assert len(down) > 3
        seen.value("document.querySelector('table.sortable th:nth-child(3)').click()")
        assert json.loads(seen.value(f"JSON.stringify({values})")) == down[::-1]
        assert seen.said == []


def test_headline_names_the_first_transfer_method_there_is_and_never_the_best() -> None:
    document = full_document("shop", methods=("local", "feature", "pooled"))
    lifts = document["platforms"]["shop"]["methods"]
    lifts["feature"]["lift"] = {"against": "local", "mean": -4.0, "low": -6.0, "high": -1.0}
    lifts["pooled"]["lift"] = {"against": "local", "mean": 40.0, "low": 30.0, "high": 50.0}
    assert headline(document) == ["shop: feature -4.0 % [-6.0, -1.0] over local, worse beyond noise."]


def test_has_no_headline_without_a_lift() -> None:
    assert headline(full_document(methods=("local", "popularity"))) == []
    assert headline(full_document(methods=("feature",))) == []


def test_says_what_an_interval_means() -> None:
    assert verdict({"low": 1.0, "high": 2.0}) == "better beyond noise"
    assert verdict({"low": -2.0, "high": -1.0}) == "worse beyond noise"
    assert verdict({"low": -1.0, "high": 2.0}) == "within noise"
    assert verdict(None) == ""


def test_replaces_an_old_page_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("old")
    write_report(full_document(), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
