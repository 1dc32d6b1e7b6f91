"""A small line chart of one figure over a run's rounds, as coordinates that a template draws."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 480, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 14, 30
"""around the lines, for what is written there"""


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
    """rounds, at both ends of their axis"""
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
    def words(self) -> str:
        """For whoever does not see it."""
        return f"{self.title}: {'; '.join(dot.words for dot in self.dots)}"


def round_chart(
    title: str, history: Sequence[Mapping[str, Any]], figure: Callable[[Mapping[str, Any]], float | None]
) -> RoundChart | None:
    """None where no question of the history has the figure.

    Args:
        title: what the figure is, with its unit.
        history: the run's questions, as they are kept.
        figure: of one question; None where it has none.
    """
    points = [(record, value) for record in history if (value := figure(record)) is not None]
    if not points:
        return None
    rounds, values = [record["round"] for record, _ in points], [value for _, value in points]
    kept_round = max((record["round"] for record, _ in points if record.get("kept")), default=None)
    across, up = _scale(rounds, _LEFT, WIDTH - _RIGHT), _scale(values, HEIGHT - _BOTTOM, _TOP)
    dots = (
        Dot(
            x=across(record["round"]),
            y=up(value),
            words=f"round {record['round']}: {value:.4f}",
            marked=record["round"] == kept_round,
        )
        for record, value in points
    )
    return RoundChart(
        title=title,
        dots=tuple(dots),
        least=f"{min(values):.4f}",
        most=f"{max(values):.4f}" if max(values) > min(values) else "",
        first=str(rounds[0]),
        last=str(rounds[-1]) if rounds[-1] != rounds[0] else "",
    )


def _scale(values: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    """From the range of the values to coordinates; a single value lies at the start."""
    least, span = min(values), max(values) - min(values)
    return lambda value: start + (end - start) * ((value - least) / span if span else 0.0)
