"""The gRPC service: messages to requests and back, errors to status codes, tokens, health and reflection."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from client.recommender.growth import NewItem
from client.serving.front import Front
from client.serving.requests import MESSAGE_BYTES, Counts, Feedback, ListAnswer, ListRequest, feedback_kind
from client.serving.tokens import Tokens
from shared.errors import (
    ConfigError,
    GraftError,
    InvalidRequest,
    JournalError,
    NothingToRecommend,
    Overloaded,
    TooLate,
)
from shared.serving_api import recommend_pb2, recommend_pb2_grpc

STATUS: dict[type[GraftError], grpc.StatusCode] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    NothingToRecommend: grpc.StatusCode.NOT_FOUND,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    TooLate: grpc.StatusCode.DEADLINE_EXCEEDED,
    JournalError: grpc.StatusCode.UNAVAILABLE,
}
SERVICE = recommend_pb2.DESCRIPTOR.services_by_name["Recommender"].full_name
HEALTH_CHECK = f"/{health.SERVICE_NAME}/Check"
LOG = logging.getLogger(__name__)
_CANCEL_SECONDS = 2.0
"""What it takes to cancel the requests that are still there after their time."""

Reply = TypeVar("Reply")


class GrpcRecommender(recommend_pb2_grpc.RecommenderServicer):
    """Answers every method of the service."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def Recommend(self, request: Any, context: Any) -> recommend_pb2.RecommendReply:  # noqa: N802
        """A list."""
        return _answered(
            context,
            lambda: _list_reply(self._front.recommend(lambda: _list_request(request), "grpc", _left(context))),
        )

    def RecommendBatch(self, request: Any, context: Any) -> recommend_pb2.RecommendBatchReply:  # noqa: N802
        """Several lists."""

        def work() -> recommend_pb2.RecommendBatchReply:
            wanted = [_list_request(one) for one in request.requests]
            found = self._front.recommend_batch(lambda: wanted, "grpc", _left(context))
            return recommend_pb2.RecommendBatchReply(entries=[_batch_entry(one) for one in found])

        return _answered(context, work)

    def ReportFeedback(self, request: Any, context: Any) -> recommend_pb2.ReportReply:  # noqa: N802
        """Feedback."""
        return _answered(
            context,
            lambda: _report_reply(
                self._front.report(lambda: [_feedback(one) for one in request.events], "grpc", _left(context))
            ),
        )

    def UpsertItems(self, request: Any, context: Any) -> recommend_pb2.ReportReply:  # noqa: N802
        """New items."""
        return _answered(
            context,
            lambda: _report_reply(
                self._front.upsert(
                    lambda: [
                        NewItem(item_id=one.item, text=one.text, category=one.category, vector=tuple(one.vector))
                        for one in request.items
                    ],
                    "grpc",
                    _left(context),
                )
            ),
        )

    def ForgetUser(self, request: Any, context: Any) -> recommend_pb2.ReportReply:  # noqa: N802
        """A user to forget."""
        return _answered(context, lambda: _report_reply(self._front.forget(request.user, "grpc", _left(context))))


