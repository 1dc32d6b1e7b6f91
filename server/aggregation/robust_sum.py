"""Robust sums: how much of each platform's vector may enter a weighted sum, whatever the platform sent.

A vector is a cross moment, noised or not, or an update. Rules look at inner products alone, so one rule serves all.
``agreement`` is the default (docs/decisions/0037); in order:

1. Fewer than three vectors are taken as they are: nobody can tell which of two is wrong.
2. A vector shorter than a twentieth of the median length of the others is left out: it would only dilute.
3. A vector longer than twice the median length of the others is cut to that.
4. A vector's agreement is its cosine with the weighted sum of the others. The one that agrees least is left out where
   it lies below 0 by more than half (an update: four fifths) of what seven tenths of the others, by weight, agree among
   themselves, and by more than 0.02, while those left out weigh less than half.
5. Where seven tenths of all agree by more than 0.1, so that most are of one domain, a cross moment that agrees by less
   than 0.02 counts in proportion, at least a fifth: noise cannot be told from a platform of another domain.

So who pulls against a domain is left out, and platforms of domains that have nothing in common stay. Updates of theirs
pull apart as soon as the encoder has moved towards all of them: they are judged where most are of one domain alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from flwr.app import Array, ArrayRecord, RecordDict
from flwr.serverapp.strategy.multikrum import select_multikrum
from numpy.typing import NDArray

from server.aggregation.inner_products import InnerProducts
from server.aggregation.weighted_quantile import weighted_quantile
from shared.federation.config import KRUM_PLATFORMS, Robust

Float64 = NDArray[np.float64]

LEAST_PLATFORMS = 3
NOTHING = "left out: it holds next to nothing (its length is under a twentieth of the median of the others')"
SHORT, LONG = 0.05, 2.0
"""of the median length of the other vectors"""
FEW, AGAINST = 0.3, 0.02
"""which quantile of agreements counts as what most agree, and how far below 0 one must lie at least"""
ONE_DOMAIN, COMMON, LEAST = 0.1, 0.02, 0.2
"""what most agree who are of one domain, from where on a cross moment counts whole, and the least that it counts"""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """How vectors of one kind are judged by ``agreement``."""

    one_domain: float
    """what seven tenths of the others must agree where one is left out"""
    against: float
    """of that, how far below 0 one must lie to be left out"""
    common: float
    """the agreement from which on one counts whole; 0 where all that stay do"""


CROSS_MOMENTS = Judged(one_domain=0.0, against=0.5, common=COMMON)
NOISED = Judged(one_domain=0.0, against=0.5, common=0.0)
"""cross moments under noise, which lowers cosines"""
UPDATES = Judged(one_domain=ONE_DOMAIN, against=0.8, common=0.0)


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How much of each vector enters the sum, from 0 to 1, and why it is not all of it."""

    of: Mapping[str, float]
    reasons: Mapping[str, str] = field(default_factory=dict)
    """by platform, of those whose share is below 1"""


Rule = Callable[[InnerProducts, Mapping[str, float], Judged], Shares]
"""Shares from vectors' inner products and their weights, all above 0."""


def agreement(vectors: InnerProducts, weights: Mapping[str, float], judged: Judged) -> Shares:
    """The default rule, as the module says.

    Args:
        vectors: inner products of the platforms' vectors [k, k].
        weights: by platform, how much its vector counts, above 0.
        judged: how vectors of this kind are judged.

    Returns:
        Shares by platform, from 0 to 1, and reasons for those below 1; all 1 for fewer than three platforms.
    """
    names = vectors.names
    if len(names) < LEAST_PLATFORMS:
        return as_they_are(vectors, weights, judged)
    shares, reasons = _by_length(vectors)
    full = np.array([weights[name] for name in names])
    while True:
        worst, cosine, others = _least_agreeing(vectors.table, full * shares)
        too_many = 2 * (full[shares == 0].sum() + full[worst]) >= full.sum()
        if too_many or others <= judged.one_domain or cosine >= -max(judged.against * others, AGAINST):
            break
        shares[worst] = 0.0
        reasons[names[worst]] = (
            f"left out: it pulls against the others (its cosine with their sum is {cosine:.2f}, theirs are about "
            f"{others:.2f})"
        )
    for place, (share, cosine) in _of_no_domain(vectors.table, full * shares, judged.common).items():
        shares[place] *= share
        reasons[names[place]] = (
            f"counted at {share:.2g}: it has next to nothing in common with the others (its cosine with "
            f"their sum is {cosine:.3f})"
        )
    return Shares(of=dict(zip(names, shares.tolist(), strict=True)), reasons=reasons)


