"""Who may hold a connection to an HTTP server of ours, how many, and how long one may take to say what it wants.

A connection counts from before TLS is agreed on. Where there is no room, the one that has waited longest without a
request under way makes it: whoever sends slowly shuts nobody out who does not. Where one address has too many, those of
its connections that were never answered go first: a flood ends nobody's who is at work behind the same address.
"""

import asyncio
import ipaddress
import logging
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from shared.system.door_limits import DoorLimits
from shared.system.unread import seconds_unread

LOG = logging.getLogger("graft.door")
LOOP: Literal["asyncio"] = "asyncio"
"""that uvicorn is to use: uvloop reads on while a transport's reading is paused, and loses the first bytes of TLS"""
ARRIVED = "graft.arrived"
"""in a request's scope: when its headers were there, by ``time.monotonic``"""
_PREFIX = 64
"""bits of an IPv6 address that say whose network it is: any of the rest may be its sender's choice"""
_MOMENT = 0.1
"""of the time for headers, for which nobody has to make room"""
_LAST_WORD_SECONDS = 1.0
"""for the sentence with which a slow sender is turned away"""


class Place:
    """A connection that has been let in."""

    def __init__(self, origin: str, close: Callable[[], None], since: float) -> None:
        self.origin, self.close, self.since = origin, close, since
        self.idle = True
        """whether no request is under way"""
        self.answered = False
        """whether one was"""


