"""Amazon review data of 2018: one file of reviews and its metadata, gzipped JSON lines.

Source: Ni, Li and McAuley, EMNLP 2019; https://nijianmo.github.io/amazon/index.html
Reviewer names and review texts are never read into a column.
"""

import html
import json
import math
import re
from collections.abc import Callable, Mapping

import polars as pl

from client.data.folder_options import Said
from client.data.importers.imported import ImportedPlatform, first_filled, joined_text
from client.data.importers.imported_times import imported_times
from client.data.importers.source import Source, SourceFile
from client.data.missing import MISSING
from shared.errors import DataError

_BATCH = 100_000


def read_json_lines(
    file: SourceFile,
    row: Callable[[Mapping[str, object]], tuple[object, ...]],
    schema: Mapping[str, type[pl.DataType]],
) -> pl.DataFrame:
    """One row per line, made by ``row``, which raises ValueError with a sentence where a field is wrong; then ``line``.

    Raises DataError with the line where it is not a JSON object or a field is wrong. Blank lines are left out.
    """
    schema = {**schema, "line": pl.Int64}
    batches = [pl.DataFrame(schema=schema)]
    rows: list[tuple[object, ...]] = []
    for number, line in file.lines():
        if line.strip():
            rows.append((*_row(file.label, number, line, row), number))
        if len(rows) == _BATCH:
            batches.append(pl.DataFrame(rows, schema=schema, orient="row"))
            rows = []
    batches.append(pl.DataFrame(rows, schema=schema, orient="row"))
    return pl.concat(batches)


def _row(
    label: str, number: int, line: bytes, row: Callable[[Mapping[str, object]], tuple[object, ...]]
) -> tuple[object, ...]:
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(f"{label}, line {number}: expected UTF-8 text") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{label}, line {number}: expected a JSON object ({error})") from error
    if not isinstance(record, dict):
        raise DataError(f"{label}, line {number}: expected a JSON object, found a {type(record).__name__}")
    try:
        return row(record)
    except ValueError as error:
        raise DataError(f"{label}, line {number}: {error}") from error


def id_field(record: Mapping[str, object], name: str) -> str:
    """A string field that has to hold an id."""
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"field {name}: expected a text, found {_kind(value)}")
    if value.strip() in MISSING:
        raise ValueError(f"field {name}: expected an id, found a word for a missing value")
    return value.strip()


def number_field(record: Mapping[str, object], name: str) -> float:
    """A number field that has to be there."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"field {name}: expected a number, found {_kind(value)}")  # noqa: TRY004
    return value


def whole_field(record: Mapping[str, object], name: str) -> int:
    """A whole number field, not negative, that has to be there."""
    value = number_field(record, name)
    if not 0 <= value < 2**62 or value != int(value):
        raise ValueError(f"field {name}: expected a whole number that is not negative")
    return int(value)


def _kind(value: object) -> str:
    return "nothing" if value is None or value == "" else f"a {type(value).__name__}"


_META = "meta_*.json"
_DESCRIPTION = 400
"""Characters kept of a description."""
_EVENT = {"user_id": pl.String, "item_id": pl.String, "timestamp": pl.Int64, "rating": pl.Float32}
_ITEM = {
    "item_id": pl.String,
    "title": pl.String,
    "category": pl.String,
    "brand": pl.String,
    "description": pl.String,
}


def import_amazon_reviews(source: Source) -> ImportedPlatform:
    """One event per review, exact repeats once; an item's text is its title and brand.

    Several files of reviews, and of metadata, are read as one; each may tell times in its own unit. Of a product that
    stands in several lines each field is the first that is not empty.
    """
    timed = [_timed(file, source.said) for file in source.some("*.json", but=_META)]
    reviews = pl.concat((events for events, _ in timed), how="vertical_relaxed")
    events = reviews.unique(maintain_order=True)
    repeats = reviews.height - events.height
    products = pl.concat(read_json_lines(file, _product, _ITEM) for file in source.some(_META)).drop("line")
    items = first_filled(products)
    left_out = (f"{repeats:,} reviews that repeat another one exactly left out",) if repeats else ()
    return ImportedPlatform(
        items=items.with_columns(text=joined_text(pl.col("title"), pl.col("brand"))),
        events=events,
        notes=(*left_out, *(note for _, notes in timed for note in notes)),
    )


def _timed(file: SourceFile, said: Said | None) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The reviews of a file with their times, and notes on those."""
    reviews = read_json_lines(file, _review, _EVENT)

    def row(place: int) -> str:
        return f"{file.label}, line {reviews['line'][place]}: field unixReviewTime"

    times = imported_times(reviews["timestamp"], reviews["user_id"], row, said)
    return reviews.drop("line").with_columns(timestamp=times.values), times.notes


def _review(record: Mapping[str, object]) -> tuple[object, ...]:
    rating = number_field(record, "overall")
    if not math.isfinite(rating):
        raise ValueError("field overall: expected a finite number")
    user, item = id_field(record, "reviewerID"), id_field(record, "asin")
    return user, item, whole_field(record, "unixReviewTime"), rating


def _product(record: Mapping[str, object]) -> tuple[object, ...]:
    title = _clean(record.get("title"))
    if "getTime" in title:  # a page script that was scraped instead of the title
        title = ""
    categories = [name for name in map(_clean, _categories(record)) if name]
    description = _clean(" ".join(_clean(part) for part in _listed(record.get("description"))))
    return (
        id_field(record, "asin"),
        title,
        (categories[:2] or [""])[-1],
        _clean(record.get("brand")),
        description[:_DESCRIPTION].strip(),
    )


def _categories(record: Mapping[str, object]) -> list[object]:
    """``category``, or the first of ``categories``, as the data of 2014 call them."""
    found = _listed(record.get("category") or record.get("categories"))
    return found[0] if found and isinstance(found[0], list) else found


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _clean(value: object) -> str:
    """Text without HTML and with single blanks; empty for what is no text."""
    if not isinstance(value, str) or value.strip() in MISSING:
        return ""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", value)).split())
