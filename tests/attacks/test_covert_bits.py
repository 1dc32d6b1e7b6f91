"""A bundle that writes a message into an honest answer's free bits: there are none.

What passes the guard is counted against the documented grids; then every way that was thought of to say the same
numbers in other bytes is tried, and stopped.
"""

import math

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord, RecordDict

from client.guard.manifest import manifest
from client.guard.site_policy import SitePolicy, TaskKind
from shared.encoder.cells import CellGrid
from shared.encoder.changes import delta_grid, half_byte_grid
from shared.encoder.shared_adapter import shared_adapter
from shared.errors import OutboundRefused
from tests.federation_world import START
from tests.unit.client.guard.answers import CHANGE, GRID, asked, checked, evaluated, moments, trained
from tests.unit.client.training.world import SPACE

MOST_FREE = 64 * 8
"""bits in any answer"""
NUMBERS = int(GRID.lengths.sum())
HONEST = {TaskKind.MOMENTS: moments, TaskKind.TRAIN: trained, TaskKind.EVALUATE: evaluated}

USERS = math.log2(9)  # 0, and the powers of two up to 128
LOSSES = 2 * math.log2(2 * 99_999 + 1)  # -999.99 to 999.99 in hundredths
VALIDATIONS = 3 * math.log2(1 + 4 * 90 + 1)  # 0, two digits from .0001 on, 1
PAIRS = math.log2(100 + 10 * 90 + 1)  # two digits, up to 10^12


def needed(grid) -> float:
    """The log2 of the grid points of an update: codes -levels to levels and 80 exponents.

    None of these is a coarser one than it need be; the numbers of a group that fit a finer one are counted there.
    """
    cells, finer = 2 * grid.levels + 1, 2 * (grid.levels // 2) + 1
    return sum(
        length * math.log2(cells) + math.log2(1 + 79 * (1 - (finer / cells) ** length))
        for length in grid.lengths.tolist()
    )


NEEDED = {
    ("moments-reply", TaskKind.MOMENTS): USERS + PAIRS + (8 * 9 + 64 + 16) * math.log2(2**29 + 1),
    ("train-reply", TaskKind.TRAIN): USERS + LOSSES + needed(GRID),
    ("evaluate-reply", TaskKind.EVALUATE): USERS + VALIDATIONS,
    ("failed", TaskKind.TRAIN): 0.0,
    ("declined", TaskKind.TRAIN): 0.0,
}


@pytest.mark.parametrize(("kind", "task"), NEEDED, ids=[kind for kind, _ in NEEDED])
def test_an_answer_has_no_more_free_bits_than_64_bytes(kind, task) -> None:
    entry = manifest(asked(task), SitePolicy(privacy="plain"))[kind]
    assert 0 <= entry.bits - NEEDED[kind, task] <= MOST_FREE
    assert SPACE.dim == 8


@pytest.mark.parametrize(
    "grid", [delta_grid(START.spec), half_byte_grid(START.spec), shared_adapter(START.spec, 2).grid(4)]
)
def test_an_update_in_fewer_bits_has_none_either(grid) -> None:
    entry = manifest(asked(grid=grid), SitePolicy(privacy="plain"))["train-reply"]
    assert 0 <= entry.bits - USERS - LOSSES - needed(grid) <= MOST_FREE


def test_an_answer_in_a_sum_has_none_but_its_bytes() -> None:
    """Keys and masks may be any bytes; how many there are is not free."""
    entry = manifest(asked(TaskKind.SUM, answer_bytes=700), SitePolicy(privacy="plain"))["sum-reply"]
    assert entry.bits == 8 * 700


def with_flat(flat):
    return lambda content: content.update(encoder=ArrayRecord({"flat": Array(flat)}))


def in_another_order(record):
    return dict(reversed(list(record.items())))


COVERT = {
    "a code that no number has": with_flat(np.append(np.int16(-32768), CHANGE[1:])),
    "a coarser power of two": with_flat(np.r_[CHANGE[:NUMBERS] // 2, CHANGE[NUMBERS:] + np.int16(1)]),
    "an exponent of an array of zeros": with_flat(np.r_[np.zeros(NUMBERS, np.int16), CHANGE[NUMBERS:]]),
    "floats of 32 bits": with_flat(START.flat),
    "the other zero as a loss": lambda content: content.update(metrics=MetricRecord({"head": -0.0})),
    "a loss of three digits": lambda content: content.update(metrics=MetricRecord({"head": 3.141})),
    "the order of the metrics": lambda content: content.update(
        metrics=MetricRecord(in_another_order(content["metrics"]))
    ),
    "the order of the header": lambda content: content.update(header=ConfigRecord(in_another_order(content["header"]))),
    "an exact count of users": lambda content: content["header"].update(users=119),
}


@pytest.mark.parametrize("covert", COVERT.values(), ids=COVERT)
def test_the_same_answer_in_other_bytes_stays(covert) -> None:
    content = trained()
    checked(content)
    covert(content)
    with pytest.raises(OutboundRefused):
        checked(content)


@pytest.mark.parametrize("task", list(HONEST))
def test_records_in_another_order_stay(task) -> None:
    content = HONEST[task]()
    checked(content, task)
    with pytest.raises(OutboundRefused, match="the records must come as header"):
        checked(RecordDict(in_another_order(content)), task)


@pytest.mark.parametrize("pairs", [123, 10**12 + 1, -1, 5.0])
def test_an_exact_number_of_pairs_stays(pairs) -> None:
    content = moments()
    content["header"]["pairs"] = pairs
    with pytest.raises(OutboundRefused, match="two significant digits"):
        checked(content, TaskKind.MOMENTS)


@pytest.mark.parametrize("value", [0.0123, 0.00001, -0.0, 5e-324])
def test_an_evaluation_of_more_digits_stays(value) -> None:
    with pytest.raises(OutboundRefused, match="two digits"):
        checked(evaluated(validation={"both": value}), TaskKind.EVALUATE)


@pytest.mark.parametrize("task", [TaskKind.MOMENTS, TaskKind.TRAIN])
def test_every_flipped_bit_is_another_number_or_stays(task) -> None:
    """So two answers that pass and say the same are the same bytes."""
    (record,) = HONEST[task]().array_records
    grid = manifest(asked(task), SitePolicy(privacy="plain"))[f"{task}-reply"].arrays[record]
    honest = HONEST[task]()[record]["flat"].numpy()
    said = grid.values(honest) if task is TaskKind.TRAIN else honest
    for place in np.random.default_rng(0).choice(honest.nbytes * 8, 400, replace=False):
        flipped = np.frombuffer(honest.tobytes(), np.uint8).copy()
        flipped[place // 8] ^= 1 << (place % 8)
        other = flipped.view(honest.dtype)
        if not grid.fault(other):
            assert not np.array_equal(grid.values(other) if task is TaskKind.TRAIN else other, said)


@pytest.mark.parametrize("covert", [name for name in COVERT if name.startswith(("a code", "a coarser", "an exponent"))])
def test_without_the_grid_the_other_bytes_leave(covert, monkeypatch) -> None:
    """What shows that the tests above can fail."""
    monkeypatch.setattr(CellGrid, "fault", lambda _grid, _flat: "")
    content = trained()
    COVERT[covert](content)
    assert checked(content).kind == "train-reply"
