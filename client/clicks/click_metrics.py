"""How well scores order the candidates of impressions by whether they were clicked, and how true probabilities are.

Per impression: AUC, mean reciprocal rank of the clicked candidates and nDCG@k as MIND's evaluation has them (Wu et al.,
ACL 2020), over the impressions that have a clicked and an unclicked candidate. Candidates of equal scores share the
places that they take: each metric is its mean over all orders of a tie (McSherry, Najork, ECIR 2008), so that a
constant lands at chance. NaN is worst.

C candidates in all, I impressions, J of them judged.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class ClickRanking:
    """What one way of scoring did on the judged impressions."""

    users: NDArray[np.int64]
    """[J] user rows"""
    auc: Floats
    """[J]"""
    reciprocal_rank: Floats
    """[J] mean over the clicked candidates of 1 / place"""
    ndcg_5: Floats
    """[J]"""
    ndcg_10: Floats
    """[J]"""
    gauc: float
    """AUC over all of a user's candidates, mean over users weighted by their impressions (Zhu et al., KDD 2018)"""


@dataclass(frozen=True, eq=False, kw_only=True)
class _Places:
    """Where candidates stand within their groups, best first."""

    above: NDArray[np.int64]
    """[C] how many of the group have a higher score"""
    ties: NDArray[np.int64]
    """[C] how many of the group have this score, itself included"""

    def mean_of(self, cumulative: Floats) -> Floats:
        """[C] mean over a tie's places of what each place is worth; ``cumulative`` [k] sums the first 0..k-1 places."""
        last = len(cumulative) - 1
        upper, lower = np.minimum(self.above + self.ties, last), np.minimum(self.above, last)
        return np.asarray((cumulative[upper] - cumulative[lower]) / self.ties)


def rank_clicks(
    scores: Floats, labels: NDArray[np.bool_], offsets: NDArray[np.int64], users: NDArray[np.int64]
) -> ClickRanking:
    """Judge scores by labels.

    Args:
        scores: [C].
        labels: [C] True where clicked.
        offsets: [I + 1]; impression i has the candidates ``offsets[i]:offsets[i + 1]``.
        users: [I] the user of each impression.

    Returns:
        The metrics of the impressions that have a clicked and an unclicked candidate.
    """
    sizes = np.diff(offsets)
    groups = np.repeat(np.arange(len(users)), sizes)
    clicked = np.bincount(groups, labels, minlength=len(users)).astype(np.float64)
    judged = (clicked > 0) & (clicked < sizes)
    places = _places(scores, groups)
    longest = int(sizes.max(initial=0)) + 1

    def mean_per_impression(worth: Floats, ideal: Floats) -> Floats:
        sums = np.bincount(groups, labels * worth, minlength=len(users))[judged]
        return np.asarray(sums / ideal)

    discounts = {k: _cumulative(1 / np.log2(np.arange(2, k + 2))) for k in (5, 10)}
    ndcg = {
        k: mean_per_impression(places.mean_of(total), total[np.minimum(clicked[judged], k).astype(np.int64)])
        for k, total in discounts.items()
    }
    reciprocal = places.mean_of(_cumulative(1 / np.arange(1, longest + 1)))
    return ClickRanking(
        users=users[judged],
        auc=_auc(places, labels, groups, len(users))[judged],
        reciprocal_rank=mean_per_impression(reciprocal, clicked[judged]),
        ndcg_5=ndcg[5],
        ndcg_10=ndcg[10],
        gauc=_gauc(scores, labels, groups, users),
    )


def log_loss(logits: Floats, labels: NDArray[np.bool_]) -> float:
    """Mean cross-entropy of σ(logits).

    Args:
        logits: [C].
        labels: [C] True where clicked.

    Returns:
        Nats.
    """
    return float((np.logaddexp(0.0, logits) - labels * logits).mean())


def calibration_error(probabilities: Floats, labels: NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error: Σ over bins of share · |mean probability − share clicked| (Naeini et al., AAAI 2015).

    Bins hold equally many candidates, equal probabilities together: clicks are rare, and bins of equal width would put
    nearly all candidates into the first.

    Args:
        probabilities: [C] that a candidate is clicked.
        labels: [C] True where clicked.
        bins: how many; fewer where probabilities are equal.

    Returns:
        From 0 to 1.
    """
    edges = np.unique(np.quantile(probabilities, np.arange(1, bins) / bins))
    of = np.searchsorted(edges, probabilities, side="left")
    gap = np.bincount(of, probabilities - labels, minlength=len(edges) + 1)
    return float(np.abs(gap).sum() / len(probabilities))


def _places(scores: Floats, groups: NDArray[np.int64]) -> _Places:
    """Places of scores [C], one or more, within their groups [C]."""
    finite = np.nan_to_num(scores, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    order = np.lexsort((-finite, groups))
    group, score = groups[order], finite[order]
    opens_group = np.append(True, group[1:] != group[:-1])
    opens_tie = opens_group | np.append(True, score[1:] != score[:-1])
    tie = np.cumsum(opens_tie) - 1
    begin_of_group = np.flatnonzero(opens_group)[np.cumsum(opens_group) - 1]
    above, ties = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    above[order] = np.flatnonzero(opens_tie)[tie] - begin_of_group
    ties[order] = np.bincount(tie)[tie]
    return _Places(above=above, ties=ties)


def _auc(places: _Places, labels: NDArray[np.bool_], groups: NDArray[np.int64], count: int) -> Floats:
    """[count] Mann-Whitney U over clicked · unclicked; NaN for a group that lacks either."""
    sizes = np.bincount(groups, minlength=count)
    clicked = np.bincount(groups, labels, minlength=count)
    from_top = np.bincount(groups, labels * (places.above + (places.ties + 1) / 2), minlength=count)
    won = clicked * (sizes + 1) - from_top - clicked * (clicked + 1) / 2
    pairs = clicked * (sizes - clicked)
    auc: Floats = np.divide(won, pairs, out=np.full(count, np.nan), where=pairs > 0)
    return auc


def _gauc(scores: Floats, labels: NDArray[np.bool_], groups: NDArray[np.int64], users: NDArray[np.int64]) -> float:
    """0.5 where no user has a clicked and an unclicked candidate."""
    _, user = np.unique(users, return_inverse=True)
    impressions = np.bincount(user)
    auc = _auc(_places(scores, user[groups]), labels, user[groups], len(impressions))
    known = ~np.isnan(auc)
    return float(np.average(auc[known], weights=impressions[known])) if known.any() else 0.5


def _cumulative(worth: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(worth)])
