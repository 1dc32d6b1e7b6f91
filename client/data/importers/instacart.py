"""Instacart 2017: orders, the products of each, and what products are called.

Source: "The Instacart Online Grocery Shopping Dataset 2017". Orders tell no date: how many days after the user's last
order each was, at what hour of the day.
"""

import polars as pl

from client.data.importers.form import Form
from client.data.importers.form_items import read_items
from client.data.importers.imported import ImportedPlatform, items_of_events, joined_text
from client.data.importers.refused_rows import tolerantly
from client.data.importers.source import Source
from client.data.importers.text_blocks import CSV, read_text_table, text_blocks
from client.data.importers.text_table import TextTable

_START = 1_483_228_800
"""2017-01-01: each user's first order is put on this day, since none has a date."""
_NOTE = (
    "orders tell no date: each user's first order is put on 2017-01-01, later ones so many days after it as the source "
    "says, which stops at 30; times of two users do not compare"
)
_DAY, _HOUR = 86_400, 3_600
_PRODUCTS = Form(
    files=("products.csv",), columns={"item_id": "product_id", "title": "product_name", "aisle_id": "aisle_id"}
)


def import_instacart(source: Source) -> ImportedPlatform:
    """One event per product of an order, all of one order at one time; an item's text is its name and its aisle."""
    orders = tolerantly(_orders, read_text_table(source.one("orders.csv"), CSV), source.refused)
    files = source.some("order_products__prior.csv", "order_products__train.csv", "order_products__*.csv")
    bought = pl.concat(tolerantly(_bought, table, source.refused) for file in files for table in text_blocks(file, CSV))
    events = bought.join(orders, on="order_id", how="inner", maintain_order="left")
    lost = bought.height - events.height
    notes = (
        _NOTE,
        *((f"{lost:,} products of orders that orders.csv does not hold left out",) if lost else ()),
    )
    events = events.select("user_id", "item_id", "timestamp", rating=pl.lit(1.0, pl.Float32))
    return ImportedPlatform(items=_items(source, events), events=events, notes=notes)


def _orders(table: TextTable) -> pl.DataFrame:
    """order_id, user_id and timestamp."""
    gaps = table.texts("days_since_prior_order")
    days = gaps.cast(pl.Float64, strict=False)
    table.refuse(days.is_null() & (gaps != ""), "days_since_prior_order", "expected a number of days")
    hours = table.numbers("order_hour_of_day", minimum=0)
    orders = pl.DataFrame(
        {
            "order_id": table.whole_ids("order_id"),
            "user_id": table.whole_ids("user_id"),
            "place": table.numbers("order_number"),
            "days": days.fill_null(0.0),
            "hours": hours,
        }
    ).sort("user_id", "place", maintain_order=True)
    day = pl.col("days").cum_sum().over("user_id") * _DAY
    time = (_START + day + pl.col("hours") * _HOUR).cast(pl.Int64)
    return orders.select("order_id", "user_id", timestamp=time)


def _bought(table: TextTable) -> pl.DataFrame:
    return pl.DataFrame({"order_id": table.whole_ids("order_id"), "item_id": table.whole_ids("product_id")})


def _items(source: Source, events: pl.DataFrame) -> pl.DataFrame:
    if not source.all("products.csv"):
        return items_of_events(events)
    items = read_items([_PRODUCTS], source).with_columns(pl.col("item_id").cast(pl.Int64))
    aisles = source.optional("aisles.csv")
    if aisles is None:
        return items.with_columns(text=pl.col("title"))
    table = read_text_table(aisles, CSV)
    names = pl.DataFrame({"aisle_id": table.texts("aisle_id"), "category": table.texts("aisle")})
    items = items.join(names, on="aisle_id", how="left", maintain_order="left")
    return items.with_columns(text=joined_text(pl.col("title"), pl.col("category")))
