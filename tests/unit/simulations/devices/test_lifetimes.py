"""Devices join when the options say, and leave after an exponential stay."""

import numpy as np
import pytest

from shared.errors import ConfigError
from simulations.config.population_config import LifetimeOptions
from simulations.devices.daily_curve import DAY
from simulations.devices.lifetimes import Lifetimes

DEVICES = np.arange(100_000)


def test_all_are_there_from_the_start_for_good() -> None:
    lifetimes = Lifetimes(LifetimeOptions(), 0, 50.0, None)
    assert not lifetimes.exist(DEVICES, 49.0).any()
    assert lifetimes.exist(DEVICES, 50.0).all()
    assert lifetimes.exist(DEVICES, 1e12).all()


def test_joins_with_the_first_event() -> None:
    lifetimes = Lifetimes(LifetimeOptions(joining="first-event"), 0, 0.0, np.array([30.0, 10.0, 20.0]))
    assert lifetimes.exist(np.array([2, 0, 1]), 20.0).tolist() == [True, False, True]


def test_asks_for_the_times_of_events() -> None:
    with pytest.raises(ConfigError, match=r"^joining first-event needs the times of events; this population has none$"):
        Lifetimes(LifetimeOptions(joining="first-event"), 0, 0.0, None)


def test_equally_many_join_each_day() -> None:
    lifetimes = Lifetimes(LifetimeOptions(joining="drawn", joining_days=10), 0, 7 * DAY, None)
    shares = [lifetimes.exist(DEVICES, (7 + days) * DAY).mean() for days in (0, 2, 5, 10)]
    assert shares == pytest.approx([0, 0.2, 0.5, 1], abs=0.01)


def test_stays_are_exponential_from_joining_on() -> None:
    lifetimes = Lifetimes(LifetimeOptions(joining="drawn", joining_days=5, staying_days=8), 0, 0.0, None)
    stays = (lifetimes.leaves(DEVICES) - lifetimes.joins(DEVICES)) / DAY
    assert [np.mean(stays > days) for days in (4, 8, 16)] == pytest.approx(np.exp([-0.5, -1, -2]), abs=0.01)
    assert not lifetimes.exist(DEVICES, lifetimes.leaves(DEVICES)).any()
