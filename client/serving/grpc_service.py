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

from client.recommender.catalogue_update import NewItem
from client.serving.front import Call, Front
from client.serving.requests import MESSAGE_BYTES, Counts, Feedback, ListAnswer, ListRequest, feedback_kind
from client.serving.work_threads import Here, WorkThreads
from shared.errors import (
    CallerGone,
    CallersUnknown,
    ConfigError,
    GraftError,
    InvalidRequest,
    JournalError,
    NothingToRecommend,
    Overloaded,
    Shed,
    TooLate,
)
from shared.serving_api import recommend_pb2, recommend_pb2_grpc
from shared.system.door_limits import DoorLimits

STATUS: dict[type[GraftError], grpc.StatusCode] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    NothingToRecommend: grpc.StatusCode.NOT_FOUND,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Shed: grpc.StatusCode.UNAVAILABLE,
    TooLate: grpc.StatusCode.DEADLINE_EXCEEDED,
    CallerGone: grpc.StatusCode.CANCELLED,
    JournalError: grpc.StatusCode.UNAVAILABLE,
    CallersUnknown: grpc.StatusCode.UNAVAILABLE,
}
LATER = {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}
SERVICE = recommend_pb2.DESCRIPTOR.services_by_name["Recommender"].full_name
METHODS = {
    f"/{SERVICE}/{name}": label
    for name, label in {
        "Recommend": "recommend",
        "RecommendBatch": "recommend-batch",
        "ReportFeedback": "feedback",
        "UpsertItems": "upsert",
        "ForgetUser": "forget",
    }.items()
}
"""what the metrics call each of them"""
HEALTH_CHECK = f"/{health.SERVICE_NAME}/Check"
HEALTH_THREADS = 16
"""which no request of another kind has"""
SPARE = 64
"""threads beside those of the requests that are let in: for messages on their way"""
WATCH = "graft.watch."
"""before the name of a watch, as a service of the health check"""
DEGRADED = "graft-degraded"
"""trailing metadata of the health check"""
RETRY = (("retry-after", "1"),)
"""trailing metadata of a refusal after which the same request may be sent again"""
LOG = logging.getLogger(__name__)
_CANCEL_SECONDS = 2.0
"""What it takes to cancel the requests that are still there after their time."""

Reply = TypeVar("Reply")


class GrpcRecommender(recommend_pb2_grpc.RecommenderServicer):
    """Answers every method of the service."""

    def __init__(self, front: Front) -> None:
        self._front = front
        for method in METHODS.values():
            front.metrics.begins(method, "grpc")

    def Recommend(self, request: Any, context: Any) -> recommend_pb2.RecommendReply:  # noqa: N802
        """A list.

        Args:
            request: ``RecommendRequest`` of the protocol.
            context: of the call; a refusal ends it with a status.

        Returns:
            The list and what it rests on.
        """
        return _answered(
            context, lambda: _list_reply(self._front.recommend(lambda: _list_request(request), _call(context)))
        )

    def RecommendBatch(self, request: Any, context: Any) -> recommend_pb2.RecommendBatchReply:  # noqa: N802
        """Several lists.

        Args:
            request: ``RecommendBatchRequest`` of the protocol.
            context: of the call; a refusal of the whole batch ends it with a status.

        Returns:
            One entry a request, in their order: a list, or why there is none.
        """

        def work() -> recommend_pb2.RecommendBatchReply:
            answers = self._front.recommend_batch(lambda: list(map(_list_request, request.requests)), _call(context))
            return recommend_pb2.RecommendBatchReply(entries=[_batch_entry(answer) for answer in answers])

        return _answered(context, work)

    def ReportFeedback(self, request: Any, context: Any) -> recommend_pb2.ReportReply:  # noqa: N802
        """Feedback.

        Args:
            request: ``ReportFeedbackRequest`` of the protocol; an event without a time has come now.
            context: of the call; a refusal ends it with a status.

        Returns:
            What became of the events.
        """
        return _answered(
            context,
            lambda: _report_reply(self._front.report(lambda: list(map(_feedback, request.events)), _call(context))),
        )

    def UpsertItems(self, request: Any, context: Any) -> recommend_pb2.ReportReply:  # noqa: N802
        """New items.

        Args:
            request: ``UpsertItemsRequest`` of the protocol.
            context: of the call; a refusal ends it with a status.

        Returns:
            What became of the items.
        """
        return _answered(
            context,
            lambda: _report_reply(self._front.upsert(lambda: list(map(_new_item, request.items)), _call(context))),
        )

    def ForgetUser(self, request: Any, context: Any) -> recommend_pb2.ReportReply:  # noqa: N802
        """A user to forget.

        Args:
            request: ``ForgetUserRequest`` of the protocol.
            context: of the call; a refusal ends it with a status.

        Returns:
            How many events were removed.
        """
        return _answered(context, lambda: _report_reply(self._front.forget(lambda: request.user, _call(context))))


class _InThreads:
    """A behaviour that has threads of its own, as gRPC's own health service takes them."""

    def __init__(self, behaviour: Callable[..., Any], threads: ThreadPoolExecutor) -> None:
        self._behaviour = behaviour
        self.experimental_thread_pool = threads

    def __call__(self, request: Any, context: Any) -> Any:
        return self._behaviour(request, context)


