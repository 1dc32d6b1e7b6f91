"""All methods on one platform under one seed: scorers and stacks, the gate, then the test events, once."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from client.data.held_out import Stage
from client.data.platform import Examples, Platform, training_sequences
from client.ensemble.baselines import rank_baseline, tuned_baseline
from client.ensemble.candidates import ZERO_SHOT
from client.ensemble.fitting import FittedStacks, rank_all
from client.ensemble.gaps import stacked
from client.ensemble.head import RankingHead
from client.ensemble.rerank import rank_diversified
from client.evaluation.beyond_accuracy import ALL, ListJudge, self_information
from client.evaluation.ranking import Ranking, by_user, mask_history, rank_scores
from client.features.prepared_platform import PreparedPlatform
from client.fitting.platform_fit import DEFAULT, ComponentSettings, PlatformFit
from client.store.head_store import HeadStore
from client.transfer.feature import FEDERATED
from client.transfer.knowledge import KNOWLEDGE, student_of, tuned_teacher
from client.transfer.method import Encoders, ReceivedEncoder
from client.transfer.part_settings import PartSettings
from client.transfer.release import zero_shot_ensemble
from client.transfer.table import METHODS
from shared.encoder.encoder import Encoder
from simulations.methods.click_methods import run_clicks
from simulations.methods.cold_start import HeldOut
from simulations.methods.contributions import ndcg_without
from simulations.methods.further_measures import student_summary, trade_off
from simulations.platforms.open_impressions import OpenImpressions
from simulations.plugins.plugin import PluginFile
from simulations.results.outcomes import (
    ORACLE,
    SERVED,
    ContributionOutcome,
    GateOutcome,
    MethodOutcome,
    PlatformSummary,
    StudentSummary,
    TradeOff,
)
from simulations.results.recorder import Recorder
from simulations.results.slices import user_slices
from simulations.synthetic.choice import oracle_scores
from simulations.synthetic.world import PlatformTruth

COLD_HISTORY = 3
"""Events of a user, at most, who counts as cold."""
NOBODY: Mapping[str, Encoder] = {}


def run_baselines(
    recorder: Recorder,
    prepared: PreparedPlatform,
    methods: Sequence[str],
    seed: int,
    components: ComponentSettings = DEFAULT,
) -> None:
    """Rank by those of the methods that are one scorer alone: they need no encoder.

    Args:
        recorder: gets each method's outcome.
        prepared: the platform.
        methods: names of the run's methods; those that are no baseline are passed by.
        seed: of the run.
        components: settings of the fit.
    """
    held_out = HeldOut.of(prepared.platform, seed)
    record = _Record(prepared, held_out, recorder, seed)
    recorder.add_platform(_platform_summary(prepared.platform, None), seed)
    for method in methods:
        tune = METHODS[method].baseline
        if tune is not None:
            with recorder.step(method, platform=prepared.name):
                baseline = tuned_baseline(tune, prepared, seed=seed, settings=components.baselines)
                if baseline is not None:
                    tuned = {**baseline.tuned, "validation": baseline.validation}
                    record(method, rank_baseline(baseline, prepared.platform, held_out.everything), tuned=tuned)


def run_stacks(
    recorder: Recorder,
    prepared: PreparedPlatform,
    methods: Sequence[str],
    encoders: Encoders,
    *,
    settings: PartSettings,
    seed: int,
    heads: Path,
    truth: PlatformTruth | None,
    impressions: OpenImpressions | None = None,
    plugin: PluginFile | None = None,
    diversity: float = 0.0,
    components: ComponentSettings = DEFAULT,
    left_out: Mapping[str, Encoder] = NOBODY,
) -> None:
    """Fit and rank those of the methods that are stacks, the gate, and ``zero-shot``.

    Args:
        recorder: gets each method's outcome and the gate's.
        prepared: the platform.
        methods: names of the run's methods.
        encoders: by origin, those that the methods need.
        settings: of trained parts.
        seed: of the run.
        heads: the folder that heads and verdict go to.
        truth: known where the platform is synthetic; then the oracle is ranked too. None elsewhere.
        impressions: there where the run predicts clicks; None elsewhere.
        plugin: whose scorers join the computed ones; None where there is none.
        diversity: strength, from 0 to 1, with which what the gate serves is re-ranked; 0: not.
        components: settings of the fit.
        left_out: by platform, what rounds without it made, for what it contributes to ``federated``; empty where that
            is not asked for.
    """
    further = None if plugin is None else plugin.load().scorers
    fit = PlatformFit(prepared, encoders, methods, settings, seed=seed, components=components, further=further)
    work = _StackMethods(fit, recorder, HeadStore(heads), diversity)
    stacks = None
    if any(METHODS[method].sets for method in methods):
        fit.train(work.step)
        with work.step("stack"):
            fit.stack()
        stacks = fit.stacks
    recorder.add_platform(_platform_summary(prepared.platform, stacks), seed)
    if stacks is not None:
        rankings = work.rank(stacks)
        if fit.is_judged:
            work.gate(stacks, rankings)
        if left_out and FEDERATED.name in rankings:
            work.contributions(rankings[FEDERATED.name], left_out)
    if ZERO_SHOT in methods and encoders.received is not None and encoders.received.released:
        work.zero_shot(encoders.received)
    if impressions is not None:
        run_clicks(recorder, fit, stacks, impressions, methods, work.heads)
    if truth is not None:
        work.oracle(truth)


class _StackMethods:
    """Ranks the test events by what a fit gives each of its methods."""

    def __init__(self, fit: PlatformFit, recorder: Recorder, heads: HeadStore, diversity: float) -> None:
        self._fit, self._prepared, self._seed = fit, fit.prepared, fit.seed
        self._recorder, self.heads, self._diversity = recorder, heads, diversity
        self._held_out = HeldOut.of(fit.prepared.platform, fit.seed)
        self._record = _Record(fit.prepared, self._held_out, recorder, fit.seed)

    def oracle(self, truth: PlatformTruth) -> None:
        """What a synthetic world's true probabilities rank first."""
        with self.step(ORACLE):
            self._record(ORACLE, _oracle_ranking(truth, self._prepared.platform, self._held_out.tests))

    def rank(self, stacks: FittedStacks) -> dict[str, Ranking]:
        """Each method's ranking, recorded."""
        chosen, student = list(stacks.chosen), self._student(stacks)
        for method in chosen:
            self.heads.write(f"ranking-{method}", RankingHead.chosen(stacks, method).to_stored())
        with self.step("rank"):
            distinct = {candidate.name: candidate.by_gap for candidate in stacks.chosen.values()}
            ranked = rank_all(stacks.ensemble, stacked(list(distinct.values())), self._held_out.everything)
            by_stack = dict(zip(distinct, ranked, strict=True))
            rankings = {method: by_stack[stacks.chosen[method].name] for method in chosen}
            for method, ranking in rankings.items():
                self._record(
                    method,
                    ranking,
                    weights=stacks.weights_of(method),
                    tuned=stacks.summary_of(method),
                    student=student if method == KNOWLEDGE.name else None,
                )
        return rankings

    def _student(self, stacks: FittedStacks) -> StudentSummary | None:
        """The first student, if there is one: alone, and beside the stack that holds it."""
        parts, method = self._fit.parts, KNOWLEDGE.name
        student = student_of(parts, "") if method in stacks.chosen else None
        if student is None:
            return None
        self.heads.write("student", student.to_stored())
        with self.step("student"):
            teacher = tuned_teacher(parts, "")
            return student_summary(student, teacher, stacks, method, self._prepared, self._held_out.tests)

    def gate(self, stacks: FittedStacks, rankings: Mapping[str, Ranking]) -> None:
        """The verdict, and what it serves."""
        with self.step("gate"):
            verdict = self._fit.verdict
        self.heads.write("gate", verdict.to_stored())
        self._recorder.add_gate(GateOutcome(platform=self._prepared.name, seed=self._seed, verdict=verdict.to_json()))
        weights, features = stacks.chosen[verdict.served].by_gap, self._prepared.features
        rerank = self._fit.components.rerank
        with self.step("diversity"):
            ranking = rankings[verdict.served]
            if self._diversity > 0:
                everything, strengths = self._held_out.everything, (self._diversity,)
                ranking = rank_diversified(stacks.ensemble, weights, everything, features, strengths, rerank)[0]
            curve = trade_off(stacks.ensemble, weights, self._held_out.tests, features, rerank, seed=self._seed)
        self._record(SERVED, ranking, weights=stacks.weights_of(verdict.served), curve=curve)

    def contributions(self, ranking: Ranking, left_out: Mapping[str, Encoder]) -> None:
        """What ``federated``, whose ranking it is, loses as each platform is left out of its encoder."""
        tests = self._held_out.tests
        with self.step("contributions"):
            without = ndcg_without(self._fit, left_out, tests)
        users = self._prepared.platform.user_numbers[tests.users[self._held_out.first]]
        ndcg = by_user(ranking.part(np.arange(len(tests))).ndcg, tests.users)
        self._recorder.add_contribution(
            ContributionOutcome(
                platform=self._prepared.name,
                method=FEDERATED.name,
                seed=self._seed,
                users=users,
                ndcg=ndcg,
                without=without,
            )
        )

    def zero_shot(self, received: ReceivedEncoder) -> None:
        """What content and the received encoder rank first without any number that was learnt here."""
        with self.step(ZERO_SHOT):
            ensemble, uniform = zero_shot_ensemble(self._prepared, received.encoder, received.released)
            weights = dict(zip(ensemble.names, uniform.tolist(), strict=True))
            self._record(ZERO_SHOT, rank_all(ensemble, uniform[None], self._held_out.everything)[0], weights=weights)

    def step(self, name: str) -> AbstractContextManager[None]:
        """Said and timed by the recorder."""
        return self._recorder.step(name, platform=self._prepared.name)


