"""The gate: whether a platform serves a transfer method or its local recommender, and why.

Every method chooses its stack the same way, by cross-validation over the model-selection users: on four fifths of them
the choice, on the last fifth its NDCG (without a cutoff, which tells more of few users). A transfer method is served
where it beats ``local`` beyond noise: by a paired one-sided bootstrap over users at a level divided by the number of
transfer methods that compete (Bonferroni). Test events play no part.

Where few users choose (``CandidateSettings.few_users``), noise hides even a lift of a half. There a method that is
above ``local`` is served, too, if its encoder is related to the platform beyond noise: if it adds to content, before
anything is learned from the platform, over many past events of its users (docs/decisions/0004).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.ensemble import ensemble_settings
from client.ensemble.candidates import LOCAL, Candidate, choose_all
from client.ensemble.ensemble_settings import CandidateSettings
from client.evaluation.lift import resampled_lifts
from client.gate.transferability import DEFAULT as DEFAULT_TRANSFERABILITY
from client.gate.transferability import TransferabilityScore
from client.store.head_store import StoredRecord
from client.transfer.table import competing
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class GateSettings(Checked):
    """How sure the gate must be."""

    level: float = bounded(0.05, above=0, below=1)
    """chance of serving something no better than ``local``, over all methods that compete"""
    folds: int = bounded(5, least=2)
    """parts of the model-selection users, each of which is judged under the choice of the others"""
    resamples: int = bounded(4000, least=1)
    """of the bootstrap"""


DEFAULT = GateSettings()


@dataclass(frozen=True, kw_only=True)
class GateCandidate:
    """What one method reached in the gate's cross-validation."""

    ndcg: float
    lift: float | None
    """over ``local``, in percent; None for ``local`` itself and where ``local`` found nothing"""
    bound: float | None
    """the lift that it exceeds at the corrected level, in percent"""
    transferability: TransferabilityScore | None = None
    """of its encoder, where it was measured"""


@dataclass(frozen=True, kw_only=True)
class GateVerdict:
    """What is served and why."""

    accepted: bool
    served: str
    """a method; ``local`` where no transfer is accepted"""
    reason: str
    users: int
    """model-selection users"""
    candidates: Mapping[str, GateCandidate]

    def to_json(self) -> dict[str, Any]:
        """As plain numbers and words."""
        return asdict(self)

    def to_stored(self) -> StoredRecord:
        """As a record of the head store."""
        return StoredRecord(arrays={}, facts=self.to_json())


NO_ENCODER = "no encoder was given, so no transfer method competes"


def decide(
    options: Mapping[str, Sequence[Candidate]],
    validation: Mapping[str, NDArray[np.float64]],
    rng: np.random.Generator,
    transferability: Mapping[str, TransferabilityScore | None],
    settings: GateSettings = DEFAULT,
    choice: CandidateSettings = ensemble_settings.DEFAULT.candidates,
) -> GateVerdict:
    """The verdict over the methods in ``options``, ``local`` among them; methods that do not compete are ignored.

    Args:
        options: method to the stacks that it may choose from.
        validation: NDCG without a cutoff [V] by stack, on the model-selection users.
        rng: draws folds and resamples.
        transferability: of the encoder of a transfer method, by method.
        settings: how sure it must be.
        choice: how each method chooses its stack.
    """
    users = len(next(iter(validation.values())))
    folds = rng.permutation(users) % settings.folds
    choices = {method: options[method] for method in (LOCAL, *competing()) if method in options}
    scores = cross_validated(choices, validation, folds, choice=choice)
    competitors = [method for method in scores if method != LOCAL]
    candidates = {LOCAL: GateCandidate(ndcg=float(scores[LOCAL].mean()), lift=None, bound=None)}
    for method in competitors:
        comparison = _compare(scores[method], scores[LOCAL], settings.level / len(competitors), settings.resamples, rng)
        candidates[method] = replace(comparison, transferability=transferability.get(method))
    accepted = [method for method in competitors if would_serve(candidates[method], users, choice)]
    served = max(accepted, key=lambda method: candidates[method].ndcg, default=LOCAL)
    return GateVerdict(
        accepted=bool(accepted),
        served=served,
        reason=_reason(served, candidates, users, settings.level),
        users=users,
        candidates=candidates,
    )