class TokenInterceptor(grpc.ServerInterceptor):
    """Refuses every call without a token that somebody has, but for the health check."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._refused = grpc.unary_unary_rpc_method_handler(_refuse_caller)

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """The call's own handler, or one that refuses."""
        if details.method == HEALTH_CHECK:
            return continuation(details)
        given = dict(details.invocation_metadata or ()).get("authorization", "")
        if not isinstance(given, str) or self._tokens.caller(given) is None:
            return self._refused
        return continuation(details)


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a protocol listens."""

    host: str
    port: int
    """0 takes a free one"""
    certificate: bytes = b""
    """PEM; empty without TLS"""
    key: bytes = b""


class GrpcServer:
    """The service on the network."""

    def __init__(self, front: Front, address: Address) -> None:
        """Raises ConfigError where the port or the certificate cannot be used."""
        limits = front.admission.limits
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=limits.workers + limits.waiting + 2, thread_name_prefix="grpc"),
            interceptors=(TokenInterceptor(front.tokens),),
            options=(("grpc.max_receive_message_length", MESSAGE_BYTES), ("grpc.so_reuseport", 0)),
        )
        self._health = health.HealthServicer()
        recommend_pb2_grpc.add_RecommenderServicer_to_server(GrpcRecommender(front), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        self.port = self._bound(address)

    def start(self) -> None:
        """Answer from now on."""
        self._server.start()
        self._tell(health_pb2.HealthCheckResponse.SERVING)

    def stop(self, grace: float) -> None:
        """Take no new request; those under way have ``grace`` seconds, and no connection holds it up for longer."""
        self._tell(health_pb2.HealthCheckResponse.NOT_SERVING)
        self._server.stop(grace).wait(grace + _CANCEL_SECONDS)

    def _tell(self, status: Any) -> None:
        for name in ("", SERVICE):
            self._health.set(name, status)

    def _bound(self, address: Address) -> int:
        where = f"{address.host}:{address.port}"
        try:
            if not address.certificate:
                return int(self._server.add_insecure_port(where))
            pair = ((address.key, address.certificate),)
            return int(self._server.add_secure_port(where, grpc.ssl_server_credentials(pair)))
        except (RuntimeError, ValueError) as error:
            raise ConfigError(f"the gRPC service cannot listen on {where}; is the port taken?") from error


def _answered(context: Any, work: Callable[[], Reply]) -> Reply:
    try:
        return work()
    except GraftError as error:
        _refuse(context, error)
    except Exception as error:
        LOG.error("a request failed: %s", type(error).__name__)  # noqa: TRY400 (a traceback may hold what was asked)
        context.abort(grpc.StatusCode.INTERNAL, "the request failed; the platform's log says where")
        raise


def _refuse(context: Any, error: GraftError) -> NoReturn:
    context.abort(STATUS.get(type(error), grpc.StatusCode.FAILED_PRECONDITION), str(error))
    raise error


def _refuse_caller(_request: Any, context: Any) -> None:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "a token is needed: authorization: Bearer TOKEN")


def _left(context: Any) -> float | None:
    remaining: float | None = context.time_remaining()
    return remaining


def _list_request(request: Any) -> ListRequest:
    return ListRequest(
        user=request.user,
        session=tuple(request.session),
        k=request.k or 10,
        categories=tuple(request.categories),
        exclude=tuple(request.exclude),
        diversity=request.diversity,
        reasons=request.reasons,
    )


def _list_reply(answer: ListAnswer) -> recommend_pb2.RecommendReply:
    items = [
        recommend_pb2.Item(
            item=one.item,
            title=one.title,
            score=one.score,
            scorers=[recommend_pb2.Part(name=name, adds=adds) for name, adds in one.scorers],
            history=[recommend_pb2.Part(name=name, adds=adds) for name, adds in one.history],
        )
        for one in answer.items
    ]
    return recommend_pb2.RecommendReply(
        items=items, basis=answer.basis, unknown_items=answer.unknown_items, head=answer.head
    )


def _batch_entry(outcome: ListAnswer | NothingToRecommend) -> recommend_pb2.BatchEntry:
    if isinstance(outcome, ListAnswer):
        return recommend_pb2.BatchEntry(reply=_list_reply(outcome))
    return recommend_pb2.BatchEntry(refusal=str(outcome))


def _feedback(event: Any) -> Feedback:
    kind = feedback_kind(event.kind)
    when = event.time or time.time()
    return Feedback(event_id=event.event_id, user=event.user, item=event.item, kind=kind, time=when)


def _report_reply(counts: Counts) -> recommend_pb2.ReportReply:
    return recommend_pb2.ReportReply(accepted=counts.accepted, repeated_before=counts.repeated, head=counts.head)
