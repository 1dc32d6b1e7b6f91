"""Every command that takes a platform's data takes a database: check, pretrain, assess, fit, init, start, dry-run."""

import re
from datetime import UTC, datetime

import pytest

from server.coordinator.certificates import new_authority
from tests.integration.commands import run
from tests.unit.client.data.sql.shop import change, files_holding, write_shop, write_source

SECONDS = 300


def said(*arguments: object) -> str:
    done = run("graft-client", *arguments, seconds=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(*arguments: object) -> str:
    done = run("graft-client", *arguments, seconds=SECONDS)
    assert done.returncode == 2, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("\n") <= 2
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A database, its source's file, and an encoder that was pretrained on it."""
    path = write_shop(tmp_path_factory.mktemp("sql"), **{"chunk-rows": 100})
    said("pretrain", path, "--out", path.parent / "encoder.safetensors", "--encoder", "tiny")
    return path


def test_check_counts_a_database_and_ends_with_2_where_it_breaks_the_contract(tmp_path) -> None:
    path = write_shop(tmp_path)
    assert "60 users, 12 items, 240 events" in said("check", path)
    change(tmp_path, "DELETE FROM products WHERE sku = 'sku-3'")
    assert "the item is not in the items query (20 in all)" in refused("check", path)


def test_a_recommender_is_fitted_and_answers(shop, tmp_path) -> None:
    encoder = shop.parent / "encoder.safetensors"
    assert "serves" in said("fit", shop, "--encoder", encoder, "--heads", tmp_path / "heads", "--no-own")
    assert re.search(r"thing \d+ by ACME", said("recommend", "--heads", tmp_path / "heads", "--user", "user-3"))


def test_an_encoder_is_assessed(shop) -> None:
    assert "encoder" in said("assess", f"{shop},max-users=50", "--encoder", shop.parent / "encoder.safetensors")


@pytest.mark.parametrize("command", ["pretrain", "assess", "fit"])
def test_a_query_that_fails_ends_each_command_in_a_sentence(shop, tmp_path, command) -> None:
    path = write_source(tmp_path, url=f"sqlite:///{shop.parent}/shop.db", items="SELECT * FROM nowhere")
    encoder = ["--encoder", shop.parent / "encoder.safetensors"]
    further = {"pretrain": ["--out", tmp_path / "e"], "assess": encoder, "fit": [*encoder, "--heads", tmp_path / "h"]}
    assert "the items query failed (no such table: nowhere)" in refused(command, path, *further[command])


def test_an_agent_reads_a_database_and_a_round_in_the_dry_keeps_nothing_of_it(shop, tmp_path) -> None:
    agent, options = tmp_path / "agent", ["--server", "localhost:9443", "--name", "shop"]
    (tmp_path / "ca.crt").write_bytes(new_authority(datetime.now(UTC)).certificate)
    said("init", agent, *options, "--ca", tmp_path / "ca.crt", "--data", f"{shop},repeats=keep", "--privacy", "plain")
    assert f'data = "{shop},repeats=keep"' in (agent / "settings.toml").read_text()
    shown = said("dry-run", agent, "--encoder", shop.parent / "encoder.safetensors")
    assert "train: " in shown
    assert list(files_holding(agent, "sku-")) == []


def test_an_agent_does_not_begin_with_a_source_that_it_cannot_read(shop, tmp_path) -> None:
    options = ["--server", "localhost:9443", "--name", "shop", "--ca", tmp_path / "ca.crt", "--data"]
    (tmp_path / "ca.crt").write_bytes(new_authority(datetime.now(UTC)).certificate)
    bad = write_source(tmp_path, url="postgresql+psycopg://reader:s3cret@db.example/shop")
    sentence = refused("init", tmp_path / "agent", *options, bad)
    assert "without a password" in sentence
    assert "s3cret" not in sentence
    good = write_source(tmp_path, url=f"sqlite:///{shop.parent}/shop.db", password="env:NOWHERE_SET")
    said("init", tmp_path / "agent", *options, good)
    for background in ([], ["--background"]):
        assert "the environment variable NOWHERE_SET is not set" in refused("start", tmp_path / "agent", *background)
