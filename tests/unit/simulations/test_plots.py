"""The figures: one for everything that a result holds, none for what it lacks."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from simulations import plots
from simulations.outcomes import ORACLE
from tests.unit.simulations.documents import empty_document, full_document

Draw = Callable[[Mapping[str, Any]], str | None]
FIGURES = (
    plots.lift_figure,
    plots.scorer_figure,
    plots.weight_figure,
    plots.help_figure,
    plots.cosine_figure,
    plots.round_figure,
    plots.time_figure,
)
SVG = "{http://www.w3.org/2000/svg}"


@cache
def drawn(draw: Draw) -> str:
    """The figure of a full synthetic result, drawn once."""
    svg = draw(full_document())
    assert svg is not None
    return svg


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


def test_draws_every_method_but_the_oracle_against_local() -> None:
    shown = texts(plots.lift_figure(full_document("shop")))
    assert {"popularity", "feature", "federated-model", "shop (synthetic)"} <= shown
    assert not {"local", ORACLE} & shown


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


def test_shows_who_helps_whom_in_percent_and_cosines_with_their_sign() -> None:
    assert "12.5" in texts(drawn(plots.help_figure))
    assert "-.25" in texts(drawn(plots.cosine_figure))
