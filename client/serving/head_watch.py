"""Whether another head was stored, to be served or tried, and taking it into service."""

import logging
import time
from collections.abc import Callable

from client.recommender.served_head import CHALLENGER, RECORD
from client.serving.front import SIDES, Front
from client.store.head_store import HeadStore

LOG = logging.getLogger(__name__)
RETRY_SECONDS = 10.0
"""Between two readings of one record that could not be read: it is large, and may be readable soon."""


class HeadWatch:
    """``served`` is the stamp of the record from before the service was opened with it."""

    def __init__(
        self,
        store: HeadStore,
        front: Front,
        served: tuple[int, int] | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._front, self._served, self._clock = store, front, served, clock
        self._failure: tuple[object, Exception, float] | None = None
        self._tried: tuple[int, int] | None = None

    def look(self) -> None:
        """Serve what the store holds now; raises what keeps it from that, and then the service goes on as before."""
        stamp = self._store.stamp(RECORD)
        if stamp == self._served:
            self._failure = None
            return
        if self._failure is not None and self._failure[0] == stamp and self._clock() < self._failure[2]:
            raise self._failure[1]
        try:
            name = self._front.service.swap()
        except Exception as error:
            self._failure = (stamp, error, self._clock() + RETRY_SECONDS)
            self._front.metrics.swapped("failed")
            raise
        self._served, self._failure, self._tried = stamp, None, None
        self._front.metrics.swapped("ok")
        LOG.info("serving head %s", name)

    def look_at_challenger(self) -> None:
        """Try what the store holds now, and end a duel that is won; raises what keeps it from that."""
        service = self._front.service
        stamp = self._store.stamp(CHALLENGER)
        if stamp != self._tried:
            name = service.challenge()
            self._tried = self._store.stamp(CHALLENGER)
            if name:
                LOG.info("trying head %s beside %s", name, service.head)
        if winner := service.settle():
            self._front.metrics.settled(winner)
            LOG.info("of head %s and its challenger, the winner is %s", service.head, SIDES[winner])
