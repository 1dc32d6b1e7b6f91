"""The same service as HTTP and JSON, described by OpenAPI: shapes checked by pydantic, errors as status codes."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from client.recommender.growth import NewItem
from client.serving.front import Front
from client.serving.requests import (
    CATEGORIES,
    EXCLUSIONS,
    ID_LENGTH,
    ITEMS_AT_ONCE,
    LIST_LENGTH,
    MESSAGE_BYTES,
    REPORTS_AT_ONCE,
    REQUESTS_AT_ONCE,
    SESSION_LENGTH,
    TEXT_LENGTH,
    Counts,
    Feedback,
    FeedbackKind,
    ListAnswer,
    ListRequest,
    check_time,
)
from shared.errors import (
    GraftError,
    InvalidRequest,
    JournalError,
    NothingToRecommend,
    Overloaded,
    TooLate,
)

STATUS: dict[type[GraftError], int] = {
    InvalidRequest: 400,
    NothingToRecommend: 404,
    Overloaded: 429,
    TooLate: 504,
    JournalError: 503,
}
LOG = logging.getLogger(__name__)
_HTTP = "http"
_Id = Annotated[str, Field(min_length=1, max_length=ID_LENGTH)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RecommendBody(_Body):
    """A list for a user, for a session, for both, or for nobody in particular."""

    user: str = Field("", max_length=ID_LENGTH, description="Empty where he is not known.")
    session: list[_Id] = Field([], max_length=SESSION_LENGTH, description="His latest items, oldest first.")
    k: int = Field(10, ge=1, le=LIST_LENGTH)
    categories: list[str] = Field([], max_length=CATEGORIES, description="Only items of these; empty: all.")
    exclude: list[_Id] = Field([], max_length=EXCLUSIONS)
    diversity: float = Field(0.0, ge=0, le=1, description="Relevance given up for items that are less alike.")
    reasons: bool = Field(default=False, description="The history's part in each item; takes many times as long.")

    def request(self) -> ListRequest:
        """As the service takes it."""
        return ListRequest(
            user=self.user,
            session=tuple(self.session),
            k=self.k,
            categories=tuple(self.categories),
            exclude=tuple(self.exclude),
            diversity=self.diversity,
            reasons=self.reasons,
        )


class Part(BaseModel):
    """What a scorer, or an item of the history, adds to a score."""

    name: str
    adds: float


class Item(BaseModel):
    """An item of a list."""

    item: str
    title: str
    score: float
    scorers: list[Part]
    history: list[Part]


class RecommendAnswer(BaseModel):
    """A list, never empty."""

    items: list[Item]
    basis: str = Field(description="history, or popularity where nothing is known of the user")
    unknown_items: int
    head: str

    @classmethod
    def of(cls, answer: ListAnswer) -> "RecommendAnswer":
        """The service's answer."""
        items = [
            Item(
                item=one.item,
                title=one.title,
                score=one.score,
                scorers=[Part(name=name, adds=adds) for name, adds in one.scorers],
                history=[Part(name=name, adds=adds) for name, adds in one.history],
            )
            for one in answer.items
        ]
        return cls(items=items, basis=answer.basis, unknown_items=answer.unknown_items, head=answer.head)


class BatchBody(_Body):
    """Several lists."""

    requests: list[RecommendBody] = Field(min_length=1, max_length=REQUESTS_AT_ONCE)


class BatchEntry(BaseModel):
    """One of them, or why there is none."""

    reply: RecommendAnswer | None = None
    refusal: str | None = None


class BatchAnswer(BaseModel):
    """In the order of the requests."""

    entries: list[BatchEntry]


def _checked_time(value: float) -> float:
    """The value; raises ValueError, which pydantic tells the caller, for what is no time of an event."""
    try:
        check_time(value)
    except InvalidRequest as error:
        raise ValueError(str(error)) from None
    return value


class FeedbackEvent(_Body):
    """What a user did with an item."""

    event_id: _Id = Field(description="The caller's own; a second report under it changes nothing.")
    user: _Id
    item: _Id
    kind: FeedbackKind
    time: Annotated[float, AfterValidator(_checked_time)] | None = Field(
        None, description="Seconds since 1970, of the years 1990 to 2099; left out: now."
    )

    def event(self) -> Feedback:
        """As the service takes it."""
        when = time.time() if self.time is None else self.time
        return Feedback(event_id=self.event_id, user=self.user, item=self.item, kind=self.kind, time=when)


class FeedbackBody(_Body):
    """Durable when it is acknowledged."""

    events: list[FeedbackEvent] = Field(min_length=1, max_length=REPORTS_AT_ONCE)


class ItemBody(_Body):
    """A new item, or the new text of one that is there."""

    item: _Id
    text: str = Field(max_length=TEXT_LENGTH)
    category: str = Field("", max_length=ID_LENGTH)
    vector: list[float] = Field([], description="Where the platform's vectors are its own.")

    def new_item(self) -> NewItem:
        """As the service takes it."""
        return NewItem(item_id=self.item, text=self.text, category=self.category, vector=tuple(self.vector))


