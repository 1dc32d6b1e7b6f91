from collections import Counter

from benchmarks.serving_faults import ANSWERED, AWAY, Phase, holds, page


def found(*, health=(0.01, 0.02), lost=0, **outcomes):
    phase = Phase("callers", outcomes=Counter({ANSWERED: 3, AWAY: 2, **outcomes}), health=list(health))
    facts = {"items": 20_000, "cores": 2, "load": [1.0, 2.0], "day": "2026-01-01", "acknowledged": 9, "lost": lost}
    return {**facts, "phases": [phase.row()]}


def test_each_bar_can_fail():
    assert holds(found())
    assert not holds(found(lost=1))
    assert not holds(found(DEADLINE_EXCEEDED=1))
    assert not holds(found(health=(0.3, 0.3)))
    assert not holds(found(health=(*[0.01] * 999, 1.1)))


def test_the_page_shows_what_failed_and_whether_the_bar_holds():
    assert "It holds." in page(found())
    shown = page(found(DEADLINE_EXCEEDED=4))
    assert "| callers | 3 | 2 | 4 DEADLINE_EXCEEDED |" in shown
    assert "It does NOT hold." in shown
