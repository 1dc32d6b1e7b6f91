"""What a service answers over HTTP, as typed values, and its refusals as one tree of errors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from client.serving.requests import Counts, ListAnswer, ListedItem
from shared.errors import (
    InvalidRequest,
    NotAdmitted,
    NothingToRecommend,
    Overloaded,
    RequestError,
    TooLate,
    Unavailable,
)

Answer = TypeVar("Answer")
_REFUSALS: dict[int, type[RequestError]] = {
    400: InvalidRequest,
    401: NotAdmitted,
    404: NothingToRecommend,
    408: TooLate,
    413: InvalidRequest,
    422: InvalidRequest,
    429: Overloaded,
    503: Unavailable,
    504: TooLate,
}
_LONGEST = 300
"""Characters of a refusal that are quoted."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """How a service is."""

    status: str
    """``serving``, ``degraded`` or ``not-serving``"""
    head: str
    """which head is served"""
    troubles: dict[str, str]
    """what fails now, and why; empty where all is well"""


def answered(response: httpx.Response, read: Callable[[Any], Answer]) -> Answer:
    """What a service answered.

    Args:
        response: of the service.
        read: makes the answer of its JSON.

    Returns:
        What ``read`` gives.

    Raises:
        RequestError: if the service refused, or it is no answer of ours.
    """
    if response.status_code != httpx.codes.OK:
        raise _refusal(response)
    try:
        return read(response.json())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RequestError(
            f"expected an answer of graft-client serve from {response.url}, found another one"
        ) from error


def _refusal(response: httpx.Response) -> RequestError:
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError, RecursionError):
        detail = "no reason was given"
    said = detail if isinstance(detail, str) else str(detail)
    kind = _REFUSALS.get(response.status_code, RequestError)
    return kind(f"{response.url} answered {response.status_code}: {said[:_LONGEST]}")


def list_from(values: Any) -> ListAnswer:
    """A list; raises KeyError or TypeError for anything else."""
    items = tuple(
        ListedItem(
            item=str(item["item"]),
            title=str(item["title"]),
            score=float(item["score"]),
            scorers=_parts(item["scorers"]),
            history=_parts(item["history"]),
        )
        for item in values["items"]
    )
    return ListAnswer(
        items=items, basis=str(values["basis"]), unknown_items=int(values["unknown_items"]), head=str(values["head"])
    )


def _parts(values: Any) -> tuple[tuple[str, float], ...]:
    return tuple((str(part["name"]), float(part["adds"])) for part in values)


def lists_from(values: Any) -> list[ListAnswer | InvalidRequest]:
    """Of a batch: each list, or why there is none."""
    return [
        InvalidRequest(str(entry["refusal"])) if entry["reply"] is None else list_from(entry["reply"])
        for entry in values["entries"]
    ]


def counts_from(values: Any) -> Counts:
    """What became of a report."""
    return Counts(
        accepted=int(values["accepted"]),
        repeated=int(values["repeated"]),
        head=str(values["head"]),
        unknown_events=tuple(map(str, values["unknown_events"])),
    )


def health_from(values: Any) -> Health:
    """How the service is."""
    troubles = {str(name): str(reason) for name, reason in values["troubles"].items()}
    return Health(status=str(values["status"]), head=str(values["head"]), troubles=troubles)
