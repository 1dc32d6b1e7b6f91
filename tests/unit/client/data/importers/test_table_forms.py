"""Tables in whatever form: cut by several characters, without a header, as JSON lines, in parts, in archives."""

from pathlib import Path

import polars as pl
import pytest

from client.data.importers import source as source_module
from client.data.importers.csv_settings import CsvMap, parse_columns
from shared.errors import ConfigError, DataError
from tests.unit.client.data.importers import raw
from tests.unit.client.data.importers.csv_tables import imported
from tests.unit.client.data.importers.public_samples import tar

ROWS = [("u", "a", 0, 1.5, "A"), ("u", "b", 1, 2.0, "B"), ("v", "a", 0, 3.0, "A")]
NAMES = ("user_id", "item_id", "timestamp", "rating", "text")


def taken(path: Path, out: Path, **settings: object) -> list[tuple[object, ...]]:
    """The events that come of it."""
    folder = imported(path, out, CsvMap(**settings))  # type: ignore[arg-type]
    assert sorted(folder.items.select("item_id", "text").rows()) == [("a", "A"), ("b", "B")]
    return folder.events.select(*NAMES[:4]).rows()


def text(separator: str = ",", end: str = "\n", *, header: bool = True, first: str = "") -> str:
    rows = [NAMES, *ROWS] if header else ROWS
    return first + "".join(separator.join(map(str, row)) + end for row in rows)


EXPECTED = [row[:4] for row in ROWS]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", ["::", "||", " , ", "\t"])
def test_cuts_at_separators_of_several_characters_and_any_line_end(tmp_path: Path, separator: str, end: str) -> None:
    (tmp_path / "log.dat").write_bytes(text(separator, end).encode())
    assert taken(tmp_path / "log.dat", tmp_path / "out", separator=separator) == EXPECTED


