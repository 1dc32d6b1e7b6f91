import json
from dataclasses import replace

import numpy as np
import pytest

from shared.errors import DataError
from simulations.config.device_run_config import USUAL, DeviceRunConfig
from simulations.config.drawn_size import DrawnSize
from simulations.config.engine_options import EngineOptions
from simulations.config.plan_config import PlanConfig
from simulations.devices.cost_file import measure_runs, read_runs
from simulations.devices.drawn_devices import drawn_devices
from simulations.devices.measured_run import MeasuredRun, measured
from simulations.devices.plan import plan_of
from simulations.devices.plan_runs import FITTED_ON, JUDGED_BY
from simulations.devices.planned_run import DRIVER, MEMORY, WORKERS, PlannedRun
from simulations.devices.run_costs import RunCosts

SECONDS = {name: 0.1 * (place + 1) for place, name in enumerate((*DRIVER, *WORKERS))}
MIB = {name: 10.0 * (place + 1) for place, name in enumerate(MEMORY)}
TINY = PlanConfig(
    size=DrawnSize(devices=50, items=60, dim=16),
    run=DeviceRunConfig(preset="tiny", federation=replace(USUAL, rounds=2, cohort=20, over_sampling=1.5)),
)


def as_priced(config: PlanConfig) -> MeasuredRun:
    """A run that took exactly what prices say."""
    planned = PlannedRun(config=config)
    return MeasuredRun(
        cpu_seconds=sum(SECONDS[name] * count for name, count in planned.work.items()),
        wall_seconds=1.0,
        memory=sum(MIB[name] * count for name, count in planned.memory.items()),
        bytes_down=0,
        bytes_up=0,
    )


@pytest.fixture
def costs(tmp_path):
    """A file of such runs."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr("simulations.devices.cost_file.measured", as_priced)
    measure_runs(tmp_path / "costs.json", lambda _line: None)
    monkeypatch.undo()
    return tmp_path / "costs.json"


def test_costs_of_runs_that_follow_prices_are_found_again_on_unseen_ones(costs) -> None:
    fitted_on, judged_by = read_runs(costs)
    assert (len(fitted_on), len(judged_by)) == (len(FITTED_ON), len(JUDGED_BY))
    for error in RunCosts.fitted(fitted_on).errors(judged_by):
        assert abs(error["cpu_seconds"]) < 0.01
        assert abs(error["memory"]) < 0.01


def test_a_plan_says_its_bytes_time_and_errors(costs) -> None:
    config = PlanConfig(
        size=DrawnSize(devices=1_000_000),
        run=DeviceRunConfig(
            federation=replace(USUAL, cohort=5_000, rounds=1_000), engine=EngineOptions(engine="processes", workers=4)
        ),
    )
    plan = plan_of(config, costs)
    assert plan.estimate.wall_seconds < plan.estimate.cpu_seconds
    assert plan.estimate.bytes_up == 5_000 * 1_000 * PlannedRun(config=config).bytes_up
    assert "1,000,000 devices, 1,000 rounds of 5,000" in plan.text
    assert "error of memory" in plan.text
    assert json.loads(json.dumps(plan.document))["errors_on_unseen_runs"]


@pytest.mark.parametrize(("privacy", "answering"), [("masked", 30), ("plain", 20)])
def test_bytes_of_a_plan_are_those_of_the_run_and_measuring_sees_all(privacy, answering) -> None:
    federation = replace(TINY.run.federation, privacy=privacy, moments=privacy == "masked")
    config = replace(TINY, run=replace(TINY.run, federation=federation))
    run, planned = measured(config), PlannedRun(config=config)
    assert run.bytes_down == 2 * planned.asked * planned.bytes_down
    assert run.bytes_up == 2 * answering * planned.bytes_up
    assert run.cpu_seconds > 0
    assert run.memory > 100


def test_a_file_that_lacks_runs_or_is_another_is_refused(tmp_path, costs) -> None:
    with pytest.raises(DataError, match="found none: make it with --measure"):
        read_runs(tmp_path / "none.json")
    runs = json.loads(costs.read_text())
    runs.popitem()
    costs.write_text(json.dumps(runs))
    with pytest.raises(DataError, match="1 are not there: go on with --measure"):
        read_runs(costs)
    costs.write_text("[1]")
    with pytest.raises(DataError, match="expected a file of measured runs; found another"):
        read_runs(costs)


def test_drawn_devices_are_as_many_and_have_as_many_events_as_was_asked() -> None:
    size = DrawnSize(devices=5_000, events=9.0, items=30, dim=4)
    devices = drawn_devices(size, 3)
    lengths = devices.histories.lengths()
    assert len(lengths) == 5_000
    assert lengths.min() == 2
    assert lengths.mean() == pytest.approx(9.0, rel=0.05)
    assert devices.histories.items.max() == 29
    assert np.allclose(np.linalg.norm(devices.catalogue.features, axis=1), 1, atol=1e-6)
    assert np.array_equal(devices.histories.items, drawn_devices(size, 3).histories.items)
    assert not np.array_equal(
        devices.histories.lengths(), drawn_devices(replace(size, events=12.0), 3).histories.lengths()
    )
