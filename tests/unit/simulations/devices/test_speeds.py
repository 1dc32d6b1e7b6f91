"""Speeds are log-normal around their medians, and slow devices are slower by their factor."""

import numpy as np
import pytest

from simulations.config.population_config import SpeedOptions
from simulations.devices.speeds import DeviceSpeeds, drawn_speeds

DEVICES = np.arange(100_000)


def test_medians_and_tails_are_those_of_the_options() -> None:
    speeds = drawn_speeds(SpeedOptions(computing_spread=0.6, download_mbit=20, upload_mbit=5), 0, DEVICES)
    assert np.quantile(speeds.computing, [0.01, 0.5, 0.99]) == pytest.approx([1 / 4.04, 1, 4.04], rel=0.05)
    assert np.quantile(speeds.download, [0.01, 0.5, 0.99]) == pytest.approx([20 / 10.2, 20, 204], rel=0.05)
    assert speeds.upload == pytest.approx(speeds.download / 4)
    assert abs(np.corrcoef(np.log(speeds.computing), np.log(speeds.download))[0, 1]) < 0.02


def test_a_share_is_slower_by_the_factor() -> None:
    plain = drawn_speeds(SpeedOptions(), 0, DEVICES)
    slowed = drawn_speeds(SpeedOptions(slow_share=0.1, slow_factor=20), 0, DEVICES)
    times = slowed.seconds(60, 1e6, 1e5) / plain.seconds(60, 1e6, 1e5)
    assert np.unique(times.round(6)).tolist() == [1, 20]
    assert np.mean(times > 1) == pytest.approx(0.1, abs=0.005)


def test_without_spread_every_device_is_the_median() -> None:
    speeds = drawn_speeds(SpeedOptions(computing_spread=0, network_spread=0), 0, DEVICES[:3])
    assert speeds.seconds(10, 2.5e6, 625_000).tolist() == [10 + 1 + 1] * 3


def test_seconds_are_of_download_work_and_upload() -> None:
    speeds = DeviceSpeeds(computing=np.array([2.0, 0.5]), download=np.array([8.0, 16.0]), upload=np.array([4.0, 8.0]))
    assert speeds.seconds(np.array([10, 20]), 3e6, np.array([1e6, 2e6])).tolist() == [5 + 3 + 2, 40 + 1.5 + 2]
