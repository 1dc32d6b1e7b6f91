"""The encoder that a platform serves goes on competing when another comes, and is served again where it is better."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.data.folder_options import Preparation
from client.data.sequences import Sequences
from client.fitting import platform_fit
from client.fitting.fit_settings import CompetingMethods, FitSettings
from client.fitting.pretrain import pretrain_folder
from client.fitting.served_fit import fit_recommender, open_fit, previous_release, store_served
from client.gate.gate import GateVerdict, decide
from client.recommender.recommender import ListQuery, open_recommender
from client.recommender.served_head import RECORD, read_served
from client.store.head_store import HeadStore
from client.training.loop import TrainingSettings
from shared.encoder.encoder import Encoder
from shared.encoder.file import load_encoder, save_encoder
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES

QUICK = FitSettings(features=FEATURES, competing_methods=CompetingMethods(own=False))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_folder(tmp_path_factory.mktemp("previous") / "shop")


@pytest.fixture(scope="module")
def first(folder: Path) -> Path:
    file = folder.parent / "first.safetensors"
    quick = TrainingSettings(epochs=1, tokens=256)
    pretrain_folder(folder, file, preparation=Preparation(), features=FEATURES, preset="tiny", settings=quick)
    return file


@pytest.fixture(scope="module")
def second(first: Path) -> Path:
    """Of noise, with the calibration of the first."""
    encoder, card = load_encoder(first)
    file = first.with_name("second.safetensors")
    save_encoder(file, Encoder.initial(encoder.spec, 5), card)
    return file


def serving(method: str) -> Callable[..., GateVerdict]:
    """A gate that weighs as ever and then serves this method."""

    def gate(*given: Any) -> GateVerdict:
        return replace(decide(*given), accepted=True, served=method)

    return gate


def test_competes_and_comes_back_from_the_record(
    folder: Path, first: Path, second: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, (encoder, card) = HeadStore(tmp_path), load_encoder(first)
    monkeypatch.setattr(platform_fit, "decide", serving("feature"))
    assert set(fit_recommender(folder, first, store, QUICK).candidates) == {"local", "feature"}
    before = open_recommender(store)
    for _ in range(2):  # what was served again is the previous one of the next fit, too
        monkeypatch.setattr(platform_fit, "decide", serving("previous"))
        verdict = fit_recommender(folder, second, store, QUICK)
        assert set(verdict.candidates) == {"local", "feature", "previous"}
        assert verdict.candidates["previous"].transferability is not None
        served = read_served(store)
        assert np.array_equal(served.parts.encoders["previous"].encoder.flat, encoder.flat)
        assert (served.seen, served.released) == (False, card.calibration)
    again = open_recommender(store)
    history = before.history_of("3")
    assert [one.item for one in again.recommend(history, ListQuery(k=5))] == [
        one.item for one in before.recommend(history, ListQuery(k=5))
    ]
    monkeypatch.setattr(platform_fit, "decide", decide)
    assert set(fit_recommender(folder, first, store, QUICK).candidates) == {"local", "feature"}


@pytest.mark.parametrize(("method", "part"), [("model", "tuned"), ("knowledge", "student")])
def test_what_was_tuned_or_taught_is_served_from_the_record(
    folder: Path, first: Path, second: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, part: str
) -> None:
    store = HeadStore(tmp_path)
    monkeypatch.setattr(platform_fit, "decide", serving(method))
    settings = replace(QUICK, competing_methods=CompetingMethods(own=False, methods=(method,)))
    opened = open_fit(folder, first, settings, store=store)
    fit = opened.fit
    fit.train()
    fit.stack()
    stacks, forced = fit.stacks, {name: 1.0 for name in fit.stacks.ensemble.names if name.startswith(part)}
    weights = np.array([forced.get(name, 0.0) for name in stacks.ensemble.names])
    chosen = replace(stacks.chosen[method], weights=weights)
    fit.stacks = replace(stacks, chosen={**stacks.chosen, method: chosen})
    store_served(opened, store)
    kept = read_served(store).parts.encoders[part]
    assert kept.head is not None
    assert read_served(store).seen
    recommender = open_recommender(store)
    history = recommender.history_of("3")
    alone = Sequences(offsets=np.array([0, len(history)]), items=history)
    scores = stacks.ensemble.served(weights, alone)
    listed = recommender.recommend(history, ListQuery(k=5))
    assert [one.score for one in listed] == pytest.approx(scores[0].topk(5).values.tolist(), rel=1e-3)
    came, other = (load_encoder(file)[0] for file in (first, second))
    assert previous_release(store, RECORD, fit.prepared.space, came) is None
    later = previous_release(store, RECORD, fit.prepared.space, other)
    assert (later is None) == (part == "student")
