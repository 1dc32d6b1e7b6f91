import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from client.api.training import pretrain_with
from client.cli.main import app, run
from client.data.folder_options import DataSettings, Preparation
from client.ensemble.calibration import Calibration
from client.fitting.pretrain import PretrainOutcome, pretrain_folder
from client.training.loop import TrainingSettings
from client.training.pretraining import pretrain
from shared.encoder.file import load_encoder
from shared.encoder.presets import EncoderSize
from shared.encoder.provenance import Authorship, Provenance
from shared.errors import ConfigError, DataError
from shared.privacy.promise import RequestedPromise
from shared.system.progress import working
from tests.devices import needs_no_cuda

QUICK = TrainingSettings(epochs=1, tokens=256)


@pytest.fixture
def folder(tmp_path):
    """Eighty users who walk along a shelf of twenty items."""
    return _shelf(tmp_path / "shelf", users=80)


def _shelf(shelf, *, users):
    rng = np.random.default_rng(0)
    shelf.mkdir()
    texts = [f"item number {item} of the shelf" for item in range(20)]
    pl.DataFrame({"item_id": list(range(20)), "text": texts}).write_parquet(shelf / "items.parquet")
    starts = rng.integers(0, 20, users)
    rows = [(user, int(start + step) % 20, step) for user, start in enumerate(starts) for step in range(6)]
    events = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    events.write_parquet(shelf / "events.parquet")
    return shelf


def test_writes_an_encoder_with_calibrations_and_rounded_counts(folder, tmp_path):
    out = tmp_path / "encoder.safetensors"
    outcome = pretrain_folder(folder, out, preparation=Preparation(), preset="tiny", settings=QUICK)
    encoder, card = load_encoder(out)
    assert outcome.parameters == len(encoder.flat)
    assert np.isnan(outcome.best_validation)  # of 80 users nobody is spared
    assert encoder.linear().W.any()
    encoder_columns = {"released:linear", "released:sequence"}
    assert encoder_columns == {name for name in card.calibration if not name.startswith("content-")}
    assert "content-knn@0.6" in card.calibration
    mixtures = [Calibration.from_json(values).mixture for values in card.calibration.values()]
    assert np.allclose([sum(mixture) for mixture in mixtures], 1)
    assert all(np.log2(count) % 1 == 0 for count in card.counts.values())


def test_every_step_under_noise_has_a_name_and_a_user_pays_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    named = []

    @contextmanager
    def noted(description, total=None):
        named.append(description)
        with working(description, total) as work:
            yield work

    monkeypatch.setattr("client.fitting.pretrain.working", noted)
    shelf = _shelf(tmp_path / "shelf", users=4500)
    promise = RequestedPromise(privacy="private", epsilon=100.0)
    asked = {"preparation": Preparation(), "preset": "tiny", "promise": promise}
    pretrain_folder(shelf, tmp_path / "e", **asked)
    assert [step.split(",")[0] for step in named] == [f"step {number} of 3" for number in (1, 2, 3)]
    with pytest.raises(ConfigError, match="who have spent their promise"):
        pretrain_folder(shelf, tmp_path / "again", **asked)
    assert not (tmp_path / "again").exists()


def test_the_card_says_who_made_it_and_when_and_the_same_seed_gives_the_same_bytes(folder, tmp_path):
    origin = Provenance(made_by="a shelf", licence="MIT", pretrained="2026-03-01")
    files = [tmp_path / "first", tmp_path / "again"]
    for file in files:
        pretrain_folder(folder, file, preparation=Preparation(), preset="tiny", settings=QUICK, origin=origin)
    assert load_encoder(files[0])[1].provenance() == origin  # of 80 users none validate
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(("score", "told"), [([0.1, 0.23456], {"pretraining": 0.235}), ([], {})])
def test_the_card_says_the_validation_to_three_decimals(folder, tmp_path, monkeypatch, score, told):
    def judged(*arguments, **options):
        result = pretrain(*arguments, **options)
        return replace(result, log=replace(result.log, validation=score))

    monkeypatch.setattr("client.fitting.pretrain.pretrain", judged)
    pretrain_folder(folder, tmp_path / "e", preparation=Preparation(), preset="tiny", settings=QUICK)
    assert load_encoder(tmp_path / "e")[1].validation == told


def test_the_command_takes_maker_and_licence_and_says_the_day_in_utc(folder, tmp_path, monkeypatch):
    asked = {}

    def noted(_path, _out, **arguments):
        asked.update(arguments)
        return PretrainOutcome(parameters=1, epochs=1, best_validation=0.5, device="cpu")

    monkeypatch.setattr("client.api.training.pretrain_folder", noted)
    arguments = ["pretrain", str(folder), "--out", str(tmp_path / "e"), "--made-by", "a shelf", "--licence", "MIT"]
    app(arguments, standalone_mode=False)
    origin = asked["origin"]
    assert (origin.made_by, origin.licence) == ("a shelf", "MIT")
    assert abs(date.fromisoformat(origin.pretrained) - datetime.now(UTC).date()) <= timedelta(days=1)
    late = datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    pretrain_with(
        str(folder), tmp_path / "e", EncoderSize(), DataSettings(), RequestedPromise(), Authorship(), now=late
    )
    assert asked["origin"] == Provenance(pretrained="2026-03-02")


