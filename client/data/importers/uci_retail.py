"""UCI Online Retail and Online Retail II: one sheet of invoices, saved as CSV.

Source: https://archive.ics.uci.edu/dataset/502/online+retail+ii ; Chen, Sain and Guo, 2012.
The spreadsheet is distributed as .xlsx; save each sheet as CSV first.
"""

from dataclasses import replace

import polars as pl

from client.data.importers.imported import ImportedPlatform
from client.data.importers.imported_times import imported_times
from client.data.importers.source import Source, SourceFile
from client.data.importers.text_table import CSV, TextTable, read_text_table
from shared.errors import DataError

_OLD_NAMES = {"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}
"""The first Online Retail's names for columns of Online Retail II."""
_PRODUCT = r"^\d{5}"
"""Stock codes of products start with five digits; postage, fees, samples and corrections do not."""

_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M")
"""ISO 8601, and what spreadsheets write of it; a sheet of which both of the last could be true is refused."""


def import_uci_retail(source: Source) -> ImportedPlatform:
    """One event per product on an invoice, its rating the quantity; an item's text is its description.

    Left out are rows without a customer, cancellations, quantities or prices not above zero, and rows that
    are no product. Lines of one customer, product and minute are one event. Shop time is read as UTC.
    """
    table = read_text_table(_sheet(source), source.scratch, CSV)
    table = replace(table, rows=table.rows.rename(_OLD_NAMES, strict=False))
    table.require("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID")
    quantity, price = table.numbers("Quantity"), table.numbers("Price")
    table, notes = _purchases(table, quantity > 0, price > 0)
    users, written = table.whole_ids("Customer ID"), table.times("InvoiceDate", *_TIMES)
    times = imported_times(written, users, table.row("InvoiceDate"), source.said)
    lines = pl.DataFrame(
        {
            "user_id": users,
            "item_id": table.ids("StockCode"),
            "timestamp": times.values,
            "rating": table.numbers("Quantity"),
            "price_gbp": table.numbers("Price"),
            "title": table.texts("Description").str.to_lowercase(),
        }
    )
    return ImportedPlatform(items=_products(lines), events=_events(lines), notes=notes + times.notes)


def _sheet(source: Source) -> SourceFile:
    if source.paths[0].suffix.lower() in {".xlsx", ".xls"}:
        raise DataError(f"{source.label}: expected a CSV file, found a spreadsheet (save each sheet as CSV)")
    return source.one("*.csv")


def _purchases(table: TextTable, bought: pl.Series, priced: pl.Series) -> tuple[TextTable, tuple[str, ...]]:
    """The rows that are a purchase of a product by a known customer, and a note for each reason to leave one out."""
    rules = {
        "without a customer": table.texts("Customer ID") != "",
        "of cancellations": ~table.texts("Invoice").str.to_uppercase().str.starts_with("C"),
        "whose quantity or price is not above zero": bought & priced,
        "that are no product (postage, fees, samples)": table.texts("StockCode").str.contains(_PRODUCT),
    }
    keep = pl.Series([True]).new_from_index(0, bought.len())
    notes = []
    for reason, fits in rules.items():
        left_out = int((keep & ~fits).sum())
        keep = keep & fits
        notes.append(f"{left_out:,} rows {reason} left out")
    return table.filter(keep), tuple(notes)


def _events(lines: pl.DataFrame) -> pl.DataFrame:
    keys = ("user_id", "item_id", "timestamp")
    return lines.group_by(keys, maintain_order=True).agg(pl.col("rating").sum().cast(pl.Float32))


def _products(lines: pl.DataFrame) -> pl.DataFrame:
    """Each stock code with its most frequent description and its median price."""
    counted = lines.filter(pl.col("title") != "").group_by("item_id", "title", maintain_order=True).len()
    titles = counted.sort("len", descending=True, maintain_order=True).unique("item_id", keep="first")
    prices = lines.group_by("item_id").agg(pl.col("price_gbp").median())
    items = prices.join(titles.select("item_id", "title"), on="item_id", how="left")
    return items.sort("item_id").with_columns(text=pl.col("title"))
