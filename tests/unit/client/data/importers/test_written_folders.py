"""Folders of parts as Spark, dask, Ray Data, Delta Lake and Iceberg lay them out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import polars as pl
import pyarrow.parquet
import pytest

from client.data.importers.csv_map import import_csv
from client.data.importers.csv_settings import CsvMap
from client.data.importers.table import import_platform
from shared.errors import DataError
from tests.unit.client.data.importers.csv_tables import imported

START = datetime(2025, 1, 1, 8, 30, 0, 250_000, tzinfo=UTC)
EVENTS = pl.DataFrame(
    {
        "user_id": [f"u{row % 3}" for row in range(12)],
        "item_id": [10**15 + row % 4 for row in range(12)],
        "timestamp": [START + timedelta(hours=5 * row) for row in range(12)],
        "rating": [float(row % 5 + 1) for row in range(12)],
    }
)
ITEMS = pl.DataFrame({"item_id": [10**15 + row for row in range(4)], "text": [f"thing {row}" for row in range(4)]})
EXPECTED = sorted(
    (user, item, time.timestamp(), rating)
    for user, item, time, rating in EVENTS.select("user_id", "item_id", "timestamp", "rating").rows()
)


def _write(rows: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(path)


def _folder(tmp_path: Path, events: dict[str, pl.DataFrame]) -> Path:
    """A source whose events lie in parts of these names."""
    source = tmp_path / "in"
    for name, rows in events.items():
        _write(rows, source / "events" / name)
    _write(ITEMS, source / "items" / "part-00000.parquet")
    return source


def _rows(source: Path, settings: CsvMap | None = None) -> list[tuple[object, ...]]:
    events = imported(source, source.parent / "out", settings or CsvMap()).events
    return sorted(events.select("user_id", "item_id", "timestamp", "rating").rows())


def test_reads_sparks_folder_without_what_was_never_finished(tmp_path: Path) -> None:
    part = "part-{:05d}-3e1a-c000.snappy.parquet"
    parts = {part.format(number): EVENTS[4 * number : 4 * number + 4] for number in range(3)}
    source = _folder(tmp_path, {part.format(9): EVENTS[:0]} | parts)
    for name in ("_temporary/0/_temporary/attempt_1", ".spark-staging-1"):
        _write(EVENTS, source / "events" / name / part.format(0))
    for name in ("_SUCCESS", f".{part.format(0)}.crc", "._SUCCESS.crc"):
        (source / "events" / name).write_bytes(b"crc")
    assert _rows(source) == EXPECTED


def test_reads_parts_whose_places_are_columns(tmp_path: Path) -> None:
    apart = EVENTS.with_columns(_kind=pl.lit("a/b c"), date=pl.col("timestamp").dt.date().cast(pl.String))
    parts = {
        f"_kind=a%2Fb c/date={day}/part-0.parquet": rows.drop("_kind", "date", "rating")
        for (day,), rows in apart.group_by("date")
    }
    source = _folder(tmp_path, parts)
    days = imported(source, tmp_path / "out", CsvMap(columns={"timestamp": "date"})).events["timestamp"]
    expected = apart["date"].str.to_datetime(time_zone="UTC").dt.epoch("s")
    assert sorted(days) == sorted(expected)
    kinds = imported(
        source / "events", tmp_path / "kinds", CsvMap(columns={"text": "_kind", "timestamp": "date"})
    ).items
    assert set(kinds["text"]) == {"a/b c"}


def test_says_where_the_default_partition_of_hive_has_no_number(tmp_path: Path) -> None:
    parts = {
        "rating=4.0/part-0.parquet": EVENTS[:6].drop("rating"),
        "rating=__HIVE_DEFAULT_PARTITION__/part-0.parquet": EVENTS[6:].drop("rating"),
    }
    with pytest.raises(DataError, match=r"HIVE_DEFAULT_PARTITION__/part-0.parquet, row 0: column rating: expected a n"):
        _rows(_folder(tmp_path, parts))


def test_reads_dasks_folder_without_its_index(tmp_path: Path) -> None:
    indexed = EVENTS.with_columns(pl.col("user_id").cast(pl.Categorical), __null_dask_index__=pl.int_range(12))
    parts = {f"part.{number}.parquet": indexed[6 * number : 6 * number + 6] for number in range(2)}
    source = _folder(tmp_path, parts)
    _write(ITEMS.with_columns(__index_level_0__=pl.int_range(4)), source / "items" / "part-00000.parquet")
    (source / "events" / "_metadata").write_bytes(b"PAR1PAR1")
    done = import_platform(import_csv, (source,), tmp_path / "out")
    assert not any("index" in note for note in done.notes)
    assert done.items.columns == ["item_id", "text"]
    named = CsvMap(columns={"user_id": "__null_dask_index__"})
    assert imported(source, tmp_path / "named", named).events["user_id"].sort().to_list() == list(range(12))


def test_names_unread_columns_of_parts_once(tmp_path: Path) -> None:
    parts = {f"0356h2_a7a5_00000{number}-0.parquet": EVENTS[6 * number :][:6] for number in range(2)}
    source = _folder(tmp_path, {name: rows.with_columns(kind=pl.lit("view")) for name, rows in parts.items()})
    done = import_platform(import_csv, (source,), tmp_path / "out")
    first = source / "events" / "0356h2_a7a5_000000-0.parquet"
    assert done.notes == (f"{first} and 1 more: columns that were not read: kind",)


@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
def test_reads_times_of_any_unit_with_a_zone_or_without(tmp_path: Path, unit: Literal["ns", "us", "ms"]) -> None:
    zoned = EVENTS.with_columns(pl.col("timestamp").dt.cast_time_unit(unit))
    plain = zoned.with_columns(pl.col("timestamp").dt.replace_time_zone(None))
    assert _rows(_folder(tmp_path, {"part-0.parquet": zoned[:6], "part-1.parquet": plain[6:]})) == EXPECTED


def test_reads_the_twelve_bytes_in_which_spark_writes_times(tmp_path: Path) -> None:
    source = _folder(tmp_path, {})
    (source / "events").mkdir()
    part = source / "events" / "part-00000-3e1a-c000.snappy.parquet"
    pyarrow.parquet.write_table(EVENTS.to_arrow(), part, use_deprecated_int96_timestamps=True)
    assert pyarrow.parquet.ParquetFile(part).schema.column(2).physical_type == "INT96"
    assert _rows(source) == EXPECTED


def test_reads_parts_that_hold_one_column_by_other_types(tmp_path: Path) -> None:
    parts = {
        "part-0.parquet": EVENTS[:0].with_columns(pl.lit(None).alias(name) for name in EVENTS.columns),
        "part-1.parquet": EVENTS[:4].with_columns(pl.col("item_id").cast(pl.Float64)),
        "part-2.parquet": EVENTS[4:8].with_columns(pl.col("item_id").cast(pl.Decimal(20, 0))),
        "part-3.parquet": EVENTS[8:].with_columns(pl.col("item_id").cast(pl.String)),
    }
    assert _rows(_folder(tmp_path, parts)) == EXPECTED


def test_reads_json_parts_of_which_the_first_is_empty(tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "events").mkdir(parents=True)
    (source / "items").mkdir()
    (source / "events" / "part-00000-c000.json").touch()
    texts = EVENTS.with_columns(pl.col("timestamp").dt.to_string("iso"))
    texts.write_ndjson(source / "events" / "part-00001-c000.json")
    ITEMS.write_ndjson(source / "items" / "part-00000-c000.json")
    assert _rows(source) == EXPECTED
    assert not {"user_id", "rating", "timestamp"} & set(pl.read_parquet(tmp_path / "out" / "items.parquet").columns)


def test_refuses_tables_whose_log_says_which_files_count(tmp_path: Path) -> None:
    source = _folder(tmp_path, {"part-00000-c000.snappy.parquet": EVENTS})
    log = source / "events" / "_delta_log"
    log.mkdir()
    (log / "00000000000000000000.json").write_text('{"commitInfo": {}}')
    with pytest.raises(DataError, match=rf"{source}/events: expected .* found a Delta table"):
        _rows(source)
    log.rename(source / "events" / "metadata")
    (source / "events" / "metadata" / "00000-35df.metadata.json").write_text("{}")
    with pytest.raises(DataError, match=rf"{source}/events: expected .* found an Iceberg table"):
        _rows(source)
