import numpy as np

from client.data.ragged import offsets_of, stretches


def test_begins_each_list_where_the_one_before_ends():
    assert offsets_of(np.array([2, 0, 3])).tolist() == [0, 2, 2, 5]
    assert offsets_of(np.array([], np.int64)).tolist() == [0]


def test_counts_up_from_every_start_in_the_order_given():
    assert stretches(np.array([7, 100, 3]), np.array([2, 0, 3])).tolist() == [7, 8, 3, 4, 5]
    assert stretches(np.array([], np.int64), np.array([], np.int64)).tolist() == []
