"""Fitting a platform's recommender: one ensemble of all its scorers, and a stack chosen for each way of using them.

Every method that a run compares is a choice among weight vectors over the same ensemble, so its scorers are fitted,
calibrated and ranked once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.held_out import Stage
from client.data.platform import Examples, Platform, Question, examples, some
from client.ensemble.candidates import ALONE, Candidate, ColumnGroups, StackCandidates, choose_all, in_the_race
from client.ensemble.cross_fitting import Counted, CrossFit, Trained, cross_fit, fit_on
from client.ensemble.ensemble import WEIGHTS_AT_ONCE, Ensemble, RawEnsemble, RawView
from client.ensemble.ensemble_settings import DEFAULT, CandidateSettings, EnsembleSettings
from client.ensemble.gaps import Gaps, stacked
from client.ensemble.shortlist_ranks import rank_among, ranks_among
from client.evaluation.ranking import Ranking, by_user, ndcg_of, rank_scores, relevant_ranks, whole_ndcg_of
from client.features.prepared_platform import PreparedPlatform
from client.scorers.scorer import Scorer
from client.scorers.table import SCORERS, TIMED, FittedScorers, ScorerTable
from shared.seeding import rng_for
from shared.system.progress import track


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedStacks:
    """What a platform serves under each method."""

    ensemble: Ensemble
    candidates: tuple[Candidate, ...]
    """every distinct weight vector that competed"""
    validation: NDArray[np.float64]
    """[C, V] NDCG@10 of each candidate on each model-selection user's validation event, as ``_validation`` weighs it;
    NaN of users who came after the candidate had lost"""
    whole_list: NDArray[np.float64]
    """[C, V] NDCG without a cutoff, on the same events: what choices are made by, since it tells more of few users"""
    options: Mapping[str, tuple[Candidate, ...]]
    """method to the candidates that it may hold, without those that had lost"""
    chosen: Mapping[str, Candidate]
    """method to the one of its options that was chosen"""
    left_out: Mapping[str, str]
    """computed scorer to the reason why the platform lacks it"""

    def scorer_values(self) -> dict[str, float]:
        """Column to the NDCG@10 of it alone on validation events."""
        means = np.nanmean(self.validation, axis=1)
        alone = {c.name.removeprefix(ALONE): m for c, m in zip(self.candidates, means, strict=True)}
        return {name: float(alone[name]) for name in self.ensemble.names if name in alone}

    def whole_list_by_name(self) -> dict[str, NDArray[np.float64]]:
        """Candidate's name to its NDCG without a cutoff [V]."""
        return {candidate.name: row for candidate, row in zip(self.candidates, self.whole_list, strict=True)}

    def at_ten_by_name(self) -> dict[str, NDArray[np.float64]]:
        """Candidate's name to its NDCG@10 [V]."""
        return {candidate.name: row for candidate, row in zip(self.candidates, self.validation, strict=True)}

    def weights_of(self, method: str) -> dict[str, float]:
        """Column to weight, where it is not 0; what all gaps have in common, where weights shift with the gap."""
        weights = self.chosen[method].weights
        return {name: float(w) for name, w in zip(self.ensemble.names, weights, strict=True) if w}

    def summary_of(self, method: str) -> dict[str, object]:
        """What was chosen for the method, its NDCG@10 on validation events, and the gaps by which its weights shift."""
        names = [candidate.name for candidate in self.candidates]
        chosen = self.chosen[method]
        summary = {"stack": chosen.name, "validation": float(self.validation[names.index(chosen.name)].mean())}
        return summary if chosen.at_gaps is None else {**summary, "gap_edges": list(self.ensemble.gaps.edges)}