def multi_krum(vectors: InnerProducts, weights: Mapping[str, float], judged: Judged) -> Shares:
    """All but the f vectors that lie farthest from their nearest ones, f the most that Krum allows: k ≥ 2f + 3.

    Flower's own selection (Blanchard et al. 2017), on k points as far from each other as the vectors are.

    Args:
        vectors: inner products of the platforms' vectors [k, k].
        weights: by platform, how much its vector counts; this rule does not look at them.
        judged: how vectors of this kind are judged; this rule does not look at it.

    Returns:
        Shares by platform, 0 or 1, and reasons for those that are 0; all 1 for fewer than ``KRUM_PLATFORMS``.
    """
    if len(vectors.names) < KRUM_PLATFORMS:
        return as_they_are(vectors, weights, judged)
    bad = (len(vectors.names) - 3) // 2
    values, directions = np.linalg.eigh(vectors.table)
    points = directions * np.sqrt(np.maximum(values, 0.0))
    contents = [RecordDict({"arrays": ArrayRecord({"point": Array(point)})}) for point in points]
    chosen = {id(content) for content in select_multikrum(contents, bad, len(contents) - bad)}
    shares = {name: float(id(content) in chosen) for name, content in zip(vectors.names, contents, strict=True)}
    reasons = {name: "left out: it is the farthest from its nearest ones" for name in shares if not shares[name]}
    return Shares(of=shares, reasons=reasons)


def as_they_are(vectors: InnerProducts, _weights: Mapping[str, float], _judged: Judged) -> Shares:
    """Every vector whole.

    Args:
        vectors: inner products of the platforms' vectors [k, k].
        _weights: not looked at; a rule has it.
        _judged: not looked at; a rule has it.

    Returns:
        Shares of 1 by platform.
    """
    return Shares(of=dict.fromkeys(vectors.names, 1.0))


RULES: dict[Robust, Rule] = {"agreement": agreement, "multi-krum": multi_krum, "none": as_they_are}


def _by_length(vectors: InnerProducts) -> tuple[Float64, dict[str, str]]:
    """[k] shares by the vectors' lengths alone, and why, where they are not 1."""
    shares, reasons, lengths = np.ones(len(vectors.names)), {}, vectors.lengths
    for place, name in enumerate(vectors.names):
        usual = float(np.median(np.delete(lengths, place)))
        if lengths[place] < SHORT * usual:
            shares[place], reasons[name] = 0.0, NOTHING
        elif lengths[place] > LONG * usual > 0:
            shares[place] = LONG * usual / lengths[place]
            reasons[name] = (
                f"cut to {shares[place]:.2g} of its length (norm), which is twice the median of the others': "
                "no platform may move the sum by more"
            )
    return shares, reasons


def _least_agreeing(products: Float64, counted: Float64) -> tuple[int, float, float]:
    """Place and agreement of the vector that agrees least, and what seven tenths of the others agree without it."""
    agreements = _agreements(products, counted)
    if np.isnan(agreements).all():
        return 0, 0.0, 0.0
    worst = int(np.nanargmin(agreements))
    others = _agreements(products, np.where(np.arange(len(counted)) == worst, 0.0, counted))
    known = ~np.isnan(others)
    among = weighted_quantile(others[known], counted[known], FEW) if known.any() else 0.0
    return worst, float(agreements[worst]), among


def _of_no_domain(products: Float64, counted: Float64, common: float) -> dict[int, tuple[float, float]]:
    """Place to share and agreement of those that have less in common with a domain than counts whole."""
    agreements = _agreements(products, counted)
    known = ~np.isnan(agreements)
    if common == 0 or not known.any() or weighted_quantile(agreements[known], counted[known], FEW) <= ONE_DOMAIN:
        return {}
    low = [int(place) for place in np.flatnonzero(known) if agreements[place] < common]
    return {place: (max(float(agreements[place]) / common, LEAST), float(agreements[place])) for place in low}


def _agreements(products: Float64, counted: Float64) -> Float64:
    """[k] cosines of vectors with the sum of the others; not a number where it counts 0 or has nothing to go by."""
    cosines = np.full(len(counted), np.nan)
    for place in np.flatnonzero(counted):
        others = np.where(np.arange(len(counted)) == place, 0.0, counted)
        length = np.sqrt(products[place, place] * max(float(others @ products @ others), 0.0))
        if length > 0:
            cosines[place] = float(products[place] @ others) / length
    return cosines
