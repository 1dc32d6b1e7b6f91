"""A platform folder with impressions whose clicks can be swapped, for tests that look for leaks.

User u meets items u, u + 1, ... (modulo the catalogue) on days 0-5, then sees pages on days 10-14, one a day, of four
items each, of which they click one. Item ``NEVER`` is shown and never clicked.
"""

from pathlib import Path

import numpy as np
import polars as pl

from tests.unit.client.data.folders import BEGIN, write_folder

USERS, ITEMS, DAYS, SHOWN = 120, 30, 5, 4
NEVER = ITEMS


def click_folder(path: Path, *, chosen: int = 0, from_day: int = 0, choosing: int = USERS) -> Path:
    """A page's clicked candidate is the one of its place ``chosen`` from day ``from_day`` on, before that the first.

    It is so for the first ``choosing`` users; all others click the first.
    """
    rng = np.random.default_rng(3)
    users, days = np.repeat(np.arange(USERS), DAYS), np.tile(np.arange(DAYS), USERS)
    candidates = (users[:, None] + 7 + days[:, None] + np.arange(SHOWN) * 3) % ITEMS
    candidates[:, -1] = np.where(rng.random(len(users)) < 0.5, NEVER, candidates[:, -1])
    place = np.where((days >= from_day) & (users < choosing), chosen, 0)
    labels = np.arange(SHOWN) == place[:, None]
    met = (np.arange(USERS)[:, None] + np.arange(6)) % ITEMS
    before = pl.DataFrame(
        {
            "user_id": np.repeat(np.arange(USERS), 6),
            "item_id": met.reshape(-1),
            "timestamp": BEGIN + np.tile(np.arange(6), USERS),
        }
    )
    clicks = pl.DataFrame(
        {"user_id": users, "item_id": candidates[np.arange(len(users)), place], "timestamp": BEGIN + 10 + days}
    )
    impressions = pl.DataFrame(
        {
            "user_id": users,
            "timestamp": BEGIN + 10 + days,
            "history": met[users].tolist(),
            "candidates": candidates.tolist(),
            "labels": labels.astype(np.int8).tolist(),
        }
    )
    items = pl.DataFrame(
        {"item_id": np.arange(ITEMS + 1), "text": [f"group{one // 5} thing{one}" for one in range(ITEMS + 1)]}
    )
    return write_folder(path, items=items, events=pl.concat([before, clicks]), impressions=impressions)
