"""Running the methods of a run: encoders first, then one panel of scorers per platform, then the test events, once."""

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Examples, Platform, Stage
from client.data.spec import PlatformSpec
from client.data.splits import examples, training_sequences
from client.evaluation.ranking import Ranking, mask_history, rank_scores
from client.recommender.cross_fitting import Catalogue, Trained
from client.recommender.fitting import FittedStacks, fit_stacks, rank_all
from client.recommender.head import RankingHead
from client.recommender.head_store import HeadStore
from client.recommender.release import released_calibration, zero_shot_panel
from client.scorers.neighbours import Neighbours, nearest
from client.training.pretraining import Pretrained
from client.workspace import open_data
from shared.config import RoundsConfig
from shared.encoder.encoder import Encoder
from shared.errors import ConfigError
from shared.feature_space.fingerprint import require_same
from simulations.baselines import BASELINES, rank_baseline, tuned_baseline
from simulations.encoders import OpenPlatform, own_part, pooled_encoder, received_part, source_encoder, tuned_part
from simulations.federation import run_held_federation
from simulations.outcomes import ORACLE, EncoderSummary, MethodOutcome, PlatformSummary, RoundOutcome
from simulations.people import without_shared_people
from simulations.platforms import open_platforms
from simulations.recorder import RunRecorder
from simulations.run_config import NEEDS_SOURCE, RunConfig
from simulations.synthetic.oracle import oracle_scores
from simulations.synthetic.world import World

LOCAL_METHODS = (*BASELINES, "stack", "local")
"""What the source is reported with."""
FROM_ROUNDS = ("federated", "federated-model")
STACKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "stack": ((),),
    "local": ((), ("own",)),
    "feature": (("received",), ("received", "own")),
    "model": (("tuned",), ("tuned", "own")),
    "federated": (("federated",), ("federated", "own")),
    "federated-model": (("federated-tuned",), ("federated-tuned", "own")),
    "pooled": (("pooled",), ("pooled", "own")),
}
"""Method to the sets of trained parts that may stand in its stack beside the computed scorers."""


@dataclass(frozen=True, kw_only=True)
class _Encoders:
    """What has been trained for a seed; None where no method needs it."""

    source: Pretrained | None
    released: Mapping[str, object]
    federated: Encoder | None
    pooled: Encoder | None


def run(config: RunConfig, recorder: RunRecorder, work: Path) -> None:
    """Run every method on every reported platform under every seed, handing each outcome to the recorder."""
    specs, world = open_platforms(config, work / "platforms")
    if config.source is not None:
        specs = without_shared_people(specs, config.source, work / "source")
    known: dict[str, Neighbours] = {}
    for seed in range(config.seed, config.seed + config.seeds):
        with recorder.step("prepare"):
            opened = {spec.name: _open(spec, config, seed, work, known) for spec in specs}
            _require_one_space(opened)
        encoders = _train_encoders(config, opened, recorder, seed, work)
        for name in config.reported:
            methods = [m for m in config.methods if name != config.source or m in LOCAL_METHODS]
            heads = HeadStore(work / "heads" / name)
            _report(name, opened[name], methods, encoders, heads, config, recorder, world, seed)


def _open(spec: PlatformSpec, config: RunConfig, seed: int, work: Path, known: dict[str, Neighbours]) -> OpenPlatform:
    """The platform with its vectors; parts of one folder often have one catalogue, whose neighbours are ``known``."""
    data = open_data(
        str(spec), seed, str(work / "features"), config.features, config.min_user_events, config.min_item_events
    )
    key = hashlib.sha256(np.ascontiguousarray(data.features).tobytes()).hexdigest()
    if key not in known:
        known[key] = nearest(data.features)
    catalogue = Catalogue(features=data.features, neighbours=known[key])
    return OpenPlatform(data=data, catalogue=catalogue)


def _require_one_space(opened: Mapping[str, OpenPlatform]) -> None:
    first, *others = opened.values()
    for other in others:
        require_same(first.space, other.space, where=f"platform {other.platform.name!r}")