def cross_validated(
    options: Mapping[str, Sequence[Candidate]],
    validation: Mapping[str, NDArray[np.float64]],
    folds: NDArray[np.int64],
    judged: Mapping[str, NDArray[np.float64]] | None = None,
    choice: CandidateSettings = ensemble_settings.DEFAULT.candidates,
) -> dict[str, NDArray[np.float64]]:
    """Method to the NDCG [V] of each user under the stack that the users of the other folds choose.

    Args:
        options: method to the stacks that it may choose from.
        validation: NDCG without a cutoff [V] by stack, which choices are made by.
        folds: [V] of each user: 0, 1, ...
        judged: the NDCG [V] by stack that is returned; None: the one that choices are made by.
        choice: how each method chooses its stack.

    Returns:
        Method to NDCG [V].
    """
    judged = validation if judged is None else judged
    scores = {method: np.zeros(len(folds)) for method in options}
    for fold in np.unique(folds):
        inside = folds == fold
        chosen = choose_all(options, {name: values[~inside] for name, values in validation.items()}, choice)
        for method, candidate in chosen.items():
            scores[method][inside] = judged[candidate.name][inside]
    return scores


def with_confidence(level: float) -> str:
    """How sure a bound is, in words, from the chance that it is not exceeded.

    Args:
        level: that chance, from 0 to 1.
    """
    return f"with {100 * (1 - level):g} % confidence"


def would_serve(candidate: GateCandidate, users: int, choice: CandidateSettings) -> bool:
    """Whether it may be served instead of ``local``, on the word of so many model-selection users.

    Args:
        candidate: what it reached in the gate's cross-validation.
        users: model-selection users.
        choice: says below how many of them users are few.

    Returns:
        True where it beats ``local`` beyond noise; or where users are few, it is above ``local``, and its encoder is
        related to the platform beyond noise.
    """
    return _is_confident(candidate) or _likely(candidate, users < choice.few_users)


def _is_confident(candidate: GateCandidate) -> bool:
    """Whether it beats ``local`` beyond noise."""
    return candidate.bound is not None and candidate.bound > 0


def _likely(candidate: GateCandidate, few: bool) -> bool:
    """Whether so few users have to be helped out by what their past events say of the encoder, and they say yes."""
    related = candidate.transferability is not None and candidate.transferability.bound > 0
    return few and related and candidate.lift is not None and candidate.lift > 0


def _compare(
    method: NDArray[np.float64], local: NDArray[np.float64], level: float, resamples: int, rng: np.random.Generator
) -> GateCandidate:
    ndcg = float(method.mean())
    if local.mean() == 0:
        return GateCandidate(ndcg=ndcg, lift=None, bound=None)
    lifts = resampled_lifts(method, local, rng, resamples)
    lift = 100 * (ndcg / float(local.mean()) - 1)
    return GateCandidate(ndcg=ndcg, lift=lift, bound=float(np.quantile(lifts, level)))


def _reason(served: str, candidates: Mapping[str, GateCandidate], users: int, level: float) -> str:
    competitors = {method: candidate for method, candidate in candidates.items() if method != LOCAL}
    if not competitors:
        return "no transfer method was there to compete"
    best = max(competitors, key=lambda method: competitors[method].ndcg)
    best_candidate = competitors[best]
    if served != LOCAL:
        winner = competitors[served]
        beats = f"{served} beats local by {winner.lift:+.1f} % on {users} users"
        if _is_confident(winner) or winner.transferability is None:
            return f"{beats}, by more than {winner.bound:.1f} % {with_confidence(level)}"
        past = winner.transferability
        return (
            f"{beats}, too few to be sure; but the encoder adds {past.lift:+.1f} % to content over {past.events} past "
            f"events of {past.users} users, more than {past.bound:.1f} % "
            f"{with_confidence(DEFAULT_TRANSFERABILITY.level)}"
        )
    if best_candidate.lift is None:
        return f"local found nothing for {users} users, so no lift can be told"
    if best_candidate.lift <= 0:
        return (
            f"no transfer method is above local on {users} users; the best, {best}, is at {best_candidate.lift:+.1f} %"
        )
    return f"{best} is {best_candidate.lift:+.1f} % above local on {users} users, which noise alone could make"
