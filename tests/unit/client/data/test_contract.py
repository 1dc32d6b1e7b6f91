"""Reading a platform folder."""

from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from client.data.source import read_folder
from shared.errors import DataError
from tests.unit.client.data.folders import BEGIN, EVENTS, IMPRESSIONS, ITEMS, write_folder


def test_reads_every_table_as_it_stands(tmp_path: Path) -> None:
    folder = read_folder(write_folder(tmp_path, impressions=IMPRESSIONS))
    assert folder.items["item_id"].to_list() == [10, 20, 30]
    assert folder.events["rating"].to_list() == [4.0, 5.0, 1.0]
    assert folder.impressions is not None
    assert folder.impressions["candidates"].to_list() == [[30, 10]]
    assert folder.vectors is None


def test_gives_rating_one_where_there_is_none(tmp_path: Path) -> None:
    folder = read_folder(write_folder(tmp_path, events=EVENTS.drop("rating")))
    assert folder.events["rating"].to_list() == [1.0, 1.0, 1.0]
    assert folder.events.schema["rating"] == pl.Float32


@pytest.mark.parametrize("kind", [pl.Int8, pl.UInt32, pl.Int64])
def test_takes_ids_of_any_integer_type(tmp_path: Path, kind: type[pl.DataType]) -> None:
    folder = read_folder(write_folder(tmp_path, items=ITEMS.with_columns(pl.col("item_id").cast(kind))))
    assert folder.items.schema["item_id"] == folder.events.schema["item_id"] == pl.Int64


def test_takes_string_ids(tmp_path: Path) -> None:
    items = ITEMS.with_columns(pl.col("item_id").cast(pl.String))
    events = EVENTS.with_columns(pl.col("item_id", "user_id").cast(pl.String))
    folder = read_folder(write_folder(tmp_path, items=items, events=events))
    assert folder.events["item_id"].to_list() == ["10", "20", "30"]


def test_turns_times_into_unix_seconds(tmp_path: Path) -> None:
    times = pl.Series("timestamp", [datetime(1970, 1, 2), datetime(1970, 1, 3), datetime(1970, 1, 1)])  # noqa: DTZ001
    folder = read_folder(write_folder(tmp_path, events=EVENTS.with_columns(times)))
    assert folder.events["timestamp"].to_list() == [86_400, 172_800, 0]


def test_lets_empty_text_and_unsorted_events_through(tmp_path: Path) -> None:
    items = ITEMS.with_columns(pl.Series("text", [None, "", "shoe"]))
    folder = read_folder(write_folder(tmp_path, items=items, events=EVENTS.reverse()))
    assert folder.items["text"].to_list() == ["", "", "shoe"]
    assert folder.events["timestamp"].to_list() == [BEGIN + 1, BEGIN + 6, BEGIN + 5]


@pytest.mark.parametrize("name", ["vector", "vectors"])
def test_takes_vectors_from_a_list_column(tmp_path: Path, name: str) -> None:
    column = pl.Series(name, [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    folder = read_folder(write_folder(tmp_path, items=ITEMS.with_columns(column)))
    assert folder.vectors is not None
    assert folder.vectors.dtype == np.float32
    assert folder.vectors.tolist() == [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]
    assert name not in folder.items.columns


def test_takes_vectors_from_a_file(tmp_path: Path) -> None:
    np.save(write_folder(tmp_path) / "item_vectors.npy", np.eye(3, dtype=np.float16))
    vectors = read_folder(tmp_path).vectors
    assert vectors is not None
    assert vectors.tolist() == np.eye(3).tolist()


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_folder(path)
    return str(caught.value)


def test_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no") == f"{tmp_path / 'no'}: expected a platform folder, found nothing"


def test_refuses_a_missing_table(tmp_path: Path) -> None:
    (write_folder(tmp_path) / "events.parquet").unlink()
    assert "events.parquet: expected a Parquet file, found nothing" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all", b"PAR1" + bytes(99) + b"PAR1"])
def test_refuses_a_file_that_is_not_parquet(tmp_path: Path, content: bytes) -> None:
    (write_folder(tmp_path) / "items.parquet").write_bytes(content)
    assert "items.parquet: cannot be read as Parquet" in refusal(tmp_path)


def test_refuses_a_missing_column(tmp_path: Path) -> None:
    write_folder(tmp_path, events=EVENTS.rename({"timestamp": "time"}))
    assert "expected the column timestamp, found user_id, item_id, time, rating" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("item_id", [1.5, 2.5, 3.5], "expected whole numbers or strings, found in row 0 a number with a fraction"),
        ("timestamp", ["a", "b", "c"], "expected numbers or times, found String"),
        ("rating", ["a", "b", "c"], "expected numbers, found String"),
    ],
)
def test_refuses_a_column_of_the_wrong_type(tmp_path: Path, column: str, values: list[object], expected: str) -> None:
    write_folder(tmp_path, events=EVENTS.with_columns(pl.Series(column, values)))
    assert f"column {column}: {expected}" in refusal(tmp_path)


def test_names_the_row_of_an_unknown_item(tmp_path: Path) -> None:
    write_folder(tmp_path, events=EVENTS.with_columns(pl.Series("item_id", [10, 99, 30])))
    message = refusal(tmp_path)
    assert "events.parquet: column item_id, row 1: the item is not in items.parquet" in message


