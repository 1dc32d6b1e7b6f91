"""OTTO's sessions: JSON lines, each a session with its list of events.

Source: https://github.com/otto-de/recsys-dataset ; ``{"session": 0, "events": [{"aid": 7, "ts": 1659304800025,
"type": "clicks"}, ...]}``; times in milliseconds.
"""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from client.data.importers.form import Form
from client.data.importers.form_events import EventRows, read_table, timed_events
from client.data.importers.formats import BUY, CART, VIEW
from client.data.importers.imported import ImportedPlatform, items_of_events
from client.data.importers.source import Source
from client.data.importers.text_table import TextTable

_EVENTS = pl.List(pl.Struct({"aid": pl.String, "ts": pl.String, "type": pl.String}))
_FORM = Form(
    files=("*.jsonl",),
    columns={"user_id": "session", "item_id": "aid", "timestamp": "ts", "rating": "type", "events": "events"},
    levels={"clicks": VIEW, "carts": CART, "orders": BUY},
)


def import_otto(source: Source) -> ImportedPlatform:
    """One event per click, cart and order; items have no text but their id."""
    rows = EventRows()
    for file in _FORM.found(source):
        for table in _FORM.blocks(file, source):
            for part in _flat(table):
                read_table(rows, _FORM, part, source.refused)
    events, notes = timed_events(rows, source.said)
    further = ("clicks are rated 1, carts 2, orders 3: min-rating says which count",)
    return ImportedPlatform(items=items_of_events(events), events=events, notes=notes + further)


def _flat(table: TextTable) -> Iterator[TextTable]:
    """A row for each event of the sessions."""
    table.require("session", "events")
    try:
        lists = table.rows["events"].str.json_decode(_EVENTS)
    except pl.exceptions.PolarsError:
        readable = pl.Series([_is_list(text) for text in table.rows["events"]], dtype=pl.Boolean)
        table.refuse(~readable, "events", "expected a list of events with aid, ts and type")
        raise
    numbered = table.rows.select("session", events=lists, line=table.lines)
    flat = numbered.explode("events").drop_nulls("events").unnest("events")
    yield replace(table, rows=flat.drop("line"), lines=flat["line"])


def _is_list(text: str | None) -> bool:
    try:
        pl.Series([text], dtype=pl.String).str.json_decode(_EVENTS)
    except pl.exceptions.PolarsError:
        return False
    return text is not None
