"""The Microsoft News data set (MIND): behaviors.tsv and news.tsv, neither with a header.

Source: Wu et al., "MIND: A Large-scale Dataset for News Recommendation", ACL 2020;
https://github.com/msnews/msnews.github.io/blob/master/assets/doc/introduction.md
"""

from datetime import UTC, datetime

import polars as pl

from client.data.importers.imported import ImportedPlatform, in_one_table, joined_text, positions, without_repeats
from client.data.importers.imported_times import imported_times
from client.data.importers.source import Source, SourceFile
from client.data.importers.text_blocks import TSV, read_text_table
from client.data.importers.text_table import TextTable

_NEWS = ("news", "category", "subcategory", "title", "abstract", "url", "title_entities", "abstract_entities")
_BEHAVIORS = ("impression", "user", "time", "history", "impressions")
_HISTORY_START = int(datetime(2019, 10, 12, tzinfo=UTC).timestamp())
"""The first day of MIND's log: history entries carry no time, so they are put at its start, a second apart; sooner in
a log that begins sooner."""


def import_mind(source: Source) -> ImportedPlatform:
    """Events are each user's history once, then the clicks; impressions are kept whole.

    Clicks carry the log's local clock read as UTC (``time_known`` true), history entries only their order.
    An impression of the test part, which tells no clicks, gives its user's history alone.
    What only a later history of a user names is left out and counted: when they read it is not known.
    Several parts of the data set are read as one. Of a news item in several news.tsv the fullest line counts.
    """
    behaviors = source.some("behaviors.tsv")
    shown = [read_text_table(file, TSV, columns=_BEHAVIORS) for file in behaviors]
    tables = [_impressions(table) for table in shown]
    impressions, repeats = without_repeats(in_one_table(tables))
    impressions = impressions.sort("user_id", "timestamp", maintain_order=True)
    events = pl.concat([_histories(impressions), _clicks(impressions)])
    labelled = impressions.filter(pl.col("labels").list.len() > 0)
    unlabelled = impressions.height - labelled.height
    return ImportedPlatform(
        items=_news(source.some("news.tsv")),
        events=events,
        impressions=labelled if labelled.height else None,
        notes=repeats + _unlabelled_note(unlabelled) + _later_note(impressions, events),
    )


def _impressions(table: TextTable) -> pl.DataFrame:
    shown = table.texts("impressions")
    labelled = shown.str.contains(r"^\S+-[01]( \S+-[01])*$")
    bare = shown.str.contains(r"^[^\s-]+( [^\s-]+)*$") | ~shown.str.contains("-[01]( |$)")
    table.refuse(
        ~(labelled | bare) | (shown == ""), "impressions", "expected news ids with -0 or -1 for not clicked and clicked"
    )
    shown = pl.Series(
        [text if is_labelled else None for text, is_labelled in zip(shown, labelled, strict=True)], dtype=pl.String
    )
    shown = shown.str.split(" ").fill_null([])
    users, times = table.ids("user"), table.times("time", "%m/%d/%Y %I:%M:%S %p")
    return pl.DataFrame(
        {
            "user_id": users,
            "timestamp": imported_times(times, users, table.row("time"), None).values,
            "history": table.texts("history").str.extract_all(r"\S+"),
            "candidates": shown.list.eval(pl.element().str.head(-2)),
            "labels": shown.list.eval(pl.element().str.tail(1).cast(pl.Int8)),
        }
    )


def _histories(impressions: pl.DataFrame) -> pl.DataFrame:
    """The history of each user's first impression, oldest first."""
    first = impressions.unique("user_id", keep="first", maintain_order=True).select("user_id", "history")
    flat = first.explode("history").drop_nulls("history")
    before = pl.col("timestamp").min() - pl.col("history").list.len().max().cast(pl.Int64)
    start = min(_HISTORY_START, impressions.select(before).item())
    return _as_events(
        flat.select("user_id", item_id="history", timestamp=start + positions()),
        origin="history",
        time_known=False,
    )


def _later_note(impressions: pl.DataFrame, events: pl.DataFrame) -> tuple[str, ...]:
    """How many items later histories name of which the user has no event."""
    named = impressions.select("user_id", item_id="history").unique().explode("item_id").drop_nulls().unique()
    count = named.join(events, on=("user_id", "item_id"), how="anti").height
    return (f"{count:,} events that only a later history of a user tells left out: no time is known",) if count else ()


def _unlabelled_note(count: int) -> tuple[str, ...]:
    return (f"{count:,} impressions tell no clicks (the test part): of them the history is read",) if count else ()


def _clicks(impressions: pl.DataFrame) -> pl.DataFrame:
    flat = impressions.explode("candidates", "labels").filter(pl.col("labels") == 1)
    clicks = flat.select("user_id", item_id="candidates", timestamp="timestamp")
    return _as_events(clicks, origin="click", time_known=True)


def _as_events(frame: pl.DataFrame, *, origin: str, time_known: bool) -> pl.DataFrame:
    return frame.with_columns(rating=pl.lit(1.0, pl.Float32), source=pl.lit(origin), time_known=pl.lit(time_known))


def _news(files: list[SourceFile]) -> pl.DataFrame:
    tables = [read_text_table(file, TSV, columns=_NEWS) for file in files]
    for table in tables:
        table.refuse_repeats(table.ids("news"), "news")
    frames = [
        table.rows.select(item_id=table.ids("news"), **{name: table.texts(name) for name in _NEWS[1:5]})
        for table in tables
    ]
    filled = pl.sum_horizontal(pl.col(*_NEWS[1:5]).str.len_chars() > 0)
    news = pl.concat(frames).sort(filled, descending=True, maintain_order=True)
    text = joined_text(pl.col("title"), pl.col("category"))
    return news.unique("item_id", keep="first", maintain_order=True).with_columns(text=text).sort("item_id")
