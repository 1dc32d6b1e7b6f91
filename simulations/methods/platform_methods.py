"""All methods on one platform under one seed: scorers and stacks, the gate, then the test events, once."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Examples, Platform
from client.data.splits import training_sequences
from client.ensemble.candidates import LOCAL
from client.ensemble.cross_fitting import Trained
from client.ensemble.fitting import FittedStacks, fit_stacks, rank_all
from client.ensemble.head import RankingHead
from client.ensemble.rerank import rank_diversified
from client.evaluation.beyond_accuracy import ALL, ListJudge, self_information
from client.evaluation.ranking import Ranking, mask_history, rank_scores
from client.gate.gate import TRANSFER, decide
from client.gate.relatedness import Relatedness, relatedness
from client.scorers.table import SCORERS, ScorerTable
from client.store.head_store import HeadStore
from client.transfer.feature import unseen_by_rounds
from client.transfer.release import zero_shot_panel
from client.transfer.trained_parts import (
    FROM_ROUNDS,
    PARTS,
    STACKS,
    Encoders,
    PartSettings,
    PlatformParts,
    parts_in,
    possible,
)
from shared.encoder.encoder import Encoder
from shared.seeding import rng_for
from simulations.methods.baselines import BASELINES, rank_baseline, tuned_baseline
from simulations.methods.click_methods import run_clicks
from simulations.methods.cold_start import HeldOut
from simulations.methods.students import student_summary
from simulations.methods.trade_off import trade_off
from simulations.platforms.open_platform import OpenPlatform
from simulations.plugins.plugin import PluginFile
from simulations.results.outcomes import (
    KNOWLEDGE,
    ORACLE,
    SERVED,
    GateOutcome,
    MethodOutcome,
    PlatformSummary,
    StudentSummary,
    TradeOff,
)
from simulations.results.recorder import Recorder
from simulations.results.slices import user_slices
from simulations.synthetic.oracle import oracle_scores
from simulations.synthetic.world import PlatformTruth

COLD_HISTORY = 3
"""Events of a user, at most, who counts as cold."""


def run_baselines(recorder: Recorder, one: OpenPlatform, methods: Sequence[str], seed: int) -> None:
    """Those of the methods that are baselines: they need no encoder."""
    held_out = HeldOut.of(one.platform, seed)
    record = _Record(one, held_out, recorder, seed)
    recorder.add_platform(_platform_summary(one.platform, None), seed)
    for method in [method for method in methods if method in BASELINES]:
        with recorder.step(method, platform=one.platform.name):
            baseline = tuned_baseline(method, one.platform, one.catalogue, seed=seed)
            if baseline is not None:
                tuned = {**baseline.tuned, "validation": baseline.validation}
                record(method, rank_baseline(baseline, one.platform, held_out.everything), tuned=tuned)


def run_stacks(
    recorder: Recorder,
    one: OpenPlatform,
    methods: Sequence[str],
    encoders: Encoders,
    *,
    settings: PartSettings,
    seed: int,
    heads: Path,
    truth: PlatformTruth | None,
    plugin: PluginFile | None = None,
    diversity: float = 0.0,
) -> None:
    """Those of the methods that are stacks, the gate, ``zero-shot``; heads and verdict go to the folder ``heads``.

    ``truth`` is known where the platform is synthetic; then the oracle is ranked too.
    The scorers of a ``plugin`` join the computed ones. What the gate serves is re-ranked with the strength
    ``diversity``.
    """
    scorers = SCORERS if plugin is None else {**SCORERS, **plugin.load().scorers}
    work = _StackMethods(
        one,
        methods,
        encoders,
        settings=settings,
        seed=seed,
        recorder=recorder,
        heads=HeadStore(heads),
        scorers=scorers,
        diversity=diversity,
    )
    work.run(truth)


class _StackMethods:
    """Runs the stacks that are asked for on one platform under one seed."""

    def __init__(
        self,
        one: OpenPlatform,
        methods: Sequence[str],
        encoders: Encoders,
        *,
        settings: PartSettings,
        seed: int,
        recorder: Recorder,
        heads: HeadStore,
        scorers: ScorerTable,
        diversity: float,
    ) -> None:
        self._one, self._platform, self._name = one, one.platform, one.platform.name
        self._methods, self._encoders = methods, encoders
        self._sets, self._seed = settings.stacks(), seed
        self._parts = PlatformParts(one, encoders, settings, seed)
        self._recorder, self._heads, self._scorers, self._diversity = recorder, heads, scorers, diversity
        self._trained: dict[str, Trained] = {}
        self._absent: list[str] = []
        """methods whose parts this platform is too small to train: reported as computed scorers, not in the gate"""
        self._held_out = HeldOut.of(self._platform, seed)
        self._record = _Record(one, self._held_out, recorder, seed)

    def run(self, truth: PlatformTruth | None) -> None:
        """Everything that an encoder or a stack takes part in, and the oracle where the truth is known."""
        stacks = self._stacks()
        self._recorder.add_platform(_platform_summary(self._platform, stacks), self._seed)
        if stacks is not None:
            rankings = self._rank(stacks)
            if LOCAL in stacks.chosen and any(method in TRANSFER for method in stacks.chosen):
                self._gate(stacks, rankings)
        if "zero-shot" in self._methods and self._encoders.source is not None:
            self._zero_shot(self._encoders.source)
        if self._one.impressions is not None:
            opened, methods, heads = self._one.impressions, self._methods, self._heads
            run_clicks(
                self._recorder, self._platform, opened, methods, stacks, self._trained, heads=heads, seed=self._seed
            )
        if truth is not None:
            with self._step(ORACLE):
                self._record(ORACLE, _oracle_ranking(truth, self._platform, self._held_out.tests))

    def _stacks(self) -> FittedStacks | None:
        """The panel of every scorer that the methods need, and the stack chosen for each."""
        methods = [method for method in self._methods if method in STACKS]
        if not methods:
            return None
        sets = {method: self._sets[method] for method in methods}
        trained = self._trained
        for part in parts_in(sets):
            with self._step(f"train {part}"):
                made = PARTS[part](self._parts)
            if made is not None:
                trained[part] = made
        there = possible(sets, trained)
        self._absent = [method for method in methods if method not in there]
        with self._step("stack"):
            return fit_stacks(
                self._platform,
                self._one.catalogue,
                trained,
                {method: there.get(method, [()]) for method in methods},
                seed=self._seed,
                scorers=self._scorers,
            )

    def _rank(self, stacks: FittedStacks) -> dict[str, Ranking]:
        chosen, student = list(stacks.chosen), self._student(stacks)
        for method in chosen:
            self._heads.write(f"ranking-{method}", RankingHead.chosen(stacks, method).to_stored())
        with self._step("rank"):
            distinct = {candidate.name: candidate.weights for candidate in stacks.chosen.values()}
            ranked = rank_all(stacks.panel, np.stack(list(distinct.values())), self._held_out.everything)
            by_stack = dict(zip(distinct, ranked, strict=True))
            rankings = {method: by_stack[stacks.chosen[method].name] for method in chosen}
            for method, ranking in rankings.items():
                self._record(
                    method,
                    ranking,
                    weights=stacks.weights_of(method),
                    tuned=stacks.summary_of(method),
                    student=student if method == KNOWLEDGE else None,
                )
        return rankings

    def _student(self, stacks: FittedStacks) -> StudentSummary | None:
        """The first student, if there is one: alone, and beside the stack that holds it."""
        student = self._parts.student("") if KNOWLEDGE in stacks.chosen else None
        if student is None:
            return None
        self._heads.write("student", student.to_stored())
        with self._step("student"):
            return student_summary(
                student, self._parts.teaching(""), stacks, KNOWLEDGE, self._one, self._held_out.tests
            )

    def _gate(self, stacks: FittedStacks, rankings: Mapping[str, Ranking]) -> None:
        with self._step("gate"):
            rng = rng_for(self._seed, self._name, "gate")
            options = {method: some for method, some in stacks.options.items() if method not in self._absent}
            verdict = decide(options, stacks.whole_list_by_name(), rng, self._relatedness(stacks))
        self._heads.write("gate", verdict.to_stored())
        self._recorder.add_gate(GateOutcome(platform=self._name, seed=self._seed, verdict=verdict.to_json()))
        weights, features = stacks.chosen[verdict.served].weights, self._one.catalogue.features
        with self._step("diversity"):
            ranking = rankings[verdict.served]
            if self._diversity > 0:
                everything, strengths = self._held_out.everything, (self._diversity,)
                ranking = rank_diversified(stacks.panel, weights, everything, features, strengths)[0]
            curve = trade_off(stacks.panel, weights, self._held_out.tests, features, seed=self._seed)
        self._record(SERVED, ranking, weights=stacks.weights_of(verdict.served), curve=curve)

    def _relatedness(self, stacks: FittedStacks) -> dict[str, Relatedness | None]:
        """Of the encoder behind each transfer method that competes, measured once."""
        competing = [method for method in TRANSFER if method in stacks.options]
        behind = {
            True: (self._encoders.federated, unseen_by_rounds(self._platform)),
            False: (self._encoders.source, self._platform.training_users),
        }
        measured = {after: self._related(*behind[after]) for after in {method in FROM_ROUNDS for method in competing}}
        return {method: measured[method in FROM_ROUNDS] for method in competing}

    def _related(self, encoder: Encoder | None, unseen: NDArray[np.int64]) -> Relatedness | None:
        if encoder is None or not self._encoders.released:
            return None
        rng = rng_for(self._seed, self._name, "relatedness")
        return relatedness(self._platform, self._one.catalogue, encoder, self._encoders.released, unseen, rng)

    def _zero_shot(self, encoder: Encoder) -> None:
        with self._step("zero-shot"):
            panel, uniform = zero_shot_panel(self._platform, self._one.catalogue, encoder, self._encoders.released)
            weights = dict(zip(panel.names, uniform.tolist(), strict=True))
            self._record("zero-shot", rank_all(panel, uniform[None], self._held_out.everything)[0], weights=weights)

    def _step(self, name: str) -> AbstractContextManager[None]:
        return self._recorder.step(name, platform=self._name)


class _Record:
    """Hands rankings of one platform under one seed to the recorder, with what they say of its parts."""

    def __init__(self, one: OpenPlatform, held_out: HeldOut, recorder: Recorder, seed: int) -> None:
        platform = one.platform
        self._name, self._seed, self._recorder, self._held_out = platform.name, seed, recorder, held_out
        self._cold_users = held_out.tests.histories.lengths() <= COLD_HISTORY
        known = training_sequences(platform, platform.training_users)
        information = self_information(known, platform.n_items)
        self._numbers = platform.user_numbers[held_out.tests.users]
        self._judge = ListJudge(features=one.catalogue.features, information=information)

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
        tests = self._held_out.tests_of(ranking)
        lists = self._judge.judge(tests.recommended, user_slices(self._cold_users))
        self._recorder.add_outcome(
            MethodOutcome(
                platform=self._name,
                method=method,
                seed=self._seed,
                users=self._numbers,
                ndcg=tests.ndcg,
                recall=tests.recall,
                reciprocal_rank=tests.reciprocal_rank,
                coverage=lists.coverage[ALL],
                cold_users=self._cold_users,
                cold_items=self._held_out.target_events == 0,
                weights=weights or {},
                tuned=tuned or {},
                student=student,
                lists=lists,
                cold_start=self._held_out.cold_start_of(ranking),
                trade_off=curve,
            )
        )


def _platform_summary(platform: Platform, stacks: FittedStacks | None) -> PlatformSummary:
    return PlatformSummary(
        name=platform.name,
        users=platform.n_users,
        items=platform.n_items,
        events=len(platform.sequences.items),
        train_users=len(platform.training_users),
        test_users=platform.n_users,
        left_out={} if stacks is None else stacks.left_out,
        scorer_values={} if stacks is None else stacks.scorer_values(),
    )


def _oracle_ranking(truth: PlatformTruth, platform: Platform, held_out: Examples) -> Ranking:
    scores = torch.from_numpy(oracle_scores(truth, platform, held_out))
    if not platform.repeats:
        mask_history(scores, held_out.histories, torch.from_numpy(held_out.targets.astype(np.int64)))
    return rank_scores(scores, held_out)
