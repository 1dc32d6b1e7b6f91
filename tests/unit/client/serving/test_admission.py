"""Only so many requests are worked on, only so many wait, and none longer than its deadline."""

import threading

import pytest

from client.serving.front import Admission
from client.serving.serve_settings import Limits
from shared.errors import ConfigError, Overloaded, TooLate


def held(admission, count):
    """Requests that hold a worker until the event is set."""
    release, inside = threading.Event(), threading.Barrier(count + 1)

    def work():
        with admission.enter(10):
            inside.wait()
            release.wait()

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    inside.wait()
    return release, threads


def test_lets_in_as_many_as_there_are_workers_and_the_next_when_one_leaves():
    admission = Admission(Limits(workers=2, waiting=4))
    release, threads = held(admission, 2)
    assert admission.inside == 2
    waiting = threading.Thread(target=lambda: admission.enter(10).__enter__())
    waiting.start()
    release.set()
    for thread in (*threads, waiting):
        thread.join(10)
    assert not waiting.is_alive()


def test_turns_away_at_once_whom_no_place_to_wait_is_left():
    admission = Admission(Limits(workers=1, waiting=0))
    release, threads = held(admission, 1)
    with pytest.raises(Overloaded, match="try again later"), admission.enter(10):
        pass
    release.set()
    threads[0].join(10)
    with admission.enter(10):
        assert admission.inside == 1
    assert admission.inside == 0


@pytest.mark.parametrize("seconds", [0.01, None, -1.0])
def test_gives_up_a_request_whose_time_is_over(seconds):
    admission = Admission(Limits(workers=1, waiting=4, seconds=0.01))
    release, threads = held(admission, 1)
    with pytest.raises(TooLate, match="deadline"), admission.enter(seconds):
        pass
    assert admission.inside == 1
    release.set()
    threads[0].join(10)


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"waiting": -1}, {"seconds": 0.0}, {"seconds": float("nan")}])
def test_refuses_limits_that_make_no_sense(wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} must be"):
        Limits(**wrong)
