"""Messages to platforms, and what comes back until a deadline.

A platform whose process ended may have taken a message and lost it. Flower says so where it sees the platform offline;
it asks only while somebody waits, so a platform that is back at once is never seen offline, and its message is waited
for until the deadline. Here a platform that became active anew counts as having lost what it had not answered.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from flwr.proto.node_pb2 import NodeInfo
from flwr.serverapp import Grid

POLL_SECONDS = 1.0
"""between two looks for replies; Flower's own way is 3"""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time, passed in: seconds that only grow, and waiting."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, kw_only=True)
class Addressee:
    """Whom a message went to."""

    platform: str
    node: int


@dataclass(eq=False, kw_only=True)
class Waiting:
    """Whose replies are waited for."""

    grid: Grid
    clock: Clock
    until: float
    """by the clock, when waiting ends"""
    awaited: dict[str, Addressee]
    """by message id"""
    active: Mapping[int, str]
    """node id to when it last became active, as it was before the messages left; empty: nobody asks who restarted"""
    restarted: list[str] = field(default_factory=list)
    """platforms that became active anew and had not answered"""
    looks: int = 0

    def goes_on(self) -> bool:
        """Whether to look for replies again: at once the first time, then after a while; False where it is over."""
        if self.looks and self.active:
            self._leave_out_restarted()
        if not self.awaited or (self.looks and self.clock.now() >= self.until):
            return False
        if self.looks:
            self.clock.sleep(POLL_SECONDS)
        self.looks += 1
        return True

    def answered(self, message: str) -> str:
        """Whose reply has come; nobody is waited for to that message any more.

        Args:
            message: id of the message that it is a reply to.

        Returns:
            Name of the platform; empty where nobody waits for it.
        """
        addressee = self.awaited.pop(message, None)
        return "" if addressee is None else addressee.platform

    def _leave_out_restarted(self) -> None:
        now_active = activations(self.grid.get_nodes()) if self.awaited else {}
        for message, addressee in list(self.awaited.items()):
            before = self.active.get(addressee.node)
            if now_active.get(addressee.node, before) != before:
                self.restarted.append(self.awaited.pop(message).platform)


def activations(nodes: Iterable[NodeInfo]) -> dict[int, str]:
    """Node id to when it last became active."""
    return {int(node.node_id): node.last_activated_at for node in nodes}