def test_keeps_a_separator_within_quotation_marks(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text('user_id::item_id::timestamp::text\nu::a::0::"A::B"\n')
    folder = imported(tmp_path / "log.csv", tmp_path / "out", CsvMap(separator="::"))
    assert folder.items["text"].to_list() == ["A::B"]


def test_names_the_columns_of_a_table_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(text(header=False))
    assert taken(tmp_path / "log.csv", tmp_path / "out", header=NAMES) == EXPECTED
    with pytest.raises(DataError, match="line 1: expected 2 fields, found 5"):
        imported(tmp_path / "log.csv", tmp_path / "other", CsvMap(header=("user_id", "item_id")))
    with pytest.raises(ConfigError, match="--columns: expected names, each once"):
        CsvMap(header=("user_id", "user_id"))


def test_takes_the_separator_that_a_spreadsheet_names(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(text(";", first="sep=;\n"))
    assert taken(tmp_path / "log.csv", tmp_path / "out") == EXPECTED
    (tmp_path / "log.csv").write_text(text(";", first="sep=;\n") + "w;;0;1;A\n")
    with pytest.raises(DataError, match="line 6: column item_id"):
        imported(tmp_path / "log.csv", tmp_path / "other", CsvMap())


def test_reads_numbers_with_a_comma_where_it_is_told_and_says_how_to_tell(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(text(";").replace("1.5", "1,5").replace("2.0", "2,0"))
    assert taken(tmp_path / "log.csv", tmp_path / "out", decimal=",") == EXPECTED
    with pytest.raises(DataError, match=r"line 2: column rating: expected a number .*--decimal ,"):
        imported(tmp_path / "log.csv", tmp_path / "other", CsvMap())


def test_reads_a_table_that_r_wrote_with_names_of_rows(tmp_path: Path) -> None:
    rows = "".join(f'"{place}",{",".join(map(str, row))}\n' for place, row in enumerate(ROWS, 1))
    (tmp_path / "log.csv").write_text(",".join(f'"{name}"' for name in NAMES) + "\n" + rows)
    assert taken(tmp_path / "log.csv", tmp_path / "out") == EXPECTED


def test_reads_fields_within_others_of_json_lines(tmp_path: Path) -> None:
    lines = "".join(
        f'{{"who": {{"id": "{user}"}}, "item": {{"sku": "{item}", "name": "{words}"}}, "at": {at}, "stars": {stars}}}\n'
        for user, item, at, stars, words in ROWS
    )
    (tmp_path / "log.jsonl").write_text(lines)
    columns = parse_columns(["user_id=who.id,item_id=item.sku,timestamp=at,rating=stars,text=item.name"])
    assert taken(tmp_path / "log.jsonl", tmp_path / "out", columns=columns) == EXPECTED
    (tmp_path / "log.jsonl").write_text(lines + '\n{"who": 1,}\n')
    with pytest.raises(DataError, match=r"log\.jsonl, line 5: expected a JSON object"):
        imported(tmp_path / "log.jsonl", tmp_path / "other", CsvMap(columns=columns))


def test_names_every_column_that_json_lines_lack(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"user_id": "u", "text": "A"}\n')
    with pytest.raises(DataError, match="field item_id: expected an id"):
        imported(tmp_path / "log.jsonl", tmp_path / "out", CsvMap())


@pytest.mark.parametrize(
    "names", [("part-00000-x.snappy.parquet", "part-00001-x.snappy.parquet"), ("part.0.parquet", "part.1.parquet")]
)
def test_reads_the_parts_that_spark_and_dask_write(tmp_path: Path, names: tuple[str, str]) -> None:
    (tmp_path / "events.parquet").mkdir()
    frame = pl.DataFrame(ROWS, schema=NAMES, orient="row")
    frame[:2].write_parquet(tmp_path / "events.parquet" / names[0])
    frame[2:].write_parquet(tmp_path / "events.parquet" / names[1])
    (tmp_path / "events.parquet" / "_SUCCESS").touch()
    assert taken(tmp_path / "events.parquet", tmp_path / "out") == EXPECTED
    assert taken(tmp_path, tmp_path / "whole") == EXPECTED


def test_reads_columns_that_only_the_folders_name(tmp_path: Path) -> None:
    frame = pl.DataFrame(ROWS, schema=NAMES, orient="row")
    for user in ("u", "v"):
        place = tmp_path / "log" / f"user_id={user}"
        place.mkdir(parents=True)
        frame.filter(pl.col("user_id") == user).drop("user_id").write_parquet(place / "0.parquet")
    assert taken(tmp_path / "log", tmp_path / "out") == EXPECTED


def test_takes_no_column_from_a_folder_above_its_source(tmp_path: Path) -> None:
    place = tmp_path / "try=1"
    place.mkdir()
    pl.DataFrame(ROWS, schema=NAMES, orient="row").write_parquet(place / "log.parquet")
    folder = imported(place / "log.parquet", tmp_path / "out", CsvMap())
    assert "try" not in folder.items.columns


def test_refuses_two_tables_of_which_either_could_be_the_events(tmp_path: Path) -> None:
    for name in ("sales.csv", "visits.csv"):
        (tmp_path / name).write_text(text())
    with pytest.raises(DataError, match=r"expected a file events\.csv .*found sales\.csv, visits\.csv"):
        imported(tmp_path, tmp_path / "out", CsvMap())


@pytest.mark.parametrize("name", ["log.tar.gz", "log.tgz", "log.zip"])
def test_reads_a_table_in_an_archive(tmp_path: Path, name: str) -> None:
    if name.endswith("zip"):
        raw.write_zip(tmp_path / name, {"in/log.csv": text()})
    else:
        (tmp_path / name).write_bytes(tar({"in/log.csv": text().encode()}))
    assert taken(tmp_path / name, tmp_path / "out") == EXPECTED


def test_says_to_unpack_what_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "data.7z").write_bytes(b"7z")
    with pytest.raises(DataError, match=r"unpack data\.7z first"):
        imported(tmp_path / "data.7z", tmp_path / "out", CsvMap())


@pytest.mark.parametrize("size", [7, 40, 200])
def test_reads_the_same_however_the_file_falls_into_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    rows = "".join(f'u{row % 3},i{row % 5},{1_500_000_000 + row},"Thing\n{row % 5}, ""big"""\n' for row in range(60))
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp,text\n" + rows, newline="\n")
    whole = imported(tmp_path / "log.csv", tmp_path / "whole", CsvMap(quotes="fields"))
    monkeypatch.setattr(source_module, "_CHUNK", size)
    parts = imported(tmp_path / "log.csv", tmp_path / "parts", CsvMap(quotes="fields"))
    assert whole.events.equals(parts.events)
    assert whole.items.equals(parts.items)
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp,text\n" + rows + "u,,1500000000,x\n", newline="\n")
    with pytest.raises(DataError, match="line 122: column item_id"):
        imported(tmp_path / "log.csv", tmp_path / "bad", CsvMap(quotes="fields"))
