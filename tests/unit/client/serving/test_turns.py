"""A deadline counts while the work is done; a caller who goes stops costing; nobody has the workers for themselves."""

import threading
import time

import pytest

from client.serving.admission import Admission, Workers
from client.serving.serve_settings import Limits
from shared.errors import CallerGone, Shed, TooLate


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_work_is_given_up_between_slices_before_its_deadline_passes():
    clock, done = Clock(), []
    admission = Admission(Limits(workers=1), clock)

    def batch():
        with admission.enter(2.0) as turn:
            turn.expect(100)
            for number in range(100):
                with turn.slice():
                    clock.now += 0.62
                    done.append(number)

    with pytest.raises(Shed, match="deadline"):
        batch()
    assert (len(done), clock.now < 2.0) == (3, True)  # of 0.62 seconds each: a fourth would end after the deadline
    assert admission.inside == 0


def test_what_cannot_be_done_in_time_is_turned_away_before_it_begins():
    clock = Clock()
    admission = Admission(Limits(workers=2), clock)
    for _ in range(100):
        with admission.enter(None) as turn, turn.slice():
            clock.now += 0.1
    with admission.enter(2.0) as turn:
        turn.expect(25)
        with pytest.raises(Shed, match="ask for less"), admission.enter(2.0) as other:
            other.expect(25)
    with admission.enter(2.0) as turn:
        turn.expect(25)


def test_a_list_that_cannot_have_its_turn_in_time_is_turned_away_at_once(monkeypatch):
    clock = Clock()
    admission = Admission(Limits(workers=1), clock)
    for _ in range(100):
        with admission.enter(None):
            clock.now += 0.5
    monkeypatch.setattr(Workers, "queue", 5)
    with pytest.raises(Shed, match="turn"):
        admission.require_room(2.0)
    admission.require_room(60.0)


def test_a_pace_that_was_slow_once_turns_nobody_away_for_ever():
    clock = Clock()
    admission = Admission(Limits(workers=1), clock)
    with admission.enter(3600) as turn, turn.slice():
        clock.now += 1000
    for _ in range(200):
        try:
            with admission.enter(2.0) as turn:
                turn.expect(10)
                return
        except Shed:
            continue
    pytest.fail("a batch of ten is turned away for ever")


def test_a_caller_who_goes_stops_costing():
    waits, done = [True], []
    admission = Admission(Limits(workers=1))

    def batch():
        with admission.enter(60, lambda: waits[0]) as turn:
            for number in range(100):
                with turn.slice():
                    done.append(number)
                waits[0] = number < 2

    with pytest.raises(CallerGone):
        batch()
    assert len(done) == 3
    with admission.enter(1):
        pass


def test_a_caller_who_goes_while_waiting_leaves_the_line():
    admission, waits, outcome = Admission(Limits(workers=1)), [True], []

    def wait():
        try:
            with admission.enter(60, lambda: waits[0]):
                outcome.append("served")
        except CallerGone:
            outcome.append("gone")

    with admission.enter(60):
        waiting = threading.Thread(target=wait)
        waiting.start()
        waits[0] = False
        waiting.join(10)
        assert (outcome, admission.inside) == (["gone"], 1)
    with admission.enter(1):
        pass


def test_a_batch_lets_others_have_their_turn_between_two_lists():
    admission, order = Admission(Limits(workers=1)), []
    begun = threading.Event()

    def single():
        begun.set()
        with admission.enter(60):
            order.append("single")

    with admission.enter(60) as turn:
        other = threading.Thread(target=single)
        for number in range(3):
            with turn.slice():
                order.append(number)
            if number == 0:
                other.start()
                begun.wait()
                until(lambda: admission.workers.queue)
    other.join(10)
    assert order == [0, "single", 1, 2]


def test_waiting_for_a_lock_leaves_the_worker_to_others_and_ends_with_the_deadline():
    admission, lock = Admission(Limits(workers=1)), threading.Lock()
    other = threading.Thread(target=lambda: admission.enter(60).__enter__())

    def waits_in_vain():
        with admission.enter(0.3) as turn:
            other.start()
            with turn.holding(lock):
                pytest.fail("it is another's")

    with lock:
        with pytest.raises(TooLate):
            waits_in_vain()
        other.join(10)
        assert not other.is_alive()


def test_a_free_lock_is_held_without_leaving_the_worker():
    admission, lock = Admission(Limits(workers=1)), threading.Lock()
    with admission.enter(60) as turn, turn.holding(lock):
        assert lock.locked()
        assert admission.workers.queue == 0
    assert not lock.locked()


def test_workers_go_to_who_has_waited_longest():
    admission, order = Admission(Limits(workers=1, waiting=10)), []

    def enter(number):
        with admission.enter(60):
            order.append(number)

    with admission.enter(60):
        threads = []
        for number in range(5):
            threads.append(threading.Thread(target=enter, args=(number,)))
            threads[-1].start()
            until(lambda wanted=number + 2: admission.inside == wanted and admission.workers.queue == wanted - 1)
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4]


def until(reached, seconds=10.0):
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it did not come to pass in time"
        time.sleep(0.002)
