"""What a click head looks at: right for each candidate, and blind to what it must not see."""

from pathlib import Path

import numpy as np
import polars as pl
import torch

from client.clicks.click_inputs import CONTEXT, COUNTS, ClickInputs, candidate_log_ratios, candidate_rows, click_inputs
from client.data.folder_options import Preparation
from client.data.held_out import Stage
from client.data.impressions import Impressions, read_impressions
from client.data.platform import Platform
from client.data.preparation import further_users, prepare
from client.data.sequences import select
from client.data.source import read_folder
from client.ensemble.calibration import Calibration
from client.ensemble.cross_fitting import cross_fit
from client.ensemble.ensemble import Ensemble, RawEnsemble
from client.features.hashing import hash_texts
from client.features.prepared_platform import Catalogue, nearest
from client.scorers.content_knn import ContentKnn
from client.scorers.encoder_scorers import KeptEncoder
from client.scorers.popularity import Popularity
from client.scorers.scorer import FitData, Kind
from client.training.sequence_model import SequenceHead
from shared.encoder.encoder import Encoder, EncoderSpec
from tests.small_space import SPACE
from tests.unit.client.data.clicks import DAYS, click_folder
from tests.unit.client.data.folders import BEGIN
from tests.unit.client.recommender.world import prepared

SPEC = EncoderSpec(preset="tiny", input_dim=SPACE.dim, feature_space=SPACE)
ENCODER = Encoder.initial(SPEC, seed=0)


def opened(path: Path, **clicks: int) -> tuple[Platform, Impressions, ClickInputs]:
    return read(click_folder(path, **clicks))


def read(path: Path) -> tuple[Platform, Impressions, ClickInputs]:
    folder, preparation = read_folder(path), Preparation()
    platform = prepare(folder, preparation, name="news", seed=0)
    further = further_users(folder, preparation, platform, 0)
    impressions = read_impressions(folder, preparation, platform, seed=0, further=further)
    assert impressions is not None
    fit = cross_fit(prepared(platform), {}, seed=0)
    names = [column.name for column in fit.folds[0].raw.columns]
    shown = hash_texts(impressions.shown.texts, SPACE.dim)
    inputs = click_inputs(
        platform,
        impressions,
        Catalogue(features=shown),
        {"received": KeptEncoder(encoder=ENCODER)},
        dict(zip(names, fit.calibrations, strict=True)),
        seed=0,
    )
    return platform, impressions, inputs


def as_of_names(inputs: ClickInputs) -> list[str]:
    """Columns that are counted as of the impression: here the last ones."""
    return list(inputs.names[inputs.names.index(CONTEXT[-1]) + 1 :])


def test_picks_the_candidates_of_some_impressions_in_their_order() -> None:
    offsets = np.array([0, 2, 5, 6])
    assert candidate_rows(offsets, np.array([2, 0])).tolist() == [5, 0, 1]
    assert candidate_rows(offsets, np.array([1])).tolist() == [2, 3, 4]


def swapped(path: Path, place: int) -> tuple[Impressions, ClickInputs]:
    """Of some users other clicks in validation and test impressions, which other items then are clicked more often."""
    return opened(path, chosen=place, from_day=DAYS - 2, choosing=50)[1:]


def test_says_the_same_whatever_is_clicked_in_validation_and_test_impressions(tmp_path: Path) -> None:
    first, second = (swapped(tmp_path / str(place), place)[1] for place in (0, 2))
    assert first.names == second.names
    frozen = [first.names.index(name) for name in first.names if name not in as_of_names(first)]
    assert torch.equal(first.values[:, frozen], second.values[:, frozen])
    assert not torch.equal(first.labels, second.labels)


def test_tells_a_test_impression_what_was_clicked_a_day_before_and_no_earlier_one(tmp_path: Path) -> None:
    folders = [swapped(tmp_path / str(place), place) for place in (0, 2)]
    impressions = folders[0][0]
    counts = [inputs.values[:, [inputs.names.index(name) for name in as_of_names(inputs)]] for _, inputs in folders]
    for stage, same in ((Stage.TRAIN, True), (Stage.VALIDATION, True), (Stage.TEST, False)):
        rows = candidate_rows(impressions.candidates.offsets, impressions.at(stage))
        assert torch.equal(counts[0][rows], counts[1][rows]) == same


