import json
import math

import pytest

from benchmarks.pretraining_time import Course, rows_of
from shared.errors import DataError


def course(*looks, whole):
    return Course(seconds=[at for at, _ in looks], ndcg=[ndcg for _, ndcg in looks], whole=whole)


def test_reads_looks_and_the_end():
    looks = [{"what": "look", "seconds": 2.0, "ndcg": 0.1}, {"what": "look", "seconds": 3.0, "ndcg": 0.3}]
    lines = [json.dumps(line) for line in [*looks, {"what": "end", "seconds": 4.5, "ndcg": 0.3}]]
    assert Course.parse(lines) == course((2.0, 0.1), (3.0, 0.3), whole=4.5)


def test_refuses_a_course_without_an_end():
    with pytest.raises(DataError, match="end"):
        Course.parse([json.dumps({"what": "look", "seconds": 2.0, "ndcg": 0.1})])


def test_counts_seconds_to_the_first_look_that_is_as_good():
    run = course((1.0, 0.1), (2.0, 0.3), (3.0, 0.2), (4.0, 0.4), whole=5.0)
    assert run.seconds_to(0.2) == 2.0
    assert math.isinf(run.seconds_to(0.5))


def test_compares_with_the_best_look_of_before():
    before = course((10.0, 0.2), (20.0, 0.3), (30.0, 0.1), whole=40.0)
    quick, weak = course((4.0, 0.3), whole=6.0), course((4.0, 0.2), whole=6.0)
    assert rows_of("shop", before, quick)[1] == ["shop", "now", "0.3000", "4.0", "6.0", "0.20"]
    assert rows_of("shop", before, quick)[0] == ["shop", "before", "0.3000", "20.0", "40.0", "1.00"]
    assert rows_of("shop", before, weak)[1][3:] == ["not reached", "6.0", ""]
