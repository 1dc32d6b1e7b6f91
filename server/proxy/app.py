"""The proxy: what passes is written out, and everything else is answered here, files of releases among it.

The engine's one port serves platforms, operators and its own processes alike, and operators need no password there. So
a request passes only where its path, undecoded, is one word under ``/v1/fleet/``: no dots, no escapes, no second slash
that the next reader could take another way. How often one address may ask: a token bucket each (RFC 2697 describes the
idea).
"""

import logging
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount

from server.proxy.release_door import ReleaseDoor
from shared.system.arrival import BodyCutOff, BodyTooLarge, BodyTooSlow, arriving, length_of
from shared.system.door_limits import DoorLimits
from shared.system.doorkeeper import origin_of

ADDRESSES = 10_000
"""remembered at most; who has not asked for the longest time is forgotten first"""
BURST = 4
"""seconds' worth of requests that may come at once"""


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


class RateLimit:
    """Counts the requests of each address."""

    def __init__(self, per_second: float) -> None:
        self._rate = per_second
        self._size = max(per_second * BURST, 1.0)
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def takes(self, address: str, now: float) -> bool:
        """Whether a request of this address is taken, and count it where it is.

        Args:
            address: who asks.
            now: seconds that only grow.

        Returns:
            False where the address has used up its requests for now.
        """
        bucket = self._buckets.setdefault(address, _Bucket(tokens=self._size, filled_at=now))
        self._buckets.move_to_end(address)
        if len(self._buckets) > ADDRESSES:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._size, bucket.tokens + (now - bucket.filled_at) * self._rate)
        bucket.filled_at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


_LOG = logging.getLogger("graft.proxy")
_FLEET = re.compile(rb"/v1/fleet/[a-z]+(-[a-z]+)*")
HEALTH = b"/health"
_HOP_BY_HOP = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "trailers"),
    *("transfer-encoding", "upgrade", "host", "expect", "x-forwarded-for", "forwarded"),
}
"""headers that concern one connection alone (RFC 9110, 7.6.1), and those that a sender could lie with"""


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """What the proxy is made of."""

    engine: httpx.AsyncClient
    """its base URL is the engine's"""
    limit: RateLimit
    body_bytes: int
    now: Callable[[], float]
    releases: ReleaseDoor
    arrival: DoorLimits = field(default_factory=DoorLimits)

    def app(self) -> Starlette:
        """The application to be served."""
        return Starlette(routes=[Mount("/", app=_Endpoint(self._answer))])

    async def _answer(self, request: Request) -> Response:
        started, address = self.now(), request.client.host if request.client else "unknown"
        response = await self._judged(request, address)
        took = 1000 * (self.now() - started)
        _LOG.info("%s %s %s %d %.0f ms", address, request.method, _shown(request), response.status_code, took)
        return response

    async def _judged(self, request: Request, address: str) -> Response:
        """The rules, in order: too many requests; a file of releases; what is for the engine."""
        if not self.limit.takes(origin_of(address), self.now()):
            return PlainTextResponse("too many requests", 429, {"Retry-After": "1"})
        if request.method == "GET" and (file := self.releases.has(_raw_path(request))) and not request.url.query:
            return await self.releases.answer(file, request)
        return await self._from_engine(request)

    async def _from_engine(self, request: Request) -> Response:
        """The rules, in order: a path or method that does not pass; too large or slow a body."""
        if not _passes(request):
            return PlainTextResponse("not found", 404)
        length = length_of(request.headers.get("content-length", "0"))
        if length is None or length > self.body_bytes:
            return PlainTextResponse("the body is too large", 413)
        try:
            return await self._forwarded(request)
        except BodyTooLarge:
            return PlainTextResponse("the body is too large", 413)
        except BodyTooSlow:
            return PlainTextResponse("the body arrives too slowly", 408, {"Connection": "close"})
        except BodyCutOff:
            return PlainTextResponse("the sender is gone", 400)
        except httpx.HTTPError as error:
            _LOG.warning("the engine gave no answer: %s", type(error).__name__)
            return PlainTextResponse("the coordinator is starting", 503, {"Retry-After": "5"})

    async def _forwarded(self, request: Request) -> Response:
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
        taken = arriving(request.receive, self.arrival, self.body_bytes, self.now)
        body = taken if request.method == "POST" else None
        engine_request = self.engine.build_request(
            request.method, _raw_path(request).decode("ascii"), headers=headers, content=body
        )
        answer = await self.engine.send(engine_request, stream=True)
        answer_headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
        return StreamingResponse(_passed_on(answer), answer.status_code, answer_headers)


class _Endpoint:
    """A function of a request as an application, whatever the path and method."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._answer = answer

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)


def _passes(request: Request) -> bool:
    path = _raw_path(request)
    if request.url.query:
        return False
    return (request.method, path) == ("GET", HEALTH) or (request.method == "POST" and bool(_FLEET.fullmatch(path)))


def _raw_path(request: Request) -> bytes:
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode("utf-8")
    return raw.partition(b"?")[0]


def _shown(request: Request) -> str:
    """The path for the log: what a stranger sent stands there in plain letters and cut off."""
    return ascii(_raw_path(request)[:100])[2:-1]


async def _passed_on(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
