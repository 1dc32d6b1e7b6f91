"""Damaged sources: one clear sentence with file and line, exit code 2, and nothing left behind."""

import gzip
from pathlib import Path

import pytest

from client.data.importers.table import IMPORTERS, import_platform
from shared.errors import DataError
from tests.unit.client.data.importers import raw


def refusal(name: str, source: Path, out: Path) -> str:
    """The sentence; checks that nothing stands where the folder would be, nor beside it."""
    before = sorted(out.parent.iterdir())
    with pytest.raises(DataError) as caught:
        import_platform(IMPORTERS[name].read, (source,), out)
    assert sorted(out.parent.iterdir()) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("userId,movieId", "user,movieId", "ratings.csv: expected the column userId, found user, movieId"),
        ("7,1,4.0,1500000100", "7,1,four,1500000100", "ratings.csv, line 3: column rating: expected a number"),
        ("7,1,4.0,1500000100", "7,1,nan,1500000100", "ratings.csv, line 3: column rating: expected a number"),
        ("7,1,4.0,1500000100", "7,1,4.0,-1", "ratings.csv, line 3: column timestamp: expected a number of at least 0"),
        ("7,1,4.0,1500000100", ",1,4.0,1500000100", "ratings.csv, line 3: column userId: expected an id"),
        ("7,1,4.0,1500000100", "7,1,4.0", "ratings.csv, line 3: column timestamp: expected a number"),
        ("7,1,4.0,1500000100", "7,1,4.0,1500000100,5", "ratings.csv, line 3: expected 4 fields, found 5"),
        ("8,1,0.5,1500000050", "\n\n8,1,x,1500000050", "ratings.csv, line 6: column rating: expected a number"),
        ("7,1,4.0,1500000100", '7,"1,4.0,1500000100', "ratings.csv, line 3: cannot be cut into fields"),
        (raw.RATINGS, "", "ratings.csv, line 1: expected fields, found an empty line"),
        (raw.RATINGS, "userId,movieId,rating,timestamp\n", "the source holds no event"),
    ],
)
def test_names_the_line_of_a_wrong_rating(tmp_path: Path, old: str, new: str, expected: str) -> None:
    ratings = raw.RATINGS.replace(old, new)
    assert ratings != raw.RATINGS
    source = raw.write_zip(tmp_path / "ml.zip", {"movies.csv": raw.MOVIES, "ratings.csv": ratings})
    assert expected in refusal("movielens", source, tmp_path / "out")


def test_counts_lines_inside_quoted_fields(tmp_path: Path) -> None:
    movies = 'movieId,title,genres\n1,"two\nlines",A\nx,Heat,B\n'
    source = raw.write_zip(tmp_path / "ml.zip", {"movies.csv": movies, "ratings.csv": raw.RATINGS})
    assert "movies.csv, line 4: column movieId" in refusal("movielens", source, tmp_path / "out")


def test_refuses_an_item_described_twice(tmp_path: Path) -> None:
    movies = raw.MOVIES + "1,Again,A\n"
    source = raw.write_zip(tmp_path / "ml.zip", {"movies.csv": movies, "ratings.csv": raw.RATINGS})
    assert "movies.csv, line 5: column movieId: the id already stands" in refusal("movielens", source, tmp_path / "out")


def test_names_the_line_that_is_not_utf8(tmp_path: Path) -> None:
    movies = raw.MOVIES.encode().replace(b"Heat", b"H\xe9at")
    source = raw.write_zip(tmp_path / "ml.zip", {"movies.csv": movies, "ratings.csv": raw.RATINGS})
    assert "movies.csv, line 3: expected UTF-8 text" in refusal("movielens", source, tmp_path / "out")


def test_never_repeats_a_value_in_an_error(tmp_path: Path) -> None:
    ratings = raw.RATINGS.replace("0.5", "secret")
    source = raw.write_zip(tmp_path / "ml.zip", {"movies.csv": raw.MOVIES, "ratings.csv": ratings})
    assert "secret" not in refusal("movielens", source, tmp_path / "out")