class Arrivals:
    """Requests whose message has yet to come: each holds a thread meanwhile, so it is given up after a time."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._waiting: dict[Any, float] = {}

    def bounded(self, handler: Any, threads: ThreadPoolExecutor | None = None) -> Any:
        """The handler of one message, which takes it from a stream, since gRPC waits for ever for a single one.

        Args:
            handler: gRPC's, of a method of one message and one reply.
            threads: in which it runs; None: those of the server.

        Returns:
            The handler in its place; it refuses a request without a message as an invalid argument.
        """

        def behaviour(messages: Any, context: Any) -> Any:
            self._waiting[context] = self._clock() + self._seconds
            try:
                request = next(messages, None)
            finally:
                self._waiting.pop(context, None)
            if request is None:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the request has no message")
            return handler.unary_unary(request, context)

        return grpc.stream_unary_rpc_method_handler(
            behaviour if threads is None else _InThreads(behaviour, threads),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def look(self) -> None:
        """Give up those that are too late."""
        now = self._clock()
        for context, until in tuple(self._waiting.items()):
            if now >= until:
                context.cancel()


class Doorman(grpc.ServerInterceptor):
    """Refuses every call without a token that somebody has, or for which no thread is free, but for the health check.

    It waits for no message of what it refuses.
    """

    def __init__(self, front: Front, arrivals: Arrivals, threads: WorkThreads) -> None:
        self._front, self._arrivals, self._threads = front, arrivals, threads
        self._here = Here()
        self._health = ThreadPoolExecutor(HEALTH_THREADS, thread_name_prefix="grpc-health")

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """The call's own handler, or one that refuses.

        Args:
            continuation: gives the call's own handler.
            details: method and metadata of the call.

        Returns:
            The handler; None where the method is not there.
        """
        if details.method == HEALTH_CHECK:
            return self._arrivals.bounded(continuation(details), self._health)
        authorization = dict(details.invocation_metadata or ()).get("authorization", "")
        try:
            if not isinstance(authorization, str) or self._front.tokens.caller(authorization) is None:
                return self._refusal(_unknown)
            if details.method in METHODS and (self._threads.full or self._front.admission.full):
                self._front.turn_away(METHODS[details.method], "grpc")
        except GraftError as error:
            refused = error
            return self._refusal(lambda context: _refuse(context, refused))
        handler = continuation(details)
        return self._arrivals.bounded(handler) if handler is not None and handler.unary_unary else handler

    def _refusal(self, refuse: Callable[[Any], None]) -> Any:
        def behaviour(_messages: Any, context: Any) -> None:
            refuse(context)

        return grpc.stream_unary_rpc_method_handler(_InThreads(behaviour, self._here))


class _Health(health.HealthServicer):
    """As gRPC has it, and what fails now in the trailing metadata."""

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        troubles = self._front.health().troubles
        if troubles:
            summary = "; ".join(f"{name}: {why}" for name, why in troubles.items())
            context.set_trailing_metadata(((DEGRADED, summary.encode("ascii", "replace").decode("ascii")),))
        return super().Check(request, context)


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

    def __init__(self, front: Front, address: Address, arrival: DoorLimits) -> None:
        """Raises ConfigError where the port or the certificate cannot be used."""
        limits = front.admission.limits
        self._arrivals = Arrivals(arrival.header_seconds)
        threads = WorkThreads(limits.workers + limits.waiting + SPARE, "grpc")
        self._server = grpc.server(
            threads,
            interceptors=(Doorman(front, self._arrivals, threads),),
            options=(
                ("grpc.max_receive_message_length", MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),
                ("grpc.server_handshake_timeout_ms", int(1000 * arrival.header_seconds)),
            ),
        )
        self._front, self._health = front, _Health(front)
        recommend_pb2_grpc.add_RecommenderServicer_to_server(GrpcRecommender(front), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        self.port = self._bound(address)

    def start(self) -> None:
        """Answer from now on."""
        self._server.start()
        self._tell(health_pb2.HealthCheckResponse.SERVING)

    def look(self) -> None:
        """Tell the health service what stands, each watch under its own name; give up who sends too slowly."""
        self._arrivals.look()
        state = self._front.health()
        self._tell(_status(state.serving))
        for name in state.watched:
            self._health.set(f"{WATCH}{name}", _status(name not in state.troubles))

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


def _unknown(context: Any) -> None:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "a token is needed: authorization: Bearer TOKEN")


def _refuse(context: Any, error: GraftError) -> NoReturn:
    status = STATUS.get(type(error), grpc.StatusCode.FAILED_PRECONDITION)
    if status in LATER:
        context.set_trailing_metadata(RETRY)
    context.abort(status, str(error))
    raise error


def _call(context: Any) -> Call:
    return Call(protocol="grpc", seconds=context.time_remaining(), waits=context.is_active)


def _status(well: bool) -> Any:
    status = health_pb2.HealthCheckResponse
    return status.SERVING if well else status.NOT_SERVING


def _list_request(request: Any) -> ListRequest:
    return ListRequest(
        user=request.user,
        session=tuple(request.session),
        k=request.k or 10,
        categories=tuple(request.categories),
        exclude=tuple(request.exclude),
        diversity=request.diversity,
        reasons=request.reasons,
        basket=request.basket,
        as_of=request.as_of if request.HasField("as_of") else None,
    )


def _new_item(item: Any) -> NewItem:
    return NewItem(
        item_id=item.item,
        text=item.text,
        category=item.category,
        vector=tuple(item.vector),
        published=item.published or None,
    )


def _list_reply(answer: ListAnswer) -> recommend_pb2.RecommendReply:
    items = [
        recommend_pb2.Item(
            item=listed.item,
            title=listed.title,
            score=listed.score,
            scorers=[recommend_pb2.Part(name=name, adds=adds) for name, adds in listed.scorers],
            history=[recommend_pb2.Part(name=name, adds=adds) for name, adds in listed.history],
        )
        for listed in answer.items
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
    return recommend_pb2.ReportReply(
        accepted=counts.accepted,
        repeated_before=counts.repeated,
        head=counts.head,
        unknown_events=counts.unknown_events,
    )
