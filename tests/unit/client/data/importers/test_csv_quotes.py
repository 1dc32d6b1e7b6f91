"""Quotation marks in tables of text: what they enclose, what they swallow, and lines that they span."""

from pathlib import Path

import pytest

from client.data.importers.csv_settings import CsvMap
from shared.errors import DataError
from tests.unit.client.data.importers.csv_tables import imported


def written(path: Path, separator: str, *rows: tuple[str, ...]) -> Path:
    """A table of events whose fields stand as they are."""
    names = ("user_id", "item_id", "timestamp", "text", "more")
    path.write_text("".join(separator.join(row) + "\n" for row in (names, *rows)))
    return path


def stray(texts: dict[int, str], more: dict[int, str] | None = None) -> list[tuple[str, ...]]:
    """Rows of which some hold these texts."""
    return [
        (f"u{row % 2}", f"i{row}", str(row // 2), texts.get(row, "t"), (more or {}).get(row, "m")) for row in range(20)
    ]


@pytest.mark.parametrize("separator", ["\t", ";", "|", ","])
@pytest.mark.parametrize(
    ("texts", "more"),
    [
        ({3: '"Heroes', 17: '12"'}, {}),
        ({3: '"Heroes', 4: '12"'}, {}),
        ({}, {3: '"Heroes', 17: '12"'}),
        ({3: '"A'}, {4: 'B"'}),
    ],
)
def test_refuses_a_quotation_mark_that_swallows_lines(
    tmp_path: Path, separator: str, texts: dict[int, str], more: dict[int, str]
) -> None:
    source = written(tmp_path / "log.csv", separator, *stray(texts, more))
    with pytest.raises(DataError, match=r"log\.csv, line 5: column (text|more): .*; say --quotes text where"):
        imported(source, tmp_path / "out", CsvMap())
    folder = imported(source, tmp_path / "out", CsvMap(quotes="text"))
    assert folder.events.height == 20
    assert folder.items["text"][3] == texts.get(3, "t")


def test_a_quotation_mark_that_is_never_closed_names_the_option(tmp_path: Path) -> None:
    source = written(tmp_path / "log.tsv", "\t", *stray({3: '"Heroes'}))
    with pytest.raises(DataError, match=r"log\.tsv, line 5: cannot be cut into fields .*: --quotes text"):
        imported(source, tmp_path / "out", CsvMap())


@pytest.mark.parametrize(
    ("separator", "text"),
    [
        (",", '"Red, round\nand, well, more\nof, this"'),
        (",", '"Red\nround"'),
        (",", '"Red; ""round"", wide\n"'),
        ("\t", '"Red\nround"'),
        ("\t", '"a\tb\nc"'),
        (";", '"a;b"'),
    ],
)
def test_keeps_a_quoted_text_of_several_lines(tmp_path: Path, separator: str, text: str) -> None:
    source = written(tmp_path / "log.csv", separator, *stray({3: text}))
    folder = imported(source, tmp_path / "out", CsvMap())
    assert folder.events.height == 20
    assert folder.items["text"][3] == text[1:-1].replace('""', '"').strip()


@pytest.mark.parametrize("mark", ['12" ruler', '12\\" ruler'])
@pytest.mark.parametrize("elsewhere", ['"shoe{} red"', "shoe"])
@pytest.mark.parametrize("separator", [";", ","])
@pytest.mark.parametrize("quotes", [None, "fields"])
def test_refuses_a_mark_within_an_enclosed_field_that_swallows_lines(
    tmp_path: Path, mark: str, elsewhere: str, separator: str, quotes: str | None
) -> None:
    texts = {1: elsewhere.format(separator), 3: f'"{mark}"', 5: '"hat"', 7: f'"{mark}"'}
    source = written(tmp_path / "log.csv", separator, *stray(texts))
    with pytest.raises(DataError, match=r"log\.csv, line 5: cannot be cut into fields .* has to stand twice"):
        imported(source, tmp_path / "out", CsvMap(quotes=quotes))


def test_keeps_marks_and_returns_beside_a_long_quoted_text_of_several_lines(tmp_path: Path) -> None:
    long = "Red\n" + "round, " * 30_000 + "end"
    texts = {3: f'"{long}"', 5: '"a ""b"", c"', 7: "wide\rhat"}
    folder = imported(written(tmp_path / "log.csv", ",", *stray(texts)), tmp_path / "out", CsvMap())
    assert folder.items["text"][3] == long
    assert folder.items["text"][5] == 'a "b", c'
    assert folder.events.height == 20


def test_a_mark_in_a_field_that_is_not_enclosed_names_the_option(tmp_path: Path) -> None:
    source = written(tmp_path / "log.csv", ",", *stray({3: '12" ruler'}))
    with pytest.raises(DataError, match=r"log\.csv: cannot be read as a table .*: --quotes text"):
        imported(source, tmp_path / "out", CsvMap())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_reads_lines_that_end_in_a_carriage_return_alone(tmp_path: Path, encoding: str) -> None:
    source = written(tmp_path / "log.csv", ",", *stray({3: '"a, b"'}))
    source.write_bytes(source.read_text().replace("\n", "\r").encode(encoding))
    folder = imported(source, tmp_path / "out", CsvMap(encoding=encoding))
    assert folder.events.height == 20
    assert folder.items["text"][3] == "a, b"


def test_a_table_that_is_quoted_elsewhere_may_hold_text_cut_like_lines(tmp_path: Path) -> None:
    texts = {3: '"Lamp, red\nblue, green, new"', 4: '"Hat, new"'}
    folder = imported(written(tmp_path / "log.csv", ",", *stray(texts)), tmp_path / "out", CsvMap())
    assert folder.items["text"][3] == "Lamp, red\nblue, green, new"


def test_quotes_may_be_said_to_enclose_what_is_cut_like_lines(tmp_path: Path) -> None:
    source = written(tmp_path / "log.csv", ",", *stray({3: '"Lamp, red\nblue, green, new, old"'}))
    with pytest.raises(DataError, match="line 5: column text"):
        imported(source, tmp_path / "out", CsvMap())
    assert imported(source, tmp_path / "out", CsvMap(quotes="fields")).events.height == 20


def test_refuses_an_id_of_several_lines(tmp_path: Path) -> None:
    source = written(tmp_path / "log.csv", ",", ("u", '"a\nb"', "0", "A", "m"))
    with pytest.raises(DataError, match=r"log\.csv, line 2: column item_id: expected an id, found several lines"):
        imported(source, tmp_path / "out", CsvMap(quotes="fields"))