def fit_stacks(
    prepared: PreparedPlatform,
    trained: Mapping[str, Trained],
    methods: Mapping[str, Sequence[Sequence[str]]],
    *,
    seed: int,
    scorers: ScorerTable = SCORERS,
    settings: EnsembleSettings = DEFAULT,
    question: Question = examples,
    counted: Counted | None = None,
) -> FittedStacks:
    """Fit the ensemble and choose a stack for each method.

    Args:
        prepared: whose recommender it is.
        trained: parts of scorers trained outside, by name.
        methods: method to the sets of parts that it may use; ``[[], ["own"]]`` means computed scorers only, or
            computed scorers and the part ``own``.
        seed: of folds and negatives.
        scorers: the computed ones.
        settings: of all that is fitted here but the scorers.
        question: what stacks are fitted and chosen for.
        counted: what another fit has counted; what this one counts joins it.
    """
    platform = prepared.platform
    fit = cross_fit(
        prepared, trained, seed=seed, scorers=scorers, settings=settings, question=question, counted=counted
    )
    fitted = fit_on(prepared, platform.training_users, scorers, Stage.VALIDATION, counted)
    extra = tuple(scorer for part in trained.values() for scorer in part.scorers)
    raw = RawEnsemble(
        scorers=(*fitted.scorers.values(), *extra),
        n_items=platform.n_items,
        repeats=platform.repeats,
        settings=settings,
    )
    gaps = Gaps.even(fit.last.gaps, settings.gaps)
    ensemble = Ensemble(raw=raw, calibrations=fit.calibrations, gaps=gaps)
    timed = [fitted.scorers[name] for name in TIMED if name in fitted.scorers]
    groups = column_groups(ensemble.names, trained, fitted.scorers.get("content_knn"), timed)
    sets = {tuple(parts): None for alternatives in methods.values() for parts in alternatives}
    stack_candidates = StackCandidates(fit, groups, trained, len(platform.training_users), settings.candidates, gaps)
    by_set = {parts: stack_candidates.of(parts) for parts in track(sets, "choosing weights")}
    distinct = {candidate.name: candidate for candidates in by_set.values() for candidate in candidates}
    held_out = question(platform, Stage.VALIDATION, _judges(platform, settings.candidates, seed))
    options = {
        method: tuple(candidate for parts in alternatives for candidate in by_set[tuple(parts)])
        for method, alternatives in methods.items()
    }
    validation, whole_list = _validation_by_steps(
        platform, ensemble, fit, list(distinct.values()), options, held_out, seed
    )
    by_name = dict(zip(distinct, whole_list, strict=True))
    options = {
        method: tuple(candidate for candidate in candidates if not np.isnan(by_name[candidate.name]).any())
        for method, candidates in options.items()
    }
    later = _counted_for_test(prepared, scorers, counted) or fitted
    return FittedStacks(
        ensemble=replace(ensemble, raw=replace(raw, scorers=(*later.scorers.values(), *extra))),
        candidates=tuple(distinct.values()),
        validation=validation,
        whole_list=whole_list,
        options=options,
        chosen=choose_all(options, by_name, settings.candidates),
        left_out=fitted.left_out,
    )


def _judges(platform: Platform, settings: CandidateSettings, seed: int) -> NDArray[np.int64]:
    """Rows of the model-selection users who choose, sorted."""
    users = platform.selection_users
    if len(users) <= settings.most_users:
        return users
    return np.sort(rng_for(seed, platform.name, "judges").permutation(users)[: settings.most_users])


def with_trained(stacks: FittedStacks, trained: Mapping[str, Trained], again: Mapping[str, Trained]) -> FittedStacks:
    """The stacks with parts in the place of those of the same name that they were fitted with.

    Args:
        stacks: as they were fitted.
        trained: the parts that they were fitted with, by name.
        again: the parts that take their place, by name, each with as many scorers as before; other parts stay.

    Returns:
        The stacks under the same calibrations and weights.
    """
    now = {
        id(scorer): later
        for part, retrained in again.items()
        for scorer, later in zip(trained[part].scorers, retrained.scorers, strict=True)
    }
    raw = stacks.ensemble.raw
    scorers = tuple(now.get(id(scorer), scorer) for scorer in raw.scorers)
    return replace(stacks, ensemble=replace(stacks.ensemble, raw=replace(raw, scorers=scorers)))


