"""A slow link is served; who hardly sends, sends too much or goes away is not."""

import asyncio

import pytest

from shared.system.arrival import BodyCutOff, BodyTooLarge, BodyTooSlow, arriving, length_of
from shared.system.door_limits import DoorLimits

LIMITS = DoorLimits(idle_seconds=10, body_seconds=1000, least_kib_per_second=1)


def body(parts, *, limits=LIMITS, most=10**6):
    """What arrives, of (seconds that a part takes, bytes); a part that takes longer than it may never comes."""
    clock, waiting = [0.0], list(parts)

    async def receive():
        seconds, size = waiting.pop(0)
        clock[0] += seconds
        if size is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"x" * size, "more_body": bool(waiting)}

    async def read():
        return [len(part) async for part in arriving(receive, limits, most, lambda: clock[0])]

    return asyncio.run(read())


def test_a_slow_link_delivers_a_large_body():
    assert body([(1.0, 2048)] * 300) == [2048] * 300


def test_a_trickle_is_given_up():
    with pytest.raises(BodyTooSlow):
        body([(1.0, 100)] * 300)


def test_a_body_is_given_up_that_takes_too_long_in_all():
    with pytest.raises(BodyTooSlow):
        body([(1.0, 2048)] * 1100, most=10**7)


def test_one_part_that_does_not_come_is_given_up():
    async def never():
        await asyncio.Event().wait()

    async def read():
        return [part async for part in arriving(never, DoorLimits(idle_seconds=0.01), 10, lambda: 0.0)]

    with pytest.raises(BodyTooSlow):
        asyncio.run(read())


def test_more_than_may_be_and_less_than_was_meant_are_refused():
    with pytest.raises(BodyTooLarge):
        body([(0, 6), (0, 5)], most=10)
    with pytest.raises(BodyCutOff):
        body([(0, 6), (0, None)])
    assert body([(0, 5), (0, 0), (0, 5)], most=10) == [5, 5]


@pytest.mark.parametrize("text", [None, "", "-1", "+1", "1e3", " 1", "\u00b2", "\u0661", "9" * 5000])
def test_a_length_that_is_none(text):
    assert length_of(text) is None


def test_a_length():
    assert length_of("0012") == 12
