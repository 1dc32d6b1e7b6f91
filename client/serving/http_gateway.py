"""The same service as HTTP and JSON, described by OpenAPI; errors as status codes.

The loop reads what arrives and sends what is ready, and answers the health check; all else, from the first byte of JSON
on, is done by threads, once the caller's token is known.
"""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.types import ASGIApp, Receive, Scope, Send

from client.serving import http_shapes as shapes
from client.serving.front import Call, Front
from client.serving.http_bodies import read_body
from client.serving.requests import MESSAGE_BYTES, ListAnswer
from client.serving.start_page import page_paths
from client.serving.work_threads import WorkThreads
from shared.errors import (
    CallerGone,
    CallersUnknown,
    GraftError,
    InvalidRequest,
    JournalError,
    NothingToRecommend,
    Overloaded,
    RequestError,
    Shed,
    TooLate,
    Unreadable,
)
from shared.system.arrival import BodyCutOff, BodyTooLarge, BodyTooSlow, arriving, length_of
from shared.system.door_limits import DoorLimits
from shared.system.doorkeeper import ARRIVED

STATUS: dict[type[GraftError], int] = {
    Unreadable: 422,
    InvalidRequest: 400,
    NothingToRecommend: 404,
    Overloaded: 429,
    Shed: 503,
    TooLate: 504,
    CallersUnknown: 503,
    CallerGone: 499,
    JournalError: 503,
    BodyTooLarge: 413,
    BodyTooSlow: 408,
    BodyCutOff: 400,
}
"""the first that an error is one of"""
MEANINGS = {
    400: "a value of the body makes no sense, or the body ended early",
    401: "the token is missing or not known",
    404: "the request allows no item",
    408: "the body came too slowly",
    409: "the request and what is served do not fit",
    411: "the header Content-Length is missing",
    413: "the body is too large",
    422: "the body is not JSON of this shape",
    429: "too many requests wait: send it again after Retry-After",
    499: "the caller went away",
    500: "an error of the service; its log says more",
    503: "for now it cannot be done: send it again after Retry-After",
    504: "the deadline passed",
}
"""a status, in words"""
LATER = {429, 503}
"""answers after which the same request may be sent again"""
LOG = logging.getLogger(__name__)
SPARE = 8
"""threads beside those of the requests that are let in: they turn the others away"""
TIMEOUT = "Graft-Timeout-Ms"
_HTTP = "http"
_SCHEME = "bearer"
_NEEDS_TOKEN: dict[str, Any] = {"security": [{_SCHEME: []}]}
"""in the description of a path"""


@dataclass(frozen=True, kw_only=True)
class Work:
    """A path of the service."""

    name: str
    """of the path, and in its description"""
    method: str
    """in the metrics"""
    says: str
    takes: type[shapes.Body]
    example: dict[str, Any]
    """a body"""
    gives: type[BaseModel]
    done: Callable[[Front, Callable[[], Any], Call], BaseModel]
    """with a function that reads the body, which is to be called where there is a worker"""


def _recommend(front: Front, read: Callable[[], shapes.RecommendBody], call: Call) -> BaseModel:
    return shapes.RecommendAnswer.of(front.recommend(lambda: read().request(), call))


def _recommend_batch(front: Front, read: Callable[[], shapes.BatchBody], call: Call) -> BaseModel:
    answers = front.recommend_batch(lambda: [request.request() for request in read().requests], call)
    return shapes.BatchAnswer(entries=[_batch_entry(answer) for answer in answers])


def _feedback(front: Front, read: Callable[[], shapes.FeedbackBody], call: Call) -> BaseModel:
    return shapes.ReportAnswer.of(front.report(lambda: [event.event() for event in read().events], call))


def _items(front: Front, read: Callable[[], shapes.ItemsBody], call: Call) -> BaseModel:
    return shapes.ReportAnswer.of(front.upsert(lambda: [item.new_item() for item in read().items], call))


def _forget_user(front: Front, read: Callable[[], shapes.ForgetBody], call: Call) -> BaseModel:
    return shapes.ReportAnswer.of(front.forget(lambda: read().user, call))


WORKS = (
    Work(
        name="recommend",
        method="recommend",
        says="A list for a user, for a session, for both, or for nobody in particular.",
        takes=shapes.RecommendBody,
        example={"user": "u10", "k": 3, "reasons": True},
        gives=shapes.RecommendAnswer,
        done=_recommend,
    ),
    Work(
        name="recommend-batch",
        method="recommend-batch",
        says="Several lists; each entry has its own outcome.",
        takes=shapes.BatchBody,
        example={"requests": [{"user": "u10", "k": 3}, {"session": ["i7", "i9"], "k": 3}]},
        gives=shapes.BatchAnswer,
        done=_recommend_batch,
    ),
    Work(
        name="feedback",
        method="feedback",
        says="What users did; durable when it is acknowledged, and counted once however often it is sent.",
        takes=shapes.FeedbackBody,
        example={"events": [{"event_id": "e1", "user": "u10", "item": "i7", "kind": "clicked"}]},
        gives=shapes.ReportAnswer,
        done=_feedback,
    ),
    Work(
        name="items",
        method="upsert",
        says="New items, or new texts of items that are there; in the lists when it is acknowledged.",
        takes=shapes.ItemsBody,
        example={"items": [{"item": "i99", "text": "a lamp of oak", "category": "home"}]},
        gives=shapes.ReportAnswer,
        done=_items,
    ),
    Work(
        name="forget-user",
        method="forget",
        says="Remove a user's id and events from what the platform keeps for serving.",
        takes=shapes.ForgetBody,
        example={"user": "u10"},
        gives=shapes.ReportAnswer,
        done=_forget_user,
    ),
)


