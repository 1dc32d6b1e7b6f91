"""Each figure counts what its formula says, and its interval holds the truth as often as it claims."""

from dataclasses import dataclass

import numpy as np
import pytest

from client.adaptation.intervals import ratio, share
from client.adaptation.satisfaction import MEASURES, satisfaction
from client.data.feedback import FeedbackKind

DAY = 86_400.0
NOW = 100 * DAY


@dataclass(frozen=True)
class Event:
    user: str
    item: str
    kind: FeedbackKind
    time: float


def shown(user, items, time):
    return [Event(user, item, FeedbackKind.SHOWN, time) for item in items]


def figures(events, known=("a", "b"), now=NOW):
    return satisfaction(events, lambda user: user in known, now)


EVENTS = [
    *shown("a", "pqrs", 0.0),
    Event("a", "q", FeedbackKind.CLICKED, 60.0),
    Event("a", "r", FeedbackKind.DISLIKED, 90.0),
    *shown("a", "pq", 10 * DAY),
    Event("a", "p", FeedbackKind.PURCHASED, 11.5 * DAY),
    *shown("b", "pqrs", 0.0),
    *shown("b", "pqrs", 3 * DAY),
    Event("b", "p", FeedbackKind.LIKED, 3 * DAY + 3_600),
    *shown("c", "pq", 95 * DAY),
]


@pytest.mark.parametrize(
    ("measure", "users", "expected", "of"),
    [
        ("click-through", "all", 2 / 16, 16),
        ("click-through", "known", 2 / 14, 14),
        ("click-through", "new", 0.0, 2),
        ("hit-rate", "all", 2 / 5, 5),
        ("abandonment", "all", 4 / 5, 5),
        ("dislikes", "all", 1 / 16, 16),
        ("return-rate", "all", 1 / 2, 2),
    ],
)
def test_counts_what_the_formula_says(measure, users, expected, of):
    figure = figures(EVENTS)[measure, users]
    assert (figure.value, figure.of) == (pytest.approx(expected), of)
    assert figure.low <= figure.value <= figure.high


def test_corrects_for_places():
    """At the first place 1 of 5 is met, at the second 1 of 5: known users saw 4 of each, new ones 1."""
    told = figures(EVENTS)
    assert told["position-corrected", "all"].value == pytest.approx(1.0)
    assert told["position-corrected", "known"].value == pytest.approx(2 / 1.6)
    assert ("position-corrected", "new") not in told


def test_says_nothing_of_what_nobody_saw_and_of_what_is_yet_to_come():
    assert figures([]) == {}
    assert figures(EVENTS, now=-1.0) == {}
    assert {measure for measure, _ in figures(EVENTS)} == set(MEASURES)


def test_an_interval_of_a_share_holds_the_truth_where_users_differ():
    rng, held = np.random.default_rng(1), 0
    for _ in range(400):
        tastes = rng.beta(1, 9, size=150)
        of = 1.0 + rng.poisson(8, size=150)
        figure = share(rng.binomial(of.astype(int), tastes).astype(float), of)
        held += figure.low <= 0.1 <= figure.high
    assert held / 400 > 0.92


def test_an_interval_of_a_ratio_holds_the_truth_where_users_differ():
    rng, held = np.random.default_rng(2), 0
    for _ in range(400):
        expected = rng.gamma(2.0, size=150)
        figure = ratio(rng.poisson(expected * rng.gamma(4.0, 0.3, size=150)).astype(float), expected)
        held += figure.low <= 1.2 <= figure.high
    assert held / 400 > 0.92


@pytest.mark.parametrize("counts", [np.zeros(40), np.full(40, 3.0)])
def test_an_interval_is_not_empty_where_all_or_none_count(counts):
    figure = share(counts, np.full(40, 3.0))
    assert figure.high - figure.low > 0.05


def test_there_is_no_figure_of_nobody():
    assert share(np.zeros(0), np.zeros(0)) is None
    assert ratio(np.ones(1), np.ones(1)) is None
    assert ratio(np.zeros(2), np.zeros(2)) is None