def test_refuses_an_item_id_that_appears_twice(tmp_path: Path) -> None:
    write_folder(tmp_path, items=pl.concat([ITEMS, ITEMS.head(1)]))
    assert "column item_id, row 3: the id stands in an earlier row" in refusal(tmp_path)


def test_refuses_labels_that_do_not_fit_the_candidates(tmp_path: Path) -> None:
    write_folder(tmp_path, impressions=IMPRESSIONS.with_columns(pl.Series("labels", [[1]])))
    assert "column labels, row 0: candidates and labels differ in length" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.eye(2), "expected one vector for each of the 3 items, found shape [2, 2] of float64"),
        (np.ones(3), "found shape [3] of float64"),
        (np.array([["a"]] * 3), "expected an array of real numbers"),
    ],
)
def test_refuses_vectors_of_the_wrong_shape_or_type(tmp_path: Path, array: np.ndarray, expected: str) -> None:
    np.save(write_folder(tmp_path) / "item_vectors.npy", array)
    assert expected in refusal(tmp_path)


def test_refuses_vectors_that_would_have_to_be_unpickled(tmp_path: Path) -> None:
    np.save(write_folder(tmp_path) / "item_vectors.npy", np.array([{}, {}, {}]), allow_pickle=True)
    assert "item_vectors.npy: cannot be read as a NumPy array" in refusal(tmp_path)


def test_refuses_a_vector_that_is_not_finite(tmp_path: Path) -> None:
    np.save(write_folder(tmp_path) / "item_vectors.npy", np.array([[1.0], [np.nan], [1.0]]))
    assert "item_vectors.npy: column vector, row 1: not all numbers are finite" in refusal(tmp_path)


def test_refuses_list_vectors_of_two_lengths(tmp_path: Path) -> None:
    write_folder(tmp_path, items=ITEMS.with_columns(pl.Series("vector", [[1.0, 2.0], [1.0], [1.0, 2.0]])))
    assert "column vector, row 1: expected vectors of one length, found 1" in refusal(tmp_path)


def test_refuses_vectors_given_twice(tmp_path: Path) -> None:
    write_folder(tmp_path, items=ITEMS.with_columns(pl.Series("vector", [[1.0], [1.0], [1.0]])))
    np.save(tmp_path / "item_vectors.npy", np.eye(3))
    assert "item vectors are given twice, as vector and item_vectors.npy" in refusal(tmp_path)


WHOLE_FLOATS = {pl.Int64: pl.Float64, pl.List(pl.Int64): pl.List(pl.Float64)}
IDS = ("item_id", "user_id", "history", "candidates")


@pytest.mark.parametrize("name", ["items", "events", "impressions"])
def test_takes_whole_floats_for_whole_numbers_wherever_they_stand(tmp_path: Path, name: str) -> None:
    tables = {"items": ITEMS, "events": EVENTS, "impressions": IMPRESSIONS}
    held = [column for column in IDS if column in tables[name].columns]
    tables[name] = tables[name].with_columns(
        tables[name][one].cast(WHOLE_FLOATS[tables[name][one].dtype]) for one in held
    )
    folder = read_folder(write_folder(tmp_path, **tables))
    assert folder.items["item_id"].to_list() == folder.events["item_id"].to_list() == [10, 20, 30]
    assert folder.impressions is not None
    assert folder.impressions["candidates"].to_list() == [[30, 10]]


@pytest.mark.parametrize("written", ["{}", "{}.0"])
def test_ids_that_are_numbers_in_one_table_and_texts_in_the_other_meet(tmp_path: Path, written: str) -> None:
    texts = pl.Series("item_id", [written.format(one) for one in EVENTS["item_id"]])
    folder = read_folder(write_folder(tmp_path, events=EVENTS.with_columns(texts)))
    assert folder.items["item_id"].to_list() == folder.events["item_id"].to_list() == ["10", "20", "30"]


def test_shows_ids_of_both_tables_where_they_do_not_meet_and_none_of_a_user(tmp_path: Path) -> None:
    events = EVENTS.with_columns(item_id=pl.Series(["010", "020", "030"]), user_id=pl.Series(["ann", "ann", "bob"]))
    message = refusal(write_folder(tmp_path, events=events))
    assert "row 0: the item is not in items.parquet (0 of the 3 item ids in the events stand in" in message
    assert "the events name '010', '020', '030', the items are '10', '20', '30'" in message
    assert "graft-client import csv DIR --keep-unknown-items" in message
    assert "ann" not in message


@pytest.mark.parametrize("word", ["nan", "NULL", "N/A", ""])
def test_a_word_for_a_missing_value_is_no_id(tmp_path: Path, word: str) -> None:
    write_folder(tmp_path, events=EVENTS.with_columns(user_id=pl.Series(["a", word, "b"])))
    assert "events.parquet: column user_id, row 1: the id is null" in refusal(tmp_path)


def test_a_word_for_a_missing_value_is_an_empty_text(tmp_path: Path) -> None:
    items = ITEMS.with_columns(text=pl.Series(["nan", "null hypothesis", "\\N"]), category=pl.Series(["NA", "a", None]))
    folder = read_folder(write_folder(tmp_path, items=items))
    assert folder.items["text"].to_list() == ["", "null hypothesis", ""]
    assert folder.items["category"].to_list() == ["", "a", None]


def test_takes_truths_for_ratings(tmp_path: Path) -> None:
    folder = read_folder(write_folder(tmp_path, events=EVENTS.with_columns(rating=pl.Series([True, False, True]))))
    assert folder.events["rating"].to_list() == [1.0, 0.0, 1.0]
