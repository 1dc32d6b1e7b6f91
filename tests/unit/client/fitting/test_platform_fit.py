"""One fit for whoever asks: what competes, what each encoder is measured by, and that a new method is a row."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.features.prepared_platform import PreparedPlatform
from client.fitting import platform_fit
from client.fitting.platform_fit import PlatformFit
from client.fitting.served_fit import Opened, served_form
from client.gate.gate import GateVerdict
from client.recommender.served_parts import ServedParts
from client.scorers.encoder_scorers import KeptEncoder
from client.store.head_store import HeadStore
from client.transfer.feature import feature_part
from client.transfer.method import Encoders, Form, Method, ReceivedEncoder, beside_own
from client.transfer.part_settings import PartSettings
from client.transfer.release import released_calibration
from client.transfer.table import METHODS, taught
from shared.encoder.encoder import Encoder, EncoderSpec
from simulations.config.run_config import RunConfig
from simulations.methods.platform_methods import run_stacks
from simulations.run.run_recorder import RunRecorder
from tests.unit.client.recommender.world import nothing_beyond, prepared, small_platform

SETTINGS = PartSettings(preset="tiny", own=False)


def few_users() -> PreparedPlatform:
    """Too few to train anything."""
    platform = small_platform()
    return prepared(replace(platform, training_users=np.arange(60), calibration_users=np.arange(0, 60, 5)))


def received_by(where: PreparedPlatform, *, seen: bool = False) -> ReceivedEncoder:
    spec = EncoderSpec(preset="tiny", input_dim=where.space.dim, feature_space=where.space)
    encoder = Encoder.initial(spec, 0)
    return ReceivedEncoder(encoder=encoder, seen=seen, released=released_calibration(where, encoder))


def fitted(where: PreparedPlatform, encoders: Encoders, *methods: str) -> PlatformFit:
    fit = PlatformFit(where, encoders, methods, SETTINGS, seed=0)
    fit.train()
    fit.stack()
    return fit


def test_what_too_few_users_cannot_train_does_not_compete_and_makes_no_gate_stricter() -> None:
    where = few_users()
    encoders = Encoders(received=received_by(where))
    among = fitted(where, encoders, "local", "feature", "model", "knowledge")
    assert among.absent == ("model", "knowledge")
    assert set(among.verdict.candidates) == {"local", "feature"}
    alone = fitted(where, encoders, "local", "feature")
    assert among.verdict.to_json() == alone.verdict.to_json()


def test_measures_an_encoder_once_however_many_methods_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    where, asked = few_users(), []
    measure = platform_fit.transferability_score
    monkeypatch.setattr(platform_fit, "transferability_score", lambda *given: asked.append(given[1]) or measure(*given))
    received, previous = received_by(where), replace(received_by(where), seen=True)
    fit = fitted(where, Encoders(received=received, previous=previous), "local", "feature", "model", "previous")
    assert fit.verdict.candidates["feature"].transferability is not None
    assert [id(one) for one in asked] == [id(received.encoder), id(previous.encoder)]


def test_is_judged_only_where_something_may_be_served_instead_of_local() -> None:
    where = few_users()
    encoders = Encoders(received=received_by(where))
    assert fitted(where, encoders, "local", "feature").is_judged
    assert not fitted(where, encoders, "local").is_judged
    assert not fitted(where, encoders, "stack", "feature").is_judged


HALVED = Method(
    name="halved",
    origin="received",
    part="halved",
    sets=beside_own("halved"),
    make=lambda parts, _kind: feature_part("halved", halved(parts.encoders.received), parts.prepared),
    competes=True,
)


def halved(received: ReceivedEncoder | None) -> ReceivedEncoder:
    """The received encoder with a linear part half as strong."""
    assert received is not None
    linear = received.encoder.linear()
    return replace(received, encoder=received.encoder.with_linear(replace(linear, W=linear.W / 2)))


def test_a_new_method_is_a_row_and_runs_competes_and_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(METHODS, HALVED.name, HALVED)
    where = few_users()
    recorder = RunRecorder(RunConfig.from_dict({"methods": "local,feature,halved", "source": "news"}))
    encoders = Encoders(received=received_by(where))
    methods = ["local", "feature", "halved"]
    run_stacks(recorder, where, methods, encoders, settings=SETTINGS, seed=0, heads=tmp_path, truth=None)
    result = recorder.result(complete=True)
    assert [outcome.method for outcome in result.outcomes] == ["local", "feature", "halved", "served"]
    assert set(result.gates[0].verdict["candidates"]) == {"local", "feature", "halved"}
    assert "ranking-halved" in HeadStore(tmp_path).names()


@pytest.mark.parametrize(("form", "seen"), [("as it came", False), ("tuned", True), ("taught", True)])
def test_a_record_says_of_a_new_method_what_its_row_says(
    monkeypatch: pytest.MonkeyPatch, form: Form, seen: bool
) -> None:
    monkeypatch.setitem(METHODS, HALVED.name, replace(HALVED, form=form))
    where = few_users()
    received = received_by(where)
    fit = PlatformFit(where, Encoders(received=received), ["local", "halved"], SETTINGS, seed=0)
    fit.verdict = GateVerdict(accepted=True, served="halved", reason="", users=1, candidates={})
    parts = ServedParts(encoders={"halved": KeptEncoder(encoder=received.encoder)}, own=None)
    beyond = nothing_beyond(where.platform)
    told = served_form(Opened(fit=fit, received=received, beyond=beyond, features="hashing"), parts)
    assert told.seen is seen
    assert bool(told.released) is not seen
    assert taught("coral-halved") is (form == "taught")