class _Record:
    """Hands rankings of one platform under one seed to the recorder, with what they say of its parts."""

    def __init__(self, prepared: PreparedPlatform, held_out: HeldOut, recorder: Recorder, seed: int) -> None:
        platform = prepared.platform
        self._name, self._seed, self._recorder, self._held_out = platform.name, seed, recorder, held_out
        self._cold_users = held_out.tests.histories.lengths() <= COLD_HISTORY
        information = self_information(training_sequences(platform, platform.training_users), platform.n_items)
        self._numbers = platform.user_numbers[held_out.tests.users]
        self._judge = ListJudge(features=prepared.features, information=information)

    def __call__(
        self,
        method: str,
        ranking: Ranking,
        *,
        weights: Mapping[str, float] | None = None,
        tuned: Mapping[str, object] | None = None,
        student: StudentSummary | None = None,
        curve: TradeOff | None = None,
    ) -> None:
        """``ranking`` is of all that is held out, or of the test examples alone."""
        tests, owners = ranking.part(np.arange(len(self._held_out.tests))), self._held_out.tests.users
        first = self._held_out.first
        frozen_ndcg = self._held_out.frozen_ndcg(ranking)
        lists = self._judge.judge(tests.recommended, user_slices(self._cold_users))
        lists = replace(lists, diversity=by_user(lists.diversity, owners), novelty=by_user(lists.novelty, owners))
        self._recorder.add_outcome(
            MethodOutcome(
                platform=self._name,
                method=method,
                seed=self._seed,
                users=self._numbers[first],
                ndcg=by_user(tests.ndcg, owners),
                recall=by_user(tests.recall, owners),
                reciprocal_rank=by_user(tests.reciprocal_rank, owners),
                coverage=lists.coverage[ALL],
                cold_users=self._cold_users[first],
                cold_items=self._held_out.target_events[first] == 0,
                weights=weights or {},
                tuned=tuned or {},
                student=student,
                lists=lists,
                cold_start=self._held_out.cold_start_of(ranking),
                frozen_ndcg=None if frozen_ndcg is None else by_user(frozen_ndcg, owners),
                trade_off=curve,
                outside=tests.share_outside,
            )
        )


def _platform_summary(platform: Platform, stacks: FittedStacks | None) -> PlatformSummary:
    return PlatformSummary(
        name=platform.name,
        users=platform.n_users,
        items=platform.n_items,
        events=len(platform.sequences.items),
        train_users=len(platform.training_users),
        test_users=len(np.unique(platform.held_out.targets[Stage.TEST].users)),
        left_out={} if stacks is None else stacks.left_out,
        scorer_values={} if stacks is None else stacks.scorer_values(),
    )


def _oracle_ranking(truth: PlatformTruth, platform: Platform, held_out: Examples) -> Ranking:
    scores = torch.from_numpy(oracle_scores(truth, platform, held_out))
    if not platform.repeats:
        mask_history(scores, held_out.histories, torch.from_numpy(held_out.targets.astype(np.int64)))
    return rank_scores(scores, held_out)
