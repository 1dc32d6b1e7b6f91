import json
import math

import pytest

from benchmarks.peers.race_log import BUDGET_OVER, RaceLog, common_level, compare
from benchmarks.peers.race_table import markdown
from shared.errors import DataError

START = json.dumps({"kind": "start", "versions": {"torch": "2"}, "settings": {"tokens": 64}})
END = json.dumps({"kind": "end", "reason": "50 seconds are over"})


def lap(wall: float, targets: float, ndcg: float, processor: float = 1.0) -> str:
    return json.dumps({"kind": "lap", "wall": wall, "processor": processor * wall, "targets": targets, "ndcg": ndcg})


def log(name: str, *points: tuple[float, float, float]) -> RaceLog:
    return RaceLog.parse(name, [START, *(lap(*point) for point in points), END], "wall")


def test_reads_what_a_competitor_said() -> None:
    ours = log("ours", (10, 500, 0.01), (20, 1000, 0.03))
    assert (ours.seconds, ours.targets, ours.ndcg) == ((10, 20), (500, 1000), (0.01, 0.03))
    assert (ours.versions, ours.settings, ours.reason) == ({"torch": "2"}, {"tokens": 64}, "50 seconds are over")
    assert ours.best == 0.03
    assert ours.targets_per_second == 50


def test_reads_the_clock_that_is_asked_for() -> None:
    lines = [START, lap(10, 500, 0.01, processor=0.5)]
    assert RaceLog.parse("ours", lines, "wall").seconds == (10,)
    assert RaceLog.parse("ours", lines, "processor").seconds == (5,)


def test_has_no_reason_where_the_race_was_cut_off() -> None:
    assert RaceLog.parse("ours", [START, lap(10, 500, 0.01)], "wall").reason == ""


def test_is_not_over_where_a_smaller_budget_ended_it() -> None:
    ended = json.dumps({"kind": "end", "reason": BUDGET_OVER})
    cut = RaceLog.parse("peer", [START, lap(10, 500, 0.01), ended], "wall")
    assert cut.is_over(10)
    assert not cut.is_over(11)
    assert not RaceLog.parse("peer", [START, lap(10, 500, 0.01)], "wall").is_over(1)
    assert log("ours", (10, 500, 0.01)).is_over(1000)


def test_interpolates_within_an_lap() -> None:
    # half way from .01 at 10 s to .03 at 20 s; a dip after a level was reached changes nothing
    ours = log("ours", (10, 1, 0.01), (20, 2, 0.03), (30, 3, 0.02))
    assert ours.seconds_to(0.02) == pytest.approx(15)
    assert ours.seconds_to(0.005) == pytest.approx(5)
    assert ours.seconds_to(0.03) == pytest.approx(20)
    assert ours.seconds_to(0.031) is None
    assert log("peer", (10, 1, 0.0)).seconds_to(0.0) == 0


def test_compares_times_to_the_same_level() -> None:
    ours = log("ours", (4, 1, 0.02), (8, 2, 0.04))
    peer = log("peer", (30, 1, 0.02), (60, 2, 0.03))
    assert common_level([ours, peer]) == 0.03
    one = compare(ours, peer, 0.03)
    assert one.ours is not None
    assert one.ours == pytest.approx(6)
    assert one.peer == pytest.approx(60)
    assert one.ratio == pytest.approx(0.1)
    assert compare(ours, peer, 0.04).ratio is None


def test_prints_a_row_a_competitor_and_three_a_peer() -> None:
    ours = log("ours", (4, 400, 0.02), (8, 800, 0.04))
    table = markdown(ours, [log("peer", (30, 300, 0.02), (60, 600, 0.03))])
    assert "| ours | 0.0400 | 2 | 8 | 50 seconds are over |" in table
    assert "| ours | 6.0 | 100 |" in table
    assert "| peer | 100% of its best | 0.0300 | 60.0 | 6.0 |" in table
    assert "| peer | 100% of its best | 0.100 | 10.00 |" in table
    assert table.count("of its best") == 6


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "begins with a line of kind 'start'"),
        ([lap(1, 1, 0.1)], "got a lap"),
        ([START, "loss 3.2"], "line 2: expected a start, a lap or an end as JSON; got 'loss 3.2'"),
        ([START, json.dumps({"kind": "lap", "wall": 1})], "line 2"),
        ([START, json.dumps([1])], "line 2"),
        ([START, lap(5, 1, 0.1), lap(4, 2, 0.1)], "got 4 s, 2, 0.1"),
        ([START, lap(5, 1, math.nan)], "line 2"),
    ],
)
def test_refuses_what_is_no_race(lines: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        RaceLog.parse("peer", lines, "wall")
