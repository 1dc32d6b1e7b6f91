"""What a platform showed its users, as events: from impressions, but for those that hold what is held out."""

import numpy as np
import polars as pl

from client.data.contract import PlatformFolder
from client.data.event_log import EventLog
from client.data.held_out import Stage
from client.data.platform import Platform


def shown_log(folder: PlatformFolder, platform: Platform) -> EventLog | None:
    """What the training users were shown, as events in time order.

    Where users' last events are held out, an impression at the time of a validation or test target does not count: that
    an item stood on that page would tell of the target. Where time is cut, all count, since only what came before a
    moment does.

    Args:
        folder: tables as they were read.
        platform: what was prepared of the folder.

    Returns:
        candidates of the training users' impressions; None where there are none, or the platform has no clock.
    """
    if folder.impressions is None or not platform.has_clock:
        return None
    users = pl.DataFrame({"key": pl.Series(platform.user_ids, dtype=pl.String)}).with_row_index("user")
    items = pl.DataFrame({"item": pl.Series(platform.item_ids, dtype=pl.String)}).with_row_index("row")
    shown = folder.impressions.select(
        pl.col("user_id").cast(pl.String).alias("key"), pl.col("timestamp").cast(pl.Float64), item="candidates"
    )
    shown = shown.join(users, on="key", how="inner")
    shown = shown.filter(pl.col("user").is_in(platform.training_users.tolist()))
    if platform.held_out.frozen_at is None:
        shown = shown.join(_held_out_pages(platform), on=["user", "timestamp"], how="anti")
    events = shown.explode("item").with_columns(pl.col("item").cast(pl.String)).join(items, on="item", how="inner")
    events = events.sort("timestamp", "user", "row")
    return EventLog(
        times=events["timestamp"].to_numpy().astype(np.float64), items=events["row"].to_numpy().astype(np.int32)
    )


def _held_out_pages(platform: Platform) -> pl.DataFrame:
    """user, timestamp of every validation and test target."""
    parts = [platform.held_out.targets[stage] for stage in (Stage.VALIDATION, Stage.TEST)]
    users = np.concatenate([targets.users for targets in parts])
    starts = np.concatenate([targets.starts for targets in parts])
    times = platform.sequences.clock[platform.sequences.offsets[users] + starts]
    return pl.DataFrame({"user": pl.Series(users, dtype=pl.UInt32), "timestamp": times})
