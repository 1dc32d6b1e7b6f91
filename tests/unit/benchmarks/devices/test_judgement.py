import numpy as np
import pytest
import torch

from benchmarks.devices.comparison import check_same_work, comparison
from benchmarks.devices.engines import ENGINES, EngineRun
from benchmarks.devices.judgement import largest_difference, ndcg
from benchmarks.devices.local_steps import module_of
from shared.errors import DataError
from tests.unit.benchmarks.devices.world import small_course


def run_of(name: str, final: np.ndarray, seconds: float) -> EngineRun:
    figures = {"first_round": 9.0, "seconds": seconds, "processor": 3.0, "devices": 400, "peak": 0.5}
    return EngineRun(engine=ENGINES[name], final=final, versions={"torch": "2.13"}, **figures)


@torch.no_grad()
def test_ndcg_ranks_the_whole_catalogue_without_what_a_device_has_seen():
    course = small_course()
    module = module_of("tiny", course.features.shape[1], course.initial)
    vectors = module.item_norm(module.item(torch.from_numpy(course.features)))
    histories = course.history_items.reshape(len(course.targets), -1)
    gains = []
    for history, target in zip(histories, course.targets, strict=True):
        scores = vectors @ module.history(vectors[torch.from_numpy(history)[None].long()])[0, -1]
        unseen = np.setdiff1d(np.arange(course.n_items), history)
        rank = 1 + int((scores[unseen] > scores[int(target)]).sum())
        gains.append(1 / np.log2(1 + rank) if rank <= 10 else 0.0)
    assert ndcg(course, course.initial) == pytest.approx(np.mean(gains), abs=1e-6)
    assert 0 < np.mean(gains) < 1


def test_a_difference_is_told_in_parts_of_what_the_loop_moved():
    course = small_course()
    moved, other = course.initial.copy(), course.initial.copy()
    moved[0] += 2.0
    other[0] += 1.5
    assert largest_difference(course, other, moved) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="expected an encoder that training moved"):
        largest_difference(course, other, course.initial)


def test_an_engine_that_did_other_work_is_named():
    check_same_work(ENGINES["pfl"], 0.0100, 0.01005, 1e-6)
    with pytest.raises(DataError, match=r"pfl: expected the sequential loop's encoder, NDCG@10 0\.0100; found NDCG"):
        check_same_work(ENGINES["pfl"], 0.0098, 0.0100, 1e-6)
    with pytest.raises(DataError, match=r"numbers 6\.0e-02 of the largest move away"):
        check_same_work(ENGINES["pfl"], 0.0100, 0.0100, 0.06)


def test_tables_tell_each_engine_beside_the_loop():
    course = small_course()
    final = course.initial + np.float32(0.5)
    tables = comparison(course, {"loop": run_of("loop", final, 20.0), "pfl": run_of("pfl", final, 8.0)})
    assert "small: 120 devices, 40 items, 2 rounds of 4 devices, encoder tiny, learning rates 0.05 and 2;" in tables
    assert "| sequential loop | 20.0 | 1.00 | 7.5 | 0.50 |" in tables
    assert "| pfl | 50.0 | 2.50 | 7.5 | 0.50 |" in tables
    assert "| pfl | 9.0 | 2 | 0e+00 | torch 2.13 |" in tables
    assert "- pfl: a process a core under torchrun," in tables