def _train_encoders(
    config: RunConfig, opened: Mapping[str, OpenPlatform], recorder: RunRecorder, seed: int, work: Path
) -> _Encoders:
    targets = [name for name in config.reported if name != config.source]
    wanted = [method for method in config.methods if targets]
    source: Pretrained | None = None
    released: Mapping[str, object] = {}
    federated: Encoder | None = None
    pooled: Encoder | None = None
    if any(method in NEEDS_SOURCE for method in wanted) and config.source is not None:
        one = opened[config.source]
        with recorder.step("pretrain"):
            source = source_encoder(one, config.encoder, seed)
            released = released_calibration(one.platform, one.catalogue, source.encoder)
        recorder.set_encoder(_summary(source.encoder))
    if any(method in FROM_ROUNDS for method in wanted) and source is not None:
        with recorder.step("rounds"):
            federated = _rounds(source.encoder, opened, config, recorder, seed, work / "rounds")
    if "pooled" in wanted:
        with recorder.step("pooled"):
            pooled = pooled_encoder(opened, config.encoder, seed)
        recorder.set_encoder(_summary(pooled))
    return _Encoders(source=source, released=released, federated=federated, pooled=pooled)


def _rounds(
    start: Encoder,
    opened: Mapping[str, OpenPlatform],
    config: RunConfig,
    recorder: RunRecorder,
    seed: int,
    folder: Path,
) -> Encoder:
    """The encoder after a federation of all platforms, each round handed to the recorder."""
    shutil.rmtree(folder, ignore_errors=True)
    result = run_held_federation(
        {name: one.data for name, one in opened.items()},
        start,
        RoundsConfig(seed=seed, rounds=config.rounds),
        folder=folder,
    )
    for entry in result.rounds():
        recorder.add_round(RoundOutcome(seed=seed, **entry))
    return result.encoder


def _summary(encoder: Encoder) -> EncoderSummary:
    return EncoderSummary(
        parameters=encoder.flat.size,
        bytes=encoder.flat.nbytes,
        fingerprint=encoder.spec.feature_space.fingerprint,
    )


def _report(
    name: str,
    one: OpenPlatform,
    methods: Sequence[str],
    encoders: _Encoders,
    heads: HeadStore,
    config: RunConfig,
    recorder: RunRecorder,
    world: World | None,
    seed: int,
) -> None:
    """Fit, choose and rank everything for one platform under one seed; its heads go to the store."""
    platform = one.platform
    held_out = examples(platform, Stage.TEST, np.arange(platform.n_users))
    record = _Record(name, one.platform, held_out, recorder, seed)
    for method in [method for method in methods if method in BASELINES]:
        with recorder.step(method):
            baseline = tuned_baseline(method, platform, one.catalogue, seed=seed)
            if baseline is not None:
                tuned = {**baseline.tuned, "validation": baseline.validation}
                record(method, rank_baseline(baseline, platform, held_out), tuned=tuned)
    stacks = _fit(one, [method for method in methods if method in STACKS], encoders, config, recorder, seed)
    recorder.add_platform(_platform_summary(name, platform, stacks))
    if stacks is not None:
        for method in stacks.chosen:
            heads.write(f"ranking-{method}", RankingHead.chosen(stacks, method).to_stored())
        with recorder.step("rank"):
            chosen = list(stacks.chosen)
            weights = np.stack([stacks.chosen[method].weights for method in chosen])
            for method, ranking in zip(chosen, rank_all(stacks.panel, weights, held_out), strict=True):
                record(method, ranking, weights=stacks.weights_of(method), tuned=stacks.summary_of(method))
    if "zero-shot" in methods and encoders.source is not None:
        with recorder.step("zero-shot"):
            panel, uniform = zero_shot_panel(platform, one.catalogue, encoders.source.encoder, encoders.released)
            weights_by_name = dict(zip(panel.names, uniform.tolist(), strict=True))
            record("zero-shot", rank_all(panel, uniform[None], held_out)[0], weights=weights_by_name)
    if world is not None:
        with recorder.step(ORACLE):
            record(ORACLE, _oracle_ranking(world, platform, held_out))


