"""A small line chart of one figure over a run's rounds, as coordinates that a template draws."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.coordinator.run_book import kept_evaluation
from server.engine.round_lines import MOMENTS, is_after_moments

WIDTH, HEIGHT = 480, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 14, 30
"""around the lines, for what is written there"""
_LEAST_DOTS = 2
"""a single one is no line; the table has its figure"""


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One round."""

    x: float
    y: float
    words: str
    marked: bool
    """whether the run would leave the encoder of this round"""


@dataclass(frozen=True, kw_only=True)
class RoundChart:
    """One figure by round."""

    title: str
    dots: tuple[Dot, ...]
    least: str
    most: str
    """of the figure, at the foot and at the head of its axis"""
    first: str
    last: str
    """questions, at both ends of their axis"""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM

    @property
    def line(self) -> str:
        """As SVG takes the points of a line."""
        return " ".join(f"{dot.x:.1f},{dot.y:.1f}" for dot in self.dots)

    @property
    def has_mark(self) -> bool:
        """Whether a dot stands for the encoder that the run leaves."""
        return any(dot.marked for dot in self.dots)

    @property
    def words(self) -> str:
        """For whoever does not see it."""
        return f"{self.title}: {'; '.join(dot.words for dot in self.dots)}"


def round_chart(
    title: str, history: Sequence[Mapping[str, Any]], figure: Callable[[Mapping[str, Any]], float | None]
) -> RoundChart | None:
    """None where fewer than two questions of the history have the figure.

    Args:
        title: what the figure is, with its unit.
        history: the run's questions, as they are kept.
        figure: of one question; None where it has none.
    """
    points = [(record, value) for record in history if (value := figure(record)) is not None]
    if len(points) < _LEAST_DOTS:
        return None
    places, values = [_place(record, history) for record, _ in points], [value for _, value in points]
    names = [_name(record, history) for record, _ in points]
    kept_record = kept_evaluation(history)
    across, up = _scale(places, _LEFT, WIDTH - _RIGHT), _scale(values, HEIGHT - _BOTTOM, _TOP)
    dots = (
        Dot(x=across(place), y=up(value), words=f"{name}: {value:.4f}", marked=record is kept_record)
        for (record, value), place, name in zip(points, places, names, strict=True)
    )
    return RoundChart(
        title=title,
        dots=tuple(dots),
        least=f"{min(values):.4f}",
        most=f"{max(values):.4f}" if max(values) > min(values) else "",
        first=names[0],
        last=names[-1],
    )


def _name(record: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    if record["round"]:
        return f"round {record['round']}"
    return "after moments" if is_after_moments(record, history) else "start"


def _place(record: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> int:
    """Along the axis: a round's number; the start lies one before what moments made of it."""
    is_start = not record["round"] and not is_after_moments(record, history)
    return -1 if is_start and any(line["kind"] == MOMENTS for line in history) else record["round"]


def _scale(values: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    """From the range of the values to coordinates; a single value lies at the start."""
    least, span = min(values), max(values) - min(values)
    return lambda value: start + (end - start) * ((value - least) / span if span else 0.0)
