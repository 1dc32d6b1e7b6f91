"""A caller of a platform's service, for Python programs: typed calls over HTTP, one connection kept open."""

import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from client.api.call_answers import Health, answered, counts_from, health_from, list_from, lists_from
from client.recommender.catalogue_update import NewItem
from client.serving.requests import Counts, Feedback, ListAnswer, ListRequest
from shared.errors import ConfigError, InvalidRequest, TooLate, Unreachable, os_error_as
from shared.system.host import is_loopback

Answer = TypeVar("Answer")


class Caller:
    """Calls ``graft-client serve``; close it, or use it in a ``with`` block. Threads may share one.

    Each call raises RequestError, by kind: InvalidRequest, NotAdmitted, NothingToRecommend, Overloaded, TooLate,
    Unavailable and, where nobody answers, Unreachable. Nothing of a refused call was done; after Overloaded and
    Unavailable the same call may be made again in a second.
    """

    def __init__(
        self, address: str, token: str, *, certificate: str | Path | None = None, seconds: float = 10.0
    ) -> None:
        """Open no connection yet.

        Args:
            address: of HTTP, ``HOST:PORT``, or a URL without a path.
            token: what ``graft-client token add`` printed.
            certificate: PEM file of the service's certificate, or of who signed it; None: what the machine trusts.
            seconds: how long a call may take.

        Raises:
            ConfigError: if the address is none, the certificate cannot be read, or the token would travel in the clear
                beyond this machine.
        """
        url = _url(address, secure=certificate is not None)
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {_checked(token)}"},
            verify=_trusted(certificate),
            timeout=seconds,
            trust_env=False,
        )

    def recommend(
        self,
        user: str = "",
        *,
        session: Sequence[str] = (),
        k: int = 10,
        categories: Sequence[str] = (),
        exclude: Sequence[str] = (),
        diversity: float = 0.0,
        reasons: bool = False,
        basket: bool = False,
        as_of: float | None = None,
    ) -> ListAnswer:
        """Ask for a list for a user, for a session, for both, or for nobody in particular.

        Args:
            user: their id; empty where they are not known.
            session: ids of their latest items, oldest first; at most 200.
            k: length of the list, at most 1,000.
            categories: only items of these; empty: all.
            exclude: ids of items that are not wanted.
            diversity: from 0 to 1, relevance given up for items that are less alike.
            reasons: whether the history's part in each item is wanted; takes many times as long.
            basket: whether the session is a basket, and wanted is what goes with all of it.
            as_of: seconds since 1970, past: the list as it was given then.

        Returns:
            The list, never empty, the best item first.

        Raises:
            RequestError: by kind, as the class says.
        """
        wish = ListRequest(
            user=user,
            session=tuple(session),
            k=k,
            categories=tuple(categories),
            exclude=tuple(exclude),
            diversity=diversity,
            reasons=reasons,
            basket=basket,
            as_of=as_of,
        )
        return self._post("recommend", asdict(wish), list_from)

    def recommend_batch(self, requests: Iterable[ListRequest]) -> list[ListAnswer | InvalidRequest]:
        """Ask for up to 100 lists; each entry is the list, or why there is none. Raises RequestError."""
        return self._post("recommend-batch", {"requests": [asdict(request) for request in requests]}, lists_from)

    def feedback(self, events: Iterable[Feedback]) -> Counts:
        """Report what users did; on disk when this returns, and counted once however often it is sent.

        Raises RequestError; then the same events may be sent again.
        """
        return self._post("feedback", {"events": [asdict(event) for event in events]}, counts_from)

    def items(self, items: Iterable[NewItem]) -> Counts:
        """Add items, or new texts of items that are there; they are in the lists when this returns.

        Raises RequestError.
        """
        return self._post("items", {"items": [_item(item) for item in items]}, counts_from)

    def forget_user(self, user: str) -> Counts:
        """Remove a user's id and events from what the platform keeps for serving. Raises RequestError."""
        return self._post("forget-user", {"user": user}, counts_from)

    def health(self) -> Health:
        """How the service is, also where it serves nobody; needs no token. Raises RequestError."""
        response = self._sent("GET", "health")
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE and "troubles" in response.text:
            response.status_code = httpx.codes.OK
        return answered(response, health_from)

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _post(self, name: str, body: dict[str, Any], read: Callable[[Any], Answer]) -> Answer:
        return answered(self._sent("POST", name, body), read)

    def _sent(self, method: str, name: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            return self._http.request(method, f"/v1/{name}", json=body)
        except httpx.TimeoutException as error:
            raise TooLate(f"{self._http.base_url}: no answer within {self._http.timeout.read:g} seconds") from error
        except httpx.HTTPError as error:
            raise Unreachable(f"{self._http.base_url}: no service answers there ({error})") from error
        except (ValueError, UnicodeError) as error:
            raise InvalidRequest(f"expected numbers that are finite and texts that are UTF-8; {error}") from error


def _item(item: NewItem) -> dict[str, Any]:
    values = asdict(item)
    return {"item": values.pop("item_id"), **values}


def _url(address: str, *, secure: bool) -> httpx.URL:
    """The service's URL; raises ConfigError for what is none, or would send the token in the clear to elsewhere."""
    given = address if "://" in address else f"{'https' if secure else 'http'}://{address}"
    try:
        url = httpx.URL(given)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.path not in ("", "/") or url.query or url.userinfo:
        raise ConfigError(f"expected an address HOST:PORT or a URL without a path; got {address!r}")
    if url.scheme == "http" and (secure or not is_loopback(url.host)):
        raise ConfigError(f"expected https for {address!r}: over http others could read the token")
    return url


def _checked(token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError("expected a token as graft-client token add prints it; got another text")
    return token


def _trusted(certificate: str | Path | None) -> ssl.SSLContext | bool:
    if certificate is None:
        return True
    with os_error_as(ConfigError, f"{certificate}: the certificate cannot be read"):
        try:
            return ssl.create_default_context(cafile=str(certificate))
        except ssl.SSLError as error:
            raise ConfigError(f"{certificate}: expected a certificate as PEM, found none") from error