def _counted_for_test(
    prepared: PreparedPlatform, scorers: ScorerTable, counted: Counted | None
) -> FittedScorers | None:
    """The scorers with all that may be counted by then; None where validation knew as much."""
    users = prepared.platform.training_users
    if not prepared.platform.held_out.counts_on(users):
        return None
    return fit_on(prepared, users, scorers, Stage.TEST, counted)


def _validation_by_steps(
    platform: Platform,
    ensemble: Ensemble,
    fit: CrossFit,
    candidates: Sequence[Candidate],
    options: Mapping[str, Sequence[Candidate]],
    held_out: Examples,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``_validation`` of C candidates; where many choose, those that have lost among the first are NaN elsewhere."""
    settings, users = ensemble.raw.settings.candidates, np.unique(held_out.users)
    weights = stacked([candidate.by_gap for candidate in candidates])
    if len(users) < 2 * settings.first_users:
        return _validation(platform, ensemble, fit, weights, held_out, seed)
    order = rng_for(seed, platform.name, "first judges").permutation(len(users))
    first = np.isin(np.arange(len(users)), order[: settings.first_users])
    is_first = np.isin(held_out.users, users[first])
    figures = np.full((2, len(candidates), len(users)), np.nan)
    figures[:, :, first] = _validation(platform, ensemble, fit, weights, some(held_out, np.flatnonzero(is_first)), seed)
    by_name = {candidate.name: row[first] for candidate, row in zip(candidates, figures[1], strict=True)}
    may_win = in_the_race(options, by_name, settings)
    left = np.flatnonzero([candidate.name in may_win for candidate in candidates])
    of_rest = _validation(platform, ensemble, fit, weights[left], some(held_out, np.flatnonzero(~is_first)), seed + 1)
    figures[:, left[:, None], np.flatnonzero(~first)] = of_rest
    return figures[0], figures[1]


def _validation(
    platform: Platform, ensemble: Ensemble, fit: CrossFit, weights: NDArray[np.float64], held_out: Examples, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[C, V] NDCG@10 and NDCG without a cutoff, under weights [C, G, R], on model-selection users' events ``held_out``.

    Of those who will be recommended to, a share are training users, whose own events are in the scorers' statistics,
    and the others are not. A model-selection user counts as both, in that proportion: ranked by the ensemble,
    and by the ensemble of their fold, whose statistics do not know them. (A scorer that finds a user's own events again
    looks far better than it is: on 300 of 1,500 amazon_games users one reached .032 on its own users and .004 on all.)
    Where many choose, each counts as one of both, drawn with that chance.
    """
    gains = (ndcg_of, whole_ndcg_of)
    share = len(platform.training_users) / platform.n_users
    settings, users = ensemble.raw.settings.candidates, np.unique(held_out.users)
    rng = rng_for(seed, platform.name, "known")
    known = np.full(len(users), share) if len(users) <= settings.twice_up_to else 1.0 * (rng.random(len(users)) < share)
    shares = known[np.searchsorted(users, held_out.users)]
    shares[~np.isin(held_out.users, platform.training_users)] = 1
    total = np.zeros((len(gains), len(weights), len(held_out)))
    for raw, inside, of_raw in [
        (ensemble.raw, np.ones(len(held_out), bool), shares),
        *((fold.raw, np.isin(held_out.users, fold.users), 1 - shares) for fold in fit.folds),
    ]:
        rows = np.flatnonzero(inside & (of_raw > 0))
        if len(rows):
            ranked = _gains(replace(ensemble, raw=raw), weights, some(held_out, rows), gains)
            total[:, :, rows] += of_raw[rows] * ranked
    at_ten, whole = by_user(total, held_out.users)
    return at_ten, whole


def _gains(
    ensemble: Ensemble,
    weights: NDArray[np.float64],
    held_out: Examples,
    gains: Sequence[Callable[..., NDArray[np.float64]]],
) -> NDArray[np.float64]:
    """[K, C, N] each of K figures from the ranks under each weights [C, G, R]."""
    ranks = ranks_of_all(ensemble, weights, held_out)
    return np.stack([gain(ranks, held_out.sizes) for gain in gains])


def column_groups(
    names: tuple[str, ...], trained: Mapping[str, Trained], content: Scorer | None, timed: Sequence[Scorer] = ()
) -> ColumnGroups:
    """Which columns of the ensemble are whose; trained parts stand at its end, in their order.

    Args:
        names: [R] of all columns.
        trained: parts, by name, in the order of their columns.
        content: the computed scorer of content; None where the platform has none.
        timed: the computed scorers that know the moment.

    Returns:
        The column indices of each group.
    """
    of_moments = [column.name for scorer in timed for column in scorer.columns]
    of_content = [] if content is None else [column.name for column in content.columns]
    widths = {name: sum(len(scorer.columns) for scorer in part.scorers) for name, part in trained.items()}
    start = len(names) - sum(widths.values())
    parts = {}
    for name, width in widths.items():
        parts[name] = np.arange(start, start + width)
        start += width
    return ColumnGroups(
        names=names,
        parts=parts,
        content=np.flatnonzero(np.isin(names, of_content)),
        timed=np.flatnonzero(np.isin(names, of_moments)),
    )


def ranks_of_all(ensemble: Ensemble, weights: NDArray[np.float64], held_out: Examples) -> NDArray[np.float64]:
    """Ranks of the relevant items under several weight vectors: what a choice needs, in one pass.

    Args:
        ensemble: the fitted scorers.
        weights: [C, R], or [C, G, R] where they depend on the gap.
        held_out: examples with T relevant items in all.

    Returns:
        [C, T].
    """
    parts = []
    for batch, view in ensemble.raw.views(held_out, len(ensemble.names) + WEIGHTS_AT_ONCE):
        scores = view_scores(ensemble, weights, batch, view)
        if view.shortlist.is_whole:
            ranks = [relevant_ranks(of_weights, batch) for of_weights in scores]
        else:
            places = view.shortlist.places(batch.relevant)
            ranks = [ranks_among(of_weights, view.shortlist, batch, places) for of_weights in scores]
        parts.append(np.stack(ranks))
    return np.concatenate(parts, axis=1)


def rank_all(ensemble: Ensemble, weights: NDArray[np.float64], held_out: Examples) -> list[Ranking]:
    """Rank under several weight vectors, all in one pass over the examples.

    Args:
        ensemble: the fitted scorers.
        weights: [C, R], or [C, G, R] where they depend on the gap.
        held_out: whom to rank for.

    Returns:
        C rankings.
    """
    parts: list[list[Ranking]] = [[] for _ in weights]
    for batch, view in ensemble.raw.views(held_out, len(ensemble.names) + WEIGHTS_AT_ONCE):
        for part, scores in zip(parts, view_scores(ensemble, weights, batch, view), strict=True):
            part.append(view_ranking(scores, batch, view))
    return [Ranking.joined(part) for part in parts]


def view_scores(
    ensemble: Ensemble, weights: NDArray[np.float64], batch: Examples, view: RawView
) -> Iterator[torch.Tensor]:
    """Scores of a batch under several weight vectors.

    Args:
        ensemble: the fitted scorers.
        weights: [C, R], or [C, G, R] where they depend on the gap.
        batch: B examples.
        view: of their histories, M items.

    Returns:
        C scores [B, M], −inf where an item may not be recommended.
    """
    for block in ensemble.combined(weights, batch.histories, view):
        yield from block


def view_ranking(scores: torch.Tensor, batch: Examples, view: RawView) -> Ranking:
    """The ranking of a batch.

    Args:
        scores: [B, M], as ``view_scores`` has them.
        batch: B examples.
        view: of their histories.

    Returns:
        The ranks of the relevant items, with the best items of each example.
    """
    return rank_scores(scores, batch) if view.shortlist.is_whole else rank_among(scores, view.shortlist, batch)
