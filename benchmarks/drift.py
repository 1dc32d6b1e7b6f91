"""How soon drift is noticed, how seldom where there is none, what a refit recovers, and what a duel costs.

``python -m benchmarks.drift quiet | shift | duel [--trials N]``: one table each. A trial is a shop of the synthetic
world (``simulations/run/drift_world.py``) under a seed of its own. ``quiet`` watches heads for ten weeks each in which
nothing changes; ``shift`` turns the fashion, and refits the head on all that is known once enough was seen since;
``duel`` draws lists of two rankings, of which one has 5 % more clicks, and counts the lists after which each test tells
them apart.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
import torch
from numpy.typing import NDArray

from client.adaptation.drift_watch import ALPHA, watch
from client.adaptation.observations import NOTHING, Observations
from client.adaptation.preference_bets import log_wealth
from client.adaptation.stages import ENOUGH
from client.adaptation.team_draft import CHALLENGER, CHAMPION, NEITHER, team_draft
from shared.seeding import rng_for
from simulations.run.drift_world import FITTED, SHIFT, DriftWorld, week
from simulations.synthetic.folders import BEGIN
from simulations.synthetic.world import WEEK

QUIET_WEEKS = 10
WITHIN = 2_000
"""events after the shift within which it is to be noticed"""
AFTER = 4
"""weeks after the refit in which heads are compared"""
REFITS = 12
"""trials in which the head is refitted, too"""
POWER = 0.9
Floats = NDArray[np.float64]


def quiet(trials: int) -> None:
    """Print how many alarms there are where nothing changes."""
    weeks = alarms_by_week = alarms_by_head = 0
    for trial in range(trials):
        world = DriftWorld.draw(trial, shifts=False)
        with tempfile.TemporaryDirectory() as folder:
            observer = world.fitted(Path(folder), FITTED)
            whole = NOTHING
            for number in range(QUIET_WEEKS):
                observed = observer.observe(world.between(FITTED + number, FITTED + number + 1))
                alarms_by_week += bool(watch(observed.statistics, f"{trial} {number}").alarms)
                whole, weeks = whole.followed_by(observed), weeks + 1
        alarms_by_head += bool(watch(whole.statistics, str(trial)).alarms)
        print(f"head {trial}: {len(whole.rows)} observations, {alarms_by_head} heads with an alarm so far", flush=True)
    print(f"weeks watched one by one: {alarms_by_week} of {weeks} with an alarm")
    print(f"heads watched for {QUIET_WEEKS} weeks: {alarms_by_head} of {trials} with an alarm")


@dataclass(frozen=True, kw_only=True)
class Shifted:
    """What came of one shift."""

    before: float
    """mean NDCG@10 before it"""
    frozen: float
    """of the head as it was, over ``WITHIN`` events after it"""
    noticed: int | None
    """events after the shift; None: not within ``WITHIN``; below 0: before it"""
    by: str
    """which statistic noticed it"""
    late: float = np.nan
    """NDCG@10 of the head as it was, in the weeks after the alarm"""
    refitted: float = np.nan
    """of the refitted head, in the same weeks"""


def one_shift(trial: int, *, refits: bool) -> Shifted:
    """A shop whose fashion turns, and its refit once as much has been seen since then as that takes."""
    world = DriftWorld.draw(trial)
    later = world.between(SHIFT, SHIFT + 20)
    with tempfile.TemporaryDirectory() as folder:
        observer = world.fitted(Path(folder) / "before", FITTED)
        before = observer.observe(world.between(FITTED, SHIFT))
        after = observer.observe(later[:WITHIN])
        whole = before.followed_by(after)
        watched = watch(whole.statistics, str(trial))
        means = {"before": _mean(before), "frozen": _mean(after)}
        if not watched.alarms:
            return Shifted(**means, noticed=None, by="")
        alarm = min(watched.alarms, key=lambda each: each.noticed)
        moment = float(whole.times[alarm.noticed])
        noticed = sum(event.time <= moment for event in later) if moment >= week(SHIFT) else -1
        if not refits or noticed < 0:
            return Shifted(**means, noticed=noticed, by=alarm.statistic)
        refit_at = (max(moment, float(whole.times[alarm.began :][:ENOUGH][-1])) - BEGIN) / WEEK
        first, last = week(refit_at), week(refit_at + AFTER)
        after = after.followed_by(observer.observe([event for event in later[WITHIN:] if event.time < last]))
        refitted = world.fitted(Path(folder) / "after", refit_at).observe(world.between(refit_at, refit_at + AFTER))
        late = {"late": _mean(after, first, last), "refitted": _mean(refitted)}
        return Shifted(**means, noticed=noticed, by=alarm.statistic, **late)


def _mean(observed: Observations, first: float = 0.0, last: float = np.inf) -> float:
    return float(observed.gains[(observed.times >= first) & (observed.times < last)].mean())


def shift(trials: int) -> None:
    """Print how soon shifts are noticed and what refits recover."""
    shifts = []
    for trial in range(trials):
        shifts.append(one_shift(trial, refits=trial < REFITS))
        print(shifts[-1], flush=True)
    names = ("before", "frozen", "late", "refitted")
    columns = {name: np.array([getattr(each, name) for each in shifts], float) for name in names}
    noticed = np.array([np.nan if each.noticed is None else each.noticed for each in shifts])
    right = noticed[noticed >= 0]
    loss = 1 - columns["frozen"].mean() / columns["before"].mean()
    told = np.isfinite(columns["refitted"]) & (noticed >= 0)
    mean = {name: values[told].mean() for name, values in columns.items()}
    recovered = (mean["refitted"] - mean["late"]) / (mean["before"] - mean["late"])
    print(f"loss of NDCG@10 by the shift: {loss:.1%}")
    print(f"noticed within {WITHIN:,} events: {len(right)} of {trials}; before it: {(noticed < 0).sum()}")
    print(f"events until noticed: median {np.median(right):.0f}, ninth decile {np.quantile(right, 0.9):.0f}")
    print(f"NDCG@10 before {mean['before']:.4f}, as it was {mean['late']:.4f}, refitted {mean['refitted']:.4f}")
    print(f"recovered by the head alone: {recovered:.0%} of the loss")


CANDIDATES, K, BLOCK = 40, 10, 400
SHARED, NOISE = 0.8, {CHAMPION: 0.6, CHALLENGER: 0.3}
"""spreads of the errors of rankings, in which they differ from what users like: of both, and of each alone"""


def duel(trials: int) -> None:
    """Print after how many lists interleaving and an A/B test tell two rankings apart."""
    clicks = _clicks_of_each(rng_for(0, "rates"), 40_000)
    rates = {side: float(clicks[side].mean()) for side in clicks}
    gap = rates[CHALLENGER] - rates[CHAMPION]
    z = NormalDist().inv_cdf
    spread = sum(rate * (1 - rate) for rate in rates.values())
    ab_lists = 2 * (z(1 - ALPHA / 2) + z(POWER)) ** 2 * spread / gap**2
    stops = np.array([_lists_until_told(rng_for(trial, "duel"), int(ab_lists)) for trial in range(trials)])
    wrong = np.mean([_lists_until_told(rng_for(trial, "even"), 8_000, even=True) > 0 for trial in range(trials)])
    told = np.sort(np.where(stops > 0, stops, np.inf))
    at_power = told[int(np.ceil(POWER * trials)) - 1]
    print(f"clicks a list: {rates[CHAMPION]:.3f} and {rates[CHALLENGER]:.3f}, {gap / rates[CHAMPION]:+.1%}")
    print(f"A/B test, size {ALPHA:g}, power {POWER:g}: {ab_lists:,.0f} lists")
    print(f"interleaving, told in {POWER:.0%} of {trials} trials: {at_power:,.0f} lists; median {np.median(told):,.0f}")
    print(f"part of the traffic: {at_power / ab_lists:.1%}")
    print(f"two rankings alike, the challenger wins within 8,000 lists: {wrong:.1%}")


def _rankings(rng: np.random.Generator, lists: int, noise: Sequence[float]) -> tuple[Floats, list[NDArray[np.int64]]]:
    """[lists, CANDIDATES] what users like, and what each ranking puts first, [lists, K]."""
    liked = rng.normal(size=(lists, CANDIDATES))
    seen = liked + SHARED * rng.normal(size=liked.shape)
    ranked = [np.argsort(-(seen + spread * rng.normal(size=seen.shape)), axis=1)[:, :K] for spread in noise]
    return 0.25 / (1 + np.exp(-2 * (liked - 1.5))), ranked


def _first_click(chances: Floats, listed: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """[lists] the place of the first click, who goes down the list; -1 where there is none."""
    clicked = rng.random(listed.shape) < np.take_along_axis(chances, listed, axis=1) * 0.9 ** np.arange(listed.shape[1])
    return np.where(clicked.any(axis=1), clicked.argmax(axis=1), -1)


def _clicks_of_each(rng: np.random.Generator, lists: int) -> dict[str, NDArray[np.bool_]]:
    """[lists] whether lists of each ranking alone get a click."""
    chances, ranked = _rankings(rng, lists, list(NOISE.values()))
    return {side: _first_click(chances, listed, rng) >= 0 for side, listed in zip(NOISE, ranked, strict=True)}


def _lists_until_told(rng: np.random.Generator, most: int, *, even: bool = False) -> int:
    """After how many interleaved lists the challenger has won; 0 where it has not."""
    noise = [NOISE[CHAMPION]] * 2 if even else list(NOISE.values())
    points = {CHAMPION: 0, CHALLENGER: 0}
    for start in range(0, most, BLOCK):
        chances, (champion, challenger) = _rankings(rng, BLOCK, noise)
        drafts = [
            team_draft(ours, theirs, K, lambda: bool(rng.integers(2)))
            for ours, theirs in zip(champion.tolist(), challenger.tolist(), strict=True)
        ]
        listed = np.array([[int(pick.item) for pick in picked] for picked in drafts])
        for number, place in enumerate(_first_click(chances, listed, rng).tolist()):
            if place >= 0 and drafts[number][place].side != NEITHER:
                points[drafts[number][place].side] += 1
                if log_wealth(points[CHALLENGER], points[CHAMPION]) >= np.log(1 / ALPHA):
                    return start + number + 1
    return 0


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    tables = {"quiet": (quiet, 20), "shift": (shift, 50), "duel": (duel, 200)}
    parser.add_argument("table", choices=tables)
    parser.add_argument("--trials", type=int)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print_table, usual = tables[asked.table]
    print_table(asked.trials or usual)


if __name__ == "__main__":
    main()
