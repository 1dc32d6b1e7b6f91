"""The commands import and check, in a process of their own."""

import json
from pathlib import Path

import polars as pl

from tests.unit.client.data.folders import write_folder
from tests.unit.client.data.importers import raw


def test_imports_and_then_finds_the_folder_sound(tmp_path: Path) -> None:
    files = {"movies.csv": raw.MOVIES, "ratings.csv": raw.RATINGS + f"7,3,2.0,{raw.BEGIN + 300}\n"}
    source = raw.write_zip(tmp_path / "ml.zip", files)
    done = raw.graft_client("import", "movielens", source, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 users, 3 items, 4 events" in done.stdout
    checked = raw.graft_client("check", "--json", tmp_path / "out")
    assert checked.returncode == 0
    assert json.loads(checked.stdout)["counts"] == {"users": 2, "items": 3, "events": 4}


def test_ends_a_wrong_source_with_one_sentence_and_two(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"no zip")
    done = raw.graft_client("import", "movielens", tmp_path / "x.zip", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.zip"]


def test_ends_a_damaged_folder_with_two_and_no_traceback(tmp_path: Path) -> None:
    (write_folder(tmp_path) / "events.parquet").write_bytes(b"PAR1")
    done = raw.graft_client("check", tmp_path)
    assert (done.returncode, done.stderr) == (2, "")
    assert "events.parquet: cannot be read as Parquet" in done.stdout


def test_goes_on_where_ids_do_not_meet_if_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id,timestamp\nu,1,0\nu,2,1\n")
    (tmp_path / "items.csv").write_text("item_id,text\n01,a\n02,b\n")
    arguments = ("import", "csv", tmp_path, "--out", tmp_path / "out")
    refused = raw.graft_client(*arguments)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "the events name '1', '2', the items are '01', '02'" in refused.stderr
    assert "--keep-unknown-items" in refused.stderr
    assert raw.graft_client(*arguments, "--keep-unknown-items").returncode == 0


def test_leaves_out_cancelled_invoices_if_it_is_told_to(tmp_path: Path) -> None:
    arguments = ("import", "uci-retail", raw.retail(tmp_path), "--out", tmp_path / "out")
    assert "3 events" in raw.graft_client(*arguments).stdout
    assert "2 events" in raw.graft_client(*arguments, "--force", "--drop-cancelled").stdout


def test_refuses_to_overwrite_unless_forced(tmp_path: Path) -> None:
    source, out = raw.movielens(tmp_path), write_folder(tmp_path / "out")
    assert raw.graft_client("import", "movielens", source, "--out", out).returncode == 2
    assert pl.read_parquet(out / "items.parquet").height == 3
    assert raw.graft_client("import", "movielens", source, "--out", out, "--force").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ml.zip", "out"]


def test_never_replaces_a_folder_of_other_things(tmp_path: Path) -> None:
    source, out = raw.movielens(tmp_path), write_folder(tmp_path / "out")
    (out / "thesis.txt").write_text("mine")
    done = raw.graft_client("import", "movielens", source, "--out", out, "--force")
    assert done.returncode == 2
    assert (out / "thesis.txt").read_text() == "mine"


def test_lists_every_format_in_its_help() -> None:
    done = raw.graft_client("import", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in (*raw.SOURCES, "csv"))
