"""What import csv does where nobody gave it a map."""

import shlex
from pathlib import Path

import polars as pl

from tests.unit.client.data.importers import raw
from tests.unit.client.data.sql.shop import write_shop

SALES = "customer,sku,bought_at,qty,title\nu,7,2020-01-01,2,Hat\nu,8,2020-01-02,1,Shoe\n"


def test_reads_well_known_names_and_says_the_whole_command(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(SALES)
    done = raw.graft_client("import", "csv", tmp_path / "sales.csv", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()[0].removeprefix("read as: ")
    mapped = "user_id=customer,item_id=sku,timestamp=bought_at,text=title,rating=qty"
    assert shlex.split(said)[:8] == [
        *("graft-client", "import", "csv", str(tmp_path / "sales.csv"), "--out", str(tmp_path / "out")),
        *("--map", mapped),
    ]
    again = raw.graft_client(*shlex.split(said)[1:], "--force")
    assert again.returncode == 0
    assert pl.read_parquet(tmp_path / "out" / "events.parquet")["rating"].to_list() == [2.0, 1.0]


def test_names_all_that_is_missing_and_the_command_to_complete(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("who,sku,moment,title\nu,7,2020-01-01,Hat\n")
    done = raw.graft_client("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "expected the columns user_id, timestamp, found who, sku, moment, title" in done.stderr
    assert "--map item_id=sku,text=title,user_id=COLUMN,timestamp=COLUMN" in done.stderr
    assert not (tmp_path / "out").exists()


def test_finds_the_items_own_name_for_their_ids_by_what_it_holds(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "events.csv").write_text(SALES.replace(",title", "").replace(",Hat", "").replace(",Shoe", ""))
    (source / "items.csv").write_text("title,code,shelf\nHat,7,1\nShoe,8,1\n")
    done = raw.graft_client("import", "csv", source, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "items.item_id=code" in done.stdout
    (source / "items.csv").write_text("title,code,shelf\nHat,x7,1\nShoe,x8,1\n")
    refused = raw.graft_client("import", "csv", source, "--out", tmp_path / "other")
    assert refused.returncode == 2
    assert "items.item_id=COLUMN" in refused.stderr


def test_finds_fields_within_others(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"who": {"user": "u"}, "product": {"sku": 7, "title": "Hat"}, "ts": 0}\n')
    done = raw.graft_client("import", "csv", tmp_path / "log.jsonl", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "user_id=who.user,item_id=product.sku,timestamp=ts,text=product.title" in done.stdout


def test_takes_no_words_for_times(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user,item,time,date,title\nu,7,noon,2020-01-01,Hat\n")
    done = raw.graft_client("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert "timestamp=date" in done.stdout


def test_an_id_is_the_text_where_nothing_else_describes_items(tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("1::7::5::1500000000\n1::8::3::1500000001\n")
    done = raw.graft_client(
        *("import", "csv", tmp_path / "ratings.dat", "--out", tmp_path / "out"),
        *("--separator", "::", "--columns", "user,item,rating,time"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "--separator :: --columns user,item,rating,time" in done.stdout.splitlines()[0]
    assert pl.read_parquet(tmp_path / "out" / "events.parquet")["rating"].to_list() == [5.0, 3.0]


def test_imports_what_a_database_gives(tmp_path: Path) -> None:
    source = write_shop(tmp_path / "shop")
    done = raw.graft_client("import", "sql", source, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "60 users, 12 items, 240 events" in done.stdout
    refused = raw.graft_client("import", "sql", tmp_path / "shop" / "shop.db", "--out", tmp_path / "other")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
