"""UCI Online Retail and Online Retail II: workbooks of invoices, or sheets of them saved as CSV.

Source: https://archive.ics.uci.edu/dataset/502/online+retail+ii ; Chen, Sain and Guo, 2012.
Distributed are ``Online Retail.xlsx`` (one sheet) and ``online_retail_II.xlsx`` (two, whose days overlap).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from client.data.folder_options import Said
from client.data.importers.imported import ImportedPlatform
from client.data.importers.imported_times import imported_times
from client.data.importers.source import Source
from client.data.importers.text_blocks import CSV, read_text_table
from client.data.importers.text_table import TextTable
from client.data.importers.workbook import as_times, read_sheets
from shared.errors import DataError

_OLD_NAMES = {"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}
"""The first Online Retail's names for columns of Online Retail II."""
_COLUMNS = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID")
_NOT_NEEDED = ("Country",)
_PRODUCT = r"^\d{5}"
"""Stock codes of products start with five digits; postage, fees, samples and corrections do not."""

_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M")
"""ISO 8601, and what spreadsheets write of it; a sheet of which both of the last could be true is refused."""


def import_uci_retail(source: Source, *, drop_cancelled: bool = False) -> ImportedPlatform:
    """One event per product on an invoice, its rating the quantity; an item's text is its description.

    Left out are rows without a customer, cancellations, quantities or prices not above zero, and rows that are no
    product. Lines of one customer, product and minute are one event. Shop time is read as UTC. An invoice on several
    sheets counts once: the years of Online Retail II share some days. A product of which a customer cancelled all that
    they bought was a purchase, unless ``drop_cancelled``.

    Args:
        source: the workbooks, or their sheets as CSV.
        drop_cancelled: whether such a product is left out.

    Returns:
        the tables, and notes on what was left out.
    """
    sheets: list[pl.DataFrame] = []
    cancelled: list[pl.DataFrame] = []
    notes: tuple[str, ...] = ()
    left_out = Counter[str]()
    for table in _sheets(source):
        notes += table.unread_note(*_COLUMNS, *_NOT_NEEDED)
        cancelled.append(_cancellations(_without_invoices(table, cancelled)))
        purchases, counts = _purchases(_without_invoices(table, sheets))
        left_out.update(counts)
        lines, times = _lines(purchases, source.said)
        sheets.append(lines)
        notes += times
    lines = pl.concat(sheets, how="vertical_relaxed")
    notes += tuple(f"{count:,} rows {reason} left out" for reason, count in left_out.items() if count)
    events, taken_back = _without_cancelled(_events(lines), pl.concat(cancelled), drop=drop_cancelled)
    return ImportedPlatform(items=_products(lines), events=events, notes=notes + taken_back)


def _sheets(source: Source) -> Iterator[TextTable]:
    """Every sheet, its columns under the names of Online Retail II."""
    for file in source.some("*.xlsx", "*.csv", "*.xls"):
        if file.name.endswith(".xls"):
            raise DataError(f"{file.label}: expected .xlsx or CSV, found an old spreadsheet (save it as .xlsx)")
        sheets = read_sheets(file) if file.name.endswith(".xlsx") else [read_text_table(file, CSV)]
        for table in sheets:
            renamed = replace(table, rows=table.rows.rename(_OLD_NAMES, strict=False))
            renamed.require(*_COLUMNS)
            times = as_times(renamed.rows["InvoiceDate"]) if table.unit == "row" else renamed.rows["InvoiceDate"]
            yield replace(renamed, rows=renamed.rows.with_columns(times))


def _without_invoices(table: TextTable, sheets: list[pl.DataFrame]) -> TextTable:
    """The rows of invoices that stand on no earlier sheet."""
    seen = [invoice for sheet in sheets for invoice in sheet["invoice"].unique()]
    return table.filter(~table.texts("Invoice").is_in(seen))


def _lines(table: TextTable, time_meaning: Said | None) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """A row for each line of an invoice; and notes on their times."""
    users, written = table.whole_ids("Customer ID"), table.times("InvoiceDate", *_TIMES)
    times = imported_times(written, users, table.row("InvoiceDate"), time_meaning)
    lines = pl.DataFrame(
        {
            "invoice": table.texts("Invoice"),
            "user_id": users,
            "item_id": table.ids("StockCode"),
            "timestamp": times.values,
            "rating": table.numbers("Quantity"),
            "price_gbp": table.numbers("Price"),
            "title": table.texts("Description").str.to_lowercase(),
        }
    )
    return lines, times.notes


def _purchases(table: TextTable) -> tuple[TextTable, dict[str, int]]:
    """The rows that are a purchase of a product by a known customer, and how many are not, by reason."""
    rules = {
        "without a customer": table.texts("Customer ID") != "",
        "of cancellations": ~_cancels(table),
        "whose quantity or price is not above zero": (table.numbers("Quantity") > 0) & (table.numbers("Price") > 0),
        "that are no product (postage, fees, samples)": _is_product(table),
    }
    keep = pl.Series([True]).new_from_index(0, table.rows.height)
    left_out = {}
    for reason, fits in rules.items():
        left_out[reason] = int((keep & ~fits).sum())
        keep = keep & fits
    return table.filter(keep), left_out


def _cancels(table: TextTable) -> pl.Series:
    return table.texts("Invoice").str.to_uppercase().str.starts_with("C")


def _is_product(table: TextTable) -> pl.Series:
    return table.texts("StockCode").str.contains(_PRODUCT)


def _cancellations(table: TextTable) -> pl.DataFrame:
    """A row for each line on which a known customer cancels a product, and how many of it."""
    rows = table.filter((table.texts("Customer ID") != "") & _cancels(table) & _is_product(table))
    return pl.DataFrame(
        {
            "invoice": rows.texts("Invoice"),
            "user_id": rows.whole_ids("Customer ID"),
            "item_id": rows.ids("StockCode"),
            "cancelled": -rows.numbers("Quantity"),
        }
    )


def _without_cancelled(
    events: pl.DataFrame, cancelled: pl.DataFrame, *, drop: bool
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Without those of which the customer cancelled all that they bought of the product, if they are to ``drop``."""
    keys = ("user_id", "item_id")
    totals = cancelled.group_by(keys).agg(pl.col("cancelled").sum())
    bought = events.group_by(keys).agg(pl.col("rating").cast(pl.Float64).sum())
    whole = bought.join(totals, on=keys).filter(pl.col("cancelled") >= pl.col("rating"))
    remaining = events.join(whole, on=keys, how="anti", maintain_order="left")
    count = events.height - remaining.height
    what = f"{count:,} events are of products of which the customer cancelled all that was bought"
    note = f"{what}: left out" if drop else f"{what}: kept (to leave them out: --drop-cancelled)"
    return (remaining if drop else events), ((note,) if count else ())


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