def test_refuses_where_there_are_too_few_users_to_learn_from(folder, tmp_path):
    events = pl.read_parquet(folder / "events.parquet")
    for users in (1, 9):
        events.filter(pl.col("user_id") < users).write_parquet(folder / "events.parquet")
        with pytest.raises(DataError, match=f"expected 10 users or more to learn from, found {users} after"):
            pretrain_folder(folder, tmp_path / "e", preparation=Preparation(), preset="tiny", settings=QUICK)
        events.write_parquet(folder / "events.parquet")
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize("text", ["", "nan", "the same"])
def test_refuses_where_no_text_tells_items_apart(folder, tmp_path, text):
    pl.DataFrame({"item_id": list(range(20)), "text": [text] * 20}).write_parquet(folder / "items.parquet")
    with pytest.raises(DataError, match=r"expected texts or vectors that tell items apart, .* for all 20 items"):
        pretrain_folder(folder, tmp_path / "e", preparation=Preparation(), preset="tiny", settings=QUICK)
    assert not (tmp_path / "e").exists()


def test_refuses_to_write_into_a_folder_that_is_not_there(folder, tmp_path):
    with pytest.raises(ConfigError, match="existing folder"):
        pretrain_folder(folder, tmp_path / "none" / "e.safetensors", preparation=Preparation(), preset="tiny")


def test_ends_bad_input_with_one_sentence_and_code_2(tmp_path, capsys):
    arguments = ["pretrain", str(tmp_path / "nothing"), "--out", str(tmp_path / "e.safetensors")]
    with pytest.raises(SystemExit) as stop:
        run(lambda: app(arguments, standalone_mode=False))
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_pretrains_on_the_part_of_a_platform_that_its_options_name(folder, tmp_path, monkeypatch):
    asked = {}

    def noted(path, out, **arguments):
        asked.update(arguments, path=path)
        return PretrainOutcome(parameters=1, epochs=1, best_validation=0.5, device="cpu")

    monkeypatch.setattr("client.api.training.pretrain_folder", noted)
    line = f"{folder},users=0-50,min-rating=4,order=none"
    app(["pretrain", line, "--out", str(tmp_path / "e"), "--min-user-events", "5"], standalone_mode=False)
    assert asked["path"] == folder
    assert asked["preparation"] == Preparation(users=(0, 50), min_rating=4, ordered=False, min_user_events=5)


@pytest.mark.parametrize(("validation", "told"), [(0.5, 0.5), (float("nan"), None)])
def test_prints_figures_as_json(folder, tmp_path, monkeypatch, capsys, validation, told):
    outcome = PretrainOutcome(parameters=7, epochs=2, best_validation=validation, device="cpu")
    monkeypatch.setattr("client.api.training.pretrain_folder", lambda *_, **__: outcome)
    app(["pretrain", str(folder), "--out", str(tmp_path / "e"), "--json"], standalone_mode=False)
    figures = {"parameters": 7, "epochs": 2, "validation_ndcg": told, "device": "cpu", "epsilon": None}
    assert json.loads(capsys.readouterr().out) == {"file": str(tmp_path / "e"), **figures}


@pytest.mark.parametrize("option", ["users=0", "min-ratings=4", "40"])
@pytest.mark.parametrize("command", [("pretrain", "--out"), ("fit", "--encoder", "none", "--heads")])
def test_refuses_an_option_of_a_platform_that_there_is_not(command, option, folder, tmp_path):
    name, *rest = command
    with pytest.raises(ConfigError, match=option.partition("=")[0]):
        app([name, f"{folder},{option}", *rest, str(tmp_path / "e")], standalone_mode=False)
    assert not (tmp_path / "e").exists()


@needs_no_cuda
@pytest.mark.parametrize("command", [("pretrain", "--out"), ("fit", "--heads"), ("evaluate", "--heads")])
def test_refuses_a_gpu_that_is_not_there(command, folder, tmp_path, capsys):
    name, option = command
    arguments = [name, str(folder), option, str(tmp_path / "e"), "--device", "cuda"]
    with pytest.raises(SystemExit) as stop:
        run(lambda: app(arguments, standalone_mode=False))
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "device cuda needs a GPU" in said
    assert said.count("\n") == 1


@needs_no_cuda
def test_says_that_it_trained_on_the_cpu(folder, tmp_path):
    out = tmp_path / "e"
    outcome = pretrain_folder(folder, out, preparation=Preparation(), preset="tiny", settings=QUICK, device="auto")
    assert outcome.device == "cpu"


def test_refuses_an_out_that_is_a_folder_before_it_begins(folder, tmp_path):
    with pytest.raises(ConfigError, match=f"--out must name a file; {tmp_path} is a folder"):
        pretrain_folder(folder / "nothing", tmp_path, preparation=Preparation())
