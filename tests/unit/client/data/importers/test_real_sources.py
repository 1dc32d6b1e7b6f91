"""The data sets as distributed: counts derived from the raw bytes by plain Python, and the known cuts."""

import csv
import gzip
import io
import json
import os
import zipfile
from pathlib import Path

import polars as pl
import pytest

from client.data.check import check_folder
from client.data.importers.imported import ImportedPlatform
from client.data.importers.table import IMPORTERS, import_platform
from tests.unit.client.data.importers.raw import REPOSITORY

DATA = Path(os.environ.get("GRAFT_DATA", REPOSITORY.parent / "shared" / "data"))
RAW = DATA / "raw"
pytestmark = pytest.mark.skipif(not RAW.is_dir(), reason="the folder of raw data sets is not here")


def imported(name: str, source: str, out: Path, **options: bool) -> ImportedPlatform:
    platform = import_platform(IMPORTERS[name].read, (RAW / source,), out, **options)
    assert check_folder(out).sound
    return platform


def counts(platform: ImportedPlatform) -> tuple[int, int, int]:
    """Users, items, events."""
    return platform.events["user_id"].n_unique(), platform.items.height, platform.events.height


def member(source: str, name: str) -> list[str]:
    with zipfile.ZipFile(RAW / source) as archive:
        return io.TextIOWrapper(io.BytesIO(archive.read(name)), encoding="utf-8").read().splitlines()


def json_lines(path: Path) -> list[dict[str, object]]:
    with gzip.open(path) as lines:
        return [json.loads(line) for line in lines]


def prepared(name: str) -> tuple[int, int, int]:
    """The counts of the same cut as it lies ready-made in the data folder."""
    events = pl.read_parquet(DATA / name / "events.parquet")
    return events["user_id"].n_unique(), pl.read_parquet(DATA / name / "items.parquet").height, events.height


def test_movielens_gives_every_film_and_rating(tmp_path: Path) -> None:
    zipped = "movielens-latest-small/ml-latest-small.zip"
    ratings = list(csv.reader(member(zipped, "ml-latest-small/ratings.csv")[1:]))
    movies = list(csv.reader(member(zipped, "ml-latest-small/movies.csv")[1:]))
    users = {row[0] for row in ratings}
    platform = imported("movielens", zipped, tmp_path / "out")
    assert counts(platform) == (len(users), len(movies), len(ratings)) == (671, 9125, 100_004)
    assert counts(imported("movielens", zipped, tmp_path / "used", only_used=True)) == prepared("movielens_small")


def test_mind_gives_histories_clicks_and_impressions(tmp_path: Path) -> None:
    lines = [line.split("\t") for line in member("mind-small-sample/MINDsmall_train_sample.zip", "behaviors.tsv")]
    histories = {line[1]: line[3].split() for line in lines}
    clicks = sum(shown.endswith("-1") for line in lines for shown in line[4].split())
    events = sum(map(len, histories.values())) + clicks
    platform = imported("mind", "mind-small-sample", tmp_path / "out", only_used=True)
    assert counts(platform) == (len(histories), 22_592, events) == prepared("mind_news")
    assert platform.impressions is not None
    assert platform.impressions.height == len(lines) == 5_000


def test_mind_imports_the_sample_without_most_news_lines(tmp_path: Path) -> None:
    source = "mind-small-sample/MINDsmall_train_sample.zip"
    platform = imported("mind", source, tmp_path / "out", only_used=True, keep_unknown=True)
    assert counts(platform) == prepared("mind_news")


def test_amazon_gives_every_distinct_review(tmp_path: Path) -> None:
    folder = RAW / "amazon-gift-cards-2018"
    reviews = json_lines(folder / "Gift_Cards_5.json.gz")
    distinct = {(one["reviewerID"], one["asin"], one["unixReviewTime"], one["overall"]) for one in reviews}
    products = {one["asin"] for one in json_lines(folder / "meta_Gift_Cards.json.gz")}
    platform = imported("amazon-reviews", "amazon-gift-cards-2018", tmp_path / "out")
    users = {one["reviewerID"] for one in reviews}
    assert counts(platform) == (len(users), len(products), len(distinct)) == (458, 1547, 2969)
    used = imported("amazon-reviews", "amazon-gift-cards-2018", tmp_path / "used", only_used=True)
    assert counts(used) == prepared("amazon_giftcards")


def test_retail_gives_every_purchase_of_the_first_sheet(tmp_path: Path) -> None:
    source = "uci-online-retail-II/online_retail_II_2009_2010.csv.gz"
    with gzip.open(RAW / source, "rt", encoding="utf-8", newline="") as text:
        bought = [
            row
            for row in csv.DictReader(text)
            if row["Customer ID"] and not row["Invoice"].startswith("C") and row["StockCode"][:5].isdigit()
        ]
    kept = [row for row in bought if float(row["Quantity"]) > 0 and float(row["Price"]) > 0]
    distinct = {(row["Customer ID"], row["StockCode"], row["InvoiceDate"]) for row in kept}
    users, items = {one[0] for one in distinct}, {one[1] for one in distinct}
    platform = imported("uci-retail", source, tmp_path / "out")
    assert counts(platform) == (len(users), len(items), len(distinct)) == (4285, 4006, 393_612)
    assert platform.events["rating"].sum() == sum(float(row["Quantity"]) for row in kept)


def test_lastfm_gives_every_artist_and_play_count(tmp_path: Path) -> None:
    zipped = "hetrec2011-lastfm-2k/hetrec2011-lastfm-2k.zip"
    plays = [line.split("\t") for line in member(zipped, "user_artists.dat")[1:]]
    platform = imported("lastfm", zipped, tmp_path / "out")
    assert counts(platform) == (len({row[0] for row in plays}), 17_632, len(plays)) == prepared("lastfm_music")


def test_recbole_gives_every_users_whole_sequence(tmp_path: Path) -> None:
    zipped = "amazon-video-games-atomic/Games.zip"
    rows = [line.split("\t") for line in member(zipped, "Games/Games.test.inter")[1:]]
    events = sum(len(row[1].split()) + 1 for row in rows)
    platform = imported("recbole", zipped, tmp_path / "out")
    assert counts(platform) == (len(rows), 16_859, events) == prepared("amazon_games")