@pytest.mark.parametrize("name", raw.SOURCES)
def test_refuses_what_is_not_a_zip(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.zip").write_bytes(b"this is no zip")
    assert "x.zip: expected a zip file" in refusal(name, tmp_path / "x.zip", tmp_path / "out")


@pytest.mark.parametrize("name", raw.SOURCES)
def test_refuses_a_source_that_is_not_there(tmp_path: Path, name: str) -> None:
    assert "expected a file or folder, found nothing" in refusal(name, tmp_path / "no", tmp_path / "out")


@pytest.mark.parametrize("name", raw.SOURCES)
def test_refuses_an_empty_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    assert "found no file" in refusal(name, tmp_path / "empty", tmp_path / "out")


@pytest.mark.parametrize("kept", [5, 60, -20, -1])
def test_refuses_a_truncated_gzip(tmp_path: Path, kept: int) -> None:
    packed = raw.retail(tmp_path).read_bytes()
    (tmp_path / "sheet.csv.gz").write_bytes(packed[:kept])
    message = refusal("uci-retail", tmp_path / "sheet.csv.gz", tmp_path / "out")
    assert "sheet.csv.gz: cannot be read to its end" in message


def test_refuses_a_damaged_zip_member(tmp_path: Path) -> None:
    path = raw.movielens(tmp_path)
    content = bytearray(path.read_bytes())
    content[60:70] = bytes(10)
    path.write_bytes(bytes(content))
    assert "cannot be read to its end" in refusal("movielens", path, tmp_path / "out")


def test_refuses_a_file_that_is_named_gz_and_is_not(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv.gz").write_text(raw.INVOICES)
    message = refusal("uci-retail", tmp_path / "sheet.csv.gz", tmp_path / "out")
    assert "cannot be read to its end" in message


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"overall": 5.0,\n', "line 2: expected a JSON object"),
        (b"[1]\n", "line 2: expected a JSON object, found a list"),
        (b'{"overall": "good", "reviewerID": "A", "asin": "B"}\n', "line 2: field overall: expected a number"),
        (b'{"overall": NaN, "reviewerID": "A", "asin": "B"}\n', "line 2: field overall: expected a number"),
        (b'{"overall": 5}\n', "line 2: field reviewerID: expected an id, found an empty field"),
        (b'{"overall": 5, "reviewerID": "A", "asin": "B", "unixReviewTime": -1}\n', "line 2: field unixReviewTime"),
        (b'{"overall": 5, "reviewerID": "A", "asin": "B", "unixReviewTime": 1e999}\n', "line 2: field unixReviewTime"),
        (b'"\xff"\n', "line 2: expected UTF-8 text"),
        (b"[" * 100_000 + b"\n", "line 2: expected a JSON object"),
    ],
)
def test_names_the_line_of_a_wrong_review(tmp_path: Path, line: bytes, expected: str) -> None:
    path = raw.amazon(tmp_path / "amazon") / "Cards_5.json.gz"
    good = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(good[0] + line + good[1]))
    assert expected in refusal("amazon-reviews", tmp_path / "amazon", tmp_path / "out")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("N3-1 N2-0", "N3-1 N2", "behaviors.tsv, line 1: column impressions: expected news ids with -0 or -1"),
        ("11/11/2019 9:00:00 AM", "2019-11-11", "behaviors.tsv, line 2: column time: expected a time"),
        ("U2", "", "behaviors.tsv, line 3: column user: expected an id"),
    ],
)
def test_names_the_line_of_a_wrong_impression(tmp_path: Path, old: str, new: str, expected: str) -> None:
    files = {"behaviors.tsv": raw.BEHAVIORS.replace(old, new), "news.tsv": raw.NEWS}
    source = raw.write_zip(tmp_path / "mind.zip", files)
    assert expected in refusal("mind", source, tmp_path / "out")


def test_refuses_a_news_file_with_other_columns(tmp_path: Path) -> None:
    files = {"behaviors.tsv": raw.BEHAVIORS, "news.tsv": "N1\tsports\n"}
    message = refusal("mind", raw.write_zip(tmp_path / "mind.zip", files), tmp_path / "out")
    assert "news.tsv, line 1: expected 8 fields, found 2" in message


def test_refuses_an_atomic_header_without_types(tmp_path: Path) -> None:
    files = {"G.item": raw.ATOMIC_ITEMS.replace("title:token_seq", "title"), "G.inter": raw.ATOMIC_PLAIN}
    message = refusal("recbole", raw.write_zip(tmp_path / "g.zip", files), tmp_path / "out")
    assert "G.item, line 1: expected fields like user_id:token" in message


def test_refuses_a_spreadsheet_with_advice(tmp_path: Path) -> None:
    (tmp_path / "sheet.xlsx").write_bytes(b"PK")
    assert "cannot be read as a workbook" in refusal("uci-retail", tmp_path / "sheet.xlsx", tmp_path / "out")


def test_refuses_two_files_where_one_is_expected(tmp_path: Path) -> None:
    source = raw.movielens(tmp_path)
    source.rename(tmp_path / "a.zip")
    raw.movielens(tmp_path).rename(tmp_path / "b.zip")
    assert "expected one file movies.csv, found" in refusal("movielens", tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "file", "cuts"),
    [("uci-retail", "sheet.csv", (",", ";")), ("movielens", "ratings.csv", (",", "\t"))],
)
def test_names_the_separator_that_a_table_should_have(
    tmp_path: Path, name: str, file: str, cuts: tuple[str, str]
) -> None:
    tables = {"uci-retail": raw.INVOICES, "movielens": raw.RATINGS}
    (tmp_path / "movies.csv").write_text(raw.MOVIES)
    (tmp_path / file).write_text(tables[name].replace(*cuts))
    wanted, found = map(repr, cuts)
    sentence = f"{file}, line 1: expected columns with {wanted} between them, found one that holds {found}"
    source = tmp_path / file if name == "uci-retail" else tmp_path
    assert sentence in refusal(name, source, tmp_path / "out")
