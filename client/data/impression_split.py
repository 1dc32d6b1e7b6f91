"""Where in time a platform's impressions part into training, validation and test."""

import polars as pl

TRAIN_SHARE = 0.6
VALIDATION_SHARE = 0.2


def impression_cuts(impressions: pl.DataFrame) -> tuple[float, float]:
    """The times from which impressions are validation, and from which they are test; infinite where there are none.

    Of all impressions of a folder, whoever's they are, 60 % come before the first cut and 20 % between the two;
    impressions of one time stay together.
    """
    times = impressions["timestamp"].sort()
    if times.is_empty():
        return float("inf"), float("inf")
    first, second = (int(share * len(times)) for share in (TRAIN_SHARE, TRAIN_SHARE + VALIDATION_SHARE))
    return float(times[first]), float(times[second])


def without_held_out_clicks(events: pl.DataFrame, impressions: pl.DataFrame) -> pl.DataFrame:
    """Of a user's clicks in validation and test impressions, only his last event stays, which is his test event.

    So no such click enters a history, a statistic or a training, and none stops a training or decides a choice.

    Args:
        events: user_id, item_id, timestamp, each user's in time order.
        impressions: user_id, timestamp; a click has the user and the time of its impression.
    """
    validation_from, _ = impression_cuts(impressions)
    pages = impressions.filter(pl.col("timestamp") >= validation_from)
    pages = pages.select("user_id", "timestamp").unique().with_columns(held_out=pl.lit(True))
    events = events.join(pages, on=["user_id", "timestamp"], how="left", maintain_order="left")
    is_last = pl.int_range(pl.len(), 0, -1).over("user_id") == 1
    return events.filter(pl.col("held_out").is_null() | is_last).drop("held_out")