def _fit(
    one: OpenPlatform,
    methods: Sequence[str],
    encoders: _Encoders,
    config: RunConfig,
    recorder: RunRecorder,
    seed: int,
) -> FittedStacks | None:
    """The panel of every scorer that these methods need, and the stack chosen for each."""
    if not methods:
        return None
    needed = {part for method in methods for parts in STACKS[method] for part in parts}
    trained = {}
    for part in sorted(needed):
        with recorder.step(f"train {part}"):
            made = _PARTS[part](one, encoders, config.encoder, seed)
        if made is not None:
            trained[part] = made
    available = {
        method: [parts for parts in STACKS[method] if set(parts) <= set(trained)] or [()] for method in methods
    }
    with recorder.step("stack"):
        return fit_stacks(one.platform, one.catalogue, trained, available, seed=seed)


def _unseen_when_contributing(platform: Platform) -> NDArray[np.int64]:
    return platform.weighting_users if platform.contributes else platform.training_users


def _own(one: OpenPlatform, _encoders: _Encoders, preset: str, seed: int) -> Trained | None:
    return own_part(one, preset, seed)


def _received(one: OpenPlatform, encoders: _Encoders, _preset: str, _seed: int) -> Trained | None:
    if encoders.source is None:
        return None
    return received_part("received", one, encoders.source.encoder, unseen=one.platform.training_users)


def _tuned(one: OpenPlatform, encoders: _Encoders, _preset: str, seed: int) -> Trained | None:
    return None if encoders.source is None else tuned_part("tuned", one, encoders.source.encoder, seed=seed)


def _federated(one: OpenPlatform, encoders: _Encoders, _preset: str, _seed: int) -> Trained | None:
    if encoders.federated is None:
        return None
    return received_part("federated", one, encoders.federated, unseen=_unseen_when_contributing(one.platform))


def _federated_tuned(one: OpenPlatform, encoders: _Encoders, _preset: str, seed: int) -> Trained | None:
    return None if encoders.federated is None else tuned_part("federated-tuned", one, encoders.federated, seed=seed)


def _pooled(one: OpenPlatform, encoders: _Encoders, _preset: str, _seed: int) -> Trained | None:
    if encoders.pooled is None:
        return None
    return received_part("pooled", one, encoders.pooled, unseen=_unseen_when_contributing(one.platform))


_PARTS: dict[str, Callable[[OpenPlatform, _Encoders, str, int], Trained | None]] = {
    "own": _own,
    "received": _received,
    "tuned": _tuned,
    "federated": _federated,
    "federated-tuned": _federated_tuned,
    "pooled": _pooled,
}


class _Record:
    """Hands rankings of one platform under one seed to the recorder, with their slices."""

    def __init__(self, name: str, platform: Platform, held_out: Examples, recorder: RunRecorder, seed: int) -> None:
        self._name, self._seed, self._recorder = name, seed, recorder
        met = np.zeros(platform.n_items, bool)
        met[training_sequences(platform, platform.training_users).items] = True
        self._cold_items = ~met[held_out.targets]
        self._cold_users = held_out.histories.lengths() <= 3

    def __call__(
        self,
        method: str,
        ranking: Ranking,
        *,
        weights: Mapping[str, float] | None = None,
        tuned: Mapping[str, object] | None = None,
    ) -> None:
        self._recorder.add_outcome(
            MethodOutcome(
                platform=self._name,
                method=method,
                seed=self._seed,
                users=ranking.users,
                ndcg=ranking.ndcg,
                recall=ranking.recall,
                reciprocal_rank=ranking.reciprocal_rank,
                coverage=ranking.coverage,
                cold_users=self._cold_users,
                cold_items=self._cold_items,
                weights=weights or {},
                tuned=tuned or {},
            )
        )


def _platform_summary(name: str, platform: Platform, stacks: FittedStacks | None) -> PlatformSummary:
    return PlatformSummary(
        name=name,
        users=platform.n_users,
        items=platform.n_items,
        events=len(platform.sequences.items),
        train_users=len(platform.training_users),
        test_users=platform.n_users,
        left_out={} if stacks is None else stacks.left_out,
        scorer_values={} if stacks is None else stacks.scorer_values(),
    )


def _oracle_ranking(world: World, platform: Platform, held_out: Examples) -> Ranking:
    if platform.name not in world.truths:
        raise ConfigError(f"the synthetic world has no platform {platform.name!r}")
    scores = torch.from_numpy(oracle_scores(world.truths[platform.name], platform, held_out))
    if not platform.repeats:
        mask_history(scores, held_out.histories, torch.from_numpy(held_out.targets.astype(np.int64)))
    return rank_scores(scores, held_out)
