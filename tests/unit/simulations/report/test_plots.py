"""The figures: one for everything that a result holds, none for what it lacks."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from simulations.report import curves, plots
from simulations.report import html_report as report
from simulations.results.outcomes import ORACLE
from tests.unit.simulations.documents import empty_document, full_document

Draw = Callable[[Mapping[str, Any]], str | None]
FIGURES = tuple(draw for _, _, draw in report.FIGURES)
SVG = "{http://www.w3.org/2000/svg}"


@cache
def drawn(draw: Draw) -> str:
    """The figure of a full synthetic result, drawn once."""
    svg = draw(full_document())
    assert svg is not None
    return svg


def ticks(svg: str | None) -> list[str]:
    """What stands along the axes, in the order in which it is drawn."""
    ids = re.compile(r"[xy]tick_\d+")
    groups = [node for node in ET.fromstring(svg or "").iter(f"{SVG}g") if ids.fullmatch(node.get("id", ""))]  # noqa: S314
    return ["".join(text.itertext()) for node in groups for text in node.iter(f"{SVG}text")]


def texts(svg: str | None) -> set[str]:
    """What a reader of the figure can read; the SVG is read as XML, which a broken one fails."""
    root = ET.fromstring(svg or "")  # noqa: S314 (our own figure)
    assert root.tag == f"{SVG}svg"
    return {"".join(node.itertext()).strip() for node in root.iter(f"{SVG}text")}


@pytest.mark.parametrize("draw", FIGURES)
def test_is_well_formed_and_says_synthetic_where_it_is(draw: Draw) -> None:
    assert "synthetic" in texts(drawn(draw))
    assert "synthetic" not in texts(draw(full_document(synthetic=False)))


@pytest.mark.parametrize("draw", FIGURES)
def test_is_the_same_text_for_the_same_result(draw: Draw) -> None:
    assert draw(full_document()) == drawn(draw)


@pytest.mark.parametrize("draw", FIGURES)
def test_takes_the_ink_of_the_page(draw: Draw) -> None:
    assert "currentColor" in drawn(draw)
    assert "#010203" not in drawn(draw)


@pytest.mark.parametrize("draw", FIGURES)
def test_is_none_where_the_result_holds_nothing(draw: Draw) -> None:
    assert draw(empty_document()) is None


def test_draws_no_rounds_where_there_were_none() -> None:
    assert plots.round_figure(full_document() | {"rounds": []}) is None
    without_curves = [entry | {"losses": {}, "validation": {}} for entry in full_document()["rounds"]]
    assert plots.round_figure(full_document() | {"rounds": without_curves}) is None


def test_draws_every_fitted_transfer_method_on_an_axis_of_its_own() -> None:
    shown = texts(plots.lift_figure(full_document("shop")))
    assert {"feature", "federated-model", "shop (synthetic)"} <= shown
    assert not {"local", ORACLE, "popularity", "content-knn", "zero-shot"} & shown


def test_names_scorers_in_words() -> None:
    document = full_document("shop")
    document["platforms"]["shop"]["scorers"] = {"content-knn@0.6": 0.1, "own:sequence": 0.2, "mine": 0.3}
    shown = texts(plots.scorer_figure(document))
    assert {"similar texts, latest first (0.6)", "own encoder: sequence", "mine"} <= shown


def test_draws_no_lift_where_local_was_not_run() -> None:
    assert plots.lift_figure(full_document(methods=("popularity", "feature"))) is None


def test_weighs_under_the_transfer_method_that_a_platform_has() -> None:
    assert "shop (federated)" in texts(plots.weight_figure(full_document("shop")))
    assert "shop (stack)" in texts(plots.weight_figure(full_document("shop", methods=("ease", "stack"))))
    assert plots.weight_figure(full_document("shop", methods=("ease",))) is None


def test_leaves_out_the_steps_that_took_no_time() -> None:
    shown = texts(drawn(plots.time_figure))
    assert {"prepare", "rounds", "1.0 s", "2.0 s"} <= shown
    assert "rank" not in shown


def test_draws_one_platform_and_many() -> None:
    for count in (1, 3):
        names = tuple(f"shop-{number}" for number in range(count))
        assert {f"{name} (synthetic)" for name in names} <= texts(plots.lift_figure(full_document(*names)))


def test_marks_a_contribution_that_is_beyond_noise() -> None:
    shown = texts(drawn(plots.contribution_figure))
    assert {"25.0*", "0"} <= shown
    assert "25.0" not in shown


def test_shows_who_helps_whom_in_percent_and_cosines_with_their_sign() -> None:
    assert "12.5" in texts(drawn(plots.help_figure))
    assert "-.25" in texts(drawn(plots.cosine_figure))


@pytest.mark.parametrize("draw", [plots.contribution_figure, plots.help_figure, plots.cosine_figure])
def test_names_platforms_in_one_order_down_and_across(draw: Draw) -> None:
    names = ticks(draw(full_document("shop", "films", "news")))
    assert len(names) == 6
    assert names[:3] == names[3:]


def test_draws_a_platform_in_its_beginnings_up_to_all_of_its_users() -> None:
    shown = texts(drawn(curves.new_platform_figure))
    assert {"0", "10", "40", "shop (synthetic)", "zero-shot", "local", "popularity"} <= shown
    assert "second-shop (synthetic)" not in shown
    assert curves.new_platform_figure(full_document(beginnings=())) is None


def test_draws_cold_users_and_items_for_every_platform_but_the_source_under_the_methods_there_are() -> None:
    shown = texts(curves.new_user_figure(full_document(methods=("popularity", "local"))))
    assert {"1", "2", "3", "all", "popularity", "local", "second-shop (synthetic)"} <= shown
    assert not {"feature", "served", "shop (synthetic)"} & shown  # shop is the source
    assert {"0", "1-3", "4-9", "10+"} <= texts(drawn(curves.new_item_figure))


def test_draws_no_part_of_fewer_than_ten_users() -> None:
    document = full_document()
    for found in document["platforms"]["second-shop"]["methods"].values():
        for part in found["cold_start"]["by_target_events"].values():
            part["count"] = 9
    assert curves.new_user_figure(document) is not None
    assert curves.new_item_figure(document) is None


def test_marks_every_strength_of_a_trade_off() -> None:
    assert {"0", "0.5", "shop (synthetic)"} <= texts(drawn(curves.trade_off_figure))
    assert curves.trade_off_figure(full_document(methods=("local", "feature"))) is None
