"""Which round's encoder a run leaves: the one that its platforms did best with.

Rounds that go on too long learn the platforms by heart (docs/decisions/0023), and one bad round is enough to undo the
good ones before it. So what a run leaves is judged by what platforms answer about it, not by being the last.
"""

from collections.abc import Mapping, Sequence

from server.run_state import RoundRecord

BOTH = "both"
"""The part of an evaluation that judges: linear and sequence part together."""


def is_best_yet(
    found: Mapping[str, Mapping[str, float]], history: Sequence[RoundRecord], weights: Mapping[str, float]
) -> bool:
    """Whether platforms do as well with an encoder as with the best before it, or better.

    Where a platform had a and has b, it counts (b − a) / (a + b), so that one whose users are easy to please counts no
    more than another, times its update's weight; platforms that did not answer both times do not count. An encoder with
    which nothing can be compared is the best.

    Args:
        found: by platform and part, NDCG@10 of the encoder in question.
        history: what was asked before; its last record that is ``best`` holds the others' figures.
        weights: of the platforms' updates; 1 for who sent none.
    """
    best = best_record(history)
    if best is None:
        return True
    gain = 0.0
    for name in sorted(set(found) & set(best.validation)):
        before, now = best.validation[name].get(BOTH, 0.0), found[name].get(BOTH, 0.0)
        if before > 0 or now > 0:
            gain += weights.get(name, 1.0) * (now - before) / (before + now)
    return bool(gain >= 0)


def best_record(history: Sequence[RoundRecord]) -> RoundRecord | None:
    """The evaluation of the encoder that a run of this history leaves; None where none was evaluated."""
    return next((record for record in reversed(history) if record.best), None)
