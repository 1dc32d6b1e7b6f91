"""A folder of one or two users, or one whose scores are all the same, is fitted and shown without a warning."""

from pathlib import Path

import polars as pl
import pytest

from client.data.folder_options import Preparation
from client.fitting.fit_settings import CompetingMethods, FitSettings
from client.fitting.served_evaluation import evaluate_fit
from client.fitting.served_fit import fit_recommender, open_fit
from client.recommender.recommender import ListQuery, open_recommender
from client.store.head_store import HeadStore
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, save_encoder
from tests.small_space import FEATURES, SPACE
from tests.unit.client.data.folders import write_folder

FOLDERS = {
    "one user": ({0: [0, 1, 2, 3, 4]}, "thing number {}"),
    "two users": ({0: [0, 1, 2, 3], 1: [3, 2, 1, 0]}, "thing number {}"),
    "two users, of whom one has four events": ({0: [0, 1, 2], 1: [3, 2, 1, 0]}, "thing number {}"),
    "all users alike": ({user: [0, 1, 2, 3, 4] for user in range(12)}, "thing"),
    "no texts": ({user: [(user + step) % 5 for step in range(4)] for user in range(6)}, ""),
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("encoder") / "drawn.safetensors"
    spec = EncoderSpec(preset="tiny", input_dim=SPACE.dim, feature_space=SPACE)
    save_encoder(file, Encoder.initial(spec, seed=1), EncoderCard())
    return file


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", FOLDERS)
def test_fits_and_shows_a_small_folder_without_a_warning(case: str, encoder: Path, tmp_path: Path) -> None:
    met, text = FOLDERS[case]
    rows = [(user, item, time) for user, some in met.items() for time, item in enumerate(some)]
    events = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    items = pl.DataFrame({"item_id": range(5), "text": [text.format(item) for item in range(5)]})
    folder, store = write_folder(tmp_path / "shop", items=items, events=events), HeadStore(tmp_path / "heads")
    settings = FitSettings(features=FEATURES, competing_methods=CompetingMethods(own=False), preparation=Preparation())
    assert fit_recommender(folder, encoder, store, settings).users == len(met)
    recommender = open_recommender(store)
    assert recommender.recommend(recommender.history_of("0"), ListQuery(k=1))
    assert evaluate_fit(open_fit(folder, encoder, settings).fit).users == len(met)