class Gateway:
    """The paths."""

    def __init__(self, front: Front, arrival: DoorLimits) -> None:
        limits = front.admission.limits
        self._front, self._arrival, self._usual = front, arrival, limits.seconds
        self._threads = WorkThreads(limits.workers + limits.waiting + SPARE, "http")
        for work in WORKS:
            front.metrics.begins(work.method, _HTTP)

    async def health(self, _request: Request) -> Response:
        """Whether it serves, with which head, and what fails."""
        health = self._front.health()
        status = "not-serving" if not health.serving else "degraded" if health.troubles else "serving"
        answer = shapes.HealthAnswer(
            status=status, head=health.head, since=health.since, troubles=dict(health.troubles)
        )
        return JSONResponse(answer.model_dump(), 200 if health.serving else 503)

    async def metrics(self, request: Request) -> Response:
        """For Prometheus."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        return Response(self._front.metrics.text(), media_type="text/plain; version=0.0.4")

    async def satisfaction(self, request: Request) -> Response:
        """What users make of their lists."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        return JSONResponse(shapes.SatisfactionAnswer.of(self._front.satisfaction).model_dump())

    def path(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        """The rules, in order: the token; the length; the body as it arrives; then a thread reads and works.

        Args:
            work: what the path takes, does and gives.

        Returns:
            What answers a request on the path.
        """

        async def answer(request: Request) -> Response:
            if (refusal := self._refusal(request)) is not None:
                return refusal
            try:
                timeout = seconds_left(request.headers.get(TIMEOUT))
                now = time.monotonic()
                seconds = self._usual if timeout is None else timeout
                seconds -= now - request.scope.get(ARRIVED, now)
                self._front.require_room(work.method, Call(protocol=_HTTP, seconds=seconds))
                content = await self._content(request)
            except RequestError as error:
                return refused(error)
            if content is None:
                return JSONResponse({"detail": "the header Content-Length is needed"}, 411)
            return await self._answered(work, request, content, seconds)

        return answer

    def _refusal(self, request: Request) -> Response | None:
        try:
            known = self._front.tokens.caller(request.headers.get("authorization", "")) is not None
        except CallersUnknown as error:
            return refused(error)
        if known:
            return None
        sentence = {"detail": "a token is needed: Authorization: Bearer TOKEN"}
        return JSONResponse(sentence, 401, {"WWW-Authenticate": "Bearer"})

    async def _content(self, request: Request) -> bytes | None:
        """None where its sender does not say how long it is."""
        length = length_of(request.headers.get("content-length"))
        if length is None:
            return None
        if length > MESSAGE_BYTES:
            raise BodyTooLarge(f"the body must have at most {MESSAGE_BYTES} bytes")
        parts = arriving(request.receive, self._arrival, MESSAGE_BYTES, time.monotonic)
        return b"".join([part async for part in parts])

    async def _answered(self, work: Work, request: Request, content: bytes, seconds: float) -> Response:
        """Worked on by a thread, which hears of it where the caller goes."""
        gone = threading.Event()
        watching = asyncio.create_task(_noticed(request, gone))
        task = partial(self._worked, work, content, time.monotonic() + seconds, gone)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, task)
        finally:
            watching.cancel()

    def _worked(self, work: Work, content: bytes, until: float, gone: threading.Event) -> Response:
        call = Call(protocol=_HTTP, seconds=until - time.monotonic(), waits=lambda: not gone.is_set())
        try:
            answer = work.done(self._front, lambda: read_body(work.takes, content), call)
            return Response(answer.model_dump_json(), media_type="application/json")
        except GraftError as error:
            return refused(error)
        except Exception as error:  # noqa: BLE001 (a caller's request ends no service)
            LOG.error("a request failed: %s", type(error).__name__)  # noqa: TRY400 (a traceback may hold what was asked)
            return JSONResponse({"detail": "the request failed; the platform's log says where"}, 500)


