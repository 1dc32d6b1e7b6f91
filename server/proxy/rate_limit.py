"""How often one address may ask: a token bucket each (RFC 2697 describes the idea)."""

from collections import OrderedDict
from dataclasses import dataclass

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
        """Whether a request of this address is taken at this time (seconds that only grow)."""
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