class ItemsBody(_Body):
    """In the lists when it is acknowledged."""

    items: list[ItemBody] = Field(min_length=1, max_length=ITEMS_AT_ONCE)


class ForgetBody(_Body):
    """A user whose id and events are removed."""

    user: _Id


class ReportAnswer(BaseModel):
    """What became of a report."""

    accepted: int = Field(description="Events taken, items added, or events removed.")
    repeated: int = Field(description="Were known already.")
    head: str

    @classmethod
    def of(cls, counts: Counts) -> "ReportAnswer":
        """The service's answer."""
        return cls(accepted=counts.accepted, repeated=counts.repeated, head=counts.head)


def seconds_left(
    graft_timeout_ms: Annotated[float | None, Header(gt=0, description="The request's deadline.")] = None,
) -> float | None:
    """What the caller leaves to the request; None where he names no deadline."""
    return None if graft_timeout_ms is None else graft_timeout_ms / 1000


Left = Annotated[float | None, Depends(seconds_left)]


class Gateway:
    """The paths, each in a thread of its own while it is worked on."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def known(self, authorization: Annotated[str, Header()] = "") -> None:
        """Refuses who has no token."""
        if self._front.tokens.caller(authorization) is None:
            raise HTTPException(401, "a token is needed: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})

    def health(self) -> dict[str, str]:
        """Whether it serves, and which head."""
        return {"status": "serving", "head": self._front.service.head}

    def metrics(self) -> Response:
        """For Prometheus."""
        return Response(self._front.metrics.text(), media_type="text/plain; version=0.0.4")

    def recommend(self, body: RecommendBody, left: Left) -> RecommendAnswer:
        """A list for a user, for a session, for both, or for nobody in particular."""
        return RecommendAnswer.of(self._front.recommend(body.request, _HTTP, left))

    def recommend_batch(self, body: BatchBody, left: Left) -> BatchAnswer:
        """Several lists; each entry has its own outcome."""
        found = self._front.recommend_batch(lambda: [one.request() for one in body.requests], _HTTP, left)
        return BatchAnswer(entries=[_batch_entry(one) for one in found])

    def feedback(self, body: FeedbackBody, left: Left) -> ReportAnswer:
        """What users did; durable when it is acknowledged, and counted once however often it is sent."""
        return ReportAnswer.of(self._front.report(lambda: [one.event() for one in body.events], _HTTP, left))

    def items(self, body: ItemsBody, left: Left) -> ReportAnswer:
        """New items, or new texts of items that are there; in the lists when it is acknowledged."""
        return ReportAnswer.of(self._front.upsert(lambda: [one.new_item() for one in body.items], _HTTP, left))

    def forget_user(self, body: ForgetBody, left: Left) -> ReportAnswer:
        """Remove a user's id and events from what the platform keeps for serving."""
        return ReportAnswer.of(self._front.forget(body.user, _HTTP, left))


def http_app(front: Front) -> FastAPI:
    """The application; every path but ``/v1/health`` and the description needs a token."""
    gateway = Gateway(front)
    app = FastAPI(title="Graft", version="1", description="What a platform recommends.", docs_url=None, redoc_url=None)
    token = [Depends(gateway.known)]
    app.get("/v1/health")(gateway.health)
    app.get("/metrics", dependencies=token, include_in_schema=False)(gateway.metrics)
    for work in (gateway.recommend, gateway.recommend_batch, gateway.feedback, gateway.items, gateway.forget_user):
        app.post(f"/v1/{work.__name__.replace('_', '-')}", dependencies=token)(work)
    app.add_exception_handler(GraftError, _refused)
    app.add_exception_handler(Exception, _failed)
    app.middleware("http")(_bounded)
    return app


def _batch_entry(outcome: ListAnswer | NothingToRecommend) -> BatchEntry:
    if isinstance(outcome, ListAnswer):
        return BatchEntry(reply=RecommendAnswer.of(outcome))
    return BatchEntry(refusal=str(outcome))


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 409)
    return JSONResponse({"detail": str(error)}, status)


async def _failed(_request: Request, error: Exception) -> JSONResponse:
    LOG.error("a request failed: %s", type(error).__name__)
    return JSONResponse({"detail": "the request failed; the platform's log says where"}, 500)


async def _bounded(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuses a body that is too long, or does not say how long it is, before it is read."""
    length = request.headers.get("content-length")
    if request.method == "POST" and (length is None or not length.isdigit()):
        return JSONResponse({"detail": "the header Content-Length is needed"}, 411)
    if length is not None and int(length) > MESSAGE_BYTES:
        return JSONResponse({"detail": f"the body must have at most {MESSAGE_BYTES} bytes"}, 413)
    return await go_on(request)
