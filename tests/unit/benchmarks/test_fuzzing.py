"""A short run of the fuzzing, and what shows that it would find something."""

import numpy as np

from benchmarks import fuzzing
from benchmarks.fuzzing import fuzz
from shared.errors import WireError

PARSERS = 10


def test_no_parser_does_what_none_may(tmp_path) -> None:
    found = fuzz(PARSERS * 150, seed=1, folder=tmp_path)
    assert found.wrong == []
    assert len(found.refused) == len(found.taken) == PARSERS
    assert all(found.refused[name] > found.taken[name] for name in found.refused)


def test_the_same_seed_tries_the_same(tmp_path) -> None:
    one, other = (fuzz(PARSERS * 10, seed=2, folder=tmp_path) for _ in range(2))
    assert (one.taken, one.refused) == (other.taken, other.refused)


def test_an_error_of_another_kind_and_a_large_allocation_are_found(tmp_path, monkeypatch) -> None:
    def careless(_content):
        raise KeyError("header")

    def greedy(_content):
        np.zeros(fuzzing.MOST_BYTES, np.uint8)
        raise WireError("no")

    monkeypatch.setattr(fuzzing, "decode_moments_task", careless)
    monkeypatch.setattr(fuzzing, "decode_train_task", greedy)
    found = fuzz(PARSERS * 10, seed=3, folder=tmp_path).wrong
    assert sum("moments task" in one and "KeyError" in one for one in found) == 10
    assert sum("training task" in one and "bytes" in one for one in found) == 10
