"""A population is a function of its config, seed, devices and virtual time, for a million devices as for three."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from shared.errors import ConfigError
from simulations.config.population_config import PopulationConfig
from simulations.devices.daily_curve import DAY, HOUR
from simulations.devices.population import Population

FULL = PopulationConfig(joining="drawn", joining_days=20, staying_days=30, slow_share=0.1)
NOW = 12 * DAY + 4 * HOUR


def test_the_same_whatever_was_asked_before_and_in_whichever_order() -> None:
    first, second = (Population(FULL, count=70_000, seed=5) for _ in range(2))
    for moment in (1.0, 30 * DAY, 3 * DAY):
        first.available(moment)
        first.sample(moment, 500, 1, 1)
    devices = second.sample(NOW, 400, 1, 9)
    np.testing.assert_array_equal(first.sample(NOW, 400, 1, 9), devices)
    backwards = devices[::-1]
    np.testing.assert_array_equal(first.available(NOW)[devices], second.are_available(backwards, NOW)[::-1])
    seconds = first.seconds(devices, 300, 1e6, 1e5)
    np.testing.assert_array_equal(second.seconds(backwards, 300, 1e6, 1e5)[::-1], seconds)
    np.testing.assert_array_equal(
        first.finished(devices, NOW, seconds), second.finished(backwards, NOW, seconds[::-1])[::-1]
    )


def test_another_seed_is_another_population() -> None:
    first, second = (Population(FULL, count=1_000, seed=seed) for seed in (1, 2))
    assert (first.available(NOW) != second.available(NOW)).any()
    assert (first.seconds(np.arange(9), 1, 0, 0) != second.seconds(np.arange(9), 1, 0, 0)).all()


def test_a_cohort_is_of_those_that_may_take_part() -> None:
    population = Population(FULL, count=20_000, seed=5)
    available = population.available(NOW)
    cohort = population.sample(NOW, 500, 1, 3)
    assert available[cohort].all()
    assert np.unique(cohort).size == 500
    assert not np.isin(population.sample(NOW, 20_000, 1, 4, busy=cohort), cohort).any()
    assert np.sort(population.sample(NOW, 20_000, 1, 5)).tolist() == np.flatnonzero(available).tolist()
    assert set(cohort) != set(population.sample(NOW, 500, 1, 4)) != set(population.sample(NOW, 500, 2, 4))


def test_an_empty_population_gives_an_empty_cohort() -> None:
    population = Population(FULL, count=1_000, seed=5)
    assert population.sample(-1.0, 100, 1, 1).size == 0


def test_devices_break_off_at_the_rate() -> None:
    config = PopulationConfig(availability="always", breaks_per_minute=0.05)
    devices = np.arange(50_000)
    population = Population(config, count=devices.size, seed=0)
    shares = [population.finished(devices, NOW, np.full(devices.size, minutes * 60.0)).mean() for minutes in (1, 10)]
    assert shares == pytest.approx(np.exp([-0.05, -0.5]), abs=0.01)
    later = population.finished(devices, NOW + 60, np.full(devices.size, 600.0))
    assert later.mean() == pytest.approx(np.exp(-0.5), abs=0.01)
    assert 0.4 < np.mean(later == population.finished(devices, NOW, np.full(devices.size, 600.0))) < 0.6


def test_devices_break_off_where_their_spell_ends() -> None:
    population = Population(PopulationConfig(breaks_per_minute=0), count=20_000, seed=0)
    devices = np.arange(20_000)
    seconds = np.full(devices.size, HOUR)
    finished = population.finished(devices, NOW, seconds)
    assert not finished[~population.available(NOW)].any()
    throughout = [population.available(NOW + minutes * 60.0) for minutes in range(61)]
    assert finished[np.all(throughout, axis=0)].mean() > 0.99  # others were gone for less than a minute
    assert not finished[~np.all(throughout, axis=0)].any()


def test_the_usual_round_loses_six_to_ten_percent() -> None:
    population = Population(PopulationConfig(), count=100_000, seed=0)
    cohort = population.sample(NOW, 10_000, 0, 1)
    assert 0.06 < 1 - population.finished(cohort, NOW, np.full(cohort.size, 150.0)).mean() < 0.1


def test_devices_break_off_where_they_leave() -> None:
    config = PopulationConfig(availability="always", breaks_per_minute=0, staying_days=10)
    population, devices = Population(config, count=50_000, seed=0), np.arange(50_000)
    shares = [population.finished(devices, 0.0, np.full(devices.size, days * DAY)).mean() for days in (1, 10)]
    assert shares == pytest.approx(np.exp([-0.1, -1]), abs=0.01)
    here = population.available(10 * DAY)
    assert not population.finished(devices, 10 * DAY, np.full(devices.size, 1.0))[~here].any()
    assert population.breaks_off(devices, 10 * DAY, np.full(devices.size, 1e9))[~here].tolist() == [10 * DAY] * sum(
        ~here
    )


def test_joins_with_its_first_event() -> None:
    config = PopulationConfig(availability="always", joining="first-event")
    population = Population(config, count=3, seed=0, first_events=np.array([5.0, 1.0, 9.0]))
    assert population.available(5.0).tolist() == [True, True, False]


def test_does_what_a_trace_says(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("device,start,end,speed,download\n0,0,100,2,8\n1,50,80,1,16\n")
    config = PopulationConfig(trace=str(tmp_path / "trace.csv"), breaks_per_minute=0, network_spread=0)
    population = Population(config, count=5, seed=0, began=1_000.0)
    assert population.available(1_060.0).tolist() == [True] * 5
    assert population.available(1_090.0).tolist() == [True, False, True, False, True]
    devices = np.arange(2)
    assert population.seconds(devices, 10, 1e6, 625_000).tolist() == [5 + 1 + 1, 10 + 0.5 + 1]
    assert population.finished(devices, 1_060.0, np.array([39.0, 21.0])).tolist() == [True, False]


def test_a_million_devices_take_little_memory() -> None:
    tracemalloc.start()
    population = Population(FULL, count=1_000_000, seed=5)
    available = population.available(NOW)
    cohort = population.sample(NOW, 5_000, 1, 1)
    population.finished(cohort, NOW, population.seconds(cohort, 60, 1e6, 1e6))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert available.nbytes == 1_000_000
    assert most < 12 * available.size


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"available_share": 0.7, "swing": 4}, "^available-share 0.7 with swing 4 would have 1.12 of the devices"),
        ({"swing": 0.5}, "^swing must be 1 or more; got 0.5$"),
        ({"availability": "nightly"}, "^availability must be one of daily, always; got 'nightly'$"),
        ({"time_zones": 25}, "^time-zones must be from 1 to 24; got 25$"),
    ],
)
def test_refuses_what_makes_no_sense(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        PopulationConfig(**options)  # type: ignore[arg-type]