class Doorkeeper:
    """Counts connections, of all and of each origin."""

    def __init__(
        self, limits: DoorLimits, most_of_one: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits, self._clock = limits, clock
        self._most_of_one = limits.connections if most_of_one is None else most_of_one
        self._places: dict[Place, None] = {}
        self._of: Counter[str] = Counter()
        self._told: set[str] = set()

    def enters(self, origin: str, close: Callable[[], None]) -> Place | None:
        """A place for a new connection, which may close another's.

        Args:
            origin: where the connection comes from, as ``origin_of`` gives it.
            close: closes the connection, where it has to make room later.

        Returns:
            The place; None where nobody can make room: each has a request under way, or has only just come.
        """
        if self._of[origin] >= self._most_of_one:
            self._tell(origin)
            room = self._makes_room(self._of_one(origin))
        else:
            room = len(self._places) < self.limits.connections or self._makes_room(self._places)
        if not room:
            return None
        place = Place(origin, close, self._clock())
        self._places[place] = None
        self._of[origin] += 1
        return place

    def was_answered(self, place: Place) -> None:
        """A connection waits anew, behind all that wait already.

        Args:
            place: the connection's; one that has left changes nothing.
        """
        if place in self._places:
            place.answered, place.since = True, self._clock()
            del self._places[place]
            self._places[place] = None

    def leaves(self, place: Place) -> None:
        """A connection's place is free again; a second time changes nothing.

        Args:
            place: the connection's.
        """
        if place not in self._places:
            return
        del self._places[place]
        self._of[place.origin] -= 1
        if not self._of[place.origin]:
            del self._of[place.origin]
            self._told.discard(place.origin)

    def _of_one(self, origin: str) -> Iterator[Place]:
        """Its own places, those that were never answered first."""
        for answered in (False, True):
            yield from (place for place in self._places if place.origin == origin and place.answered == answered)

    def _makes_room(self, places: Iterable[Place]) -> bool:
        """Whoever has just come may stay for a moment: else a flood of connections would have one made for each."""
        oldest = next((place for place in places if place.idle), None)
        if oldest is None or self._clock() - oldest.since < _MOMENT * self.limits.header_seconds:
            return False
        self.leaves(oldest)
        oldest.close()
        return True

    def _tell(self, origin: str) -> None:
        if origin not in self._told:
            self._told.add(origin)
            LOG.warning("%s holds %d connections; beyond them, idle ones are closed", origin, self._most_of_one)


def origin_of(host: str) -> str:
    """An address, or of IPv6 its network: who has one address of it has them all."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, _PREFIX), strict=False))


def guarded(keeper: Doorkeeper, tls: ssl.SSLContext | None) -> Callable[..., asyncio.Protocol]:
    """What uvicorn takes as ``http``: its own protocol behind the door.

    Args:
        keeper: lets connections in.
        tls: of the server; TLS is the door's, and not uvicorn's. None: connections have none.

    Returns:
        Makes the protocol of a new connection from uvicorn's options.
    """
    return lambda **options: _Gate(keeper, tls, _Guarded(keeper, **options))


class _Gate(asyncio.Protocol):
    """A connection until it is let in and TLS is agreed on."""

    def __init__(self, keeper: Doorkeeper, tls: ssl.SSLContext | None, inner: "_Guarded") -> None:
        self._keeper, self._tls, self._inner = keeper, tls, inner
        self._early: list[bytes] = []
        self._lost = False

    def connection_made(self, transport: Any) -> None:
        peer = transport.get_extra_info("peername")
        place = self._keeper.enters(origin_of(peer[0]) if peer else "unknown", transport.abort)
        if place is None:
            transport.abort()
            return
        self._inner.place = place
        if self._tls is None:
            transport.set_protocol(self._inner)
            self._inner.connection_made(transport)
        else:
            transport.pause_reading()
            self._agreeing = asyncio.get_running_loop().create_task(self._agree(transport, place, self._tls))

    def data_received(self, data: bytes) -> None:
        """What came with the end of the handshake."""
        self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (as the protocol has it)
        self._lost = True
        self._inner.leave()

    async def _agree(self, transport: Any, place: Place, tls: ssl.SSLContext) -> None:
        seconds = self._keeper.limits.header_seconds
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport, self, tls, server_side=True, ssl_handshake_timeout=seconds, ssl_shutdown_timeout=seconds
            )
        except Exception:  # noqa: BLE001 (a handshake fails in many ways, and each ends this connection alone)
            secured = None
        if secured is None or self._lost:
            transport.abort()
            self._keeper.leaves(place)
            return
        place.close = secured.abort
        secured.set_protocol(self._inner)
        self._inner.connection_made(secured)
        for data in self._early:
            self._inner.data_received(data)


class _Guarded(AutoHTTPProtocol):  # type: ignore[valid-type, misc] # which of uvicorn's it is, is known when it runs
    """Uvicorn's protocol, and who waits for the next request's headers, or for an answer to be taken, in vain."""

    def __init__(self, keeper: Doorkeeper, **options: Any) -> None:
        super().__init__(**options)
        self._keeper = keeper
        self.place: Place | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        arrived = time.monotonic() - seconds_unread(self.transport)
        super().data_received(data)
        if self.cycle is not None:
            self.cycle.scope.setdefault(ARRIVED, arrived)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.place is not None:
            self._keeper.was_answered(self.place)
        self._stands(idle=self._waits_for_headers())

    def pause_writing(self) -> None:
        super().pause_writing()
        self._from_now_on("answer", self._keeper.limits.idle_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._no_more("answer")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.leave()

    def leave(self) -> None:
        """Free the place."""
        for name in tuple(self._timers):
            self._no_more(name)
        if self.place is not None:
            self._keeper.leaves(self.place)

    def _look(self) -> None:
        """Headers that have begun to arrive, or those of the first request, have a time; between requests uvicorn's."""
        idle = self._waits_for_headers()
        self._stands(idle=idle)
        if idle:
            self._from_now_on("headers", self._keeper.limits.header_seconds, self._too_slow)
        else:
            self._no_more("headers")

    def _stands(self, *, idle: bool) -> None:
        if self.place is not None:
            self.place.idle = idle

    def _waits_for_headers(self) -> bool:
        return self.cycle is None or bool(self.cycle.response_complete)

    def _from_now_on(self, name: str, seconds: float, end: Callable[[], None]) -> None:
        if name not in self._timers:
            self._timers[name] = self.loop.call_later(seconds, end)

    def _no_more(self, name: str) -> None:
        if name in self._timers:
            self._timers.pop(name).cancel()

    def _too_slow(self) -> None:
        self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()
        self.loop.call_later(_LAST_WORD_SECONDS, self.transport.abort)
