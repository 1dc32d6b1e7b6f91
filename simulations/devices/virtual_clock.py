"""Time that passes as fast as a simulation works."""

from server.rounds.waiting import Clock


class VirtualClock:
    """Seconds that grow by what is slept.

    Args:
        now: where it starts, in seconds.
    """

    def __init__(self, now: float) -> None:
        self.seconds = now

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        """As the server's app takes it."""
        return Clock(now=lambda: self.seconds, sleep=self.sleep)
