"""Amazon review data of 2018: one file of reviews and its metadata, gzipped JSON lines.

Source: Ni, Li and McAuley, EMNLP 2019; https://nijianmo.github.io/amazon/index.html
Reviewer names and review texts are never read into a column.
"""

import html
import math
import re
from collections.abc import Mapping

import polars as pl

from client.data.importers.imported import ImportedPlatform, joined_text
from client.data.importers.json_lines import number_field, read_json_lines, text_field, whole_field
from client.data.importers.source import Source

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
    """One event per review, exact repeats once; an item's text is its title and brand."""
    metadata = source.one(_META)
    reviews = read_json_lines(source.one("*.json", but=_META), _review, _EVENT)
    events = reviews.unique(maintain_order=True)
    repeats = reviews.height - events.height
    items = read_json_lines(metadata, _product, _ITEM).unique("item_id", keep="first", maintain_order=True)
    return ImportedPlatform(
        items=items.with_columns(text=joined_text(pl.col("title"), pl.col("brand"))),
        events=events,
        notes=(f"{repeats:,} reviews that repeat another one exactly left out",) if repeats else (),
    )


def _review(record: Mapping[str, object]) -> tuple[object, ...]:
    rating = number_field(record, "overall")
    if not math.isfinite(rating):
        raise ValueError("field overall: expected a finite number")
    user, item = text_field(record, "reviewerID"), text_field(record, "asin")
    return user, item, whole_field(record, "unixReviewTime"), rating


def _product(record: Mapping[str, object]) -> tuple[object, ...]:
    title = _clean(record.get("title"))
    if "getTime" in title:  # a page script that was scraped instead of the title
        title = ""
    categories = [name for name in map(_clean, _listed(record.get("category"))) if name]
    description = _clean(" ".join(_clean(part) for part in _listed(record.get("description"))))
    return (
        text_field(record, "asin"),
        title,
        (categories[:2] or [""])[-1],
        _clean(record.get("brand")),
        description[:_DESCRIPTION].strip(),
    )


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _clean(value: object) -> str:
    """Text without HTML and with single blanks; empty for what is no text."""
    if not isinstance(value, str):
        return ""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", value)).split())
