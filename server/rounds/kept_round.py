"""Which round's encoder a run leaves: the newest with which platforms do not clearly worse than with one before it.

One bad round is enough to undo the good ones before it, so being the last is not enough. Rounds that differ by a few
percent of what the encoder alone is worth are not told apart: in a stack the later one is no worse, and its rates have
fallen (docs/decisions/0023).
"""

from collections.abc import Mapping, Sequence

from server.rounds.run_state import RoundRecord

BOTH = "both"
"""The part of an evaluation that judges: linear and sequence part together."""
CLEARLY = 0.1
"""How much worse than one before an encoder must be to be passed over."""


def may_be_kept(
    found: Mapping[str, Mapping[str, float]], history: Sequence[RoundRecord], weights: Mapping[str, float]
) -> bool:
    """Whether platforms do about as well with an encoder as with each that was evaluated before it, or better.

    About as well: by no more than a tenth worse, as ``_gain`` has it. Where nothing can be compared, nothing speaks
    against the newer one.

    Args:
        found: by platform and part, NDCG@10 of the encoder in question.
        history: what was asked before.
        weights: of the platforms' updates; 1 for who sent none.
    """
    return all(_gain(found, record.validation, weights) >= -CLEARLY / 2 for record in history if record.validation)


def _gain(
    now: Mapping[str, Mapping[str, float]], before: Mapping[str, Mapping[str, float]], weights: Mapping[str, float]
) -> float:
    """The mean over platforms of (b − a) / (a + b), half of the relative change where it is small.

    So one whose users are easy to please counts no more than another; each counts times its update's weight, those that
    did not answer both times not at all.
    """
    gain, total = 0.0, 0.0
    for name in sorted(set(now) & set(before)):
        a, b = before[name].get(BOTH, 0.0), now[name].get(BOTH, 0.0)
        if a > 0 or b > 0:
            weight = float(weights.get(name, 1.0))
            gain, total = gain + weight * (b - a) / (a + b), total + weight
    return gain / total if total > 0 else 0.0
