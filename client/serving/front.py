"""What both protocols do alike: a request is admitted, measured, answered; who calls is known by his token."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from client.recommender.growth import NewItem
from client.serving.admission import Admission, Limits
from client.serving.metrics import ServingMetrics
from client.serving.requests import REQUESTS_AT_ONCE, Counts, Feedback, ListAnswer, ListRequest, check_count
from client.serving.service import RecommendService
from client.serving.tokens import Tokens
from shared.errors import NothingToRecommend

Result = TypeVar("Result")


class Front:
    """The service behind its door. ``protocol`` is for the metrics; ``seconds`` are left to the request."""

    def __init__(self, service: RecommendService, tokens: Tokens, limits: Limits) -> None:
        self.service, self.tokens = service, tokens
        self.admission = Admission(limits)
        self.metrics = ServingMetrics(self.admission)

    def recommend(self, request: Callable[[], ListRequest], protocol: str, seconds: float | None) -> ListAnswer:
        """Raises RequestError where there is no list."""
        return self._done("recommend", protocol, seconds, lambda: self.service.recommend(request()))

    def recommend_batch(
        self, requests: Callable[[], Sequence[ListRequest]], protocol: str, seconds: float | None
    ) -> list[ListAnswer | NothingToRecommend]:
        """Each request's list, or why there is none."""

        def work() -> list[ListAnswer | NothingToRecommend]:
            wanted = requests()
            check_count("requests", len(wanted), REQUESTS_AT_ONCE, 1)
            return [self._listed(one) for one in wanted]

        return self._done("recommend-batch", protocol, seconds, work)

    def report(self, events: Callable[[], Sequence[Feedback]], protocol: str, seconds: float | None) -> Counts:
        """Feedback, durable on return."""
        return self._counted("feedback", protocol, seconds, lambda: self.service.report(events()))

    def upsert(self, items: Callable[[], Sequence[NewItem]], protocol: str, seconds: float | None) -> Counts:
        """Items, in the lists on return."""
        return self._counted("upsert", protocol, seconds, lambda: self.service.upsert(items()))

    def forget(self, user: str, protocol: str, seconds: float | None) -> Counts:
        """A user's events, gone on return."""
        return self._counted("forget", protocol, seconds, lambda: self.service.forget(user))

    def _listed(self, request: ListRequest) -> ListAnswer | NothingToRecommend:
        try:
            return self.service.recommend(request)
        except NothingToRecommend as refusal:
            return refusal

    def _counted(self, method: str, protocol: str, seconds: float | None, work: Callable[[], Counts]) -> Counts:
        counts = self._done(method, protocol, seconds, work)
        self.metrics.reported(method, counts)
        return counts

    def _done(self, method: str, protocol: str, seconds: float | None, work: Callable[[], Result]) -> Result:
        with self.metrics.measured(method, protocol), self.admission.enter(seconds):
            return work()
