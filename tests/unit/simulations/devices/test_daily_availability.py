"""Shares follow the daily curve, spells last, and a moment's answer hangs on nothing that was asked before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.config.population_config import AvailabilityOptions
from simulations.devices.daily_availability import DailyAvailability
from simulations.devices.daily_curve import DAY, HOUR, DailyCurve

DEVICES = np.arange(50_000)
FOREVER = np.full(DEVICES.size, 1e12)
moments = st.floats(-1e6, 2e9)
options = st.builds(
    AvailabilityOptions,
    available_share=st.floats(0.05, 0.5),
    swing=st.floats(1, 50),
    peak_hour=st.floats(0, 23),
    time_zones=st.integers(1, 24),
    spell_hours=st.floats(0.1, 30),
    habit=st.floats(0, 1),
)


@settings(deadline=None, max_examples=50)
@given(options, st.integers(0, 2**63 - 1), moments)
def test_the_share_is_what_the_curve_says(chosen: AvailabilityOptions, seed: int, now: float) -> None:
    model = DailyAvailability(chosen, seed)
    expected = model.curve.share(model.clock(DEVICES, now)).mean()
    assert model.is_available(DEVICES, now).mean() == pytest.approx(expected, abs=0.015)  # over six deviations


def test_four_times_as_many_are_available_at_night() -> None:
    model = DailyAvailability(AvailabilityOptions(time_zones=1), 0)
    shares = [model.is_available(DEVICES, 40 * DAY + hour * HOUR).mean() for hour in range(24)]
    assert (np.argmax(shares), np.argmin(shares)) == (3, 15)
    assert max(shares) / min(shares) == pytest.approx(4, rel=0.1)
    assert np.mean(shares) == pytest.approx(0.25, abs=0.005)


def test_zones_are_spread_over_the_hours() -> None:
    model = DailyAvailability(AvailabilityOptions(time_zones=3), 0)
    behind, counts = np.unique(-model.clock(DEVICES, 0.0) / HOUR, return_counts=True)
    assert behind.tolist() == [0, 1, 2]
    assert counts / DEVICES.size == pytest.approx([1 / 3] * 3, abs=0.01)


@settings(deadline=None, max_examples=50)
@given(options, st.integers(0, 2**63 - 1), moments)
def test_a_spell_holds_until_its_end_and_not_beyond(chosen: AvailabilityOptions, seed: int, now: float) -> None:
    model, devices = DailyAvailability(chosen, seed), np.arange(300)
    ends = model.spell_end(devices, now, np.full(300, now + 20 * DAY))
    available = model.is_available(devices, now)
    assert np.all((ends > now)[available])
    assert np.all((ends == now)[~available])
    ending = np.flatnonzero(available & np.isfinite(ends))
    for part in (0.1, 0.5, 0.999):
        assert np.all(model.is_available(devices[ending], now + part * (ends[ending] - now)))
    assert not np.any(model.is_available(devices[ending], ends[ending] + 0.01)[ends[ending] - now > 1])
    unending = devices[available & np.isinf(ends)]
    for days in range(20):
        assert np.all(model.is_available(unending, now + days * DAY))


def test_spells_last_hours_and_not_seconds() -> None:
    model = DailyAvailability(AvailabilityOptions(spell_hours=2, time_zones=1), 0)
    now = 5 * DAY
    begun = DEVICES[model.is_available(DEVICES, now) & ~model.is_available(DEVICES, now - 60)]
    hours = (model.spell_end(begun, now, FOREVER[: begun.size]) - now) / HOUR
    assert 1 < np.median(hours) < 4
    assert np.quantile(hours, 0.05) > 0.1


def test_an_end_after_the_last_moment_is_not_looked_for() -> None:
    model = DailyAvailability(AvailabilityOptions(available_share=1, swing=1), 0)
    assert np.all(np.isinf(model.spell_end(DEVICES, 0.0, np.full(DEVICES.size, 10 * DAY))))


@pytest.mark.parametrize(("habit", "most"), [(0.0, 0.02), (1.0, 1.0)])
def test_habits_make_days_alike(habit: float, most: float) -> None:
    model = DailyAvailability(AvailabilityOptions(habit=habit, time_zones=1), 0)
    days = [model.is_available(DEVICES, day * DAY + 3 * HOUR) for day in (1, 20)]
    alike = np.corrcoef(*days)[0, 1]
    assert abs(alike) <= most if habit == 0 else alike == pytest.approx(most)


@given(st.floats(0, 1), st.floats(-1e6, 1e6), st.floats(0.05, 0.5), st.floats(1, 50))
def test_the_curve_is_above_a_level_as_long_as_it_says(level: float, clock: float, mean: float, swing: float) -> None:
    curve = DailyCurve(AvailabilityOptions(available_share=mean, swing=swing))
    if level < curve.share(clock) - 1e-6:
        seconds = float(curve.seconds_above(level, clock))
        assert np.all(curve.share(clock + np.linspace(0, 0.999, 50) * min(seconds, DAY)) > level)
        assert np.isinf(seconds) or curve.share(clock + seconds) == pytest.approx(level, abs=1e-6)
