"""A trace says what its file says; a file that is no trace is refused in one sentence."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import DataError
from simulations.devices.daily_curve import DAY
from simulations.devices.trace_file import read_trace

spells = st.tuples(st.integers(0, 5), st.integers(0, 400), st.integers(1, 100)).map(
    lambda spell: (spell[0], spell[1] / 4, (spell[1] + spell[2]) / 4)
)
HEADER = "device,start,end"


def csv(folder: Path, *lines: str) -> Path:
    path = folder / "trace.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def last_end(table: list[tuple[int, float, float]], device: int, moment: float) -> float:
    """Of the spell in which a device is, step by step; the moment itself where it is in none."""
    covering = [end for owner, start, end in table if owner == device and start <= moment < end]
    return last_end(table, device, max(covering)) if covering else moment


@pytest.mark.parametrize("form", ["csv", "parquet"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(spells, min_size=1, max_size=30), st.floats(0, 130))
def test_devices_are_available_when_the_file_says(
    tmp_path: Path, form: str, table: list[tuple[int, float, float]], moment: float
) -> None:
    path = tmp_path / f"trace.{form}"
    frame = pl.DataFrame(table, HEADER.split(","), orient="row")
    frame.write_csv(path) if form == "csv" else frame.write_parquet(path)
    trace, devices = read_trace(path, began=0.0), sorted({device for device, _, _ in table})
    numbers = np.arange(len(devices))
    ends = [last_end(table, device, moment) for device in devices]
    assert trace.devices == len(devices)
    assert trace.is_available(numbers, moment).tolist() == [end > moment for end in ends]
    assert trace.spell_end(numbers, moment, np.full(numbers.size, 1e9)) == pytest.approx(ends, abs=1e-9)


def test_begins_again_after_whole_days_and_for_further_devices(tmp_path: Path) -> None:
    trace = read_trace(csv(tmp_path, HEADER, "b,10,20", f"a,0,{DAY + 30}"), began=100.0)
    assert trace.period == 2 * DAY
    devices = np.array([0, 1, 2, 3, 1_000_001])
    assert trace.is_available(devices, 115.0 + 2 * DAY).tolist() == [True] * 5
    assert trace.is_available(devices, 105.0 + 4 * DAY).tolist() == [True, False, True, False, False]
    assert trace.spell_end(devices, 115.0 + 2 * DAY, np.full(5, 1e9))[:2].tolist() == [3 * DAY + 130, 2 * DAY + 120]
    assert np.isinf(trace.spell_end(devices, 115.0, np.full(5, 119.0))).all()


def test_a_spell_goes_on_where_the_trace_begins_again(tmp_path: Path) -> None:
    trace = read_trace(csv(tmp_path, HEADER, "0,0,50", f"0,{DAY - 10},{DAY}", f"1,0,{DAY}"), began=0.0)
    assert trace.spell_end(np.array([0, 1]), DAY - 5, np.full(2, 1e9)).tolist() == [DAY + 50, np.inf]


def test_whole_numbers_are_in_order_of_size(tmp_path: Path) -> None:
    trace = read_trace(csv(tmp_path, HEADER, "10,1,2", "9,3,4"), began=0.0)
    assert trace.is_available(np.array([0, 1]), 3.0).tolist() == [True, False]


def test_speeds_are_of_the_device(tmp_path: Path) -> None:
    path = csv(tmp_path, f"{HEADER},speed,upload", "7,0,1,2.5,3", "3,0,1,.5,4", "7,5,6,2.5,3")
    trace = read_trace(path, began=0.0)
    assert trace.computing is not None
    assert trace.upload is not None
    assert (trace.computing.tolist(), trace.upload.tolist(), trace.download) == ([0.5, 2.5], [4, 3], None)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("device,start", "0,1"), "expected rows with device, start, end .*; found no end"),
        ((HEADER,), "expected rows with .*; found no rows"),
        ((f"{HEADER},downlaod", "0,1,2,3"), "expected rows with .*; found downlaod"),
        ((HEADER, "0,1,2", "0,soon,2"), "row 2: start must be a number; found soon"),
        ((HEADER, "0,1,inf"), "row 1: end must be a number; found inf"),
        ((HEADER, ",1,2"), "row 1: device must be a number or name; found None"),
        ((HEADER, "1,1,2", "0,-1,2"), "row 2: start must be 0 or more seconds; found -1.0"),
        ((HEADER, "0,1,2", "0,3,3"), "row 2: end must be more seconds than its start; found 3.0"),
        ((f"{HEADER},speed", "0,1,2,0"), "row 1: speed must be above 0; found 0.0"),
        ((f"{HEADER},speed", "0,1,2,1", "0,3,4,2"), "row 2: speed must be the same in all rows of a device; found 2.0"),
        (("",), "cannot be read as CSV"),
        ((HEADER, "0,1,2,3"), "cannot be read as CSV"),
    ],
)
def test_refuses_what_is_no_trace(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    path = csv(tmp_path, *lines)
    with pytest.raises(DataError, match=f"^{path}: {said}") as refused:
        read_trace(path, began=0.0)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["none.csv", "none.parquet", "trace.txt", "", "folder.csv", "broken.parquet"])
def test_refuses_a_file_that_is_not_there_or_of_another_kind(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    (tmp_path / "trace.txt").write_text(HEADER)
    with pytest.raises(DataError, match=f"^{tmp_path / name}: (expected|cannot be read)"):
        read_trace(tmp_path / name, began=0.0)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("start", [1.0], r"start must be numbers; found List\(Float64\)"),
        ("end", datetime(2026, 1, 1, tzinfo=UTC), "end must be numbers; found Datetime"),
        ("device", 1.5, "device must be whole numbers or names; found Float64"),
    ],
)
def test_refuses_columns_of_other_types(tmp_path: Path, column: str, value: object, said: str) -> None:
    path = tmp_path / "trace.parquet"
    pl.DataFrame([{"device": 0, "start": 1.0, "end": 2.0, column: value}]).write_parquet(path)
    with pytest.raises(DataError, match=f"^{path}: {said}"):
        read_trace(path, began=0.0)
