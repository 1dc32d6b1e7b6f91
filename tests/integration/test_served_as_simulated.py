"""What a platform serves is what a run's gate would serve: the same verdict, columns, calibrations and weights."""

from pathlib import Path

import numpy as np
import pytest

from client.cli.pretrain import pretrain_folder
from client.data.preparation import Preparation
from client.ensemble.cross_fitting import Catalogue
from client.ensemble.head import RankingHead
from client.features.neighbours import nearest
from client.fitting.contenders import Contenders
from client.fitting.fit_settings import FitSettings
from client.fitting.served_fit import fit_recommender
from client.recommender.served_head import read_served
from client.rounds.workspace import open_data
from client.store.head_store import HeadStore
from client.training.loop import TrainingSettings
from client.transfer.trained_parts import Encoders, PartSettings
from shared.encoder.file import load_encoder
from simulations.config.run_config import RunConfig
from simulations.methods.platform_methods import run_stacks
from simulations.platforms.open_platform import OpenPlatform
from simulations.run.run_recorder import RunRecorder
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A platform's folder, and the encoder that was pretrained on it."""
    made = tmp_path_factory.mktemp("taught")
    folder, file = write_tiny_folder(made / "shop"), made / "encoder.safetensors"
    quick = TrainingSettings(epochs=1, tokens=256)
    pretrain_folder(folder, file, preparation=Preparation(), features=FEATURES, preset="tiny", settings=quick)
    return folder, file


@pytest.mark.parametrize(
    ("took_part", "ways", "methods"),
    [
        (False, ("feature",), ["feature"]),
        (True, ("feature",), ["federated"]),
        (False, ("feature", "model", "knowledge"), ["feature", "model", "knowledge"]),
        (True, ("feature", "model"), ["federated", "federated-model"]),
    ],
)
def test_serves_what_the_gate_of_a_run_would_serve(
    taught: tuple[Path, Path], tmp_path: Path, took_part: bool, ways: tuple[str, ...], methods: list[str]
) -> None:
    folder, file = taught
    store = HeadStore(tmp_path / "heads")
    verdict = fit_recommender(
        folder, file, store, FitSettings(features=FEATURES, took_part=took_part, contenders=Contenders(methods=ways))
    )
    simulated = simulate(folder, file, methods, tmp_path / "simulated")
    assert verdict.to_json() == simulated.read("gate").facts
    served, expected = read_served(store).head, RankingHead.from_stored(simulated.read(f"ranking-{verdict.served}"))
    kept = [expected.names.index(name) for name in served.names]
    np.testing.assert_array_equal(served.weights, expected.weights[kept])
    assert served.calibrations == tuple(expected.calibrations[row] for row in kept)
    left = np.delete(expected.weights, kept)
    assert not left.any()


def test_what_too_few_users_cannot_train_does_not_compete_and_makes_no_gate_stricter(
    taught: tuple[Path, Path], tmp_path: Path
) -> None:
    _, file = taught
    small = write_tiny_folder(tmp_path / "shop", users=60)
    settings = FitSettings(features=FEATURES, contenders=Contenders(methods=("feature", "model", "knowledge")))
    verdict = fit_recommender(small, file, HeadStore(tmp_path / "heads"), settings)
    assert set(verdict.candidates) == {"local", "feature"}
    alone = simulate(small, file, ["feature"], tmp_path / "alone")
    among = simulate(small, file, ["feature", "model", "knowledge"], tmp_path / "among")
    assert verdict.to_json() == alone.read("gate").facts == among.read("gate").facts


def simulate(folder: Path, file: Path, methods: list[str], heads: Path) -> HeadStore:
    data = open_data(f"shop={folder}", 0, None, FEATURES, 3, 1)
    catalogue = Catalogue(features=data.features, neighbours=nearest(data.features))
    encoder, card = load_encoder(file)
    encoders = Encoders(source=encoder, released=card.calibration, item_moments={}, federated=encoder, pooled=None)
    run_stacks(
        RunRecorder(RunConfig()),
        OpenPlatform(data=data, catalogue=catalogue),
        ["local", *methods],
        encoders,
        settings=PartSettings(preset="tiny"),
        seed=0,
        heads=heads,
        truth=None,
    )
    return HeadStore(heads)
