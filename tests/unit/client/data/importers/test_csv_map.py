"""Importing any tables through a column map."""

from functools import partial
from pathlib import Path

import pytest

from client.data.importers.csv_map import import_csv
from client.data.importers.csv_settings import CsvMap, parse_columns
from client.data.importers.table import import_platform
from shared.errors import ConfigError, DataError
from tests.unit.client.data.importers.csv_tables import imported

SALES = "customer;sku;bought_at;qty\nann;7;2020-01-02 00:00:00;2\nann;8;1970-01-02 00:00:00;1\n"
GOODS = "code,title,brand,colour\n7,Hat,Acme,red\n8,Shoe,,blue\n"
MAP = "user_id=customer,item_id=sku,timestamp=bought_at,rating=qty,text=title+brand,items.item_id=code"


def test_reads_two_tables_under_their_own_names(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(SALES)
    (tmp_path / "goods.csv").write_text(GOODS)
    settings = CsvMap(items=tmp_path / "goods.csv", columns=parse_columns([MAP]))
    folder = imported(tmp_path / "sales.csv", tmp_path / "out", settings)
    assert folder.events.rows() == [("ann", 8, 86_400, 1.0, True), ("ann", 7, 18_263 * 86_400, 2.0, True)]
    assert folder.items.select("item_id", "text", "colour").rows() == [(7, "Hat. Acme", "red"), (8, "Shoe", "blue")]


EVENTS = "user_id,item_id,timestamp\n" + "".join(f"u{row % 2},{{}},{row // 2}\n" for row in range(4))


@pytest.mark.parametrize("written", ["{}.0", "{}.00", "{}"])
def test_a_whole_float_is_the_whole_number(tmp_path: Path, written: str) -> None:
    events = EVENTS.format(*(written.format(item) for item in (1, 2, 3, 4)))
    (tmp_path / "events.csv").write_text(events)
    (tmp_path / "items.csv").write_text("item_id,text\n1,a\n2,b\n3,c\n4,d\n")
    folder = imported(tmp_path, tmp_path / "out", CsvMap())
    assert folder.items.rows() == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    assert folder.events["item_id"].to_list() == [1, 3, 2, 4]


def test_one_item_is_one_whether_a_row_writes_it_as_a_float_or_not(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp,text\nu,1.0,0,A\nu,1,1,A\nv,2,0,B\n")
    folder = imported(tmp_path / "log.csv", tmp_path / "out", CsvMap())
    assert folder.items.rows() == [(1, "A"), (2, "B")]


def test_keeps_leading_zeros_that_both_tables_have(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(EVENTS.format("01", "02", "03", "04"))
    (tmp_path / "items.csv").write_text("item_id,text\n01,a\n02,b\n03,c\n04,d\n")
    assert imported(tmp_path, tmp_path / "out", CsvMap()).items["item_id"].to_list() == ["01", "02", "03", "04"]


def test_refuses_ids_of_which_under_half_meet_and_names_the_option_that_goes_on(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(EVENTS.format(1, 2, 3, 4))
    (tmp_path / "items.csv").write_text("item_id,text\n001,a\n002,b\n003,c\n4,d\n")
    with pytest.raises(DataError, match="only 1 of the 4 item ids in the events stand") as caught:
        imported(tmp_path, tmp_path / "out", CsvMap())
    assert "the events name '1', '2', '3', the items are '001', '002', '003', ..." in str(caught.value)
    assert "--keep-unknown-items" in str(caught.value)
    assert "u0" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    kept = import_platform(import_csv, (tmp_path,), tmp_path / "out", keep_unknown=True)
    assert kept.items.height == 7
    assert "3 of them are not in the table of items" in kept.notes[1]


@pytest.mark.parametrize("word", ["NA", "N/A", "nan", "NaN", "null", "NULL", "None", "\\N"])
def test_a_word_for_a_missing_value_is_no_id_and_no_text(tmp_path: Path, word: str) -> None:
    (tmp_path / "log.csv").write_text(f"user_id,item_id,timestamp,text\nu,a,0,{word}\nu,{word},1,B\n")
    with pytest.raises(DataError, match=r"log.csv, line 3: column item_id: expected an id"):
        imported(tmp_path / "log.csv", tmp_path / "out", CsvMap())
    (tmp_path / "log.csv").write_text(f"user_id,item_id,timestamp,text\nu,a,0,{word}\nu,b,1,B\n")
    folder = imported(tmp_path / "log.csv", tmp_path / "out", CsvMap())
    assert sorted(folder.items.rows()) == [("a", "a"), ("b", "B")]


def test_says_how_many_events_are_no_positives(tmp_path: Path) -> None:
    rows = "u,a,0,A,0\nu,b,1,B,-1\nu,c,2,C,0.5\nu,d,3,D,0\n"
    (tmp_path / "log.csv").write_text(f"user_id,item_id,timestamp,text,rating\n{rows}")
    done = import_platform(import_csv, (tmp_path / "log.csv",), tmp_path / "out")
    assert done.events["rating"].to_list() == [0.0, -1.0, 0.5, 0.0]
    assert done.notes[-1].startswith("2 events are rated 0 and 1 below 0")
    assert "min-rating" in done.notes[-1]


def test_reads_a_label_that_is_true_or_false(tmp_path: Path) -> None:
    rows = "u,a,0,A,True\nu,b,1,B,False\n"
    (tmp_path / "log.csv").write_text(f"user_id,item_id,timestamp,text,liked\n{rows}")
    folder = imported(tmp_path / "log.csv", tmp_path / "out", CsvMap(columns={"rating": "liked"}))
    assert folder.events["rating"].to_list() == [1.0, 0.0]


def test_names_the_columns_that_were_not_read(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id,timestamp,stars,shop\nu,a,0,4,x\n")
    (tmp_path / "items.csv").write_text("item_id,title,colour,vector\na,Hat,red,0\n")
    settings = CsvMap(columns={"text": "title"})
    done = import_platform(partial(import_csv, settings=settings), (tmp_path,), tmp_path / "out")
    assert [note.removeprefix(f"{tmp_path}/") for note in done.notes[1:]] == [
        "events.csv: columns that were not read: stars, shop (to read a rating: --map rating=stars)",
        "items.csv: columns that were not read: vector",
    ]


def test_says_which_option_names_a_column_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id,ts,text\nu,a,1,A\n")
    with pytest.raises(DataError, match=r"found user_id, item_id, ts, text .*--map timestamp=COLUMN.*--no-time"):
        imported(tmp_path / "log.csv", tmp_path / "out", CsvMap())


def test_takes_the_items_from_the_events_where_there_is_no_other_table(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text("user_id\titem_id\ttimestamp\ttext\nu\ta\t1\t\nu\tb\t0\tB\nv\ta\t0\tA\n")
    folder = imported(tmp_path / "log.tsv", tmp_path / "out", CsvMap())
    assert sorted(folder.items.select("item_id", "text").rows()) == [("a", "A"), ("b", "B")]
    assert folder.events["timestamp"].to_list() == [0, 1, 0]


def test_numbers_the_events_where_there_is_no_time(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id,text\nu,a,A\nv,b,B\nu,b,B\n")
    folder = imported(tmp_path / "log.csv", tmp_path / "out", CsvMap(no_time=True))
    assert folder.events["timestamp"].to_list() == [0, 1, 0]


def test_reads_other_encodings_and_time_formats(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes("user_id,item_id,timestamp,text\nu,a,02/01/1970,Café\n".encode("latin-1"))
    settings = CsvMap(encoding="latin-1", time_format="%d/%m/%Y")
    folder = imported(tmp_path / "log.csv", tmp_path / "out", settings)
    assert folder.events["timestamp"].to_list() == [86_400]
    assert folder.items["text"].to_list() == ["Café"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("user,item_id,timestamp,text\nu,a,1,A\n", "expected the column user_id, found user, item_id"),
        ("user_id,item_id,timestamp,text\nu,a,1,A\nu,a,soon,A\n", "line 3: column timestamp: expected a number"),
        ("user_id,item_id,timestamp,text\nu,a,soon,A\n", "line 2: column timestamp: expected a time"),
        ("user_id,item_id,timestamp,text\nu,a,2020-01-01,A\nu,b,5,B\n", "line 3: column timestamp: expected a time"),
        ("user_id,item_id,timestamp,text\nu,a,1e300,A\n", "line 2: column timestamp: expected seconds"),
        ("user_id,item_id,timestamp,text\nu,a,1\nu,b\n", "line 2: expected 4 fields, found 3"),
        ("user_id,item_id,timestamp,text\nu,,1,A\n", "line 2: column item_id: expected an id"),
        ("user_id,user_id,timestamp,text\nu,a,1,A\n", "line 1: expected column names, each once"),
    ],
)
def test_says_what_is_wrong_with_a_table(tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "log.csv").write_text(content)
    with pytest.raises(DataError, match=expected):
        imported(tmp_path / "log.csv", tmp_path / "out", CsvMap())
    assert not (tmp_path / "out").exists()


def test_finds_the_separator_in_utf16(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes("user_id;item_id;timestamp;text\nu;a;0;A\n".encode("utf-16"))
    assert imported(tmp_path / "log.csv", tmp_path / "out", CsvMap(encoding="utf-16")).events.height == 1


def test_says_that_text_is_not_in_the_encoding_named(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp,text\nu,a,1,A\n")
    with pytest.raises(DataError, match="line 1: expected UTF-16 text"):
        imported(tmp_path / "log.csv", tmp_path / "out", CsvMap(encoding="utf-16"))


def test_refuses_a_column_name_longer_than_any(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("x" * 200_000 + ",item_id\n")
    with pytest.raises(DataError, match="line 1: cannot be cut into fields"):
        imported(tmp_path / "log.csv", tmp_path / "out", CsvMap())


def test_an_item_of_the_events_has_its_first_category_that_is_not_empty(tmp_path: Path) -> None:
    rows = ("u,7,0,,", "u,7,1,Shoe,", "u,8,2,Hat,h", "w,7,0,Boot,shoes", "w,7,1,,boots")
    source = tmp_path / "log.csv"
    source.write_text("user_id,item_id,timestamp,text,category\n" + "".join(f"{row}\n" for row in rows))
    folder = imported(source, tmp_path / "out", CsvMap())
    assert folder.items.rows() == [(7, "Shoe", "shoes"), (8, "Hat", "h")]


def test_a_first_column_without_a_name_is_noted_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(",user_id,item_id,timestamp,text\n0,u,7,0,Hat\n1,u,8,1,Shoe\n")
    done = import_platform(import_csv, (tmp_path / "log.csv",), tmp_path / "out")
    assert done.items["text"].to_list() == ["Hat", "Shoe"]
    assert f"{tmp_path / 'log.csv'}: columns that were not read: (unnamed)" in done.notes


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ("user_id,,item_id", "expected column names, each once, found none for column 2 .give each column a name"),
        ("user_id,item_id,item_id", "found that of column 2 again for column 3"),
    ],
)
def test_says_which_column_has_no_name_of_its_own(tmp_path: Path, names: str, sentence: str) -> None:
    (tmp_path / "log.csv").write_text(f"{names}\nu,7,8\n")
    with pytest.raises(DataError, match=rf"log\.csv, line 1: .*{sentence}"):
        imported(tmp_path / "log.csv", tmp_path / "out", CsvMap())


@pytest.mark.parametrize("separator", ["é", '"', "\n", "a\rb", ""])
def test_refuses_a_separator_that_can_be_none(separator: str) -> None:
    with pytest.raises(ConfigError, match="--separator"):
        CsvMap(separator=separator)


@pytest.mark.parametrize("encoding", ["hex", "undefined", "klingon"])
def test_refuses_an_encoding_that_is_none(encoding: str) -> None:
    with pytest.raises(ConfigError, match="--encoding"):
        CsvMap(encoding=encoding)


@pytest.mark.parametrize("pair", ["user_id", "user_id=", "=x", "", "user_id=a,user_id=b"])
def test_refuses_a_map_that_is_none(pair: str) -> None:
    with pytest.raises(ConfigError, match="--map"):
        parse_columns([pair])


def test_refuses_what_quotation_marks_do_not_do() -> None:
    with pytest.raises(ConfigError, match="--quotes: expected fields or text; got 'none'"):
        CsvMap(quotes="none")


def test_refuses_a_name_that_is_not_ours() -> None:
    with pytest.raises(ConfigError, match="expected one of user_id, item_id"):
        CsvMap(columns={"user": "customer"})
