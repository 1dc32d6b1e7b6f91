"""Tasks on several threads give what they give one after the other."""

import threading

import pytest
import torch

from client.recommender.parallel import in_parallel


def test_keeps_the_order_of_the_tasks() -> None:
    assert in_parallel([lambda value=value: value**2 for value in range(50)]) == [value**2 for value in range(50)]
    assert in_parallel([]) == []


def test_raises_what_a_task_raises() -> None:
    def fail() -> int:
        raise KeyError("there")

    for place in range(3):
        tasks = [lambda: 0, lambda: 1]
        tasks.insert(place, fail)
        with pytest.raises(KeyError, match="there"):
            in_parallel(tasks)


def test_makes_no_gradients_on_any_thread() -> None:
    weights = torch.ones(3, requires_grad=True)
    assert not any(found.requires_grad for found in in_parallel([lambda: weights * 2] * 8))


def test_needs_no_helper_who_is_free() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert go_on.wait(30)

    holding = threading.Thread(target=in_parallel, args=([hold] * 64,))
    holding.start()
    assert begun.wait(30)
    assert in_parallel([lambda: 1, lambda: 2]) == [1, 2]
    go_on.set()
    holding.join(30)
    assert not holding.is_alive()
