"""Amazon review data of 2014, 2018 and 2023: reviews and metadata as JSON lines, or tables of ratings alone.

2014 (He and McAuley, WWW 2016; https://cseweb.ucsd.edu/~jmcauley/datasets/amazon/links.html): ``reviews_NAME.json.gz``,
``meta_NAME.json.gz`` (lines of Python literals), ``ratings_NAME.csv`` (user, item, rating, time; no header).
2018 (Ni, Li and McAuley, EMNLP 2019; https://nijianmo.github.io/amazon/index.html): ``NAME.json.gz``,
``meta_NAME.json.gz``, ``NAME.csv`` (item, user, rating, time; no header).
2023 (Hou et al., 2024; https://amazon-reviews-2023.github.io): ``NAME.jsonl.gz``, ``meta_NAME.jsonl.gz``, ``NAME.csv``
with a header; times in milliseconds; what is recommended is the ``parent_asin``, which stands for all variants.
Reviewer names and review texts are never read into a column.
"""

import html
import json
import re
from dataclasses import replace

import polars as pl

from client.data.importers.form import Form
from client.data.importers.form_events import events_of
from client.data.importers.imported import ImportedPlatform, first_filled, items_of_events, joined_text
from client.data.importers.refused_rows import tolerantly
from client.data.importers.source import Source, SourceFile
from client.data.importers.text_table import TextTable
from client.data.missing import MISSING

_META = "meta_*"
_DESCRIPTION = 400
"""Characters kept of a description."""
_REVIEWS = Form(
    files=("*.json", "*.jsonl", "*.csv"),
    but=_META,
    columns={
        "user_id": ("reviewerID", "user_id"),
        "item_id": ("parent_asin", "asin"),
        "timestamp": ("unixReviewTime", "timestamp"),
        "rating": ("overall", "rating"),
    },
)
_PRODUCTS = Form(
    files=("meta_*.json", "meta_*.jsonl"),
    columns={
        "item_id": ("parent_asin", "asin"),
        "title": "title",
        "brand": ("brand", "store"),
        "categories": ("category", "categories"),
        "main": "main_category",
        "description": "description",
    },
)
_USER_FIRST = ("user_id", "asin", "rating", "timestamp")
_ITEM_FIRST = ("asin", "user_id", "rating", "timestamp")


def import_amazon_reviews(source: Source) -> ImportedPlatform:
    """One event per review, exact repeats once; an item's text is its title and brand.

    Several files of reviews, and of metadata, are read as one; each may tell times in its own unit. Of a product that
    stands in several lines each field is the first that is not empty. Without metadata an item's text is its id.
    """
    timed = [events_of([(_form(file), file)], source, source.said) for file in _review_files(source)]
    reviews = pl.concat((events for events, _ in timed), how="vertical_relaxed")
    events = reviews.unique(maintain_order=True)
    repeats = reviews.height - events.height
    meta = source.all(*_PRODUCTS.files)
    left_out = (f"{repeats:,} reviews that repeat another one exactly left out",) if repeats else ()
    return ImportedPlatform(
        items=_items(meta, source) if meta else items_of_events(events),
        events=events,
        notes=(*left_out, *(note for _, notes in timed for note in notes)),
    )


def _review_files(source: Source) -> list[SourceFile]:
    """JSON lines where there are any, else the tables of ratings alone, which would tell the same again."""
    *json_lines, table = _REVIEWS.files
    return source.all(*json_lines, but=_META) or source.some(*json_lines, table, but=_META)


def _form(file: SourceFile) -> Form:
    """Of a table without a header, which column comes first: the user in 2014, the item in 2018."""
    if not file.name.endswith(".csv") or any("user_id" in line for line in file.head()):
        return _REVIEWS
    return replace(_REVIEWS, header=_USER_FIRST if file.name.startswith("ratings_") else _ITEM_FIRST)


def _items(files: list[SourceFile], source: Source) -> pl.DataFrame:
    tables = (table for file in files for table in _PRODUCTS.blocks(file, source))
    products = first_filled(pl.concat(tolerantly(_products, table, source.refused) for table in tables))
    return products.with_columns(text=joined_text(pl.col("title"), pl.col("brand")))


def _products(table: TextTable) -> pl.DataFrame:
    called = {name: _PRODUCTS.called(table, name) or name for name in _PRODUCTS.columns}
    titles = [_clean(title) for title in table.texts(called["title"])]
    kinds = [_kind(text) for text in table.texts(called["categories"])]
    main = table.texts(called["main"])
    descriptions = [_clean(_joined(text))[:_DESCRIPTION].strip() for text in table.texts(called["description"])]
    return pl.DataFrame(
        {
            "item_id": table.ids(called["item_id"]),
            "title": ["" if "getTime" in title else title for title in titles],  # a page's script in place of a title
            "category": [kind or _clean(other) for kind, other in zip(kinds, main, strict=True)],
            "brand": [_clean(brand) for brand in table.texts(called["brand"])],
            "description": descriptions,
        },
        schema_overrides=dict.fromkeys(("title", "category", "brand", "description"), pl.String),
    )


def _kind(text: str) -> str:
    """The second of a product's categories, which come from the widest to the narrowest, or the only one."""
    categories = _listed(text)
    categories = categories[0] if categories and isinstance(categories[0], list) else categories
    names = [name for name in map(_clean, categories) if name]
    return (names[:2] or [""])[-1]


def _joined(text: str) -> str:
    return " ".join(_clean(part) for part in _listed(text))


def _listed(text: str) -> list[object]:
    """A list that stands as JSON, or the text itself."""
    if not text.startswith("["):
        return [text]
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError:
        return [text]
    return parsed if isinstance(parsed, list) else [text]


def _clean(value: object) -> str:
    """Text without HTML and with single blanks; empty for what is no text."""
    if not isinstance(value, str) or value.strip() in MISSING:
        return ""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", value)).split())
