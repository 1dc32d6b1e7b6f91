"""The guard before pages of ours: which requests they take, and what a browser may do with the answers.

The rules, in order: a Host header that names this server, so that no page of somebody else's reaches it under a name
that was made to point here (DNS rebinding); GET and HEAD alone; then the headers that keep scripts, frames and caches
out, whatever the page says.
"""

from collections.abc import Collection, Iterable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
METHODS = ("GET", "HEAD")
_POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "connect", "img")),
        *(f"{kind} 'none'" for kind in ("base-uri", "form-action", "frame-ancestors")),
    )
)
SECURITY_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class PageGuard:
    """An application that answers only what the rules let through."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        """Guard an application.

        Args:
            app: answers what is let through.
            names: hosts under which it is reached, addresses without brackets.
        """
        self._app, self._names = app, frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_raw(SECURITY_HEADERS)]
            await send(message)

        await (_refusal(scope, self._names) or self._app)(scope, receive, secured)


def host_of(header: str) -> str:
    """The host of a Host header, in small letters, without port and brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def _refusal(scope: MutableMapping[str, Any], names: Collection[str]) -> ASGIApp | None:
    hosts = Headers(scope=scope).getlist("host")
    if len(hosts) != 1 or host_of(hosts[0]) not in names:
        return PlainTextResponse("this server is not called by that name", 421)
    if scope["method"] not in METHODS:
        return PlainTextResponse("this page is only read", 405, {"Allow": ", ".join(METHODS)})
    return None


def _raw(headers: MutableMapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
