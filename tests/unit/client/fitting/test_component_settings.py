"""Components under other settings: every default is in its range, each is heard, and none is served."""

from collections.abc import Collection
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.ensemble.calibration import Calibration
from client.ensemble.cross_fitting import fit_on
from client.ensemble.ensemble_settings import CalibrationSettings, CandidateSettings, CrossFitSettings, EnsembleSettings
from client.fitting.platform_fit import DEFAULT, ComponentSettings, PlatformFit
from client.fitting.served_fit import Opened, store_served
from client.gate.assessment import AssessmentSettings
from client.gate.gate import GateSettings
from client.gate.transferability import TransferabilitySettings
from client.scorers.content_knn import ContentKnnSettings
from client.scorers.ease import EaseSettings
from client.scorers.item_knn import ItemKnnSettings
from client.scorers.table import ScorerSettings, scorer_table
from client.scorers.transition import TransitionSettings
from client.store.head_store import HeadStore
from client.training.distillation import DistillationSettings
from client.training.local_id import LocalIdSettings
from client.transfer.alignment import AlignmentSettings
from client.transfer.method import Encoders, ReceivedEncoder
from client.transfer.part_settings import PartSettings
from client.transfer.release import released_calibration
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.errors import ConfigError, HeadStoreError
from tests.unit.client.recommender.world import nothing_beyond, prepared, small_platform

OTHERS = ComponentSettings(
    scorers=ScorerSettings(
        content_knn=ContentKnnSettings(decays=(0.3, 0.9), neighbours=10),
        item_knn=ItemKnnSettings(decays=(0.5,), shrink=1.0),
        transition=TransitionSettings(lags=(1,)),
        ease=EaseSettings(regularisation=20.0),
    ),
    ensemble=EnsembleSettings(
        cross_fit=CrossFitSettings(folds=2),
        calibration=CalibrationSettings(temperatures=(3.0, 6.0)),
        candidates=CandidateSettings(uniform=0.3, l2_strengths=(0.1, 2.0)),
    ),
    gate=GateSettings(resamples=100),
    transferability=TransferabilitySettings(most_events=40),
)


def fit_under(components: ComponentSettings) -> PlatformFit:
    platform = small_platform()
    where = prepared(replace(platform, training_users=np.arange(60), calibration_users=np.arange(0, 60, 5)))
    spec = EncoderSpec(preset="tiny", input_dim=where.space.dim, feature_space=where.space)
    encoder = Encoder.initial(spec, 0)
    received = ReceivedEncoder(encoder=encoder, seen=False, released=released_calibration(where, encoder))
    settings = PartSettings(preset="tiny", own=False)
    encoders = Encoders(received=received)
    fit = PlatformFit(where, encoders, ("local", "feature"), settings, seed=0, components=components)
    fit.train()
    fit.stack()
    return fit


@pytest.fixture(scope="module")
def other() -> PlatformFit:
    return fit_under(OTHERS)


def test_scorers_have_the_columns_that_their_settings_say(other: PlatformFit) -> None:
    names = set(other.stacks.ensemble.names)
    assert {"content-knn@0.3", "content-kernel@0.9", "item-knn@0.5"} <= names
    assert not {"content-knn@0.6", "item-knn@0.6"} & names
    assert {"item_similarity@1", "item_similarity", "transition@1"} <= set(_counted(other))


def _counted(fit: PlatformFit) -> Collection[str]:
    """What its scorers count."""
    table = scorer_table(fit.components.scorers)
    return fit_on(fit.prepared, fit.prepared.platform.training_users, table).statistics


def test_candidates_follow_l2_strengths_and_uniform_weight(other: PlatformFit) -> None:
    candidates = {one.name: one for one in other.stacks.candidates}
    assert {"fitted(0.1):computed", "fitted(2):computed"} <= set(candidates)
    assert not [name for name in candidates if name.startswith("fitted(1)")]
    plain = candidates["zero-shot:received"].weights
    content = [name.startswith("content-k") for name in other.stacks.ensemble.names]
    assert sum(content) == 4
    assert plain[content].tolist() == [0.3 / 4] * 4
    assert plain.max() == 0.3


def test_gate_and_transferability_hear_theirs(other: PlatformFit) -> None:
    related = other.verdict.candidates["feature"].transferability
    assert related is not None
    assert related.events == 40


def test_a_calibration_of_other_components_says_so_and_is_not_read_back(other: PlatformFit) -> None:
    ensemble = other.stacks.ensemble
    values = ensemble.calibrations[ensemble.names.index("content-knn@0.3")].to_json()
    assert len(values["mixture"]) == 3
    with pytest.raises(ValueError, match="expected the usual components of a similarity calibration"):
        Calibration.from_json(values)


def test_nothing_that_was_fitted_under_others_is_stored_as_what_is_served(other: PlatformFit, tmp_path: Path) -> None:
    received = other.encoders.received
    assert received is not None
    beyond = nothing_beyond(other.prepared.platform)
    opened = Opened(fit=other, received=received, beyond=beyond, features="hashing")
    with pytest.raises(HeadStoreError, match="usual settings"):
        store_served(opened, HeadStore(tmp_path))
    assert not HeadStore(tmp_path).names()


def numbers_in(settings: Any) -> list[tuple[Any, str]]:
    """(settings, field) of every number, however deep."""
    found = []
    for field in fields(settings):
        value = getattr(settings, field.name)
        found += numbers_in(value) if is_dataclass(value) else [(settings, field.name)]
    return found


@pytest.mark.parametrize(
    "component", [DEFAULT, AssessmentSettings(), AlignmentSettings(), DistillationSettings(), LocalIdSettings()]
)
def test_every_number_has_a_range_that_names_it(component: Any) -> None:
    for settings, name in numbers_in(component):
        wrong = (-1e9,) if isinstance(getattr(settings, name), tuple) else -1e9
        with pytest.raises(ConfigError, match=rf"{type(settings).__name__}\.{name} must be "):
            replace(settings, **{name: wrong})
