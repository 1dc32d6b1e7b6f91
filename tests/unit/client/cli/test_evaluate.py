"""``graft-client evaluate``: what a fit would serve, judged by events that nothing was fitted on."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from client.cli.main import app
from client.data.folder_options import Preparation
from client.data.held_out import Stage
from client.data.platform import examples
from client.ensemble.fitting import rank_all
from client.ensemble.gaps import stacked
from client.evaluation.lift import paired_lift
from client.evaluation.ranking import by_user
from client.fitting.fit_settings import CompetingMethods, FitSettings
from client.fitting.pretrain import pretrain_folder
from client.fitting.served_evaluation import evaluate_fit
from client.fitting.served_fit import open_fit
from client.training.loop import TrainingSettings
from shared.errors import ConfigError, InputError
from shared.seeding import rng_for
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES

SETTINGS = FitSettings(features=FEATURES, competing_methods=CompetingMethods(own=False))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_folder(tmp_path_factory.mktemp("evaluate") / "shop")


@pytest.fixture(scope="module")
def encoder_file(folder):
    out = folder.parent / "encoder.safetensors"
    quick = TrainingSettings(epochs=1, tokens=256)
    pretrain_folder(folder, out, preparation=Preparation(), features=FEATURES, preset="tiny", settings=quick)
    return out


def test_judges_each_method_by_every_users_last_event(folder, encoder_file) -> None:
    fit = open_fit(folder, encoder_file, SETTINGS).fit
    found = evaluate_fit(fit)
    platform, stacks = fit.prepared.platform, fit.stacks
    tests = examples(platform, Stage.TEST, np.arange(platform.n_users))
    assert (found.users, found.items) == (platform.n_users, platform.n_items)
    assert found.served == fit.verdict.served
    for method in ("local", "feature"):
        ranking = rank_all(stacks.ensemble, stacks.chosen[method].by_gap[None], tests)[0]
        assert found.methods[method].ndcg == pytest.approx(ranking.ndcg.mean())
    assert found.methods["local"].lift is None
    assert {"popularity", "content-knn", "item-knn"} <= set(found.methods)


def test_a_user_counts_once_however_many_of_their_baskets_come_after_a_cut(folder, encoder_file) -> None:
    cut = replace(SETTINGS, preparation=Preparation(split="time:60,20,20"))
    fit = open_fit(folder, encoder_file, cut).fit
    found = evaluate_fit(fit)
    platform, stacks = fit.prepared.platform, fit.stacks
    tests = examples(platform, Stage.TEST, np.arange(platform.n_users))
    users = np.unique(tests.users)
    assert found.users == len(users) < len(tests)
    weights = stacked([stacks.chosen[method].by_gap for method in ("local", "feature")])
    ranked = rank_all(stacks.ensemble, weights, tests)
    local, feature = (by_user(ranking.ndcg, ranking.users) for ranking in ranked)
    plain = [ranked[0].ndcg[tests.users == user].mean() for user in users]
    assert found.methods["local"].ndcg == pytest.approx(np.mean(plain))
    lift = paired_lift(feature, local, rng_for(fit.seed, "evaluate", "feature"))
    assert lift is not None
    assert found.methods["feature"].lift.to_json() == pytest.approx(lift.to_json())


def test_the_lift_is_that_of_the_means(folder, encoder_file) -> None:
    methods = evaluate_fit(open_fit(folder, encoder_file, SETTINGS).fit).methods
    local = methods["local"].ndcg
    for name, one in methods.items():
        if name != "local" and one.lift is not None:
            assert one.lift.mean == pytest.approx(100 * (one.ndcg / local - 1))
            assert one.lift.low <= one.lift.mean <= one.lift.high


def test_prints_a_table_that_names_what_is_served_or_json(folder, encoder_file) -> None:
    command = ["evaluate", str(folder), "--encoder", str(encoder_file), "--no-own", "--features", FEATURES]
    table = CliRunner().invoke(app, command)
    assert table.exit_code == 0, table.output
    assert "(served)" in table.output
    answer = CliRunner().invoke(app, [*command, "--json"])
    found = json.loads(answer.stdout)
    assert found["served"] in found["methods"]
    popularity = found["methods"]["popularity"]
    assert set(popularity) == {"ndcg", "recall", "mrr", "coverage", "lift"}
    heads, row = (
        next(line.split() for line in table.output.splitlines() if line.split()[:1] == [first])
        for first in ("method", "popularity")
    )
    shown = dict(zip(heads[1:5], row[1:5], strict=True))
    assert shown["MRR"] == f"{popularity['mrr']:.4f}"
    assert shown["coverage"] == f"{popularity['coverage']:.1%}"


def test_says_on_stderr_how_far_it_is_and_prints_nothing_but_json(folder, encoder_file, monkeypatch) -> None:
    for name in ("PATIENCE_SECONDS", "LINE_SECONDS", "_LOOK_SECONDS"):
        monkeypatch.setattr(f"shared.system.progress.{name}", 0.001)
    command = ["evaluate", str(folder), "--encoder", str(encoder_file), "--no-own", "--features", FEATURES, "--json"]
    answer = CliRunner().invoke(app, command)
    assert "methods" in json.loads(answer.stdout)
    lines = answer.stderr.splitlines()
    assert all(line.startswith("evaluate") for line in lines)
    assert any("step 2 of 2, weighing scorers" in line and "%" in line for line in lines)


def test_stores_nothing(folder, encoder_file) -> None:
    before = sorted(path.name for path in folder.parent.iterdir())
    evaluate_fit(open_fit(folder, encoder_file, SETTINGS).fit)
    assert sorted(path.name for path in folder.parent.iterdir()) == before


def test_refuses_an_option_that_does_not_exist_and_a_folder_that_is_none(folder, encoder_file, tmp_path) -> None:
    asked = CliRunner().invoke(app, ["evaluate", f"{folder},order=up", "--encoder", str(encoder_file)])
    assert isinstance(asked.exception, ConfigError)
    missing = CliRunner().invoke(app, ["evaluate", str(tmp_path / "none"), "--encoder", str(encoder_file)])
    assert isinstance(missing.exception, InputError)
