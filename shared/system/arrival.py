"""A body as it arrives over HTTP: not longer than it may be, and not slower."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from shared.errors import RequestError
from shared.system.door_limits import DoorLimits

KIB = 2**10
_DIGITS = 18
"""of a length that can be meant"""
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class BodyTooLarge(RequestError):
    """More bytes came, or were announced, than are taken."""


class BodyTooSlow(RequestError):
    """The body did not arrive in time."""


class BodyCutOff(RequestError):
    """The sender went before the body was whole."""


def length_of(text: str | None) -> int | None:
    """Bytes that a header Content-Length announces; None where there is none, or it is no number."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        return None
    return int(text)


async def arriving(receive: Receive, limits: DoorLimits, most: int, now: Callable[[], float]) -> AsyncIterator[bytes]:
    """The parts of a body, as they arrive.

    Args:
        receive: gives the next message of the request, as ASGI has it.
        limits: how slowly the body may arrive.
        most: bytes that the body may have.
        now: tells the time in seconds.

    Yields:
        Each part that holds bytes.

    Raises:
        BodyTooLarge: if more than ``most`` bytes came.
        BodyTooSlow: if a part, or the whole, takes longer than the limits let it.
        BodyCutOff: if the sender went before the end.
    """
    began, taken, more = now(), 0, True
    while more:
        message = await _next(receive, _seconds(limits, taken, now() - began))
        if message["type"] == "http.disconnect":
            raise BodyCutOff("the sender is gone")
        part: bytes = message.get("body", b"")
        taken, more = taken + len(part), bool(message.get("more_body", False))
        if taken > most:
            raise BodyTooLarge(f"the body must have at most {most} bytes")
        if part:
            yield part


def _seconds(limits: DoorLimits, taken: int, gone: float) -> float:
    """That the next part may take: a slow link is served, one that hardly sends is not."""
    slowest = limits.idle_seconds + taken / (limits.least_kib_per_second * KIB)
    return min(limits.idle_seconds, slowest - gone, limits.body_seconds - gone)


async def _next(receive: Receive, seconds: float) -> MutableMapping[str, Any]:
    """A part that is there already takes no time, so that none is left has to be looked at before."""
    try:
        if seconds <= 0:
            raise TimeoutError
        async with asyncio.timeout(seconds):
            return await receive()
    except TimeoutError as error:
        raise BodyTooSlow("the body arrives too slowly") from error