class QuickPaths:
    """An application that answers some paths itself, and leaves the rest to another.

    FastAPI takes half a millisecond for a request before its path has it: of a thousand that come at once, health would
    have to wait for all.
    """

    def __init__(
        self, paths: Mapping[tuple[str, str], Callable[[Request], Awaitable[Response]]], others: ASGIApp
    ) -> None:
        self._paths, self._others = paths, others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a path of one's own, or hand the request on."""
        path = self._paths.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if path is None:
            await self._others(scope, receive, send)
        else:
            response = await path(Request(scope, receive))
            await response(scope, receive, send)


def http_app(front: Front, arrival: DoorLimits | None = None) -> QuickPaths:
    """The application; every path but ``/v1/health``, the description and the pages needs a token.

    Args:
        front: what answers.
        arrival: how bodies may come; None: the usual limits.

    Returns:
        The application, for an ASGI server.
    """
    gateway = Gateway(front, arrival or DoorLimits())
    paths: dict[tuple[str, str], Callable[[Request], Awaitable[Response]]]
    paths = {("POST", f"/v1/{work.name}"): gateway.path(work) for work in WORKS}
    paths |= {("GET", "/v1/health"): gateway.health, ("GET", "/metrics"): gateway.metrics}
    paths |= {("GET", "/v1/satisfaction"): gateway.satisfaction}
    description = _description()
    return QuickPaths({**paths, **page_paths(description.openapi())}, description)


def _description() -> FastAPI:
    """What describes the paths, and answers whoever asks for another one."""
    app = FastAPI(title="Graft", version="1", description="What a platform recommends.", docs_url=None, redoc_url=None)
    unwell: dict[int | str, dict[str, Any]] = {503: {"model": shapes.HealthAnswer, "description": "It serves nobody."}}
    description = "Whether it serves, with which head, and what fails."
    app.get("/v1/health", response_model=shapes.HealthAnswer, description=description, responses=unwell)(_elsewhere)
    app.get(
        "/metrics",
        response_class=PlainTextResponse,
        description="Counts and times of requests, for Prometheus.",
        responses={code: _refusal_of(code) for code in (401, 503)},
        openapi_extra=_NEEDS_TOKEN,
    )(_elsewhere)
    app.get(
        "/v1/satisfaction",
        response_model=shapes.SatisfactionAnswer,
        description="What users made of their lists in the last four weeks, from feedback.",
        responses={code: _refusal_of(code) for code in (401, 503)},
        openapi_extra=_NEEDS_TOKEN,
    )(_elsewhere)
    for work in WORKS:
        app.post(
            f"/v1/{work.name}",
            response_model=work.gives,
            name=work.name,
            description=work.says,
            responses={code: _refusal_of(code) for code in sorted({*STATUS.values(), 401, 411, 500})},
            openapi_extra={**_taken(work), **_NEEDS_TOKEN},
        )(_elsewhere)
    app.openapi = partial(_described, app)  # type: ignore[method-assign]
    return app


def _refusal_of(code: int) -> dict[str, Any]:
    return {"model": shapes.Refusal, "description": MEANINGS[code]}


def _elsewhere() -> None:
    """Of a path that is described here and answered before."""


def seconds_left(text: str | None) -> float | None:
    """What the caller leaves to the request.

    Args:
        text: the header, in milliseconds; None where the request has none.

    Returns:
        Seconds; None where the caller names no deadline.

    Raises:
        Unreadable: if the text is no number of milliseconds above 0.
    """
    if text is None:
        return None
    try:
        milliseconds = float(text)
    except ValueError:
        milliseconds = math.nan
    if not 0 < milliseconds < math.inf:
        raise Unreadable(f"{TIMEOUT} must be a number of milliseconds above 0")
    return milliseconds / 1000


def refused(error: GraftError) -> JSONResponse:
    """The error's sentence under its status."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 409)
    return JSONResponse({"detail": str(error)}, status, {"Retry-After": "1"} if status in LATER else None)


def _batch_entry(outcome: ListAnswer | NothingToRecommend) -> shapes.BatchEntry:
    if isinstance(outcome, ListAnswer):
        return shapes.BatchEntry(reply=shapes.RecommendAnswer.of(outcome))
    return shapes.BatchEntry(refusal=str(outcome))


async def _noticed(request: Request, gone: threading.Event) -> None:
    """Of a request whose body is there, the next message is that its caller is gone."""
    await request.receive()
    gone.set()


def _taken(work: Work) -> dict[str, Any]:
    """The part of the description that says what a path takes, since a thread reads it and not FastAPI."""
    milliseconds = {"type": "number", "exclusiveMinimum": 0, "description": "The request's deadline."}
    body = {"$ref": f"#/components/schemas/{work.takes.__name__}"}
    return {
        "parameters": [{"name": TIMEOUT, "in": "header", "required": False, "schema": milliseconds}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body, "example": work.example}}},
    }


def _described(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    kinds = [(work.takes, "validation") for work in WORKS]
    _, taken = models_json_schema(kinds, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    document["components"]["schemas"] |= taken["$defs"]
    document["components"]["securitySchemes"] = {_SCHEME: {"type": "http", "scheme": _SCHEME}}
    return document
