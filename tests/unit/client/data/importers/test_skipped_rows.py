"""--skip-bad: rows that are wrong are left out and listed beside the folder."""

from pathlib import Path

import polars as pl
import pytest

from client.data.importers.table import IMPORTERS, ImportChoices, import_with
from shared.errors import DataError
from tests.unit.client.data.importers import raw

TABLE = (
    "user_id,item_id,timestamp,rating,text\n"
    "u,a,2020-01-01,1,A\n"
    "u,,2020-01-02,1,B\n"
    "u,c,soon,1,C\n"
    "u,d,2020-01-04,1,D,more\n"
    "v,e,2020-01-05,five,E\n"
    "v,f,2020-01-06,2,F\n"
)
SKIP = ImportChoices(skip_bad=True)


def test_leaves_out_wrong_rows_and_says_why_of_each(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(TABLE)
    done = import_with(SKIP, IMPORTERS["csv"].read, (tmp_path / "log.csv",), tmp_path / "out")
    assert done.events["item_id"].to_list() == ["a", "f"]
    assert sorted(done.items["item_id"]) == ["a", "f"]
    listed = pl.read_csv(tmp_path / "out.refused.csv").fill_null("").sort("place")
    assert listed.select("place", "column").rows() == [
        ("line 3", "item_id"),
        ("line 4", "timestamp"),
        ("line 5", ""),
        ("line 6", "rating"),
    ]
    assert listed["reason"][2] == "expected 5 fields, found 6"
    assert listed["row"][3] == '["v", "e", "2020-01-05", "five", "E"]'
    assert done.notes[-1] == f"4 rows refused: {tmp_path / 'out.refused.csv'} says why"


def test_writes_no_list_where_nothing_is_wrong(tmp_path: Path) -> None:
    source = raw.movielens(tmp_path)
    import_with(SKIP, IMPORTERS["movielens"].read, (source,), tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ml.zip", "out"]


def test_never_replaces_a_list_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(TABLE)
    (tmp_path / "out.refused.csv").write_text("mine")
    with pytest.raises(DataError, match=r"out\.refused\.csv: already exists"):
        import_with(SKIP, IMPORTERS["csv"].read, (tmp_path / "log.csv",), tmp_path / "out")
    assert (tmp_path / "out.refused.csv").read_text() == "mine"


def test_goes_on_in_formats_that_read_whole_files(tmp_path: Path) -> None:
    behaviors = raw.BEHAVIORS.replace("N3-1 N2-0", "N3-1 N2")
    source = raw.write_zip(tmp_path / "mind.zip", {"behaviors.tsv": behaviors, "news.tsv": raw.NEWS})
    done = import_with(SKIP, IMPORTERS["mind"].read, (source,), tmp_path / "out")
    assert done.impressions is not None
    assert done.impressions.height == 2


def test_says_what_was_refused_first_where_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp,text\n,a,0,A\n")
    with pytest.raises(DataError, match=r"no event; 1 rows were refused before, the first: .*line 2: column user_id"):
        import_with(SKIP, IMPORTERS["csv"].read, (tmp_path / "log.csv",), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_leaves_out_lines_that_are_no_json(tmp_path: Path) -> None:
    good = '{"user_id": "u", "item_id": "a", "timestamp": "2020-01-01", "text": "A"}\n'
    (tmp_path / "log.jsonl").write_text(good + "{broken\n" + good.replace("2020", "2021"))
    done = import_with(SKIP, IMPORTERS["csv"].read, (tmp_path / "log.jsonl",), tmp_path / "out")
    assert done.events.height == 2
    assert pl.read_csv(tmp_path / "out.refused.csv")["place"].to_list() == ["line 2"]


def test_lists_a_line_once_that_is_read_again(tmp_path: Path) -> None:
    behaviors = raw.BEHAVIORS.replace("N3-1 N2-0", "N3-1 N2") + "4\tU3\ttoo\tmany\tfields\there\n"
    source = raw.write_zip(tmp_path / "mind.zip", {"behaviors.tsv": behaviors, "news.tsv": raw.NEWS})
    done = import_with(SKIP, IMPORTERS["mind"].read, (source,), tmp_path / "out")
    assert pl.read_csv(tmp_path / "out.refused.csv")["place"].to_list() == ["line 4", "line 1"]
    assert done.notes[-1].startswith("2 rows refused")


def test_leaves_out_a_session_whose_events_are_no_list(tmp_path: Path) -> None:
    good = '{"session": 1, "events": [{"aid": 7, "ts": 1600000000000, "type": "clicks"}]}\n'
    (tmp_path / "otto-recsys-train.jsonl").write_text(
        good + good.replace('[{"aid": 7', '{"aid": 7').replace("}]}", "}}")
    )
    done = import_with(SKIP, IMPORTERS["otto"].read, (tmp_path,), tmp_path / "out")
    assert done.events.height == 1
    assert done.notes[-1].startswith("1 rows refused")
