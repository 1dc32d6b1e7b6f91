"""A shop of the synthetic world whose users' tastes shift while it serves: what it was fitted on, and what comes then.

A user takes one item at a time and nothing depends on the season, so that nothing changes but by the shift.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from client.adaptation.observer import Met, Observer
from client.fitting.fit_settings import CompetingMethods, FitSettings
from client.fitting.served_fit import fit_recommender
from client.recommender.recommender import Recommender
from client.recommender.served_head import open_served
from client.store.head_store import HeadStore
from shared.seeding import rng_for
from simulations.synthetic.config import PlatformPlan, WorldConfig
from simulations.synthetic.folders import BEGIN, draw_choices, items_frame
from simulations.synthetic.taste_shift import in_fashion
from simulations.synthetic.world import WEEK, PlatformTruth, build_world

PLAN = PlatformPlan(name="shop", domain="shops", users=1_200, first_item=0, items=200, mean_events=8)
FITTED, SHIFT, END = 24, 28, 40
"""weeks after the beginning: the head is fitted, tastes shift, the story ends"""
STRENGTH = 0.6
"""of the fashion"""
SETTINGS = FitSettings(competing_methods=CompetingMethods(own=False))


@dataclass(frozen=True, eq=False, kw_only=True)
class DriftWorld:
    """A shop and all its events, in the order of time."""

    truth: PlatformTruth
    events: pl.DataFrame
    """user_id, item_id, timestamp in seconds since 1970"""

    @classmethod
    def draw(cls, seed: int, *, shifts: bool = True, strength: float = STRENGTH) -> "DriftWorld":
        """A shop.

        Args:
            seed: of all draws.
            shifts: whether the fashion turns.
            strength: of the fashion.

        Returns:
            The shop.
        """
        config = replace(WorldConfig(tempo=0.0, plans=(PLAN,)), late_items=0.0)
        truth, after = in_fashion(build_world(config, seed).truths[PLAN.name], strength, seed)
        chosen = draw_choices(truth, rng_for(seed, "drift"), (after, SHIFT * WEEK) if shifts else None)
        users, positions = np.nonzero(chosen >= 0)
        events = pl.DataFrame(
            {
                "user_id": np.array(truth.user_ids)[users],
                "item_id": np.array(truth.item_ids)[chosen[users, positions]],
                "timestamp": BEGIN + truth.times[users, positions],
            }
        )
        return cls(truth=truth, events=events.sort("timestamp", "user_id"))

    def between(self, first: float, last: float) -> list[Met]:
        """What users met.

        Args:
            first: week from which on.
            last: week up to which.

        Returns:
            The events in the order of time.
        """
        told = self.events.filter(pl.col("timestamp").is_between(week(first), week(last), closed="left"))
        return [Met(user=user, item=item, time=float(time)) for user, item, time in told.rows()]

    def write(self, folder: Path, until: float) -> None:
        """Write the shop's folder.

        Args:
            folder: to which it goes.
            until: week up to which events are in it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        items_frame(self.truth).write_parquet(folder / "items.parquet")
        known = self.events.filter(pl.col("timestamp") < week(until))
        known.sort("user_id", "timestamp").write_parquet(folder / "events.parquet")

    def fitted(self, folder: Path, until: float) -> Observer:
        """The shop's own recommender, fitted and followed.

        Args:
            folder: to which the shop's folder and heads go.
            until: week up to which events are fitted on.

        Returns:
            Who follows it from that week on.
        """
        self.write(folder / "shop", until)
        store = HeadStore(folder / "heads")
        fit_recommender(folder / "shop", None, store, SETTINGS)
        return Observer(Recommender.of(open_served(store)))


def week(number: float) -> float:
    """Seconds since 1970 at which a week begins."""
    return BEGIN + number * WEEK