def test_sees_what_nobody_in_the_platform_has_clicked_through_all_training_users(tmp_path: Path) -> None:
    # the same user under another name and with two events is none of the prepared platform
    folder = click_folder(tmp_path)
    few, page = 500, 13
    events, pages = (pl.read_parquet(folder / f"{name}.parquet") for name in ("events", "impressions"))
    own = events.filter(pl.col("user_id") == 7).head(2).with_columns(user_id=pl.lit(few, pl.Int64))
    pl.concat([events, own]).write_parquet(folder / "events.parquet")
    shown = pages.filter((pl.col("user_id") == 7) & (pl.col("timestamp") == BEGIN + page))
    added = shown.with_columns(user_id=pl.lit(few, pl.Int64))
    pl.concat([pages, added]).write_parquet(folder / "impressions.parquet")
    platform, impressions, inputs = read(folder)
    row = np.flatnonzero(impressions.users == platform.n_users)
    assert len(row) == 1
    part = inputs.values[torch.from_numpy(candidate_rows(inputs.offsets, row))]
    assert np.allclose(part[:, inputs.names.index("history")], np.log1p(2), atol=1e-5)
    met = np.bincount(select(impressions.met, platform.training_users).items, minlength=len(impressions.shown.known))
    items = impressions.candidates.items[candidate_rows(inputs.offsets, row)]
    assert np.allclose(part[:, inputs.names.index("met")], np.log1p(met[items]), atol=1e-5)


def test_sees_a_training_impression_without_its_users_own_clicks(tmp_path: Path) -> None:
    platform, impressions, inputs = opened(tmp_path)
    row = int(impressions.at(Stage.TRAIN)[0])
    part = inputs.values[torch.from_numpy(candidate_rows(inputs.offsets, np.array([row])))]
    items = impressions.candidates.items[candidate_rows(inputs.offsets, np.array([row]))]
    others = np.flatnonzero(np.arange(platform.n_users) != impressions.users[row])
    met = np.zeros(len(impressions.shown.texts))
    for user in others:
        met[impressions.met.items[impressions.met.offsets[user] : impressions.met.offsets[user + 1]]] += 1
    # a fold leaves out a quarter of the users, themselves among them, so no more than all others can have been counted
    assert (np.expm1(part[:, inputs.names.index("met")].numpy()) <= met[items] + 1e-3).all()


def test_counts_what_a_test_impression_may_know(tmp_path: Path) -> None:
    _, impressions, inputs = opened(tmp_path)
    row = impressions.at(Stage.TEST)[:1]
    part = inputs.values[torch.from_numpy(candidate_rows(inputs.offsets, row))].numpy()
    part = part[:, [inputs.names.index(name) for name in COUNTS]]
    items = impressions.candidates.items[candidate_rows(inputs.offsets, row)]
    met = np.bincount(impressions.met.items, minlength=len(impressions.shown.texts))[items]
    assert np.allclose(part[:, 0], np.log1p(met), atol=1e-5)
    assert np.allclose(part[:, 1], np.log1p(9), atol=1e-5)  # six items met, three clicks on training days
    assert np.allclose(part[:, 2], np.log(4), atol=1e-5)


def test_gives_candidates_their_log_ratios_over_the_whole_of_a_small_catalogue(tmp_path: Path) -> None:
    _, impressions, _ = opened(tmp_path)
    features = hash_texts(impressions.shown.texts, SPACE.dim)
    data = FitData(sequences=impressions.met, features=features, neighbours=nearest(features), ordered=True)
    raw = RawEnsemble(scorers=(ContentKnn(data), Popularity(data)), n_items=len(features), repeats=False)
    sizes = {Kind.COUNT: 4, Kind.SIMILARITY: 7}
    calibrations = [
        Calibration(kind=column.kind, mixture=(1 / sizes[column.kind],) * sizes[column.kind]) for column in raw.columns
    ]
    ensemble = Ensemble(raw=raw, calibrations=tuple(calibrations))
    part = impressions.only(impressions.at(Stage.TEST)[:7])
    everything = ensemble.log_ratios(raw.view(part.histories, part.candidates))
    owners = np.repeat(np.arange(7), part.candidates.lengths())
    expected = everything[:, torch.from_numpy(owners), torch.from_numpy(part.candidates.items.astype(np.int64))].T
    found = candidate_log_ratios(ensemble, part, np.arange(len(features)))
    assert float(expected.std()) > 0.1
    assert torch.allclose(found, expected, atol=1e-4)


def test_multiplies_history_and_item_into_the_sequence_score(tmp_path: Path) -> None:
    _, impressions, inputs = opened(tmp_path)
    states = inputs.encoders["received"]
    assert states.histories.shape == (len(impressions), 16)
    assert states.items.shape == (len(impressions.shown.texts), 16)
    assert "received:sequence" not in inputs.names  # the platform's ensemble had no calibration for it


def test_gives_ids_that_a_platform_knows_to_the_shown_items_and_nothing_to_others() -> None:
    head = SequenceHead(
        v=np.arange(6, dtype=np.float32).reshape(3, 2), a=np.full(3, 2, np.float32), b=np.ones(3, np.float32)
    )
    moved = head.of_rows(np.array([2, -1]))
    assert moved.v.tolist() == [[4, 5], [0, 0]]
    assert (moved.a.tolist(), moved.b.tolist()) == ([2, 1], [1, 0])
